"""Where a heat map has its peak, finer than its cells."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

BLUR = 11  # cells, the kernel that ViTPose's authors evaluate with; its standard deviation is OpenCV's for that size
LEAST = 0.001  # values below are taken for it before the logarithm


def peaks(
    maps: Float[NDArray[np.float32], "N K h w"],
) -> tuple[Float[NDArray[np.float64], "N K 2"], Float[NDArray[np.float32], "N K"]]:
    """Peaks x, y in cells (0 is the middle of the first) and the values there.

    Distribution-aware (arXiv 1910.06278): the logarithm of the smoothed map is taken for a parabola about its highest cell, whose top
    is found by one Newton step; never more than a cell away.
    """
    import cv2

    count, points, high, wide = maps.shape
    flat = maps.reshape(count * points, high, wide)
    places = flat.reshape(len(flat), -1).argmax(axis=1)
    rows, columns = np.divmod(places, wide)
    values = flat.reshape(len(flat), -1)[np.arange(len(flat)), places]
    smooth = np.stack([cv2.GaussianBlur(heat, (BLUR, BLUR), 0, borderType=cv2.BORDER_CONSTANT) for heat in flat]) if len(flat) else flat
    logs = np.pad(np.log(np.maximum(smooth, LEAST)), ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float64)
    offsets = _newton(logs, rows + 1, columns + 1)
    found = np.stack([columns, rows], axis=1) + offsets
    return found.reshape(count, points, 2), values.reshape(count, points)


def _newton(logs: NDArray[np.float64], rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float64]:
    def at(down: int, right: int) -> NDArray[np.float64]:
        return logs[np.arange(len(logs)), rows + down, columns + right]

    slope = 0.5 * np.stack([at(0, 1) - at(0, -1), at(1, 0) - at(-1, 0)], axis=1)
    xx, yy = at(0, 1) - 2 * at(0, 0) + at(0, -1), at(1, 0) - 2 * at(0, 0) + at(-1, 0)
    xy = 0.25 * (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1))
    determinant = xx * yy - xy * xy
    top = (xx < 0.0) & (yy < 0.0) & (determinant > 1e-9)  # elsewhere it is no peak, and the cell's middle stays
    safe = np.where(top, determinant, 1.0)
    step = -np.stack([yy * slope[:, 0] - xy * slope[:, 1], xx * slope[:, 1] - xy * slope[:, 0]], axis=1) / safe[:, None]
    return np.where(top[:, None], step.clip(-1.0, 1.0), 0.0)
