"""The 21 points of an object as it is seen: 16 of its outline, 4 corners of its bounding box, the box's centre (paper, section 3.2).

The paper leaves open where the outline starts and how its points correspond over time. Here they lie at equal steps of arc length,
from where the outline crosses the image's +x direction out of the box's centre, clockwise as seen on screen. Corners go the same
way round from the upper left. Image coordinates: x to the right, y down.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

N_CONTOUR = 16
CENTRE = 20


def points_of(outline: Array) -> Array:
    """``(F, 21, 2)`` points of closed outlines ``(F, M, 2)``, whose corners go round clockwise on screen and may repeat.

    The box's centre must lie inside, as it does in every convex outline.
    """
    low, high = outline.min(axis=1), outline.max(axis=1)
    centre = (low + high) / 2.0
    corners = np.stack([low, np.stack([high[:, 0], low[:, 1]], axis=1), high, np.stack([low[:, 0], high[:, 1]], axis=1)], axis=1)
    contour = _even(outline - centre[:, None]) + centre[:, None]
    return np.concatenate([contour, corners, centre[:, None]], axis=1)


def hull_of(vertices: Array, radius: Array, n_corners: int = 64) -> Array:
    """``(F, n_corners, 2)`` the outline, clockwise on screen, of the convex hull of discs.

    vertices: ``(F, V, 2)`` their centres. radius: ``(F, V)``. Taken as the farthest point in each of ``n_corners`` directions, which
    finds all corners of hulls that have far fewer.
    """
    angle = 2.0 * np.pi * np.arange(n_corners) / n_corners
    direction = np.stack([np.cos(angle), np.sin(angle)])
    farthest = np.argmax(vertices @ direction + radius[..., None], axis=1)
    rows = np.arange(len(vertices))[:, None]
    return vertices[rows, farthest] + radius[rows, farthest][..., None] * direction.T


def _even(outline: Array) -> Array:
    """Sixteen points at equal steps along closed outlines about 0, from where they cross +x."""
    following = np.roll(outline, -1, axis=1)
    edge = following - outline
    length = np.linalg.norm(edge, axis=-1)
    ends = np.cumsum(length, axis=1)
    crosses = (outline[..., 1] <= 0.0) & (following[..., 1] > 0.0) & (outline[..., 0] + following[..., 0] > 0.0)
    first = np.argmax(crosses, axis=1)[:, None]
    part = -np.take_along_axis(outline[..., 1], first, 1) / np.maximum(np.take_along_axis(edge[..., 1], first, 1), 1e-12)
    start = np.take_along_axis(ends - length, first, 1) + part * np.take_along_axis(length, first, 1)
    total = ends[:, -1:]
    along = (start + total * np.arange(N_CONTOUR) / N_CONTOUR) % np.maximum(total, 1e-12)
    row = np.minimum((ends[:, None, :] <= along[..., None]).sum(axis=-1), outline.shape[1] - 1)
    within = (along - np.take_along_axis(ends - length, row, 1)) / np.maximum(np.take_along_axis(length, row, 1), 1e-12)
    return np.take_along_axis(outline, row[..., None], 1) + within[..., None] * np.take_along_axis(edge, row[..., None], 1)
