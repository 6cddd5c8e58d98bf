"""Puts the drawn layers over the background plate."""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from backend.engines.reproject.render import Drawn

F32 = NDArray[np.float32]

EDGE = 0.7  # pixels: how soft a mesh's own edge is


def composed(body: Drawn, halo: Drawn, plate: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """The frame ``(H, W, 3)``, and the number of its pixels that a surface covers without a colour for them."""
    result = plate.copy()
    uncovered = _blend(body.colour, _softened(body.alpha), body.inverse_depth, halo.colour, halo.alpha, halo.inverse_depth, result)
    return result, int(uncovered)


def _softened(coverage: F32) -> F32:
    """A hard edge made soft inwards, so that colour is only asked for where there is some."""
    blurred = cv2.GaussianBlur(coverage, (0, 0), EDGE)
    return np.minimum(coverage, np.clip(2.0 * blurred - 1.0, 0.0, 1.0) ** 0.8).astype(np.float32)


@njit(cache=True)
def _blend(body: F32, body_alpha: F32, body_near: F32, halo: F32, halo_alpha: F32, halo_near: F32, result: NDArray[np.uint8]) -> int:
    """The farther layer over the plate, then the nearer one."""
    height, width = body_alpha.shape
    uncovered = 0
    for y in range(height):
        for x in range(width):
            a, b = body_alpha[y, x], halo_alpha[y, x]
            if a <= 0.0 and b <= 0.0:
                continue
            if (a > 0.0 and not np.isfinite(body[y, x, 0])) or (b > 0.0 and not np.isfinite(halo[y, x, 0])):
                uncovered += 1
                continue
            halo_first = halo_near[y, x] > body_near[y, x]
            for channel in range(3):
                value = float(result[y, x, channel])
                if halo_first:
                    if a > 0.0:
                        value += a * (body[y, x, channel] - value)
                    if b > 0.0:
                        value += b * (halo[y, x, channel] - value)
                else:
                    if b > 0.0:
                        value += b * (halo[y, x, channel] - value)
                    if a > 0.0:
                        value += a * (body[y, x, channel] - value)
                result[y, x, channel] = np.uint8(min(max(value + 0.5, 0.0), 255.0))
    return uncovered
