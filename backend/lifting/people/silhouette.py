"""The person's outline as the fit sees it: how far a point is outside of it, and points along it that must be reached."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FIELD_SIDE = 192  # pixels of a distance field, a square about the person
MARGIN = 0.25  # of the box's larger side, kept around it
N_OUTLINE = 160  # outline points a frame
HIDING_EDGE = 3  # pixels about what hides the person in which an outline is not the person's own
RESEEK_EVERY = 5  # iterations between searches for the surface point that each outline point belongs to


@dataclass(frozen=True, eq=False)
class Silhouettes:
    """field: ``(F, 1, h, w)`` pixels outside the person (0 within). origin ``(F, 2)``, extent ``(F, 2)``: the field's box in
    pixels of the picture. outline: ``(F, N, 2)`` pixels. weight: ``(F,)`` 0 where there is no mask.
    """

    field: Tensor
    origin: Tensor
    extent: Tensor
    outline: Tensor
    weight: Tensor

    def outside(self, pixels: Tensor) -> Tensor:
        """``(F, S, 2)`` pixels to ``(F, S)``: how many pixels each lies outside the person."""
        grid = 2.0 * (pixels - self.origin[:, None]) / self.extent[:, None] - 1.0
        sampled = torch.nn.functional.grid_sample(self.field, grid[:, :, None], padding_mode="border", align_corners=False)
        beyond = (grid.abs() - 1.0).clamp(min=0.0) * 0.5 * self.extent[:, None]
        sampled = sampled[:, 0, :, 0]
        return sampled + beyond.sum(-1) * (sampled > 0.0)  # where the border is the person, or hidden, so is what lies beyond it


def silhouettes_of(masks: NDArray[np.uint8], blocked: NDArray[np.uint8] | None = None) -> Silhouettes:
    """From ``(F, H, W)`` masks, 255 on the person. Fields of all frames share one size; boxes differ.

    blocked: the same of what may hide the person: the person may reach behind it, and its edge is not the person's outline.
    """
    distances, outlines, weights, boxes = [], [], [], []
    for frame, mask in enumerate(masks):
        hidden = None if blocked is None or not blocked[frame].any() else blocked[frame]
        box = _box(mask)
        points = _outline(mask, hidden)
        distances.append(_field(mask if hidden is None else np.maximum(mask, hidden), box, (FIELD_SIDE, FIELD_SIDE)))
        outlines.append(points)
        weights.append(float(mask.any()))
        boxes.append(box)
    origin = torch.tensor([[box[0], box[1]] for box in boxes], dtype=torch.float32)
    extent = torch.tensor([[box[2] - box[0], box[3] - box[1]] for box in boxes], dtype=torch.float32)
    field = torch.from_numpy(np.stack(distances))[:, None]
    return Silhouettes(field, origin, extent, torch.from_numpy(np.stack(outlines)), torch.tensor(weights))


def joined(people: Sequence[Silhouettes]) -> Silhouettes:
    """The frames of several people, one after the other."""
    return Silhouettes(*(torch.cat([getattr(person, field.name) for person in people]) for field in fields(Silhouettes)))


def _box(mask: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """left, top, right, bottom of a square about the person with a margin; may reach beyond the picture."""
    height, width = mask.shape
    x, y, w, h = cv2.boundingRect(mask) if mask.any() else (0, 0, width, height)
    half = round((0.5 + MARGIN) * max(w, h))
    middle_x, middle_y = x + w // 2, y + h // 2
    return middle_x - half, middle_y - half, middle_x + half, middle_y + half


def _cut(mask: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The box out of the mask, the picture's last row and column repeated beyond it: there nobody knows."""
    left, top, right, bottom = box
    height, width = mask.shape
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return mask[rows][:, columns]


def _field(mask: NDArray[np.uint8], box: tuple[int, int, int, int], shape: tuple[int, int]) -> NDArray[np.float32]:
    part = _cut(mask, box)
    small = cv2.resize(part, shape[::-1], interpolation=cv2.INTER_AREA)
    scale = part.shape[0] / shape[0]
    if not small.any():
        return np.zeros(shape, np.float32)
    return cv2.distanceTransform(np.where(small > 127, 0, 255).astype(np.uint8), cv2.DIST_L2, 3) * np.float32(scale)


def _outline(mask: NDArray[np.uint8], hidden: NDArray[np.uint8] | None) -> NDArray[np.float32]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((N_OUTLINE, 2), np.float32)
    height, width = mask.shape
    points = np.concatenate([np.asarray(c, np.int64).reshape(-1, 2) for c in contours])
    edge = (points[:, 0] < 2) | (points[:, 1] < 2) | (points[:, 0] > width - 3) | (points[:, 1] > height - 3)
    if hidden is not None:
        near = np.asarray(cv2.dilate(hidden, np.ones((2 * HIDING_EDGE + 1,) * 2, np.uint8)))
        edge |= near[points[:, 1], points[:, 0]] > 0
    points = points[~edge] if (~edge).any() else points  # where the picture ends, or someone stands before, the person does not
    return points[np.linspace(0, len(points) - 1, N_OUTLINE).astype(int)].astype(np.float32) + 0.5
