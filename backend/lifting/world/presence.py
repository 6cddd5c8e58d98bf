"""On which frames of its shot a body is there at all: everywhere but before it came into the picture and after it left.

A track's confidence of exactly 0 means that the body is not there: it is neither drawn in the part masks nor shown. One that is hidden,
or whose fit is poor, is there, and keeps a little.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from backend.lifting.subject import boxes_of
from backend.lifting.world.lifted import LiftedTrack
from revision_blender.motion.clip import BodyTrack, Track

LEAST = 0.02  # confidence of what is there, however little is known of it
BORDER = 0.01  # of the picture's sides
CUT = 0.5  # of its usual height: a body that the picture's lower or upper edge leaves so little of is on its way out


def present(lifted: LiftedTrack) -> LiftedTrack:
    """The subject with confidence 0 on all joints where it has left the picture or has not come yet, and above 0 elsewhere.

    Things come so from where they are placed.
    """
    if not isinstance(lifted.track, BodyTrack):
        return lifted
    there = frames_there(lifted)
    return replace(lifted, track=_trusted(lifted.track, there), raw=_trusted(lifted.raw, there))


def frames_there(lifted: LiftedTrack) -> Bool[NDArray[np.bool_], " F"]:
    """All frames, without those at the shot's ends that do not show the subject, where it is next seen at the picture's border."""
    there = np.ones(len(lifted.seen), np.bool_)
    boxes, shown = boxes_of(lifted.mask)
    shown &= lifted.seen
    if not shown.any():
        return there
    usual = float(np.median((boxes[:, 3] - boxes[:, 1])[shown]))
    first, last = np.flatnonzero(shown)[[0, -1]]
    height, width = lifted.mask.shape[1:]
    there[:first] = not _at_border(boxes[first], usual, width, height)
    there[last + 1 :] = not _at_border(boxes[last], usual, width, height)
    return there


def _at_border(box: NDArray[np.floating], usual: float, width: int, height: int) -> bool:
    """Whether a box (left, top, right, bottom) reaches the picture's sides, or is what its lower or upper edge leaves of a subject."""
    left, top, right, bottom = box
    beside = left <= BORDER * width or right >= (1.0 - BORDER) * width
    above = top <= BORDER * height or bottom >= (1.0 - BORDER) * height
    return bool(beside or (above and bottom - top < CUT * usual))


def _trusted(track: Track, there: NDArray[np.bool_]) -> Track:
    confidence = np.where(there[:, None], np.maximum(track.confidence, LEAST), 0.0).astype(track.confidence.dtype)
    return replace(track, confidence=confidence)
