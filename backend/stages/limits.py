"""What the stages take: checked at the edge, so that nothing inside has to."""

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError

MIN_SIDE = 16  # pixels
MAX_SIDE = 8192
MAX_FRAMES = 1000


def check_size(width: int, height: int, what: str) -> None:
    """Raises InputError unless both sides lie within [MIN_SIDE, MAX_SIDE]."""
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{what} measures {width} x {height} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed.")
    if max(width, height) > MAX_SIDE:
        raise InputError(f"{what} measures {width} x {height} pixels; scale it down to at most {MAX_SIDE} on the longer side.")


def check_picture(picture: NDArray[np.uint8]) -> None:
    """Raises InputError unless the picture is ``(H, W, 3)`` bytes of a usable size."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(f"The picture has shape {picture.shape} of {picture.dtype}; rows x columns x 3 bytes (RGB) are needed.")
    check_size(picture.shape[1], picture.shape[0], "The picture")


def check_length(frames: int, fps: float) -> None:
    """Raises InputError unless a clip of so many frames at this rate can be made."""
    if not 1 <= frames <= MAX_FRAMES:
        raise InputError(f"{frames} frames are asked for; choose from 1 to {MAX_FRAMES}.")
    if not (np.isfinite(fps) and 0.1 <= fps <= 240.0):
        raise InputError(f"The rate is {fps} frames a second; choose from 0.1 to 240.")
