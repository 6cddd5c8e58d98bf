"""Pictures as networks take them, and the way back: one linear map between the pixels of a frame and those of a network's input.

Everything here measures from the corner of the first pixel (the project's convention), in both pictures: a resized picture covers the
same area, so ``x_input = x * width_input / width``. Models that speak in pixel centres are half a pixel away on both sides; their
modules say so.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

# Of the sRGB values in [0, 1], red green blue: what nearly every network pretrained on ImageNet takes away and divides by.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Placed:
    """Where a frame lies in a network's input: ``input = frame * scale + offset``, for x and y each, in pixels from the corner."""

    scale_x: float
    scale_y: float
    offset_x: float = 0.0
    offset_y: float = 0.0

    def to_frame(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """``(..., 2)`` pixels of the input to pixels of the frame."""
        return (np.asarray(points, np.float64) - (self.offset_x, self.offset_y)) / (self.scale_x, self.scale_y)

    def boxes_to_frame(self, boxes: NDArray[np.floating], width: int, height: int) -> Float[NDArray[np.float32], "N 4"]:
        """Boxes left, top, right, bottom of the input in the frame, cut off at its borders."""
        corners = self.to_frame(np.asarray(boxes, np.float64).reshape(-1, 2, 2))
        return corners.clip(0.0, (width, height)).reshape(-1, 4).astype(np.float32)


def stretched(frame: UInt8[NDArray[np.uint8], "H W 3"], width: int, height: int, *, cubic: bool = False) -> "torch.Tensor":
    """A frame resized to ``(3, height, width)`` float32 in [0, 255], whole numbers: smoothed when it shrinks, as PIL does it."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
    mode = "bicubic" if cubic else "bilinear"
    resized = torch.nn.functional.interpolate(pixels, (height, width), mode=mode, align_corners=False, antialias=True)
    return resized[0].round().clamp(0.0, 255.0)


def normalised(pixels: "torch.Tensor", mean: tuple[float, ...] = IMAGENET_MEAN, std: tuple[float, ...] = IMAGENET_STD) -> "torch.Tensor":
    """``(..., 3, h, w)`` in [0, 255] to what the network was trained on; mean and std of values in [0, 1]."""
    import torch

    middle = torch.tensor(mean, dtype=pixels.dtype, device=pixels.device).view(3, 1, 1)
    spread = torch.tensor(std, dtype=pixels.dtype, device=pixels.device).view(3, 1, 1)
    return (pixels / 255.0 - middle) / spread


def shorter_side(width: int, height: int, shortest: int, longest: int) -> tuple[int, int]:
    """Width and height whose shorter side is ``shortest``, less where the longer one would pass ``longest``; the ratio is kept.

    As DETR and its descendants resize (arXiv 2005.12872, appendix A.4): the longer side is rounded down.
    """
    low, high = min(width, height), max(width, height)
    exact = min(float(shortest), longest * low / high)
    side = round(exact) if exact < shortest else shortest
    other = int((exact if exact < shortest else side) * high / low)
    return (side, other) if width <= height else (other, side)


def multiple_of(width: int, height: int, side: int, step: int) -> tuple[int, int]:
    """Width and height whose shorter side is about ``side``, both rounded to whole steps; the ratio is kept as well as that allows."""
    scale = side / min(width, height)
    wide, high = (max(step, round(extent * scale / step) * step) for extent in (width, height))
    return wide, high


@dataclass(frozen=True)
class Letterboxed:
    """A frame inside a larger input with bars beside it. pixels: ``(side, side, 3)`` uint8. placed: where the frame lies."""

    pixels: UInt8[NDArray[np.uint8], "S S 3"]
    placed: Placed


def letterboxed(frame: UInt8[NDArray[np.uint8], "H W 3"], width: int, height: int, bar: int = 114) -> Letterboxed:
    """The frame as large as it fits in ``width`` x ``height``, in the middle, the rest of the gray ``bar`` (as YOLO takes it)."""
    import cv2

    rows, columns = frame.shape[:2]
    ratio = min(width / columns, height / rows)
    wide, high = round(columns * ratio), round(rows * ratio)
    left, top = round((width - wide) / 2 - 0.1), round((height - high) / 2 - 0.1)
    pixels = np.full((height, width, 3), bar, np.uint8)
    inside = frame if (wide, high) == (columns, rows) else cv2.resize(frame, (wide, high), interpolation=cv2.INTER_LINEAR)
    pixels[top : top + high, left : left + wide] = inside
    return Letterboxed(pixels, Placed(wide / columns, high / rows, left, top))
