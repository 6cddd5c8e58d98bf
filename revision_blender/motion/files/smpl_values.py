"""Values of the SMPL family as motion files have them, checked and brought to a clip's: matrices, one shape, a body's name."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from ..rotation import matrix_from_axis_angle
from .motion_file import DEFAULT_FPS, ReadOptions

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.float64]

GENDERS = ("neutral", "male", "female")
MAX_BETAS = 1024
_FAR = 1e5  # metres, radians and shape components alike: far above any motion, far below overflow
_FRAMES_AT_ONCE = 2048  # bounds the memory of the conversion to matrices
_STILL = 1e-3  # in a shape component: below this a shape does not change


def numbers(value: Any, what: str, path: Path, *shape: int | None) -> Array:
    """``value`` as float64 of that shape (None: any extent); ``MotionFileError`` where it is another thing or not finite."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise MotionFileError(f"{path.name}: {what} is not an array of numbers; make the file again or choose another one")
    fits = value.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, value.shape, strict=True))
    if not fits:
        wanted = ", ".join("any" if extent is None else str(extent) for extent in shape)
        raise MotionFileError(f"{path.name}: {what} has shape {value.shape}; ({wanted}) is needed")
    found = value.astype(np.float64, copy=False)
    if found.size and not (found.max() <= _FAR and found.min() >= -_FAR):  # also where there is a NaN
        raise MotionFileError(f"{path.name}: {what} holds numbers that are not finite or above {_FAR:g}; make the file again")
    return found


def matrices(axis_angle: Array) -> Array:
    """``(F, J, 3)`` axis times angle to ``(F, J, 3, 3)``, a part at a time."""
    turned = np.empty((*axis_angle.shape, 3))
    for start in range(0, len(axis_angle), _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        turned[part] = matrix_from_axis_angle(axis_angle[part])
    return turned


def checked_matrices(rotations: Array, what: str, path: Path) -> Array:
    """``(..., 3, 3)`` made exactly orthonormal where they are nearly so (they come as float32); else ``MotionFileError``."""
    off = np.abs(np.swapaxes(rotations, -1, -2) @ rotations - np.eye(3)).max(initial=0.0)
    if off > 1e-2 or (np.linalg.det(rotations) < 0.0).any():
        raise MotionFileError(f"{path.name}: {what} are no rotations (off by {off:.2g}); make the file again")
    half = 1.5 * np.eye(3)  # two steps of Newton's iteration for the nearest rotation
    for _ in range(2):
        rotations = rotations @ (half - 0.5 * np.swapaxes(rotations, -1, -2) @ rotations)
    return rotations


def one_shape(betas: Array, path: Path, weights: Array | None = None) -> tuple[Array, tuple[str, ...]]:
    """Shape components ``(B,)`` of a body from ``(B,)`` or from one row a frame ``(F, B)``, and what there is to say about it."""
    if betas.shape[-1] > MAX_BETAS:
        raise MotionFileError(f"{path.name}: a shape of {betas.shape[-1]} components is no body's; at most {MAX_BETAS} are read")
    if betas.ndim == 1:
        return betas, ()
    if len(betas) == 0:
        return np.zeros(betas.shape[1]), ()
    total = 0.0 if weights is None else float(weights.sum())
    shape = betas.mean(axis=0) if weights is None or total <= 0.0 else weights @ betas / total
    spread = float(betas.std(axis=0).max(initial=0.0))
    if spread < _STILL:
        return shape, ()
    return shape, (f"The shape changes from frame to frame (by {spread:.2g} in a component); its mean is used.",)


def fitted_shape(betas: Array, model: str, shelf: "BodyShelf") -> tuple[Array, tuple[str, ...]]:
    """As many components as the body takes, where it is installed; says how many are left out."""
    if not shelf.has(model):
        return betas, ()
    taken = shelf.load(model).n_betas
    if len(betas) <= taken or not np.abs(betas[taken:]).max() > 0.0:
        return betas[:taken], ()
    return betas[:taken], (f"{model} has {taken} shape components; the last {len(betas) - taken} of the file are left out.",)


def model_name(family: str, gender: str) -> str:
    """What the shelf calls the official body of a family and gender: "smplx_neutral"."""
    return f"{family}_{gender if gender in GENDERS else 'neutral'}"


def rate(found: float | None, options: ReadOptions) -> tuple[float, tuple[str, ...]]:
    """Frames a second: the file's own, else the user's, else 30; and a sentence where it was assumed."""
    if found is not None:
        return found, ()
    if options.fps is not None:
        return options.fps, ()
    return DEFAULT_FPS, (f"The file does not say its frame rate; {DEFAULT_FPS:g} frames a second are assumed.",)
