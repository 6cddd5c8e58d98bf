"""What of a frame is background, by frames in which its place is known to have been free of the thing.

The strongest witness there is: where the box was drawn, everything outside it is background; where the thing has gone, what it
leaves is. Frames are laid onto each other by the background's motion; shadows (darker, of the same colour) count as background.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.lifting.objects.colours import perceptual
from backend.lifting.objects.cutting import Crop, crop_about
from revision_blender.motion.subjects import Box

Array = NDArray[np.floating]
Soft = NDArray[np.float32]

LEAST_NOISE, MOST_NOISE = 1.5, 8.0  # of 8-bit Lab: differences as large say nothing
USUAL, ABOVE = 75, 1.6  # that percentile of the differences far from the thing, so many times, is noise
SHADE = 0.45  # of a difference in lightness alone, where it is darker
STEEP = 1.8  # log odds for each time the noise
MOST_FOR = 2.5
GONE = 0.12  # of the thing's side: how far it must have gone for what stays to be background
ENOUGH = 2  # frames that agree on that
STANDS = -3.5
WARY = 0.06  # of the thing's side: so near a mask nothing is sure to be background


@dataclass(frozen=True, eq=False)
class Free:
    """A frame and what of it is free of the thing and of everything else that moves. free: ``(h, w)``. middle: ``(2,)`` the thing's
    there, pixels. side: its longer side."""

    frame: int
    free: NDArray[np.bool_]
    middle: Array
    side: float


def free_of(box: Box, shape: tuple[int, ...], taken: NDArray[np.bool_] | None, side: float) -> NDArray[np.bool_]:
    """``(h, w)``: what is outside the thing's box with room about it, and not others'. What a mask leaves out may still be the thing."""
    reach = max(2, round(WARY * side))
    free = np.ones(shape, bool)
    crop_about(box, reach, shape).of(free)[:] = False
    if taken is not None:
        free[cv2.dilate(taken.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0] = False
    return free


@dataclass(frozen=True, eq=False)
class Background:
    """pictures: ``(F, h, w, 3)`` sRGB. to_first: ``(F, 3, 3)`` the background's motion. memory: the most trusted first."""

    pictures: NDArray[np.uint8]
    to_first: Array
    memory: Sequence[Free]

    def votes(self, frame: int, crop: Crop, far: NDArray[np.bool_], at: Array) -> Soft:
        """``(h, w)`` log odds that the pixels of a crop are not background; 0 where no frame of the memory knows.

        What looks as it did at its place in the background on several frames, while the thing went elsewhere, stands still: it is not
        the thing, whatever its mask took along. far: what of the crop is hardly the thing, by which the noise is told. at: ``(2,)`` the
        middle of the thing now, pixels.
        """
        return _votes(self, frame, crop, far, at)


def _votes(background: Background, frame: int, crop: Crop, far: NDArray[np.bool_], at: Array) -> Soft:
    now = crop.of(background.pictures[frame])
    votes = np.zeros(now.shape[:2], np.float32)
    open_ = np.ones(now.shape[:2], bool)
    lab = perceptual(now).astype(np.float32)
    standing: list[NDArray[np.bool_]] = []
    for known in background.memory:
        matrix = _onto(crop, background.to_first[known.frame], background.to_first[frame])
        there = cv2.warpPerspective(known.free.astype(np.uint8), matrix, (crop.width, crop.height), flags=cv2.INTER_NEAREST) > 0
        gone = float(np.linalg.norm(_moved(matrix, known.middle) + [crop.left, crop.top] - at)) > GONE * known.side
        if not (open_ & there).any() and not gone:
            continue
        plate = _laid(background.pictures[known.frame], matrix, crop)
        odds = _odds(lab, plate, there, far)
        votes[open_ & there] = odds[open_ & there]
        open_ &= ~there
        if gone:
            standing.append(odds < 0.0)
    if len(standing) >= ENOUGH:
        votes[np.all(standing, axis=0)] = STANDS
    return votes


def _laid(picture: NDArray[np.uint8], matrix: Array, crop: Crop) -> NDArray[np.uint8]:
    """A known frame's Lab as the crop would show it."""
    laid = cv2.warpPerspective(picture, matrix, (crop.width, crop.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return perceptual(laid.astype(np.uint8, copy=False))


def _moved(matrix: Array, place: Array) -> Array:
    x, y, w = matrix @ [place[0], place[1], 1.0]
    return np.array([x, y]) / w


def _onto(crop: Crop, known_to_first: Array, now_to_first: Array) -> Array:
    """``(3, 3)`` pixels of a known frame to those of the crop."""
    moved = np.array([[1.0, 0.0, -crop.left], [0.0, 1.0, -crop.top], [0.0, 0.0, 1.0]])
    return moved @ np.linalg.inv(now_to_first) @ known_to_first


def _odds(lab: Soft, plate: NDArray[np.uint8], there: NDArray[np.bool_], far: NDArray[np.bool_]) -> Soft:
    kernel = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(plate, kernel).astype(np.float32), cv2.erode(plate, kernel).astype(np.float32)
    brighter = np.maximum(lab - high, 0.0)  # beyond what lies within a pixel: the frames never fit exactly
    darker = np.maximum(low - lab, 0.0)
    chroma = np.hypot(*(brighter[..., k] + darker[..., k] for k in (1, 2)))
    difference = np.sqrt(np.square(brighter[..., 0] + SHADE * darker[..., 0]) + 4.0 * np.square(chroma))
    difference = cv2.GaussianBlur(difference, (0, 0), 1.0)
    elsewhere = difference[there & far]
    noise = float(np.clip(ABOVE * np.percentile(elsewhere, USUAL), LEAST_NOISE, MOST_NOISE)) if elsewhere.size > 50 else 0.5 * MOST_NOISE
    return np.clip(STEEP * (difference / noise - 1.0), -STEEP, MOST_FOR).astype(np.float32)
