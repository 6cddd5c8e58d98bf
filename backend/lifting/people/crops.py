"""Square crops of a picture, turned with the person in them: what MediaPipe's landmark model looks at.

The convention is BlazePose's (arXiv 2006.10204): two points, the middle of the hips and one above the head; the square is
centred on the first, ``MARGIN`` times as large as the circle through the second, and turned so that the second is up.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[np.floating]
Mask = NDArray[np.uint8]

CROP_SIDE = 256  # pixels: the model's own
MARGIN = 1.25


@dataclass(frozen=True)
class Crop:
    """center: x, y in pixels of the picture. side: pixels. turn: radians, positive where up leans to the picture's right."""

    x: float
    y: float
    side: float
    turn: float = 0.0

    @property
    def center(self) -> Float[NDArray[np.float64], "2"]:
        return np.array([self.x, self.y])

    def axes(self) -> Float[NDArray[np.float64], "2 2"]:
        """Columns: the crop's right and down, in the picture."""
        sine, cosine = np.sin(self.turn), np.cos(self.turn)
        return np.array([[cosine, -sine], [sine, cosine]])

    def to_picture(self, points: Array) -> Array:
        """``(..., 2)`` from pixels of the crop to pixels of the picture."""
        return self.center + (points - 0.5 * CROP_SIDE) * (self.side / CROP_SIDE) @ self.axes().T

    def to_crop(self, points: Array) -> Array:
        """``(..., 2)`` from pixels of the picture to pixels of the crop."""
        return (points - self.center) * (CROP_SIDE / self.side) @ self.axes() + 0.5 * CROP_SIDE

    def matrix(self) -> Float[NDArray[np.float64], "2 3"]:
        """Affine map from the crop's pixel indices to the picture's, as OpenCV counts them (0 at a pixel's middle)."""
        linear = self.axes() * (self.side / CROP_SIDE)
        offset = self.to_picture(np.array([0.5, 0.5])) - 0.5
        return np.column_stack([linear, offset])


def crop_about(hips: Array, top: Array) -> Crop:
    """The crop of BlazePose's two alignment points, pixels."""
    up = np.asarray(top, np.float64) - hips
    return Crop(float(hips[0]), float(hips[1]), 2.0 * MARGIN * max(float(np.hypot(*up)), 2.0), float(np.arctan2(up[0], -up[1])))


def crop_of_box(box: Array) -> Crop:
    """The crop of a person whose box is known (left, top, right, bottom): upright, the box's larger side and a margin."""
    left, top, right, bottom = (float(value) for value in box)
    return Crop(0.5 * (left + right), 0.5 * (top + bottom), MARGIN * max(right - left, bottom - top, 8.0))


def between(a: Crop, b: Crop, share: float) -> Crop:
    """``share`` of the way from a to b; beyond them where it is not in [0, 1]."""
    apart = (b.turn - a.turn + np.pi) % (2.0 * np.pi) - np.pi
    side = a.side * (b.side / a.side) ** float(np.clip(share, -1.0, 2.0))
    return Crop(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y), side, a.turn + share * apart)


def cut(picture: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """``(CROP_SIDE, CROP_SIDE, ...)`` of the picture; black beyond it, as the model was trained."""
    size = (CROP_SIDE, CROP_SIDE)
    return np.asarray(cv2.warpAffine(picture, crop.matrix(), size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8)


def laid_back(soft: Mask, crop: Crop, box: tuple[int, int, int, int]) -> Mask:
    """A crop's mask in the part (left, top, right, bottom) of the picture; 0 beyond the crop."""
    left, top, right, bottom = box
    matrix = crop.matrix()
    matrix[:, 2] -= (left, top)
    size = (max(right - left, 1), max(bottom - top, 1))
    return np.asarray(cv2.warpAffine(soft, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)
