"""Anny's 104 bones gathered into SMPL's 24 joints, and the way from Anny's rest pose to SMPL's T pose."""

import numpy as np
from numpy.typing import NDArray

from revision_blender.masks.labels import SMPL_JOINT_NAMES

from .skinning import joint_transforms, skin_dual_quaternions

Array = NDArray[np.float64]

PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21])
JOINT = {name: index for index, name in enumerate(SMPL_JOINT_NAMES)}
_SIDES = (("left", "L", 1.0), ("right", "R", -1.0))
_LEG_SPREAD = 0.05  # rad between a leg and the plumb line in the rest pose
_FINGERS = tuple(f"finger{finger}-{part}" for finger in range(2, 6) for part in range(1, 4))
_TOES = tuple(f"toe{toe}-{part}" for toe in range(1, 6) for part in range(1, 4))

_MIDDLE_BONES = {
    "pelvis": ("root", "pelvis.L", "pelvis.R", "spine05"),
    "spine1": ("spine04", "spine03"),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck01", "neck02", "neck03"),
    "head": ("head", "eye.L", "eye.R"),
}
_SIDE_BONES = {
    "hip": ("upperleg01", "upperleg02"),
    "knee": ("lowerleg01", "lowerleg02"),
    "ankle": ("foot",),
    "foot": _TOES,
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01", "upperarm02"),
    "elbow": ("lowerarm01", "lowerarm02"),
    "wrist": ("wrist", "finger1-1", "finger1-2", "finger1-3", *(f"metacarpal{n}" for n in range(1, 5))),
    "hand": _FINGERS,
}
_MIDDLE_HEADS = {
    "pelvis": ("root", "spine04"),
    "spine1": ("spine04",),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck01",),
    "head": ("head",),
}
_SIDE_HEADS = {
    "hip": ("upperleg01",),
    "knee": ("lowerleg01",),
    "ankle": ("foot",),
    "foot": ("toe1-1", "toe2-1", "toe3-1", "toe4-1"),
    "collar": ("clavicle",),
    "shoulder": ("upperarm01",),
    "elbow": ("lowerarm01",),
    "wrist": ("wrist",),
    "hand": ("finger2-1", "finger3-1", "finger4-1", "finger5-1"),
}


def _spread(middle: dict[str, tuple[str, ...]], side: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    both = {f"{word}_{name}": tuple(f"{bone}.{letter}" for bone in bones) for name, bones in side.items() for word, letter, _ in _SIDES}
    return {**middle, **both}


def joint_of_bone(bones: tuple[str, ...]) -> NDArray[np.int64]:
    """``(bones,)``: the SMPL joint that carries each of Anny's bones."""
    owner = {bone: JOINT[joint] for joint, members in _spread(_MIDDLE_BONES, _SIDE_BONES).items() for bone in members}
    return np.array([owner[bone] for bone in bones])


def joints_from_heads(heads: Array, bones: tuple[str, ...]) -> Array:
    """``(N, 24, 3)`` SMPL joints from bone heads ``(N, bones, 3)``, in Anny's rest pose."""
    places = _spread(_MIDDLE_HEADS, _SIDE_HEADS)
    index = {bone: number for number, bone in enumerate(bones)}
    return np.stack([heads[:, [index[bone] for bone in places[name]]].mean(axis=1) for name in SMPL_JOINT_NAMES], axis=1)


def gathered_weights(weights: Array, bones: tuple[str, ...], keep: int) -> Array:
    """``(V, 24)`` blend weights from ``(V, bones)``; the ``keep`` largest of each vertex, summing to 1."""
    owner = joint_of_bone(bones)
    gathered = np.stack([weights[:, owner == joint].sum(axis=1) for joint in range(len(PARENTS))], axis=1)
    threshold = -np.sort(-gathered, axis=1)[:, keep - 1 : keep]
    gathered = np.where((gathered >= np.maximum(threshold, 1e-3)), gathered, 0.0)
    return gathered / gathered.sum(axis=1, keepdims=True)


def to_t_pose(vertices: Array, joints: Array, weights: Array) -> tuple[Array, Array]:
    """Vertices ``(N, V, 3)`` and joints ``(N, 24, 3)`` turned from Anny's rest pose into SMPL's T pose, pelvis where it was."""
    local = _local_rotations(_t_pose_world(joints))
    transforms = joint_transforms(PARENTS, joints, local)
    posed = np.einsum("njab,njb->nja", transforms[..., :3], joints) + transforms[..., 3]
    return skin_dual_quaternions(vertices, weights, transforms), posed


def _t_pose_world(joints: Array) -> Array:
    """``(N, 24, 3, 3)`` world rotations that straighten the arms to the sides and set the legs nearly plumb."""
    world = np.tile(np.eye(3), (*joints.shape[:2], 1, 1))
    for word, _, sign in _SIDES:
        at = {name: joints[:, JOINT[f"{word}_{name}"]] for name in _SIDE_HEADS}
        out = np.array([sign, 0.0, 0.0])
        upper, lower = at["elbow"] - at["shoulder"], at["wrist"] - at["elbow"]
        hinge = sign * np.cross(upper, lower)  # the elbow's axis: points down when the arm is stretched to the side
        shoulder = _frame_to(upper, hinge, out, np.array([0.0, -1.0, 0.0]))
        elbow = _frame_to(lower, hinge, out, np.array([0.0, -1.0, 0.0]))
        wrist = shortest(np.einsum("nab,nb->na", elbow, at["hand"] - at["wrist"]), out) @ elbow
        leg = at["ankle"] - at["hip"]
        down = np.array([sign * np.sin(_LEG_SPREAD), -np.cos(_LEG_SPREAD), 0.0])
        hip = shortest(leg, down)
        for name, rotation in (("shoulder", shoulder), ("elbow", elbow), ("wrist", wrist), ("hand", wrist), ("hip", hip), ("knee", hip)):
            world[:, JOINT[f"{word}_{name}"]] = rotation
    return world


def _local_rotations(world: Array) -> Array:
    local = world.copy()
    local[:, 1:] = np.swapaxes(world[:, PARENTS[1:]], -1, -2) @ world[:, 1:]
    return local


def shortest(source: Array, target: Array) -> Array:
    """``(N, 3, 3)``: the smallest rotations that turn directions ``(N, 3)`` to ``target`` ``(3,)``."""
    a = source / np.linalg.norm(source, axis=-1, keepdims=True)
    cross, dot = np.cross(a, target), (a @ target)[:, None, None]
    x, y, z = cross.T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(-1, 3, 3)
    return np.eye(3) + skew + skew @ skew / (1.0 + dot)


def _frame_to(first: Array, second: Array, to_first: Array, to_second: Array) -> Array:
    """Rotations taking direction ``first`` to ``to_first`` and the part of ``second`` across it to ``to_second``."""
    return _basis(to_first[None], to_second[None]) @ np.swapaxes(_basis(first, second), -1, -2)


def _basis(first: Array, second: Array) -> Array:
    x = first / np.linalg.norm(first, axis=-1, keepdims=True)
    z = np.cross(x, second)
    z = z / np.linalg.norm(z, axis=-1, keepdims=True)
    return np.stack([x, np.cross(z, x), z], axis=-1)
