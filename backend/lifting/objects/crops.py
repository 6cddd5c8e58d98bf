"""Parts of pictures and of masks: a crop about a box, and a mask without its crumbs."""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.subjects import Box

Value = TypeVar("Value", np.uint8, np.float32, np.bool_)


@dataclass(frozen=True)
class Crop:
    """left, top, right, bottom: whole pixels of the picture, right and bottom beyond the last."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def of(self, picture: NDArray[Value]) -> NDArray[Value]:
        """A view of the picture's part."""
        return picture[self.top : self.bottom, self.left : self.right]


def crop_about(box: Box, margin: float, shape: tuple[int, ...]) -> Crop:
    """The box with ``margin`` pixels around it, inside a picture of ``shape`` (height, width)."""
    left, top = max(0, int(np.floor(box[0] - margin))), max(0, int(np.floor(box[1] - margin)))
    right, bottom = min(shape[1], int(np.ceil(box[2] + margin))), min(shape[0], int(np.ceil(box[3] + margin)))
    return Crop(min(left, shape[1] - 1), min(top, shape[0] - 1), max(right, left + 1, 1), max(bottom, top + 1, 1))


def without_crumbs(cut: NDArray[np.bool_], sure: NDArray[np.bool_] | None = None, share: float = 0.06) -> NDArray[np.bool_]:
    """Parts smaller than ``share`` of the largest go, unless they are ``sure``; holes smaller than that are filled."""
    _, names, stats, _ = cv2.connectedComponentsWithStats(cut.astype(np.uint8), connectivity=8)
    if len(stats) < 2:
        return cut
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept: NDArray[np.bool_] = np.concatenate([np.zeros(1, bool), areas >= share * areas.max()])
    if sure is not None:
        kept[np.unique(np.asarray(names, np.intp)[sure & cut])] = True
        kept[0] = False
    solid = kept[np.asarray(names, np.intp)]
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    small = np.asarray(stats)[:, cv2.CC_STAT_AREA] < share * areas.max()
    small[0] = False
    return solid | small[np.asarray(holes, np.intp)]
