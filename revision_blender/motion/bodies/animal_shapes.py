"""The named animals of the bundled quadruped: which shape coefficients make a dog, a cat, a horse or a cow.

The coefficients are kept in the body's own file, beside the components that they belong to.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BodyModelError
from .body_file import body_facts

OPEN_QUADRUPED = Path(__file__).parents[2] / "data" / "open_quadruped.npz"
# Height of the withers in metres of a common animal of each kind: the model's animals are all of one size.
TRUE_WITHERS = {
    "dog": 0.6, "cat": 0.25, "horse": 1.6, "cow": 1.4, "hound": 0.58, "greyhound": 0.72, "bulldog": 0.38, "dachshund": 0.23,
}  # fmt: skip


@cache
def _named(path: Path) -> dict[str, tuple[float, ...]]:
    figures = body_facts(path).get("figures", {})
    return {key[6:]: tuple(float(v) for v in str(value).split()) for key, value in figures.items() if key.startswith("betas_")}


def animal_names(path: Path = OPEN_QUADRUPED) -> tuple[str, ...]:
    """The animals that the body file at ``path`` names, the main kinds first."""
    return tuple(_named(path))


def animal_betas(name: str, path: Path = OPEN_QUADRUPED) -> NDArray[np.float64]:
    """``(41,)`` shape coefficients of the animal ``name``; ``BodyModelError`` for one that the file does not name."""
    named = _named(path)
    if name not in named:
        raise BodyModelError(f"the animal {name!r} is not known; known are {', '.join(named)}")
    return np.array(named[name])
