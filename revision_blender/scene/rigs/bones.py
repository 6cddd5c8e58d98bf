"""Bone axes: how a body's joints become Blender bones that look right and are good to edit.

Armature space is the model's rest space turned so that the body stands up and faces the front view: people (y up, facing +z)
and animals (z up, facing +x) both end z up, facing -y, their left at +x. A bone's head lies on its joint. Its axes come from
the model's mean shape, so that what is written in bone axes (keys, pose correctives) means the same on every shape: local y
points at the joint's child or, where that lies nearly straight ahead, straight ahead, and local x is the axis about which elbows, knees and fingers bend.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_data import BodyModel
from ...motion.skeletons import SKELETONS

Array = NDArray[np.floating]

R_ARMATURE_SMPL: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
R_ARMATURE_SMAL: Array = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

_FRONT, _UP = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
_SHORTEST = 0.01  # metres; Blender deletes bones of no length, and a short one loses digits of its axes
_AHEAD = np.cos(
    np.radians(15.0)
)  # Blender builds axes about a bone that points nearly at -y with an error of up to 5e-5; exactly at -y with none
_LEAF_LENGTH = 0.5  # of the distance to the parent's joint
_ENDS_OF_PEOPLE = ("head",)  # has children in SMPL-X (jaw, eyes), yet goes on where the neck points
_LOOKS_AHEAD = ("jaw", "left_eye", "right_eye")
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")


def R_armature_model(family: str) -> Array:
    """``(3, 3)`` turns the rest space of a family's models into armature space."""
    return R_ARMATURE_SMAL if family == "smal" else R_ARMATURE_SMPL


@dataclass(frozen=True, eq=False)
class BoneRest:
    """One bone at rest in armature space, metres. parent: number of its parent, -1 at the root. R_armature_bone: ``(3, 3)``."""

    name: str
    parent: int
    head: Array
    length: float
    R_armature_bone: Array

    @property
    def tail(self) -> Array:
        return self.head + self.length * self.R_armature_bone[:, 1]


def bone_names(family: str, n_joints: int) -> tuple[str, ...]:
    """The family's joint names; ``joint_00`` and so on where the number of joints is not the family's."""
    skeleton = SKELETONS.get(family)
    if skeleton is not None and skeleton.n_joints == n_joints:
        return skeleton.names
    return tuple(f"joint_{index:02d}" for index in range(n_joints))


def _pointed_at(joint: int, names: tuple[str, ...], parents: NDArray[np.integer], heads: Array) -> int:
    """The child that a bone points at: a wrist's is the middle finger, else the one nearest the body's middle; -1 for none."""
    children = np.flatnonzero(np.asarray(parents) == joint)
    if len(children) == 0 or (names[joint] in _ENDS_OF_PEOPLE and "jaw" in names):
        return -1
    for child in children:
        if names[child].endswith("_middle1"):
            return int(child)
    return int(children[np.argmin(np.abs(heads[children, 0] - heads[joint, 0]))])


def _is_hand(name: str) -> bool:
    return name.endswith(("_wrist", "_hand")) or any(finger in name for finger in _FINGERS)


def _axes(name: str, along: Array) -> Array:
    """``(3, 3)`` bone axes. Hands lie palm down at rest: their z looks down, so that turning by +x closes the fingers."""
    size = float(np.linalg.norm(along))
    y = along / size if size > 1e-6 else _UP
    y = _FRONT if y @ _FRONT > _AHEAD else y
    hint = -_UP if _is_hand(name) and abs(y @ _UP) < 0.8 else _UP if abs(y @ _FRONT) > 0.8 else _FRONT
    z = hint - y * (hint @ y)
    z = z / np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], axis=1)


def _along(joint: int, child: int, name: str, parents: NDArray[np.integer], heads: Array) -> Array:
    if name in _LOOKS_AHEAD:
        return _FRONT
    if child >= 0:
        return heads[child] - heads[joint]
    return heads[joint] - heads[parents[joint]] if parents[joint] >= 0 else _UP


def _length(joint: int, child: int, parents: NDArray[np.integer], heads: Array) -> float:
    other = child if child >= 0 else int(parents[joint])
    distance = float(np.linalg.norm(heads[other] - heads[joint])) if other >= 0 else 1.0
    return max(_SHORTEST, distance if child >= 0 else _LEAF_LENGTH * distance)


def rest_bones(model: BodyModel, joints_rest: Array) -> tuple[BoneRest, ...]:
    """Bones of a body at rest. joints_rest: ``(J, 3)`` rest joints of its shape in the model's space, metres."""
    names = bone_names(model.family, model.n_joints)
    A = R_armature_model(model.family)
    mean, heads = model.joint_template @ A.T, np.asarray(joints_rest, dtype=np.float64) @ A.T
    bones = []
    for joint, name in enumerate(names):
        child = _pointed_at(joint, names, model.parents, mean)
        axes = _axes(name, _along(joint, child, name, model.parents, mean))
        bones.append(BoneRest(name, int(model.parents[joint]), heads[joint], _length(joint, child, model.parents, heads), axes))
    return tuple(bones)


def R_smpl_bone_of(model: BodyModel) -> Array:
    """``(J, 3, 3)``: the axes of every rig of ``model`` seen in its rest space; the same for each shape."""
    bones = rest_bones(model, model.joint_template)
    return R_armature_model(model.family).T @ np.stack([bone.R_armature_bone for bone in bones])
