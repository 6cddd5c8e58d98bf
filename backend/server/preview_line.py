"""A preview on the worker's line to the server: few small frames as text, since that line is JSON."""

import base64
import binascii
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("revision.server")
MAX_HEIGHT, MAX_WIDTH = 64, 128
MAX_FRAMES = 16  # 16 x 64 x 128 x 3 bytes: 393 kB


def line_of(frames: NDArray[np.uint8]) -> dict[str, Any]:
    """The fields of a line for frames ``(F, h, w, 3)``: some of them, evenly taken with first and last, and made smaller."""
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or frames.size == 0:
        raise ValueError(f"A preview is (F, h, w, 3) bytes, not {frames.shape} of {frames.dtype}.")
    if len(frames) > MAX_FRAMES:
        frames = frames[np.linspace(0, len(frames) - 1, MAX_FRAMES).round().astype(int)]
    small = _smaller(frames)
    return {"shape": list(small.shape), "frames": base64.b64encode(small.tobytes()).decode("ascii")}


def preview_from(values: Mapping[str, Any]) -> NDArray[np.uint8] | None:
    """The frames of a line, None (and a line in the log) where it cannot be read: no job ends for the sake of its preview."""
    try:
        data = np.frombuffer(base64.b64decode(values["frames"], validate=True), np.uint8)
        frames, height, width, channels = (int(extent) for extent in values["shape"])
        if not (0 < frames <= MAX_FRAMES and 0 < height <= MAX_HEIGHT and 0 < width <= MAX_WIDTH and channels == 3):
            raise ValueError(f"shape {values['shape']}")
        return data.reshape(frames, height, width, channels)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        log.warning("A preview could not be read: %s", error)
        return None


def _smaller(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frames.shape[1:3]
    scale = min(MAX_HEIGHT / height, MAX_WIDTH / width)
    if scale >= 1.0:
        return frames
    import cv2  # here, because the server reads this module too and needs no picture library

    size = max(1, int(width * scale)), max(1, int(height * scale))
    return np.stack([np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in frames])
