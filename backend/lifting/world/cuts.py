"""Where a video is cut: a new shot begins at a frame that neither shows the old one's place nor its colours.

Two measures between neighbouring frames, both on small pictures: how much of the colours is shared (the intersection of histograms,
Swain and Ballard, 1991), and how well patches of the one are found again anywhere in the other (normalised correlation), which a pan
or a blur leaves standing. A flash changes both for a frame or two and is told by what comes after it.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.progress import Progress

WORK_WIDTH = 160
BINS = (8, 6, 6)  # hue, saturation, value
GRID = (3, 3)  # patches
PATCH = 0.28  # of the picture's sides
REACH = 0.45  # how far a patch may have gone, of the picture's sides
CUT = 0.40  # a change above this is a cut
FLASH_FRAMES = 2  # a disturbance that long, with the same shot before and after, is no cut
FLASH = 20.0  # gray levels that it is brighter by
FLAT = 4.0  # gray levels: a patch that varies less cannot be found again, a frame that does shows nothing


@dataclass(frozen=True, eq=False)
class _Look:
    """A frame, small. gray: float32. colours: a histogram that sums to 1."""

    gray: NDArray[np.float32]
    colours: NDArray[np.float32]

    @property
    def blank(self) -> bool:
        return float(self.gray.std()) < FLAT


def shot_starts(frames: UInt8[NDArray[np.uint8], "F H W 3"], progress: Progress) -> list[int]:
    """The frames at which a shot begins, the first of them 0. Frames that show nothing belong to the shot before them."""
    looks = [_look(frame) for frame in progress.each(frames, len(frames), "Looking for cuts")]
    shown = [index for index, look in enumerate(looks) if not look.blank]
    starts, place = [0], 1
    while place < len(shown):
        before, now = looks[shown[place - 1]], looks[shown[place]]
        if _change(before, now) > CUT:
            after = _goes_on(looks, shown, place)
            if after:
                place = after
                continue
            starts.append(shown[place])
        place += 1
    return starts


def _goes_on(looks: list[_Look], shown: list[int], place: int) -> int:
    """The place after a flash, where the shot before it goes on; 0 where it does not."""
    before = looks[shown[place - 1]]
    for later in range(place + 1, min(place + 1 + FLASH_FRAMES, len(shown))):
        lit = all(float(looks[index].gray.mean()) > float(before.gray.mean()) + FLASH for index in shown[place:later])
        if lit and _change(before, looks[shown[later]]) < CUT:
            return later + 1
    return 0


def _look(frame: UInt8[NDArray[np.uint8], "H W 3"]) -> _Look:
    height = max(24, round(WORK_WIDTH * frame.shape[0] / frame.shape[1]))
    width = WORK_WIDTH
    if height > 2 * WORK_WIDTH:
        width, height = max(24, round(2 * WORK_WIDTH * frame.shape[1] / frame.shape[0])), 2 * WORK_WIDTH
    small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    colours = cv2.calcHist([cv2.cvtColor(small, cv2.COLOR_RGB2HSV)], [0, 1, 2], None, list(BINS), [0, 180, 0, 256, 0, 256])
    colours = cv2.GaussianBlur(colours.reshape(BINS[0], -1), (3, 3), 0.8).reshape(BINS)
    gray = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), (3, 3), 0.0)
    return _Look(gray.astype(np.float32), (colours / max(float(colours.sum()), 1e-9)).astype(np.float32))


def _change(a: _Look, b: _Look) -> float:
    """In [0, 1]: 0 the same place in the same light, 1 nothing in common."""
    shared = float(np.minimum(a.colours, b.colours).sum())
    found = _found_again(a.gray, b.gray)
    return 1.0 - max(0.5 * (shared + found), min(1.0, 1.15 * found))


def _found_again(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The correlation that the better half of a's patches reach in b, in [0, 1]; of flat pictures how near their grays are."""
    height, width = a.shape
    size = round(PATCH * height), round(PATCH * width)
    scores = [score for top, left in _corners(height, width, size) if (score := _best(a, b, top, left, size)) is not None]
    if not scores:
        return float(np.clip(1.0 - np.abs(a - b).mean() / 32.0, 0.0, 1.0))
    best = np.sort(scores)[len(scores) // 2 :]
    return float(np.clip(best.mean(), 0.0, 1.0)) ** 2


def _corners(height: int, width: int, size: tuple[int, int]) -> list[tuple[int, int]]:
    rows = np.linspace(0, height - size[0], GRID[0]).astype(int)
    columns = np.linspace(0, width - size[1], GRID[1]).astype(int)
    return [(int(top), int(left)) for top in rows for left in columns]


def _best(a: NDArray[np.float32], b: NDArray[np.float32], top: int, left: int, size: tuple[int, int]) -> float | None:
    patch = a[top : top + size[0], left : left + size[1]]
    if float(patch.std()) < FLAT:
        return None
    reach_y, reach_x = round(REACH * a.shape[0]), round(REACH * a.shape[1])
    around = b[max(0, top - reach_y) : top + size[0] + reach_y, max(0, left - reach_x) : left + size[1] + reach_x]
    return float(cv2.matchTemplate(around, np.ascontiguousarray(patch), cv2.TM_CCOEFF_NORMED).max())


def shots_of(starts: list[int], n_frames: int) -> list[slice]:
    """The frames of each shot."""
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], n_frames], strict=True)]


def changes(frames: UInt8[NDArray[np.uint8], "F H W 3"]) -> Float[NDArray[np.float64], " F"]:
    """How much each frame differs from the one before, the first by 0: what ``shot_starts`` compares with ``CUT``."""
    looks = [_look(frame) for frame in frames]
    return np.array([0.0, *(_change(a, b) for a, b in pairwise(looks))])
