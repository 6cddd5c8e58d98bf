"""Boxes: their mesh, how they slide or tumble, and the 2.5D points that a clip knows of them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.clip import ObjectTrack
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

N_CONTOUR = 16
CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
FACES = np.array(  # two triangles a side, counter-clockwise from outside: -x, +x, -y, +y, -z, +z
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class BoxPath:
    """vertices: ``(F, 8, 3)`` metres in the camera's frame. size: ``(3,)`` metres."""

    vertices: Array
    size: Array


def rolled(size: Array, across: Array, heading: float, turn: float) -> Array:
    """``(F, 8, 3)`` corners, y up, standing on the floor y = 0.

    across: ``(F, 3)`` path over the floor. heading: radians about y of the box at rest. turn: radians of tumbling by the end,
    about the floor's axis across the path; 0 slides.
    """
    frames = len(across)
    R_heading = matrix_from_axis_angle(np.array([0.0, heading, 0.0]))
    gone = across[-1] - across[0]
    axis = np.cross([0.0, 1.0, 0.0], gone)
    axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
    turned = np.stack([matrix_from_axis_angle(axis * turn * part) @ R_heading for part in np.linspace(0.0, 1.0, frames)])
    corners = np.einsum("fij,nj->fni", turned, CORNERS * size)
    corners[..., 1] -= corners[..., 1].min(axis=1, keepdims=True)
    return corners + across[:, None]


def track_of(path: BoxPath, focal: float) -> ObjectTrack:
    """The box as the clip's 2.5D points: its outline and bounding box as seen, at the depth of its middle."""
    points = np.stack([_points(corners, focal) for corners in path.vertices])
    return ObjectTrack("box", "box", path.size, points, np.ones(len(points)))


def _points(corners: Array, focal: float) -> Array:
    depth = float(corners[:, 2].mean())
    seen = corners[:, :2] / corners[:, 2:] * focal
    outline = _resampled(cv2.convexHull(seen.astype(np.float32))[:, 0].astype(np.float64))
    low, high = seen.min(axis=0), seen.max(axis=0)
    box = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]], (low + high) / 2.0])
    flat = np.concatenate([outline, box])
    return np.concatenate([flat * depth / focal, np.full((len(flat), 1), depth)], axis=1)


def _resampled(outline: Array) -> Array:
    """Sixteen points on the outline that keep all its corners: the longest edge is halved until there are enough."""
    points = list(outline)
    while len(points) < N_CONTOUR:
        lengths = [float(np.linalg.norm(points[(row + 1) % len(points)] - point)) for row, point in enumerate(points)]
        row = int(np.argmax(lengths))
        points.insert(row + 1, (points[row] + points[(row + 1) % len(points)]) / 2.0)
    return np.array(points[:N_CONTOUR])
