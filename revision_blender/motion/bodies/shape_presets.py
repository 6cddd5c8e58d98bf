"""Named shapes that a body file brings along: the open quadruped's dog, cat, horse and cow."""

import numpy as np
from numpy.typing import NDArray

from .shelf import BodyShelf

_PREFIX = "betas_"


def shape_presets(shelf: BodyShelf, body: str) -> dict[str, NDArray[np.float64]]:
    """Betas ``(B,)`` by name; none for a body without presets. Raises BodyModelError where the body is not on the shelf."""
    figures = shelf.facts(body).get("figures")
    named = figures.items() if isinstance(figures, dict) else ()
    found = {key.removeprefix(_PREFIX): np.array(str(text).split(), dtype=np.float64) for key, text in named if key.startswith(_PREFIX)}
    wanted = shelf.load(body).n_betas
    return {name: betas for name, betas in found.items() if betas.shape == (wanted,) and np.isfinite(betas).all()}
