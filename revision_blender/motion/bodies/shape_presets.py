"""Named shapes that a body file brings along: the open quadruped's dog, cat, horse and cow."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .body_file import body_facts
from .shelf import BodyShelf

_PREFIX = "betas_"


def presets_in(path: Path) -> dict[str, NDArray[np.float64]]:
    """Betas by name that the body file at ``path`` names, those that are finite; ``BodyModelError`` as ``body_facts``."""
    figures = body_facts(path).get("figures")
    named = figures.items() if isinstance(figures, dict) else ()
    found = {key.removeprefix(_PREFIX): _numbers(str(text)) for key, text in named if key.startswith(_PREFIX)}
    return {name: betas for name, betas in found.items() if np.isfinite(betas).all()}


def _numbers(text: str) -> NDArray[np.float64]:
    try:
        return np.array(text.split(), dtype=np.float64)
    except ValueError:
        return np.array([np.nan])


def shape_presets(shelf: BodyShelf, body: str) -> dict[str, NDArray[np.float64]]:
    """Betas ``(B,)`` by name; none for a body without presets. Raises BodyModelError where the body is not on the shelf."""
    path = shelf.path_of(body)
    stamp = path.stat() if path.is_file() else None
    wanted = shelf.load(body).n_betas
    named = _kept(path, stamp.st_mtime_ns if stamp is not None else 0)
    return {name: betas for name, betas in named.items() if betas.shape == (wanted,)}


@lru_cache(maxsize=8)
def _kept(path: Path, _modified: int) -> dict[str, NDArray[np.float64]]:
    """Blender asks at every redraw of a dialog; the time of change is part of the key only."""
    return presets_in(path)
