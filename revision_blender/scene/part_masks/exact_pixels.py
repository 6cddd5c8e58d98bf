"""Which triangle a pixel's centre sees, in 64-bit numbers, for the pixels that need it.

A renderer's sample lies a few thousandths of a pixel beside the centre, which decides differently where a label's edge
passes that close. Those pixels are decided again here by the rule of the backend's rasteriser: the homogeneous edge
functions of Olano and Greer (1997), nearest depth first.
"""

import numpy as np
from numpy.typing import NDArray

from ...motion.camera import Camera

Array = NDArray[np.floating]
Labels = NDArray[np.unsignedinteger]

NEAREST = 0.005  # metres: what is nearer to the camera is not seen
_BATCH = 2_000_000  # candidate pixels at once, about 100 MB


def edge_functions(corners: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Edge functions ``(T, 3, 3)`` of triangles ``(T, 3, 3)`` (triangle, corner, xyz in camera coordinates), divided by the
    determinant: their products with a pixel's ray are all positive inside, and sum up to the inverse depth. Second: which
    triangles ``(T,)`` are not seen exactly edge-on."""
    a, b, c = np.moveaxis(corners, 1, 0)
    edges = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    determinant = np.einsum("ti,ti->t", a, edges[:, 0])
    flat = np.abs(determinant) < 1e-15
    return edges / np.where(flat, 1.0, determinant)[:, None, None], ~flat


def rectangles(corners: Array, camera: Camera, margin: float) -> tuple[Array, NDArray[np.bool_]]:
    """Bounding rectangles ``(T, 4)`` x0 y0 x1 y1 in pixels, inside the picture, and which triangles ``(T,)`` may be seen."""
    depth = corners[..., 2]
    before = depth > NEAREST
    pixels = corners[..., :2] / np.where(before, depth, 1.0)[..., None] * camera.focal + camera.center
    a, b, c = np.moveaxis(pixels, 1, 0)  # reducing over an axis of three is ten times slower
    low, high = np.minimum(np.minimum(a, b), c) - margin, np.maximum(np.maximum(a, b), c) + margin
    size = np.array([camera.width, camera.height], dtype=np.float64)
    some, every = before[:, 0] | before[:, 1] | before[:, 2], before[:, 0] & before[:, 1] & before[:, 2]
    crossing = some & ~every  # reaches behind the camera: may be seen anywhere
    low, high = np.where(crossing[:, None], 0.0, low), np.where(crossing[:, None], size, high)
    seen = some & (high[:, 0] > 0.0) & (high[:, 1] > 0.0) & (low[:, 0] < size[0]) & (low[:, 1] < size[1])
    return np.concatenate([np.clip(low, 0.0, size), np.clip(high, 0.0, size)], axis=1), seen


def near_an_edge(labels: Labels) -> NDArray[np.bool_]:
    """``(H, W)``: pixels with another label among their eight neighbours."""
    near = np.zeros(labels.shape, dtype=np.bool_)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = labels[: labels.shape[0] - dy, max(0, -dx) : labels.shape[1] - max(0, dx)]
        there = labels[dy:, max(0, dx) : labels.shape[1] + min(0, dx)]
        differ = here != there
        near[: labels.shape[0] - dy, max(0, -dx) : labels.shape[1] - max(0, dx)] |= differ
        near[dy:, max(0, dx) : labels.shape[1] + min(0, dx)] |= differ
    return near


def decide(labels: Labels, where: NDArray[np.bool_], corners: Array, of_triangle: Labels, camera: Camera) -> None:
    """Decides the pixels ``where`` ``(H, W)`` of an image of labels or codes anew, in place.

    corners: ``(T, 3, 3)`` all that is in the scene, camera coordinates, metres. of_triangle: ``(T,)`` what each draws.
    """
    edges, whole = edge_functions(corners)
    boxes, seen = rectangles(corners, camera, 0.0)
    first = np.ceil(boxes[:, :2] - 0.5).astype(np.int64)  # centres lie at whole numbers and a half
    count = np.maximum(np.floor(boxes[:, 2:] - 0.5).astype(np.int64) - first + 1, 0)
    touched = np.flatnonzero(seen & whole & (count > 0).all(axis=1))
    nearest = np.zeros(labels.size)
    decided = np.zeros(labels.size, dtype=labels.dtype)
    areas = count[touched].prod(axis=1)
    cuts = np.searchsorted(np.cumsum(areas), np.arange(_BATCH, int(areas.sum()) + _BATCH, _BATCH), side="right")
    for part in np.split(touched, np.unique(cuts[cuts < len(touched)])):
        triangle, pixel = _candidates(part, first, count, camera.width, where)
        _draw(triangle, pixel, edges, of_triangle, camera, nearest, decided)
    labels[where] = decided.reshape(labels.shape)[where]


def _candidates(
    triangles: NDArray[np.int64], first: NDArray[np.int64], count: NDArray[np.int64], width: int, where: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of a triangle and a pixel of its rectangle that is wanted: triangle numbers and pixel numbers."""
    areas = count[triangles].prod(axis=1)
    triangle = np.repeat(triangles, areas)
    inside = np.arange(len(triangle)) - np.repeat(np.cumsum(areas) - areas, areas)
    row, column = np.divmod(inside, count[triangle, 0])
    pixel = (first[triangle, 1] + row) * width + first[triangle, 0] + column
    wanted = where.ravel()[pixel]
    return triangle[wanted], pixel[wanted]


def _draw(
    triangle: NDArray[np.int64],
    pixel: NDArray[np.int64],
    edges: Array,
    of_triangle: Labels,
    camera: Camera,
    nearest: Array,
    decided: Labels,
) -> None:
    """Lets the nearer triangle win, in place in ``nearest`` (inverse depth) and ``decided`` (label), both by pixel number."""
    y, x = np.divmod(pixel, camera.width)
    ray = np.stack([(x + 0.5 - camera.center[0]) / camera.focal, (y + 0.5 - camera.center[1]) / camera.focal, np.ones(len(x))], axis=-1)
    weights = np.einsum("nci,ni->nc", edges[triangle], ray)
    inverse_depth = weights[:, 0] + weights[:, 1] + weights[:, 2]
    inside = (weights[:, 0] >= 0.0) & (weights[:, 1] >= 0.0) & (weights[:, 2] >= 0.0) & (inverse_depth > nearest[pixel])
    triangle, pixel, inverse_depth = triangle[inside], pixel[inside], inverse_depth[inside]
    order = np.argsort(inverse_depth, kind="stable")  # the last written is the nearest
    nearest[pixel[order]] = inverse_depth[order]
    decided[pixel[order]] = of_triangle[triangle[order]]
