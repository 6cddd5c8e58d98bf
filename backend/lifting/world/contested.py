"""Pixels that two subjects claim, given to the one whose colours they have.

People are cut out by a segmentation that knows people, shown subjects by what moves and looks like them; where they touch both reach
over. Each frame's claims are settled by the colours that each has where it is alone, in this frame and its neighbours, over patches
rather than pixels. Who keeps the contested pixels is in front: depth order is read from that later.
"""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy.typing import NDArray

from backend.lifting.subject import Followed, boxes_of

BINS = 12  # a channel of Lab
NEIGHBOURS = 2  # frames before and after that colours are learned from
WHOLE = 0.6  # of a shown thing's pixels: one that a person's mask swallows so far lies before that person
LEAST_PIXELS = 40  # from which colours can be learned
BLUR = 2.5  # pixels
GHOST = 0.5  # of a found person's pixels, on most frames, on an animal that is shown: no person at all


def settled(
    frames: UInt8[NDArray[np.uint8], "F H W 3"], people: UInt8[NDArray[np.uint8], "P F H W"], things: list[Followed]
) -> tuple[UInt8[NDArray[np.uint8], "P F H W"], list[Followed]]:
    """Masks of people and things of which no pixel belongs to two. Earlier things keep what later ones claim."""
    people = people.copy()
    settled_things: list[Followed] = []
    for thing in things:
        masks = thing.masks.copy()
        for earlier in settled_things:
            masks[earlier.masks > 0] = 0
        for person in people:
            for frame in np.flatnonzero(((masks > 0) & (person > 0)).any(axis=(1, 2))):
                _settle(frames, masks, person, int(frame))
        settled_things.append(_with_masks(thing, masks))
    return people, settled_things


def ghosts(people: UInt8[NDArray[np.uint8], "P F H W"], things: list[Followed]) -> list[bool]:
    """Which found people are an animal that the user shows, taken for a person."""
    animals = np.logical_or.reduce([np.zeros(people.shape[1:], np.bool_), *(one.masks > 0 for one in things if one.kind == "animal")])
    return [_share_on(person > 0, animals) > GHOST for person in people]


def _share_on(person: Bool[NDArray[np.bool_], "F H W"], animals: Bool[NDArray[np.bool_], "F H W"]) -> float:
    areas = person.sum(axis=(1, 2))
    shared = (person & animals).sum(axis=(1, 2))
    seen = areas > 0
    return float(np.median(shared[seen] / areas[seen])) if seen.any() else 0.0


def _settle(frames: NDArray[np.uint8], thing: NDArray[np.uint8], person: NDArray[np.uint8], frame: int) -> None:
    """Takes the contested pixels of one frame from one of the two ``(F, H, W)``, in place."""
    contested = (thing[frame] > 0) & (person[frame] > 0)
    if contested.sum() >= WHOLE * (thing[frame] > 0).sum():
        person[frame][contested] = 0
        return
    rows, columns = np.flatnonzero(contested.any(axis=1)), np.flatnonzero(contested.any(axis=0))
    span = slice(max(0, frame - NEIGHBOURS), frame + NEIGHBOURS + 1)
    either = ((thing[span] > 0) | (person[span] > 0)).any(axis=0)
    low_r, high_r = int(np.flatnonzero(either.any(axis=1))[0]), int(np.flatnonzero(either.any(axis=1))[-1]) + 1
    low_c, high_c = int(np.flatnonzero(either.any(axis=0))[0]), int(np.flatnonzero(either.any(axis=0))[-1]) + 1
    window = (slice(low_r, high_r), slice(low_c, high_c))
    colours = [_bins(one[window]) for one in frames[span]]
    mine, theirs = thing[span][:, *window] > 0, person[span][:, *window] > 0
    own = [_histogram(colours, claim & ~other) for claim, other in ((mine, theirs), (theirs, mine))]
    if own[0] is None or own[1] is None:
        person[frame][contested] = 0
        return
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    here = _bins(frames[frame][box])
    ratio = cv2.GaussianBlur(np.log(own[0] / own[1]).astype(np.float32)[here], (0, 0), BLUR)
    things_own = contested[box] & (ratio > 0.0)
    person[frame][box][things_own] = 0
    thing[frame][box][contested[box] & ~things_own] = 0


def _bins(picture: UInt8[NDArray[np.uint8], "h w 3"]) -> NDArray[np.int32]:
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.int32) * BINS // 256
    return (lab[..., 0] * BINS + lab[..., 1]) * BINS + lab[..., 2]


def _histogram(colours: list[NDArray[np.int32]], masks: Bool[NDArray[np.bool_], "N h w"]) -> Float32[NDArray[np.float32], " B"] | None:
    """Shares of each colour, smoothed; nothing where too few pixels are of one alone."""
    values = np.concatenate([frame[mask] for frame, mask in zip(colours, masks, strict=True)])
    if len(values) < LEAST_PIXELS:
        return None
    counts = np.bincount(values, minlength=BINS**3).astype(np.float32).reshape((BINS,) * 3)
    for axis in range(3):
        counts = 0.5 * counts + 0.25 * (np.roll(counts, 1, axis) + np.roll(counts, -1, axis))
    return ((counts + 0.02).ravel() / float((counts + 0.02).sum())).astype(np.float32)


def _with_masks(thing: Followed, masks: UInt8[NDArray[np.uint8], "F H W"]) -> Followed:
    boxes, seen = boxes_of(masks)
    seen &= thing.seen
    return replace(thing, masks=masks, boxes=boxes, seen=seen, score=np.where(seen, thing.score, 0.0).astype(np.float32))
