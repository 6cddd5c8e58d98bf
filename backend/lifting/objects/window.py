"""A piece of the picture about a thing, which may reach beyond the picture's border."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

REACH = 3  # pixels: masks this close touch; and as a share of the thing's size, what masks miss at each other's edges
REACH_SHARE = 0.06


def reach_of(size: float) -> int:
    """Pixels within which another subject's mask is beside a thing of that size."""
    return max(REACH, round(REACH_SHARE * size))


def grown(mask: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """A mask, larger by what masks miss at each other's edges. size: of the thing beside it, pixels."""
    return cv2.dilate(mask, np.ones((2 * reach_of(size) + 1,) * 2, np.uint8)).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Window:
    """Pixels from origin to end (x, y), which may lie outside the picture."""

    origin: NDArray[np.integer]
    end: NDArray[np.integer]

    @classmethod
    def about(cls, box: Array) -> "Window":
        """Pixels: left, top, right, bottom, with as much room as others' masks may reach over."""
        margin = reach_of(float((box[2:] - box[:2]).max())) + 2
        return cls(np.floor(box[:2]).astype(int) - margin, np.ceil(box[2:]).astype(int) + margin)

    def of(self, mask: NDArray[np.uint8], outside: int) -> NDArray[np.uint8]:
        """A picture's pixels here, ``outside`` beyond it."""
        height, width = mask.shape
        found = np.full((self.end[1] - self.origin[1], self.end[0] - self.origin[0]), outside, np.uint8)
        left, top = np.maximum(self.origin, 0)
        right, bottom = min(int(self.end[0]), width), min(int(self.end[1]), height)
        if right > left and bottom > top:
            x, y = self.origin
            found[top - y : bottom - y, left - x : right - x] = mask[top:bottom, left:right]
        return found

    def hidden(self, others: NDArray[np.uint8] | None, frame: int, picture: tuple[int, ...], size: float) -> NDArray[np.bool_]:
        """Where a thing of that size may be hidden: by others or beyond the picture's border."""
        beyond = cv2.dilate(self.of(np.zeros(picture, np.uint8), 255), np.ones((3, 3), np.uint8)) > 0
        return beyond if others is None else beyond | (grown(self.of(others[frame], 0), size) > 0)

    def warped(self, shape: NDArray[np.float32], box: Array) -> NDArray[np.float32]:
        """A shape that is remembered within a box, here."""
        step = (box[2:] - box[:2]) / shape.shape[::-1]
        start = (self.origin + 0.5 - box[:2]) / step + 0.5  # of the padded shape
        to_grid = np.array([[1.0 / step[0], 0.0, start[0]], [0.0, 1.0 / step[1], start[1]]])
        padded = cv2.copyMakeBorder(shape, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0.0,))
        width, height = (int(value) for value in self.end - self.origin)
        return cv2.warpAffine(padded, to_grid, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP).astype(np.float32)
