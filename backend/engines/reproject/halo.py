"""Hair and clothes that stick out of the bodies, and a strip of background about them: a sheet hung behind the outline.

The sheet is a grid over the picture with the depth and the blend weights of the nearest outline points, softened between
them, so that it goes along with the body without tearing where two limbs share it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.engines.reproject.cutout import Cutout
from backend.engines.reproject.puppet import OWN, Layer
from backend.raster.rasteriser import barycentrics, rasterise
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

BEHIND = 0.01  # metres: the sheet hangs this much behind the outline it belongs to
TUCK = 0.006  # of the longer side: how far the sheet reaches in behind the body
SOFTENING = 12  # rounds of averaging between neighbours of the grid
SHARED = 0.05  # of the blend weights: neighbours that share less hang on different limbs


def halo_of(body: Layer, camera: Camera, cutout: Cutout) -> Layer:
    """The sheet over all that belongs to the person or its strip but not to the body's inner part."""
    step = max(2, round(max(camera.width, camera.height) / 256))
    fragments = rasterise(body.points, body.faces, camera.focal, camera.center, camera.width, camera.height)
    wanted = _wanted(fragments.covered, cutout)
    corners, faces = _grid(wanted, step)
    if not len(faces) or not fragments.covered.any():
        return _nothing(body.weights.shape[1])
    y, x = _nearest_covered(fragments.covered, corners)
    weights_at = barycentrics(fragments, body.points, body.faces, camera.focal, camera.center)[y, x]
    triangles = body.faces[fragments.face[y, x]]
    blend = np.einsum("nc,ncj->nj", weights_at, body.weights[triangles])
    depth = fragments.depth[y, x].astype(np.float64)
    fixed = fragments.covered[np.clip(corners[:, 1], 0, camera.height - 1), np.clip(corners[:, 0], 0, camera.width - 1)]
    smooth = _softened(np.column_stack([blend, depth]), faces[_of_one_limb(blend, faces)], fixed)
    depth = smooth[:, -1] + BEHIND
    points = np.column_stack([(corners - camera.center) / camera.focal * depth[:, None], depth])
    return _layer(points, faces, smooth[:, :-1])


def _wanted(covered: Mask, cutout: Cutout) -> Mask:
    size = max(covered.shape)
    around = cv2.dilate((cutout.person | cutout.hole).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    tuck = 2 * max(2, round(TUCK * size)) + 1
    inner = cv2.erode(covered.astype(np.uint8), np.ones((tuck, tuck), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=(0,)).astype(
        bool
    )
    return around & ~inner


def _grid(wanted: Mask, step: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Corners ``(N, 2)`` pixels x, y and triangles of the cells that hold a wanted pixel."""
    height, width = wanted.shape
    rows, columns = -(-height // step), -(-width // step)
    padded = np.zeros((rows * step, columns * step), bool)
    padded[:height, :width] = wanted
    cells = padded.reshape(rows, step, columns, step).any(axis=(1, 3))
    row, column = np.nonzero(cells)
    a = row * (columns + 1) + column
    quads = np.stack([a, a + 1, a + columns + 2, a + columns + 1], axis=1)
    used, faces = np.unique(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]), return_inverse=True)
    corners = np.stack([used % (columns + 1), used // (columns + 1)], axis=1) * step
    return corners, faces.reshape(-1, 3).astype(np.int32)


def _nearest_covered(covered: Mask, corners: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of the covered pixel nearest to each corner."""
    labels = np.asarray(
        cv2.distanceTransformWithLabels((~covered).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1], np.intp
    )
    ys, xs = np.nonzero(covered)
    place = np.zeros((int(labels.max()) + 1, 2), np.intp)
    place[labels[ys, xs]] = np.stack([ys, xs], -1)
    height, width = covered.shape
    at = labels[np.clip(corners[:, 1], 0, height - 1), np.clip(corners[:, 0], 0, width - 1)]
    return place[at, 0], place[at, 1]


def _of_one_limb(blend: Array, faces: NDArray[np.int32]) -> Mask:
    """``(T,)`` False for the triangles between limbs that share no joint: there the sheet is cut, and tears when they part."""
    overlap = [np.minimum(blend[faces[:, a]], blend[faces[:, b]]).sum(axis=1) for a, b in ((0, 1), (1, 2), (2, 0))]
    return np.min(overlap, axis=0) > SHARED


def _softened(values: Array, faces: NDArray[np.int32], fixed: Mask) -> Array:
    """Averages over the grid's triangles; values behind the body stay."""
    count = np.bincount(faces.ravel(), minlength=len(values))
    alone, count = count == 0, np.maximum(count, 1)
    flat = faces.ravel()
    for _ in range(SOFTENING):
        mean = np.repeat(values[faces].mean(axis=1), 3, axis=0)
        summed = np.stack([np.bincount(flat, column, minlength=len(values)) for column in mean.T], axis=1)
        values = np.where((fixed | alone)[:, None], values, summed / count[:, None])
    return values


def _layer(points: Array, faces: NDArray[np.int32], weights: Array) -> Layer:
    n = len(points)
    source = np.stack([points, points]).astype(np.float32)
    ones, mode = np.ones(n, np.float32), np.full(len(faces), OWN, np.uint8)
    colours, trust = np.zeros((n, 3), np.float32), np.stack([ones, ones])
    return Layer(points, faces, weights.astype(np.float32), source, trust, colours, mode, ones, np.arange(n))


def _nothing(n_joints: int) -> Layer:
    return _layer(np.zeros((0, 3)), np.zeros((0, 3), np.int32), np.zeros((0, n_joints)))
