"""What the lifter accepts, checked once at its door."""

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError

MIN_SIDE = 64
MAX_SIDE = 8192


def checked_frames(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(F, H, W, 3)`` uint8 sRGB frames as they came, or an ``InputError`` that says what is wrong and what to do."""
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3:
        raise InputError(f"The video has the shape {frames.shape}; give frames of shape (frames, height, width, 3) in red, green, blue.")
    if frames.dtype != np.uint8:
        raise InputError(f"The video's pixels are {frames.dtype}; convert them to 8 bits (uint8, 0 to 255).")
    if len(frames) == 0:
        raise InputError("The video has no frames; choose a file or a range with at least one frame.")
    height, width = frames.shape[1:3]
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_SIDE:
        raise InputError(
            f"The picture is {width} x {height} pixels; scale it so that both sides are between {MIN_SIDE} and {MAX_SIDE} pixels."
        )
    return np.ascontiguousarray(frames)


def checked_rate(fps: float) -> float:
    """Frames a second as a positive finite number, or an ``InputError``."""
    if not np.isfinite(fps) or fps <= 0.0:
        raise InputError(f"The video's rate is {fps} frames a second; give a positive number.")
    return float(fps)


def checked_focal(focal: float, width: int, height: int) -> float:
    """The user's focal length in pixels, 0 for "not known"; an ``InputError`` where no lens could have it."""
    if not np.isfinite(focal) or focal < 0.0:
        raise InputError(f"The focal length is {focal} pixels; give a positive number, or 0 if it is not known.")
    shortest, longest = 0.2 * max(width, height), 50.0 * max(width, height)
    if focal > 0.0 and not shortest <= focal <= longest:
        raise InputError(
            f"The focal length is {focal:.0f} pixels for a picture of {width} x {height}; give one between {shortest:.0f} and {longest:.0f}, "
            "or 0 if it is not known."
        )
    return float(focal)
