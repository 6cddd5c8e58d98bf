"""A soft mask pulled onto the picture's edges (He, Sun, Tang: Guided image filtering, 2013), for pictures in three channels."""

import cv2
import numpy as np
from numpy.typing import NDArray

Soft = NDArray[np.float32]


def on_edges(picture: NDArray[np.uint8], soft: Soft, radius: int = 3, epsilon: float = 8e-4) -> Soft:
    """``(h, w)`` in [0, 1]: near every pixel a linear function of the colours ``(h, w, 3)``. epsilon: of a picture in [0, 1]."""
    guide = picture.astype(np.float32) / 255.0
    centre, mean_soft = _mean(guide, radius), _mean(soft, radius)
    about = guide[..., :, None] * guide[..., None, :]
    spread = _mean(about.reshape(*soft.shape, 9), radius).reshape(*soft.shape, 3, 3) - centre[..., :, None] * centre[..., None, :]
    spread += epsilon * np.eye(3, dtype=np.float32)
    shared = _mean(guide * soft[..., None], radius) - centre * mean_soft[..., None]
    slope = _solved(spread, shared)
    offset = mean_soft - np.sum(slope * centre, axis=-1)
    return np.clip(np.sum(_mean(slope, radius) * guide, axis=-1) + _mean(offset, radius), 0.0, 1.0).astype(np.float32)


def _solved(matrices: Soft, right: Soft) -> Soft:
    """The symmetric 3 x 3 systems of every pixel by their adjugates: much faster than a solver for each."""
    rows = [matrices[..., k, :] for k in range(3)]
    columns = [np.cross(rows[(k + 1) % 3], rows[(k + 2) % 3]) for k in range(3)]
    determinant = np.maximum(np.sum(rows[0] * columns[0], axis=-1), 1e-14)
    return np.asarray(sum(columns[k] * right[..., k : k + 1] for k in range(3)) / determinant[..., None], np.float32)


def _mean(values: Soft, radius: int) -> Soft:
    side = 2 * radius + 1
    planes = [values] if values.ndim == 2 else [values[..., k] for k in range(values.shape[-1])]
    filtered = [cv2.boxFilter(np.ascontiguousarray(plane), -1, (side, side), borderType=cv2.BORDER_REFLECT) for plane in planes]
    return (filtered[0] if values.ndim == 2 else np.stack(filtered, axis=-1)).astype(np.float32, copy=False)
