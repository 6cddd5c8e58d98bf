"""Which joints belong together, and which are each other's mirror image."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import N_JOINTS, Kind
from revision_blender.motion.skeletons import skeleton_of

Joints = tuple[int, ...]

# Chains from the body outwards; what a lifter loses or mistakes, it does so limb by limb.
LEGS: dict[Kind, tuple[Joints, ...]] = {
    "human": ((1, 4, 7, 10), (2, 5, 8, 11)),
    "animal": ((7, 8, 9, 10), (11, 12, 13, 14), (17, 18, 19, 20), (21, 22, 23, 24)),
    "object": (),
}
OTHER_LIMBS: dict[Kind, tuple[Joints, ...]] = {
    "human": ((13, 16, 18, 20), (14, 17, 19, 21), (12, 15)),
    "animal": ((15, 16, 32, 33, 34), (25, 26, 27, 28, 29, 30, 31)),
    "object": (),
}


def limbs_of(kind: Kind) -> tuple[Joints, ...]:
    """All limbs, legs first."""
    return LEGS[kind] + OTHER_LIMBS[kind]


@cache
def parents_of(kind: Kind) -> Joints:
    """The parent of each joint, -1 for the root."""
    if kind == "object":
        return (-1,)
    family = "smpl" if kind == "human" else "smal"
    return tuple(int(parent) for parent in skeleton_of(family).parents[: N_JOINTS[kind]])


@cache
def mirror_of(kind: Kind) -> NDArray[np.int64]:
    """``(J,)`` for each joint the one on the other side, itself in the middle."""
    if kind == "object":
        return np.zeros(1, dtype=np.int64)
    names = skeleton_of("smpl" if kind == "human" else "smal").names[: N_JOINTS[kind]]
    return np.array([names.index(_other_side(name)) for name in names])


def _other_side(name: str) -> str:
    return name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")
