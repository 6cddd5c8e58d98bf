"""Leaps that no body makes: angles that the files' makers interpolated across their seam, twists that turn over.

Where a joint leaps, it is carried over the few frames. Where the root leaps, every foot flies, and for some time around it nothing
can be believed: there the motion is cut.
"""

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.rotation import angle_between, slerp

Array = NDArray[np.floating]

FASTEST_ROOT, FASTEST_JOINT = 14.0, 25.0  # rad/s; a somersault turns at 12
_CUT = 0.3  # seconds that are lost on both sides of a leap of the root
_MARGIN = 0.035  # seconds on both sides of a joint's leap that are carried over too
_APART = 0.1  # seconds between leaps that are one: out and back again
_LONGEST = 0.3  # seconds; what goes on for longer is no leap


def sound_parts(rotations: Array, fps: float) -> list[slice]:
    """The stretches of frames of a motion ``(F, J, 3, 3)`` in which its root never leaps; all of it, mostly."""
    parts, start = [], 0
    for first, last in _leaps(rotations[:, 0], fps, FASTEST_ROOT):
        parts.append(slice(start, max(start, first - round(_CUT * fps))))
        start = last + round(_CUT * fps)
    parts.append(slice(start, len(rotations)))
    return [part for part in parts if part.start < part.stop]


def without_leaps(rotations: Array, fps: float) -> Array:
    """``(F, J, 3, 3)`` with each joint but the root carried along a geodesic over the few frames in which it leaps."""
    result = rotations.copy()
    margin, end = max(1, round(_MARGIN * fps)), len(rotations) - 1
    for joint in range(1, rotations.shape[1]):
        for first, last in _leaps(rotations[:, joint], fps, FASTEST_JOINT):
            before, after = max(first - margin, 0), min(last + margin, end)
            # a leap at an end has one good side only, which then holds
            good = (after if before == 0 else before), (before if after == end else after)
            part = np.linspace(0.0, 1.0, after - before + 1)
            result[before : after + 1, joint] = slerp(rotations[good[0], joint][None], rotations[good[1], joint][None], part)
    return result


def _leaps(rotations: Array, fps: float, fastest: float) -> list[tuple[int, int]]:
    """(last frame before, first frame after) each leap of rotations ``(F, 3, 3)``."""
    fast = np.flatnonzero(angle_between(rotations[:-1], rotations[1:]) * fps > fastest)
    runs = np.split(fast, np.flatnonzero(np.diff(fast) > _APART * fps) + 1)
    return [(int(run[0]), int(run[-1]) + 1) for run in runs if len(run) > 0 and run[-1] - run[0] < _LONGEST * fps]
