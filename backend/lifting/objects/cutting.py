"""What the user's box or clicks show on one frame, cut out of it: GrabCut (Rother, Kolmogorov, Blake, 2004) in a crop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.subjects import OFF, Box, Prompt

Mask = NDArray[np.uint8]
Value = TypeVar("Value", np.uint8, np.float32, np.bool_)

WORK_SIDE = 176  # pixels on the longer side of the crop that GrabCut sees
MARGIN = 0.45  # of the box, seen around it: what the surroundings look like
ROUNDS = 4
CLICK_REACH = 0.03  # of the box: what a click is sure of
CLICKED_MARGIN = 0.2  # clicks alone lie this far inside the thing
CLICKED_SIDE = 0.06  # of the picture's longer side: a thing shown by one click is looked for within this
FILL_LEAST, FILL_MOST = 0.08, 0.97  # shares of the box that a cut fills; others mean that the colours tell nothing


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


def shown_box(prompts: Sequence[Prompt], shape: tuple[int, ...]) -> Box | None:
    """Where the thing is on a frame by everything the user showed there: the last box drawn, or one about the clicks on it."""
    boxes = [prompt.box for prompt in prompts if prompt.box is not None]
    if boxes:
        return boxes[-1]
    places = np.array([(click.x, click.y) for prompt in prompts for click in prompt.clicks if click.part != OFF])
    if not len(places):
        return None
    low, high = places.min(axis=0), places.max(axis=0)
    margin = max(CLICKED_MARGIN * float((high - low).max()), 0.5 * CLICKED_SIDE * max(shape) if len(places) == 1 else 4.0)
    return float(low[0] - margin), float(low[1] - margin), float(high[0] + margin), float(high[1] + margin)


def cut_out(frame: NDArray[np.uint8], prompts: Sequence[Prompt], taken: Mask | None = None) -> Mask | None:
    """``(H, W)`` 255 on the thing; nothing where the prompts only say where it is not, or lie outside the picture.

    frame: ``(H, W, 3)`` sRGB. prompts: all of them of this frame and of one subject. taken: not 0 on what belongs to others.
    """
    shape = frame.shape[:2]
    box = shown_box(prompts, shape)
    if box is None or box[2] <= 0 or box[3] <= 0 or box[0] >= shape[1] or box[1] >= shape[0]:
        return None
    side = max(box[2] - box[0], box[3] - box[1])
    crop = crop_about(box, MARGIN * side + 4.0, shape)
    scale = min(1.0, WORK_SIDE / max(crop.width, crop.height))
    if side < 24:
        scale = 2.0  # a thing of a few pixels has too few for colour models
    size = max(8, round(crop.width * scale)), max(8, round(crop.height * scale))
    picture = cv2.resize(crop.of(frame), size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC)
    seeds = _seeds(box, prompts, crop, size, None if taken is None else crop.of(taken))
    cut = _checked(_grab(picture.astype(np.uint8, copy=False), seeds), seeds)
    full = cv2.resize(cut.astype(np.float32), (crop.width, crop.height), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros(shape, np.uint8)
    crop.of(mask)[full > 0.5] = 255
    return mask if mask.any() else None


def _seeds(box: Box, prompts: Sequence[Prompt], crop: Crop, size: tuple[int, int], taken: Mask | None) -> Mask:
    """GrabCut's labels: outside the box is background, an ellipse in it likely foreground, clicks are certain."""
    scale = np.array([size[0] / crop.width, size[1] / crop.height])
    low = (np.array(box[:2]) - [crop.left, crop.top]) * scale
    high = (np.array(box[2:]) - [crop.left, crop.top]) * scale
    seeds = np.full(size[::-1], cv2.GC_BGD, np.uint8)
    a, b = np.clip(np.floor(low), 0, size).astype(int), np.clip(np.ceil(high), 1, size).astype(int)
    seeds[a[1] : b[1], a[0] : b[0]] = cv2.GC_PR_BGD
    middle, half = (low + high) / 2.0, np.maximum((high - low) / 2.0, 1.0)
    y, x = np.mgrid[: size[1], : size[0]]
    inside = np.square((x + 0.5 - middle[0]) / half[0]) + np.square((y + 0.5 - middle[1]) / half[1]) <= 1.0
    seeds[inside & (seeds == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
    if taken is not None:
        seeds[cv2.resize(taken, size, interpolation=cv2.INTER_NEAREST) > 0] = cv2.GC_BGD
    reach = max(1, round(CLICK_REACH * float((high - low).max())))
    for prompt in prompts:
        for click in prompt.clicks:
            place = (np.array([click.x, click.y]) - [crop.left, crop.top]) * scale
            label = cv2.GC_BGD if click.part == OFF else cv2.GC_FGD
            cv2.circle(seeds, (int(place[0]), int(place[1])), reach, (float(label),), -1)
    return seeds


def _grab(picture: NDArray[np.uint8], seeds: Mask) -> NDArray[np.bool_]:
    labels = seeds.copy()
    likely = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if likely.sum() < 12 or (~likely).sum() < 12:
        return likely
    cv2.setRNGSeed(0)  # the colour models start from k-means, which draws
    cv2.grabCut(picture, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _checked(cut: NDArray[np.bool_], seeds: Mask) -> NDArray[np.bool_]:
    """The cut without crumbs; the ellipse where colours did not tell the thing from what is around it."""
    free = seeds != cv2.GC_BGD
    share = float((cut & free).sum()) / max(float(free.sum()), 1.0)
    ellipse = np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if not FILL_LEAST < share < FILL_MOST:
        return ellipse if share <= FILL_LEAST else cut
    return without_crumbs(cut, seeds == cv2.GC_FGD)


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
