"""The crop about a person that top-down pose networks look at, and the way of their points back into the frame.

The box grows to the input's ratio, then by a quarter (arXiv 2204.12484 keeps the habit of its predecessors). "Unbiased" (arXiv
1911.07524): the crop's borders lie upon the middles of the input's outermost pixels. Models count from pixel middles inside; here boxes
and points count from the picture's corner, half a pixel away.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

MARGIN = 1.25


@dataclass(frozen=True)
class Crop:
    """Middle and extents of the piece of a frame that is looked at, pixels from the picture's corner."""

    x: float
    y: float
    width: float
    height: float


def crop_about(box: Float[NDArray[np.floating], "4"], width: int, height: int) -> Crop:
    """The crop for an input of ``width`` x ``height`` about a box left, top, right, bottom."""
    left, top, right, bottom = (float(edge) for edge in box)
    wide, high = max(right - left, 1.0), max(bottom - top, 1.0)
    ratio = width / height
    wide, high = max(wide, high * ratio), max(high, wide / ratio)
    return Crop((left + right) / 2, (top + bottom) / 2, wide * MARGIN, high * MARGIN)


def input_from_frame(crop: Crop, width: int, height: int) -> Float[NDArray[np.float64], "2 3"]:
    """The affine map from the frame's to the input's pixels, both counted from pixel middles."""
    scale_x, scale_y = (width - 1.0) / crop.width, (height - 1.0) / crop.height
    left, top = crop.x - 0.5 - crop.width / 2, crop.y - 0.5 - crop.height / 2
    return np.array([[scale_x, 0.0, -left * scale_x], [0.0, scale_y, -top * scale_y]])


def cut_out(frame: UInt8[NDArray[np.uint8], "H W 3"], crop: Crop, width: int, height: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """The crop as the network takes it, black beyond the frame."""
    import cv2

    return np.asarray(cv2.warpAffine(frame, input_from_frame(crop, width, height), (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def to_frame(shares: Float[NDArray[np.floating], "... 2"], crop: Crop) -> Float[NDArray[np.float64], "... 2"]:
    """Points as shares of the crop, 0 at its left top and 1 at its right bottom, to pixels of the frame from the picture's corner."""
    start = np.array([crop.x - crop.width / 2, crop.y - crop.height / 2])
    return start + np.asarray(shares, np.float64) * (crop.width, crop.height)
