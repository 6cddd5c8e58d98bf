"""Bone axes: how SMPL's joints become Blender bones that look right and are good to edit.

Armature space is SMPL's rest space turned to stand up: x stays, SMPL's y (up) becomes z, SMPL's z (front) becomes -y, so
that an unposed body faces the front view. A bone lies on its joint and points along its local y axis at the joint's child.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...masks.labels import SMPL_JOINT_NAMES

Array = NDArray[np.floating]

R_ARMATURE_SMPL: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

_SHORTEST = 0.02  # metres; Blender deletes bones of no length
_LEAF_LENGTH = 0.5  # of the parent bone


@dataclass(frozen=True, eq=False)
class BoneRest:
    """One bone at rest in armature space, metres. z_axis: unit vector that the bone's local z axis comes closest to."""

    name: str
    parent: int
    head: Array
    tail: Array
    z_axis: Array


def bone_names(n_joints: int) -> tuple[str, ...]:
    """SMPL's joint names where there are 24, ``joint_00`` and so on otherwise."""
    return SMPL_JOINT_NAMES if n_joints == len(SMPL_JOINT_NAMES) else tuple(f"joint_{index:02d}" for index in range(n_joints))


def _pointed_at(joint: int, parents: NDArray[np.integer], heads: Array) -> int:
    """The child that a bone points at: of several the one nearest the body's middle plane; -1 where there is none."""
    children = np.flatnonzero(np.asarray(parents) == joint)
    if len(children) == 0:
        return -1
    return int(children[np.argmin(np.abs(heads[children, 0] - heads[joint, 0]))])


def _tail(joint: int, parents: NDArray[np.integer], heads: Array) -> Array:
    child = _pointed_at(joint, parents, heads)
    if child >= 0:
        along, length = heads[child] - heads[joint], 1.0
    else:
        along, length = heads[joint] - heads[parents[joint]], _LEAF_LENGTH
    size = float(np.linalg.norm(along))
    if size * length < _SHORTEST:
        return heads[joint] + np.array([0.0, 0.0, _SHORTEST])
    return heads[joint] + along * length


def rest_bones(joints_rest: Array, parents: NDArray[np.integer]) -> tuple[BoneRest, ...]:
    """Bones of a body at rest. joints_rest: ``(J, 3)`` in SMPL's space, metres. parents: ``(J,)``, -1 at the root."""
    heads = np.asarray(joints_rest, dtype=np.float64) @ R_ARMATURE_SMPL.T
    names = bone_names(len(heads))
    front, up = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    bones = []
    for joint, name in enumerate(names):
        tail = _tail(joint, parents, heads)
        along = (tail - heads[joint]) / np.linalg.norm(tail - heads[joint])
        hint = up if abs(along @ front) > 0.8 else front
        z_axis = hint - along * (hint @ along)
        bones.append(BoneRest(name, int(parents[joint]), heads[joint], tail, z_axis / np.linalg.norm(z_axis)))
    return tuple(bones)
