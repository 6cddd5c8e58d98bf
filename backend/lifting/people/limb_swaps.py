"""Legs or arms that a detector took for each other in a single frame, put right from the frames before and after."""

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import index_of

GAIN = 0.5  # exchanged limbs must lie at less than this share of the distance from where the neighbours say they are
LEAST = 0.04  # and the distance must be more than this part of the person's extent: crossing limbs are left alone

_LEGS = ("hip", "knee", "ankle", "heel", "foot_index")
_ARMS = ("elbow", "wrist", "pinky", "index", "thumb")


def unswapped(points: Float32[NDArray[np.float32], "F 33 C"]) -> Float32[NDArray[np.float32], "F 33 C"]:
    """``(F, 33, C)`` landmarks, x and y in pixels first, NaN in frames that show nobody; a corrected copy.

    A pair of limbs is exchanged in a frame where that brings it much nearer to the middle of its neighbours. The first and
    the last frame have one neighbour only and stay.
    """
    points = points.copy()
    extent = np.nanmax(np.ptp(points[..., :2], axis=1), initial=1.0) if np.isfinite(points).any() else 1.0
    for limb in (_LEGS, _ARMS):
        left = [index_of(f"left_{name}") for name in limb]
        right = [index_of(f"right_{name}") for name in limb]
        for frame in range(1, len(points) - 1):
            if _is_swapped(points, frame, left, right, LEAST * float(extent)):
                points[frame, left + right] = points[frame, right + left]
    return points


def _is_swapped(points: NDArray[np.float32], frame: int, left: list[int], right: list[int], least: float) -> bool:
    middle = 0.5 * (points[frame - 1] + points[frame + 1])[:, :2]
    here = points[frame, :, :2]
    kept = np.linalg.norm(here[left + right] - middle[left + right], axis=-1).mean()
    swapped = np.linalg.norm(here[right + left] - middle[left + right], axis=-1).mean()
    return bool(kept > least and swapped < GAIN * kept)  # False where a neighbour is NaN
