"""Frames on which a fit fell into another posture, far nearer or farther than before and after: no body moves so.

Where legs are hidden the depth of one frame hangs on little, and smoothness alone does not bring back a frame that has fallen far. A
body's middle is carried by what pushes and pulls it: it does not leap aside and back at many times its weight.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle

Array = NDArray[np.floating]

IMPOSSIBLE = 60.0  # m/s^2: six times the weight, of the body's middle
LEAST = 0.15  # metres: nearer to the way between its neighbours a frame is no leap, however many frames a second there are
DOUBT = 0.5  # what is left of the confidence
ROUNDS = 3


def without_leaps(track: BodyTrack, fps: float) -> BodyTrack:
    """The track with single frames that leap aside and back put half way between their neighbours, their confidence lowered."""
    for _ in range(ROUNDS):
        leaps = _leaps(track.translation, fps)
        if not len(leaps):
            break
        track = _bridged(track, leaps)
    return track


def _leaps(places: Float[Array, "F 3"], fps: float) -> NDArray[np.int64]:
    """Frames farther from the way between their neighbours than a body can go, and than those two are from theirs."""
    if len(places) < 4:
        return np.zeros(0, np.int64)
    aside = np.zeros(len(places))
    aside[1:-1] = np.linalg.norm(places[1:-1] - 0.5 * (places[2:] + places[:-2]), axis=1)
    worst = (aside[1:-1] > aside[:-2]) & (aside[1:-1] > aside[2:])
    return np.flatnonzero(worst & (aside[1:-1] > max(LEAST, 0.5 * IMPOSSIBLE / fps**2))) + 1


def _bridged(track: BodyTrack, frames: NDArray[np.int64]) -> BodyTrack:
    rotations, translation, confidence = track.rotations.copy(), track.translation.copy(), track.confidence.copy()
    before, after = track.rotations[frames - 1], track.rotations[frames + 1]
    half = matrix_from_axis_angle(0.5 * axis_angle_from_matrix(np.swapaxes(before, -1, -2) @ after))
    rotations[frames] = before @ half
    translation[frames] = 0.5 * (track.translation[frames - 1] + track.translation[frames + 1])
    confidence[frames] = DOUBT * np.minimum(confidence[frames - 1], confidence[frames + 1])
    return replace(track, rotations=rotations, translation=translation, confidence=confidence)
