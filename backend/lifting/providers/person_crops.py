"""The crop about a person that top-down pose networks look at, and the way of their points back into the frame.

The box grows to the input's ratio, then by a quarter (arXiv 2204.12484 and 2303.07399 keep the habit of their predecessors). Two
conventions exist for what lies where: "unbiased" (arXiv 1911.07524) lays the crop's borders upon the middles of the input's outermost
pixels, the older one upon the borders of the input. Both count from pixel middles inside; here boxes and points count from the
picture's corner, half a pixel away.
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


def input_from_frame(crop: Crop, width: int, height: int, *, unbiased: bool) -> Float[NDArray[np.float64], "2 3"]:
    """The affine map from the frame's to the input's pixels, both counted from pixel middles."""
    less = 1.0 if unbiased else 0.0
    scale_x, scale_y = (width - less) / crop.width, (height - less) / crop.height
    left, top = crop.x - 0.5 - crop.width / 2, crop.y - 0.5 - crop.height / 2
    return np.array([[scale_x, 0.0, -left * scale_x], [0.0, scale_y, -top * scale_y]])


def cut_out(
    frame: UInt8[NDArray[np.uint8], "H W 3"], crop: Crop, width: int, height: int, *, unbiased: bool
) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """The crop as the network takes it, black beyond the frame."""
    import cv2

    T_input_frame = input_from_frame(crop, width, height, unbiased=unbiased)
    return np.asarray(cv2.warpAffine(frame, T_input_frame, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def to_frame(shares: Float[NDArray[np.floating], "... 2"], crop: Crop) -> Float[NDArray[np.float64], "... 2"]:
    """Points as shares of the crop, 0 at its left top and 1 at its right bottom, to pixels of the frame from the picture's corner."""
    start = np.array([crop.x - crop.width / 2, crop.y - crop.height / 2])
    return start + np.asarray(shares, np.float64) * (crop.width, crop.height)
