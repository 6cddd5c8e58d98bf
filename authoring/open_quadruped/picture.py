"""A small software renderer for judging shapes: orthographic, smooth-shaded, twice oversampled; back faces come out red."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.floating]

_OVER = 2
_KEY, _FILL = np.array([-0.35, 0.6, 0.72]), np.array([0.8, 0.1, 0.5])


def picture(
    vertices: Array, faces: NDArray[np.integer], colours: Array, yaw: float, pitch: float, size: tuple[int, int], span: float, centre: Array
) -> NDArray[np.uint8]:
    """``(height, width, 3)`` RGB. yaw 0 looks along +y (the animal faces right), a quarter turn looks it in the face.

    colours: ``(V, 3)`` 0 to 1. size: width, height in pixels. span: metres across the width. centre: ``(3,)`` what is in the middle.
    """
    axes = _axes(yaw, pitch)
    seen = (vertices - centre) @ axes.T
    scale = _OVER * size[0] / span
    screen = np.stack([0.5 * _OVER * size[0] + scale * seen[:, 0], 0.5 * _OVER * size[1] - scale * seen[:, 1]], axis=1)
    normals = _normals(seen, faces)
    shade = _shade(normals)
    image, depth = np.full((_OVER * size[1], _OVER * size[0], 3), 236.0), np.full((_OVER * size[1], _OVER * size[0]), -1e9)
    lit = np.clip(255.0 * (colours * shade[:, :1] + shade[:, 1:]), 0.0, 255.0)
    _draw(screen, seen[:, 2].copy(), lit, np.asarray(faces, dtype=np.int64), image, depth)
    return image.reshape(size[1], _OVER, size[0], _OVER, 3).mean(axis=(1, 3)).astype(np.uint8)


def _axes(yaw: float, pitch: float) -> Array:
    right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    back = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    return np.stack([right, np.cos(pitch) * up - np.sin(pitch) * back, np.cos(pitch) * back + np.sin(pitch) * up])


def _normals(points: Array, faces: NDArray[np.integer]) -> Array:
    flat = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], flat)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _shade(normals: Array) -> Array:
    """``(V, 2)``: what the colour is multiplied with, and what is added at the rim."""
    key, fill = np.maximum(normals @ _KEY, 0.0), np.maximum(normals @ _FILL, 0.0)
    rim = 30.0 / 255.0 * np.clip(1.0 - np.abs(normals[:, 2]), 0.0, 1.0) ** 3
    return np.stack([0.14 + 0.66 * key + 0.14 * fill + 0.14 * (0.5 + 0.5 * normals[:, 1]), rim], axis=1)


@njit(cache=True)
def _draw(screen, depth_of, colours, faces, image, depth):  # noqa: ANN001, ANN202
    height, width = depth.shape
    for f in range(len(faces)):
        i, j, k = faces[f]
        x0, y0 = screen[i]
        x1, y1 = screen[j]
        x2, y2 = screen[k]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        for y in range(max(0, int(np.floor(min(y0, y1, y2)))), min(height - 1, int(np.ceil(max(y0, y1, y2)))) + 1):
            for x in range(max(0, int(np.floor(min(x0, x1, x2)))), min(width - 1, int(np.ceil(max(x0, x1, x2)))) + 1):
                b1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
                b2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
                b0 = 1.0 - b1 - b2
                if b0 < -1e-6 or b1 < -1e-6 or b2 < -1e-6:
                    continue
                z = b0 * depth_of[i] + b1 * depth_of[j] + b2 * depth_of[k]
                if z <= depth[y, x]:
                    continue
                depth[y, x] = z
                if area > 0.0:
                    image[y, x, 0], image[y, x, 1], image[y, x, 2] = 230.0, 40.0, 40.0
                else:
                    for c in range(3):
                        image[y, x, c] = b0 * colours[i, c] + b1 * colours[j, c] + b2 * colours[k, c]
