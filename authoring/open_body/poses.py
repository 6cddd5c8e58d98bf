"""Random plausible poses: every joint within its anatomical range, the right side as the left one's mirror."""

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.rotation import matrix_from_axis_angle

from .skeleton import JOINT

Array = NDArray[np.float64]

# Lowest and highest axis-angle component x, y, z in radians; in T pose x is the left arm's axis, y up, z ahead.
_MIDDLE = {
    "spine1": ((-0.25, 0.55), (-0.35, 0.35), (-0.3, 0.3)),
    "spine2": ((-0.2, 0.4), (-0.35, 0.35), (-0.25, 0.25)),
    "spine3": ((-0.2, 0.35), (-0.35, 0.35), (-0.25, 0.25)),
    "neck": ((-0.4, 0.5), (-0.6, 0.6), (-0.35, 0.35)),
    "head": ((-0.4, 0.4), (-0.5, 0.5), (-0.3, 0.3)),
}
_LEFT = {
    "hip": ((-2.0, 0.6), (-0.6, 0.7), (-0.4, 0.9)),
    "knee": ((0.0, 2.3), (-0.2, 0.2), (-0.1, 0.1)),
    "ankle": ((-0.5, 0.8), (-0.3, 0.3), (-0.35, 0.35)),
    "foot": ((-0.7, 0.4), (-0.1, 0.1), (-0.1, 0.1)),
    "collar": ((-0.2, 0.2), (-0.35, 0.25), (-0.2, 0.5)),
    "shoulder": ((-1.0, 1.0), (-1.6, 0.7), (-1.5, 1.3)),
    "elbow": ((-0.9, 0.9), (-2.4, 0.05), (-0.1, 0.1)),
    "wrist": ((-0.7, 0.7), (-0.45, 0.45), (-0.9, 0.9)),
    "hand": ((-0.1, 0.1), (-0.15, 0.15), (-1.4, 0.3)),
}
_ACTIVE = 0.7  # how often a joint moves at all


def random_poses(count: int, seed: int) -> Array:
    """``(count, 24, 3, 3)`` rotations R_parent_joint; the root stays."""
    rng = np.random.default_rng(seed)
    axis_angle = np.zeros((count, len(JOINT), 3))
    for name, limits in _MIDDLE.items():
        axis_angle[:, JOINT[name]] = _draw(rng, limits, count)
    for name, limits in _LEFT.items():
        axis_angle[:, JOINT[f"left_{name}"]] = _draw(rng, limits, count)
        axis_angle[:, JOINT[f"right_{name}"]] = _draw(rng, limits, count) * np.array([1.0, -1.0, -1.0])
    return matrix_from_axis_angle(axis_angle)


def _draw(rng: np.random.Generator, limits: tuple[tuple[float, float], ...], count: int) -> Array:
    low, high = np.array(limits).T
    active = rng.random((count, 1)) < _ACTIVE
    return np.where(active, rng.uniform(low, high, (count, 3)), 0.0)
