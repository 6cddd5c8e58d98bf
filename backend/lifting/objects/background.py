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
from backend.lifting.objects.crops import Crop

Array = NDArray[np.floating]
Soft = NDArray[np.float32]

LEAST_NOISE, MOST_NOISE = 1.5, 8.0  # of 8-bit Lab: differences as large say nothing
USUAL, ABOVE = 75, 1.6  # that percentile of the differences far from the thing, so many times, is noise
SHADE = 0.45  # of a difference in lightness alone, where it is darker
STEEP = 1.8  # log odds for each time the noise
MOST_FOR = 2.5
WARY, WARY_OF_OTHERS = 0.12, 0.05  # of the thing's side: so near a mask nothing is sure to be background


@dataclass(frozen=True, eq=False)
class Free:
    """A frame and what of it is free of the thing and of everything else that moves. free: ``(h, w)``."""

    frame: int
    free: NDArray[np.bool_]


def free_of(soft: Soft, taken: NDArray[np.bool_] | None, side: float) -> NDArray[np.bool_]:
    """``(h, w)``: neither the thing nor others', with room around both. What a mask leaves out a little beside it may still be the thing."""
    free = cv2.dilate((soft > 0.3).astype(np.uint8), _reach(WARY * side)) == 0
    if taken is not None:
        free &= cv2.dilate(taken.astype(np.uint8), _reach(WARY_OF_OTHERS * side)) == 0
    return free


def _reach(pixels: float) -> NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(2, round(pixels)) + 1,) * 2).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Background:
    """pictures: ``(F, h, w, 3)`` sRGB. to_first: ``(F, 3, 3)`` the background's motion. memory: the most trusted first."""

    pictures: NDArray[np.uint8]
    to_first: Array
    memory: Sequence[Free]

    def votes(self, frame: int, crop: Crop, inside: Soft) -> Soft:
        """``(h, w)`` log odds that the pixels of a crop are not background; 0 where no frame of the memory knows.

        inside: ``(h, w)`` where the thing likely is.
        """
        return _votes(self, frame, crop, inside)


def _votes(background: Background, frame: int, crop: Crop, inside: Soft) -> Soft:
    now = crop.of(background.pictures[frame])
    votes = np.zeros(now.shape[:2], np.float32)
    open_ = np.ones(now.shape[:2], bool)
    lab = perceptual(now).astype(np.float32)
    for known in background.memory:
        matrix = _onto(crop, background.to_first[known.frame], background.to_first[frame])
        there = cv2.warpPerspective(known.free.astype(np.uint8), matrix, (crop.width, crop.height), flags=cv2.INTER_NEAREST) > 0
        if not (open_ & there).any():
            continue
        odds = _odds(lab, _laid(background.pictures[known.frame], matrix, crop), there, inside < 0.1)
        votes[open_ & there] = odds[open_ & there]
        open_ &= ~there
        if not open_.any():
            break
    return votes


def laid_onto(
    picture: NDArray[np.uint8], free: NDArray[np.bool_], known_to_first: Array, now_to_first: Array, crop: Crop
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A known frame's picture ``(H, W, 3)`` as a crop of another would show it, and where that shows what is free in it."""
    matrix, size = _onto(crop, known_to_first, now_to_first), (crop.width, crop.height)
    there = cv2.warpPerspective(free.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
    laid = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return laid.astype(np.uint8, copy=False), there


def _laid(picture: NDArray[np.uint8], matrix: Array, crop: Crop) -> NDArray[np.uint8]:
    """A known frame's Lab as the crop would show it."""
    laid = cv2.warpPerspective(picture, matrix, (crop.width, crop.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return perceptual(laid.astype(np.uint8, copy=False))


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
