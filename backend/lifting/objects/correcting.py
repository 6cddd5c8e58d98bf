"""Clicks that correct a mask that was followed: pixels that are the thing after all, and pixels that are not."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.lifting.objects.crops import Crop, crop_about, without_crumbs
from backend.lifting.objects.cutting import Mask, cut_out
from revision_blender.motion.subjects import OFF, Box, Click, Prompt

MARGIN = 0.3  # of the thing's side, seen around it
WORK_SIDE = 160  # pixels on the longer side of what is cut anew
REACH = 0.05  # of the side: what a click is sure of
DOUBT = 0.12  # of the side: so near a click and so near the old border everything is open again
ROUNDS = 2


def corrected(frame: NDArray[np.uint8], followed: Mask, prompts: Sequence[Prompt], usual: Box, taken: Mask | None) -> Mask | None:
    """``(H, W)`` 255 on the thing, as followed but for what the clicks say; nothing where neither says anything.

    frame: sRGB. followed: its mask, empty where it was lost. usual: the box that it had where it was shown, for its size.
    """
    clicks = [click for prompt in prompts for click in prompt.clicks]
    on = [click for click in clicks if click.part != OFF]
    if not followed.any():
        return cut_out(frame, _boxed(prompts, on, usual), taken) if on else None
    rows, columns = np.flatnonzero(followed.any(axis=1)), np.flatnonzero(followed.any(axis=0))
    places = np.array([[click.x, click.y] for click in on] or [[columns[0], rows[0]]])
    low, high = np.minimum(places.min(axis=0), [columns[0], rows[0]]), np.maximum(places.max(axis=0), [columns[-1], rows[-1]])
    side = float((high - low).max()) + 1.0
    crop = crop_about((float(low[0]), float(low[1]), float(high[0]), float(high[1])), MARGIN * side + 4.0, followed.shape)
    scale = min(1.0, WORK_SIDE / max(crop.width, crop.height))
    size = max(8, round(crop.width * scale)), max(8, round(crop.height * scale))
    picture = cv2.resize(crop.of(frame), size, interpolation=cv2.INTER_AREA)
    seeds = _seeds(cv2.resize(crop.of(followed), size, interpolation=cv2.INTER_AREA) > 127, side * scale)
    if taken is not None:
        seeds[cv2.resize(crop.of(taken), size, interpolation=cv2.INTER_NEAREST) > 0] = cv2.GC_BGD
    for click in clicks:
        place = (round((click.x - crop.left) * scale), round((click.y - crop.top) * scale))
        _mark(seeds, place, click, max(1, round(REACH * side * scale)), max(2, round(DOUBT * side * scale)))
    return _cut(frame, picture.astype(np.uint8, copy=False), seeds, crop)


def _boxed(prompts: Sequence[Prompt], on: Sequence[Click], usual: Box) -> list[Prompt]:
    """The thing was lost here: a box of its usual size about the clicks on it."""
    middle = np.mean([[click.x, click.y] for click in on], axis=0)
    half = 0.5 * (usual[2] - usual[0]), 0.5 * (usual[3] - usual[1])
    box = (float(middle[0] - half[0]), float(middle[1] - half[1]), float(middle[0] + half[0]), float(middle[1] + half[1]))
    first = prompts[0]
    clicks = tuple(click for prompt in prompts for click in prompt.clicks)
    return [Prompt(first.name, first.kind, first.frame, box, clicks, first.label)]


def _seeds(inside: NDArray[np.bool_], side: float) -> Mask:
    """What was followed is likely, well inside it is sure, well outside is sure not to be."""
    reach = np.ones((2 * max(1, round(DOUBT * side / 2)) + 1,) * 2, np.uint8)
    seeds = np.where(inside, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[cv2.erode(inside.astype(np.uint8), reach) > 0] = cv2.GC_FGD
    seeds[cv2.dilate(inside.astype(np.uint8), reach) == 0] = cv2.GC_BGD
    return seeds


def _mark(seeds: Mask, place: tuple[int, int], click: Click, sure: int, open_: int) -> None:
    """A click is certain on its spot and opens what is around it."""
    around = np.zeros_like(seeds)
    cv2.circle(around, place, 3 * open_, (1.0,), -1)
    wrong = cv2.GC_FGD if click.part == OFF else cv2.GC_BGD
    likely = cv2.GC_PR_BGD if click.part == OFF else cv2.GC_PR_FGD
    seeds[(around > 0) & (seeds == wrong)] = cv2.GC_PR_FGD if click.part == OFF else cv2.GC_PR_BGD
    near = np.zeros_like(seeds)
    cv2.circle(near, place, open_, (1.0,), -1)
    seeds[(near > 0) & np.isin(seeds, (cv2.GC_PR_BGD, cv2.GC_PR_FGD))] = likely
    cv2.circle(seeds, place, sure, (float(cv2.GC_BGD if click.part == OFF else cv2.GC_FGD),), -1)


def _cut(frame: NDArray[np.uint8], picture: NDArray[np.uint8], seeds: Mask, crop: Crop) -> Mask | None:
    labels = seeds.copy()
    cv2.setRNGSeed(0)
    if np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).any() and np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
        cv2.grabCut(picture, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    cut = without_crumbs(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)), seeds == cv2.GC_FGD)
    full = cv2.resize(cut.astype(np.float32), (crop.width, crop.height), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros(frame.shape[:2], np.uint8)
    crop.of(mask)[full > 0.5] = 255
    return mask if mask.any() else None
