"""Bends the first frame's mesh sideways until its outline lies on the person's: hair and clothes become part of the body.

Each point of the mesh's outline is drawn to the nearest point of the person's outline that faces the same way; the rest of
the mesh follows smoothly along its surface (the idea of Weng et al., "Photo Wake-Up", 2019, on the mesh instead of in 2D).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csc_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from backend.raster.rasteriser import Fragments, rasterise
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]
Mask = NDArray[np.bool_]

REACH = 0.045  # of the person's height in the picture: no point goes further, outlines further apart are not matched
TURN_WEIGHT = 0.06  # of the height: the distance that counts as much as an outline facing 60 degrees elsewhere
STIFFNESS = 2.0
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class _Outline:
    """points: ``(N, 2)`` pixels x, y on a mask's rim. normals: ``(N, 2)`` unit vectors pointing out of it."""

    points: Array
    normals: Array


def mesh_laplacian(faces: NDArray[np.integer], n_vertices: int) -> csc_matrix:
    """``(V, V)`` graph Laplacian of a mesh: each edge counts once."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    i, j = np.concatenate([edges, edges[:, ::-1]]).T
    adjacency = coo_matrix((np.ones(len(i)), (i, j)), shape=(n_vertices, n_vertices)).tocsc()
    return (diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsc()


def fitted_to_mask(points: Array, faces: NDArray[np.int32], camera: Camera, person: Mask) -> Array:
    """``(V, 3)`` camera points moved parallel to the picture, so that their outline follows the person's mask."""
    laplacian = mesh_laplacian(faces, len(points))
    moved = np.array(points, dtype=np.float64)
    rim = _outline(person)
    if rim is None:
        return moved
    rows = np.nonzero(person.any(axis=1))[0]
    height, total = float(rows[-1] - rows[0] + 1), np.zeros((len(points), 2))
    for _ in range(ROUNDS):
        fragments = rasterise(moved, faces, camera.focal, camera.center, camera.width, camera.height)
        outline = _outline(fragments.covered)
        if outline is None:
            return moved
        pull, count = _pulls(outline, rim, fragments, faces, height, len(points))
        system = (STIFFNESS * laplacian + diags(np.minimum(count, 1.0) + 1e-3)).tocsc()
        shift = splu(system).solve(pull)
        total += shift
        length = np.linalg.norm(total, axis=1, keepdims=True)
        total *= np.minimum(1.0, REACH * height / np.maximum(length, 1e-9))
        moved[:, :2] = points[:, :2] + total * (points[:, 2:] / camera.focal)
    return moved


def _outline(mask: Mask) -> _Outline | None:
    """The rim of a mask with its normals; where the picture ends is no rim."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE).astype(bool)
    ys, xs = np.nonzero(mask & ~inner)
    if len(xs) < 8:
        return None
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2.5)
    slope = np.stack([-cv2.Sobel(soft, cv2.CV_32F, 1, 0)[ys, xs], -cv2.Sobel(soft, cv2.CV_32F, 0, 1)[ys, xs]], -1)
    length = np.linalg.norm(slope, axis=1, keepdims=True)
    return _Outline(np.stack([xs + 0.5, ys + 0.5], -1), slope / np.maximum(length, 1e-9))


def _pulls(
    outline: _Outline, rim: _Outline, fragments: Fragments, faces: NDArray[np.int32], height: float, n_vertices: int
) -> tuple[Array, Array]:
    """Per vertex: the summed shift wanted in pixels ``(V, 2)`` (scaled as its weight is), and the number of wishes ``(V,)``."""
    weight = TURN_WEIGHT * height
    tree = KDTree(np.concatenate([rim.points, rim.normals * weight], axis=1))
    distance, match = tree.query(
        np.concatenate([outline.points, outline.normals * weight], axis=1), distance_upper_bound=2.0 * REACH * height
    )
    found = np.isfinite(distance)
    target = rim.points[np.where(found, match, 0)]
    shift = target - outline.points
    same_way = (rim.normals[np.where(found, match, 0)] * outline.normals).sum(axis=1) > 0.3
    usable = found & same_way & (np.linalg.norm(shift, axis=1) < REACH * height)
    x, y = outline.points[usable].astype(int).T
    corners = faces[fragments.face[y, x]]
    total, count = np.zeros((n_vertices, 2)), np.zeros(n_vertices)
    for corner in range(3):
        np.add.at(total, corners[:, corner], shift[usable])
        np.add.at(count, corners[:, corner], 1.0)
    mean = total / np.maximum(count, 1.0)[:, None]
    return mean * np.minimum(count, 1.0)[:, None], count
