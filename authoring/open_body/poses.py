"""Random plausible poses: every joint within its anatomical range, the right side as the left one's mirror."""

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.rotation import matrix_from_axis_angle

from .tables import FINGERS, SMPL, JointTable

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
_JAW = ((-0.05, 0.5), (-0.12, 0.12), (-0.05, 0.05))
_EYE = ((-0.5, 0.5), (-0.6, 0.6), (-0.02, 0.02))
_KNUCKLE = ((-0.15, 0.15), (-0.35, 0.35), (-1.6, 0.4))
_FINGER = ((-0.05, 0.05), (-0.05, 0.05), (-1.8, 0.1))
_THUMB = (  # the flat thumb points ahead and out; it bends across the palm about an axis that is mostly up
    ((-0.6, 0.6), (-0.5, 0.7), (-0.6, 0.6)),
    ((-0.2, 0.5), (-0.2, 0.8), (-0.3, 0.4)),
    ((-0.2, 0.7), (-0.3, 1.1), (-0.2, 0.3)),
)
_ACTIVE = 0.7  # how often a joint moves at all


def random_poses(count: int, seed: int, table: JointTable = SMPL) -> Array:
    """``(count, J, 3, 3)`` rotations R_parent_joint; the root stays."""
    rng = np.random.default_rng(seed)
    axis_angle = np.zeros((count, len(table.names), 3))
    for name, limits in {**_MIDDLE, "jaw": _JAW}.items():
        if name in table.joint:
            axis_angle[:, table.joint[name]] = _draw(rng, limits, count)
    for name, limits in {**_LEFT, "eye": _EYE, **_fingers()}.items():
        if f"left_{name}" in table.joint:
            axis_angle[:, table.joint[f"left_{name}"]] = _draw(rng, limits, count)
            axis_angle[:, table.joint[f"right_{name}"]] = _draw(rng, limits, count) * np.array([1.0, -1.0, -1.0])
    return matrix_from_axis_angle(axis_angle)


def _fingers() -> dict[str, tuple[tuple[float, float], ...]]:
    straight = {f"{name}{part}": _KNUCKLE if part == 1 else _FINGER for name in FINGERS for part in (1, 2, 3) if name != "thumb"}
    return {**straight, **{f"thumb{part}": limits for part, limits in enumerate(_THUMB, start=1)}}


def _draw(rng: np.random.Generator, limits: tuple[tuple[float, float], ...], count: int) -> Array:
    low, high = np.array(limits).T
    active = rng.random((count, 1)) < _ACTIVE
    return np.where(active, rng.uniform(low, high, (count, 3)), 0.0)
