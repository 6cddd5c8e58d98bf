"""What the pictures say about an animal's outline, and where the outline of a posed model is.

Everything lies in crops: a square about the animal, ``SIDE`` pixels wide, one a row. A row is a frame, or one of several attempts
at the same frame.
"""

from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from backend.raster.kernels import draw
from backend.raster.rasteriser import NOTHING, Fragments, barycentrics, blank

SIDE = 112  # pixels of a crop
MARGIN = 0.28  # of the box's larger side, kept around it
N_POINTS = 128  # along an outline
_EDGE = 1.5  # pixels: an outline so near to where nobody knows more is none
Points = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Crops:
    """origin ``(N, 2)`` pixels of the picture, scale ``(N,)`` crop pixels a picture pixel, size ``(N,)`` the box's diagonal in crop pixels.

    masks ``(N, SIDE, SIDE)`` the animal, known ``(N, SIDE, SIDE)`` where a pixel that is not the animal says that it is not there.
    outside ``(N, 1, SIDE, SIDE)`` crop pixels to the animal. points, normals ``(N, N_POINTS, 2)`` along its outline, normals outwards.
    weight ``(N, N_POINTS)`` 0 where the outline is that of the picture or of something in front. seen ``(N,)`` 0 or 1.
    """

    origin: Tensor
    scale: Tensor
    size: Tensor
    masks: Tensor
    known: Tensor
    outside: Tensor
    points: Tensor
    normals: Tensor
    weight: Tensor
    seen: Tensor

    def rows(self, index: NDArray[np.integer]) -> "Crops":
        """The same rows in another order, left out or repeated."""
        picked = torch.from_numpy(np.asarray(index, np.int64))
        return Crops(**{field.name: getattr(self, field.name)[picked] for field in fields(self)})

    def to_crop(self, pixels: Float[Tensor, "N K 2"]) -> Float[Tensor, "N K 2"]:
        return (pixels - self.origin[:, None]) * self.scale[:, None, None]

    def distance(self, points: Float[Tensor, "N K 2"]) -> Float[Tensor, "N K"]:
        """Crop pixels outside the animal; 0 within, and where nobody knows."""
        grid = points * (2.0 / SIDE) - 1.0
        sampled = torch.nn.functional.grid_sample(self.outside, grid[:, :, None], padding_mode="border", align_corners=False)
        return sampled[:, 0, :, 0] + (grid.abs() - 1.0).clamp(min=0.0).sum(-1) * (SIDE / 2.0)


def crops_of(
    masks: UInt8[NDArray[np.uint8], "F H W"],
    boxes: Float[NDArray[np.float32], "F 4"],
    occluders: UInt8[NDArray[np.uint8], "F H W"] | None,
) -> Crops:
    """masks: 255 on the animal. boxes: left, top, right, bottom in pixels. occluders: 255 on what may hide it, or nothing."""
    rows = [
        _crop(mask, box, None if occluders is None else occluders[frame])
        for frame, (mask, box) in enumerate(zip(masks, boxes, strict=True))
    ]
    return Crops(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def _crop(mask: NDArray[np.uint8], box: Points, occluder: NDArray[np.uint8] | None) -> tuple[Any, ...]:
    width, height = box[2:] - box[:2]
    side = max((1.0 + 2.0 * MARGIN) * float(max(width, height)), 8.0)
    origin = np.array([box[0] + box[2] - side, box[1] + box[3] - side], np.float32) / np.float32(2.0)
    scale = np.float32(SIDE / side)
    inside = _resampled(mask, origin, scale, 0) > 0.5
    known = _resampled(np.full_like(mask, 255), origin, scale, 0) > 0.99
    if occluder is not None:
        known &= _resampled(occluder, origin, scale, 0) < 0.1
    known |= inside
    outside = np.zeros(inside.shape, np.float32)
    if inside.any():
        outside = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5).astype(np.float32) * known
    contour = outline(inside)
    weight = _is_its_own(contour, known) * np.float32(inside.any())
    size = np.float32(max(float(np.hypot(width, height)) * float(scale), 1.0))
    return origin, scale, size, inside, known, outside[None], contour, _normals(inside, contour), weight, np.float32(inside.any())


def _resampled(picture: NDArray[np.uint8], origin: Points, scale: np.float32, beyond: int) -> Points:
    """The crop in [0, 1], averaged over what falls into a pixel."""
    blur = max(1, round(1.0 / float(scale)))
    smooth = cv2.blur(picture, (blur, blur)) if blur > 1 else picture
    shift = 0.5 * scale - 0.5 - origin * scale  # pixel centres lie at halves in both
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]], np.float32)
    cut = cv2.warpAffine(smooth, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(beyond,))
    return cut.astype(np.float32) / np.float32(255.0)


def outline(mask: Bool[NDArray[np.bool_], "h w"]) -> Points:
    """``(N_POINTS, 2)`` at equal steps along all outlines of a mask, holes included; zeros for an empty one."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((N_POINTS, 2), np.float32)
    points = np.concatenate([contour.reshape(-1, 2) for contour in contours]).astype(np.float32)
    return points[np.linspace(0, len(points), N_POINTS, endpoint=False).astype(int)] + np.float32(0.5)


def _normals(mask: Bool[NDArray[np.bool_], "h w"], points: Points) -> Points:
    """Unit vectors out of the mask at points of its outline."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.5)
    column, row = np.clip(points.astype(int), 1, mask.shape[0] - 2).T
    slope = np.stack([soft[row, column - 1] - soft[row, column + 1], soft[row - 1, column] - soft[row + 1, column]], axis=-1)
    return slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-6)


def _is_its_own(points: Points, known: Bool[NDArray[np.bool_], "h w"]) -> NDArray[np.float32]:
    """1 for points of an outline beside which the background is seen."""
    near = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=(1,))
    column, row = np.clip(points.astype(int), 0, known.shape[0] - 1).T
    return near[row, column].astype(np.float32)


@dataclass(frozen=True, eq=False)
class ModelOutlines:
    """corners ``(N, N_POINTS, 3)`` vertices, shares ``(N, N_POINTS, 3)`` their shares in each point; normals ``(N, N_POINTS, 2)`` outwards.

    weight ``(N, N_POINTS)``: 0 where nobody knows the animal's outline. overlap ``(N,)``: intersection over union with the masks.
    """

    corners: Tensor
    shares: Tensor
    normals: Tensor
    weight: Tensor
    overlap: Tensor

    def places(self, points: Float[Tensor, "N V 2"]) -> Float[Tensor, "N K 2"]:
        """The outline's points, from projected vertices."""
        rows, count, _ = self.corners.shape
        flat = self.corners.reshape(rows, count * 3, 1).expand(-1, -1, 2)
        return (torch.gather(points, 1, flat).view(rows, count, 3, 2) * self.shares[..., None]).sum(2)


def model_outlines(
    vertices_camera: NDArray[np.float32], faces: NDArray[np.int32], focal: float, center: NDArray[np.floating], crops: Crops
) -> ModelOutlines:
    """The outlines of posed meshes ``(N, V, 3)``, camera coordinates in metres, as the crops would show them."""
    canvas = blank(SIDE, SIDE)
    rows = [_model_row(points, faces, focal, center, crops, row, canvas) for row, points in enumerate(vertices_camera)]
    return ModelOutlines(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def _model_row(
    points: NDArray[np.float32],
    faces: NDArray[np.int32],
    focal: float,
    center: NDArray[np.floating],
    crops: Crops,
    row: int,
    canvas: Fragments,
) -> tuple[Any, ...]:
    scale = float(crops.scale[row])
    f, c = focal * scale, (np.asarray(center, np.float64) - crops.origin[row].numpy()) * scale
    canvas.face.fill(NOTHING)
    canvas.inverse_depth.fill(0.0)
    vertices = points.astype(np.float64)
    draw(vertices, faces, f, float(c[0]), float(c[1]), canvas.face, canvas.inverse_depth)
    covered, known, wanted = canvas.covered, crops.known[row].numpy(), crops.masks[row].numpy()
    contour = outline(covered)
    column, line = np.clip(contour.astype(int), 0, SIDE - 1).T
    face = np.maximum(canvas.face[line, column], 0)
    shares = barycentrics(canvas, vertices, faces, f, c)[line, column]
    edge = (np.abs(contour - SIDE / 2.0) > SIDE / 2.0 - _EDGE).any(axis=1)
    weight = _is_its_own(contour, known) * ~edge * np.float32(covered.any())
    both, either = (covered & wanted).sum(), ((covered & known) | wanted).sum()
    overlap = np.float32(both / max(int(either), 1))
    return faces[face].astype(np.int64), shares, _normals(covered, contour), weight.astype(np.float32), overlap
