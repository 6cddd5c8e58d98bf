"""Motion at another frame rate: rotations along geodesics, places along straight lines."""

import numpy as np
from numpy.typing import NDArray

from .errors import ClipError
from .rotation import slerp

Array = NDArray[np.floating]


def sampled(rotations: Array, translation: Array, at: Array) -> tuple[Array, Array]:
    """The motion at fractional frames ``at`` ``(N,)``, which are held within its first and last frame.

    rotations: ``(F, ..., 3, 3)``. translation: ``(F, 3)``. Whole numbers give the frames themselves, bit for bit.
    """
    if len(rotations) == 0:
        raise ClipError("a motion without frames cannot be resampled; record at least one")
    at = np.clip(np.asarray(at, dtype=np.float64), 0.0, len(rotations) - 1.0)
    whole = np.floor(at).astype(np.int64)
    after = np.minimum(whole + 1, len(rotations) - 1)
    part = at - whole
    turned, moved = rotations[whole].copy(), translation[whole].copy()
    between = part > 1e-9
    if between.any():
        fraction = part[between].reshape(-1, *([1] * (rotations.ndim - 3)))
        turned[between] = slerp(rotations[whole[between]], rotations[after[between]], fraction)
        moved[between] += (translation[after[between]] - moved[between]) * part[between, None]
    return turned, moved


def resample(rotations: Array, translation: Array, fps: float, wanted_fps: float) -> tuple[Array, Array]:
    """The same seconds at ``wanted_fps`` frames a second: the first frame is kept, the last where it falls on a frame.

    rotations: ``(F, ..., 3, 3)``. translation: ``(F, 3)``.
    """
    if not (0.0 < fps < np.inf and 0.0 < wanted_fps < np.inf):
        raise ClipError(f"rates of {fps} and {wanted_fps} frames a second; both must be positive")
    seconds = (len(rotations) - 1) / fps
    count = int(np.floor(seconds * wanted_fps + 1e-6)) + 1
    return sampled(rotations, translation, np.arange(count) * (fps / wanted_fps))
