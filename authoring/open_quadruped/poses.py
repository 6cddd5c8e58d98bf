"""Random plausible poses of an animal: every joint within its range, left and right drawn alike."""

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.rotation import matrix_from_axis_angle

from .skeleton import JOINT, JOINT_MIRROR

Array = NDArray[np.float64]

# Lowest and highest axis-angle component x, y, z in radians. The animal faces +x: x rolls, a turn about +y lowers what lies
# ahead and swings a hanging leg's end backwards, z turns to the left.
_MIDDLE = {
    "pelvis": ((-0.12, 0.12), (-0.18, 0.18), (-0.15, 0.15)),
    "spine": ((-0.12, 0.12), (-0.18, 0.18), (-0.15, 0.15)),
    "spine0": ((-0.12, 0.12), (-0.18, 0.18), (-0.15, 0.15)),
    "spine1": ((-0.12, 0.12), (-0.18, 0.18), (-0.15, 0.15)),
    "spine2": ((-0.12, 0.12), (-0.18, 0.18), (-0.15, 0.15)),
    "spine3": ((-0.12, 0.12), (-0.18, 0.18), (-0.15, 0.15)),
    "neck": ((-0.3, 0.3), (-0.6, 1.3), (-0.7, 0.7)),
    "head": ((-0.4, 0.4), (-0.7, 0.7), (-0.6, 0.6)),
    "mouth": ((-0.03, 0.03), (0.0, 0.75), (-0.06, 0.06)),
    **{f"tail{k}": ((-0.1, 0.1), (-0.45, 0.45), (-0.5, 0.5)) for k in range(1, 8)},
}
_LEFT = {
    "front_leg1": ((-0.25, 0.3), (-0.9, 0.9), (-0.25, 0.25)),
    "front_leg2": ((-0.1, 0.1), (-1.6, 0.45), (-0.15, 0.15)),
    "front_leg3": ((-0.1, 0.1), (-0.15, 1.7), (-0.15, 0.15)),
    "front_foot": ((-0.15, 0.15), (-1.0, 0.9), (-0.15, 0.15)),
    "back_leg1": ((-0.2, 0.45), (-1.0, 0.9), (-0.3, 0.3)),
    "back_leg2": ((-0.1, 0.1), (-0.45, 1.2), (-0.15, 0.15)),
    "back_leg3": ((-0.1, 0.1), (-1.3, 0.6), (-0.15, 0.15)),
    "back_foot": ((-0.15, 0.15), (-0.9, 0.9), (-0.15, 0.15)),
    "ear": ((-0.4, 0.4), (-0.5, 0.5), (-0.6, 0.6)),
}
_ACTIVE = 0.7  # how often a joint moves at all


def random_poses(count: int, seed: int) -> Array:
    """``(count, 35, 3, 3)`` rotations R_parent_joint; the root stays."""
    rng = np.random.default_rng(seed)
    axis_angle = np.zeros((count, len(JOINT), 3))
    for name, limits in _MIDDLE.items():
        axis_angle[:, JOINT[name]] = _draw(rng, limits, count)
    for name, limits in _LEFT.items():
        left = JOINT[f"left_{name}"]
        axis_angle[:, left] = _draw(rng, limits, count)
        axis_angle[:, JOINT_MIRROR[left]] = _draw(rng, limits, count) * np.array([-1.0, 1.0, -1.0])
    return matrix_from_axis_angle(axis_angle)


def _draw(rng: np.random.Generator, limits: tuple[tuple[float, float], ...], count: int) -> Array:
    low, high = np.array(limits).T
    active = rng.random((count, 1)) < _ACTIVE
    return np.where(active, rng.uniform(low, high, (count, 3)), 0.0)
