"""Masks of an animal cut anew by what the whole clip tells: what lies behind it on every frame, and all colours that it has.

While it is followed only the past is known, and thin parts that swing faster than flow can follow (legs, a tail) are lost. Afterwards
nearly every pixel of the background has been seen on some frame, so what hides it is told from what does not; a shadow darkens the
background and leaves its colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.lifting.objects.background import free_of, laid_onto
from backend.lifting.objects.colours import ColourModel, colour_model, perceptual
from backend.lifting.objects.crops import Crop, crop_about
from backend.lifting.objects.edges import on_edges
from backend.lifting.objects.stabilising import background_motion
from backend.lifting.subject import Followed, boxes_of
from backend.progress import Progress

Array = NDArray[np.floating]
Soft = NDArray[np.float32]
Truth = NDArray[np.bool_]

WORK_SIDE = 144.0  # pixels on the longer side that the animal has at working size, at most
REACH = 0.4  # of the side: so far beyond the mask its parts are looked for
PLATES = 12  # other frames that tell what is behind
MARGIN = 0.1  # of the side, seen beyond the reach
LEAST_NOISE, MOST_NOISE = 1.5, 8.0  # of 8-bit Lab
USUAL, ABOVE = 75, 1.8
STEEP, MOST_AGAINST, MOST_FOR = 1.8, 2.5, 2.5
SHADOW = -1.0  # log odds at most of what could be a shadow
SHADE, TINT = 0.45, 5.0  # a shadow leaves at least this share of the light, and changes the colour by no more of 8-bit Lab
GLOBAL = 0.35  # weight of the clip's colours' log ratio
LEARNED = 8  # frames that colours are learned from
PLACE, KNOWN_PLACE = 3.0, 0.8  # log odds of the mask that was followed, where nothing is known of the background, and where it is
SHARP = 0.03  # of the side
TOUCH = 0.5
WORDS = "Looking again"


@dataclass(frozen=True, eq=False)
class _Clip:
    """Everything at working size. pictures, labs ``(F, h, w, 3)``; softs, taken ``(F, h, w)``; to_first ``(F, 3, 3)`` the background's
    motion. side: the animal's, pixels."""

    pictures: NDArray[np.uint8]
    labs: NDArray[np.uint8]
    softs: Soft
    taken: Truth
    to_first: Array
    side: float


@dataclass(frozen=True, eq=False)
class _Look:
    """One frame about the animal. lab ``(h, w, 3)``, soft ``(h, w)`` the mask that was followed, hides ``(h, w)`` log odds that the background
    is hidden, known ``(h, w)`` where they are known."""

    crop: Crop
    picture: NDArray[np.uint8]
    lab: NDArray[np.uint8]
    soft: Soft
    taken: Truth
    hides: Soft
    known: Truth


def second_look(
    frames: UInt8[NDArray[np.uint8], "F H W 3"], one: Followed, others: UInt8[NDArray[np.uint8], "F H W"] | None, progress: Progress
) -> Followed:
    """The same subject with better masks. frames: sRGB of one shot. others: 255 on pixels of other subjects, which stay theirs."""
    seen = [int(frame) for frame in np.flatnonzero(one.masks.any(axis=(1, 2)))]
    if len(seen) < 2:
        return one
    clip = _clip(frames, one, others)
    shown = [prompt.frame for prompt in one.prompts if prompt.frame in seen] or seen[:1]
    first = _colours([_look(clip, frame, None) for frame in shown])
    free = [_free(clip, frame, first) for frame in range(len(frames))]
    looks = {frame: _look(clip, frame, free) for frame in progress.part(0.1, 0.7).each(seen, len(seen), WORDS)}
    spread = [seen[place] for place in np.unique(np.linspace(0, len(seen) - 1, LEARNED).round().astype(int))]
    colours = _colours([looks[frame] for frame in sorted({*shown, *spread})])
    masks = np.zeros_like(one.masks)
    for frame in progress.part(0.7, 1.0).each(seen, len(seen), WORDS):
        masks[frame] = _full(clip, looks[frame], colours, frames.shape[1:3])
    if others is not None:
        masks[others > 0] = 0
    boxes, there = boxes_of(masks)
    there &= one.seen
    return replace(one, masks=masks, boxes=boxes, seen=there, score=np.where(there, one.score, 0.0).astype(np.float32))


def _full(clip: _Clip, look: _Look, colours: ColourModel, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """``(H, W)`` 255 on the animal, of the whole picture."""
    soft = np.zeros(clip.softs.shape[1:], np.float32)
    look.crop.of(soft)[:] = _cut(look, colours, clip.side)
    full = cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where(full > TOUCH, 255, 0).astype(np.uint8)


def _clip(frames: NDArray[np.uint8], one: Followed, others: NDArray[np.uint8] | None) -> _Clip:
    sizes = (one.boxes[:, 2:] - one.boxes[:, :2]).max(axis=1)[one.seen]
    side = float(np.median(sizes)) if len(sizes) else 1.0
    scale = min(1.0, WORK_SIDE / side)
    size = max(8, round(frames.shape[2] * scale)), max(8, round(frames.shape[1] * scale))

    def small(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return pictures if scale == 1.0 else np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in pictures])

    pictures = small(frames)
    softs = small(one.masks).astype(np.float32) / np.float32(255.0)
    taken = np.zeros(softs.shape, bool) if others is None else small(others) > 127
    labs = np.stack([perceptual(picture) for picture in pictures])
    return _Clip(pictures, labs, softs, taken, background_motion(pictures), side * scale)


def _free(clip: _Clip, frame: int, colours: ColourModel) -> Truth:
    """What is neither the animal nor others', with room around both, nor a part of it that was lost, to judge by the colour."""
    free = free_of(clip.softs[frame], clip.taken[frame], clip.side)
    reach = 2 * round(REACH * clip.side) + 1
    near = cv2.dilate((clip.softs[frame] > TOUCH).astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    alike = cv2.GaussianBlur(colours.of(clip.labs[frame]), (0, 0), 1.0) > 0.5
    return free & ~(near & cv2.dilate(alike.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool))


def _look(clip: _Clip, frame: int, free: Sequence[Truth] | None) -> _Look:
    soft = clip.softs[frame]
    rows, columns = np.nonzero(soft > TOUCH)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else (0, 0, 1, 1)
    crop = crop_about(box, (REACH + MARGIN) * clip.side, soft.shape)
    lab = crop.of(clip.labs[frame])
    hides, known = np.zeros(lab.shape[:2], np.float32), np.zeros(lab.shape[:2], bool)
    if free is not None:
        plate, known = _plate(clip, frame, crop, free)
        hides = _hides(lab, plate, known, cv2.dilate(crop.of(soft), np.ones((9, 9), np.uint8)) < 0.1)
    return _Look(crop, crop.of(clip.pictures[frame]), lab, crop.of(soft), crop.of(clip.taken[frame]), hides, known)


def _plate(clip: _Clip, frame: int, crop: Crop, free: Sequence[Truth]) -> tuple[NDArray[np.uint8], Truth]:
    """Lab of the background behind a crop, the median over frames that show it, and where any does."""
    rest = np.array([other for other in range(len(free)) if other != frame])
    some = rest[np.unique(np.linspace(0, len(rest) - 1, PLATES).round().astype(int))]
    laid, there = zip(
        *(laid_onto(clip.labs[other], free[other], clip.to_first[other], clip.to_first[frame], crop) for other in some), strict=True
    )
    shown = np.stack(there)
    values = np.where(shown[..., None], np.stack(laid), np.uint8(255))
    count = shown.sum(axis=0)
    middle = np.maximum(count - 1, 0) // 2
    plate = np.take_along_axis(np.sort(values, axis=0), middle[None, ..., None], axis=0)[0]
    return plate, count > 0


def _hides(lab: NDArray[np.uint8], plate: NDArray[np.uint8], known: Truth, far: Truth) -> Soft:
    """Log odds that what is seen is not the background; a shadow on it says nothing."""
    now = lab.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(plate, kernel).astype(np.float32), cv2.erode(plate, kernel).astype(np.float32)
    off = np.maximum(now - high, 0.0) - np.maximum(low - now, 0.0)  # beyond what lies within a pixel: frames never fit exactly
    tint = np.hypot(off[..., 1], off[..., 2])
    difference = cv2.GaussianBlur(np.hypot(off[..., 0], 2.0 * tint), (0, 0), 0.8)
    elsewhere = difference[known & far]
    noise = float(np.clip(ABOVE * np.percentile(elsewhere, USUAL), LEAST_NOISE, MOST_NOISE)) if elsewhere.size > 50 else 0.5 * MOST_NOISE
    odds = np.clip(STEEP * (difference / noise - 1.0), -MOST_AGAINST, MOST_FOR)
    shaded = (off[..., 0] < 0.0) & (now[..., 0] > SHADE * plate[..., 0]) & (tint < TINT)
    odds[shaded] = np.minimum(odds[shaded], SHADOW)
    odds[~known] = 0.0
    return odds.astype(np.float32)


def _colours(looks: Sequence[_Look]) -> ColourModel:
    insides = [(look.soft > 0.7) & ~(look.hides < -1.0) for look in looks]
    outsides = [(look.soft < 0.1) & ((look.hides < -0.5) | ~look.known | look.taken) for look in looks]
    return colour_model([look.lab for look in looks], insides, outsides)


def _cut(look: _Look, colours: ColourModel, side: float) -> Soft:
    inside = look.soft > TOUCH
    within, beyond = (cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) for part in (inside, ~inside))
    place = np.clip((within - beyond) / (SHARP * side), -1.0, 1.0) * np.where(look.known, KNOWN_PLACE, PLACE)
    odds = place + look.hides + GLOBAL * colours.of(look.lab)
    odds[(beyond > REACH * side) | look.taken] = -5.0
    soft = on_edges(look.picture, (1.0 / (1.0 + np.exp(-odds))).astype(np.float32))
    soft[look.taken] = 0.0
    return np.where(_joined(soft > TOUCH, inside), soft, np.minimum(soft, 0.3)).astype(np.float32)


def _joined(cut: Truth, before: Truth) -> Truth:
    """Parts that are large enough and hang together, but for a pixel or two, with what was followed; holes that are small are filled."""
    wide = cv2.dilate(cut.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, names = cv2.connectedComponents(wide, connectivity=8)
    names = np.asarray(names, np.intp)
    counts = np.bincount(names[cut & before], minlength=int(names.max()) + 1)
    kept = counts > max(4.0, 0.05 * counts[1:].max(initial=0))
    kept[0] = False
    return cut & kept[names]
