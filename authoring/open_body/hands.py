"""The hands' pose space: a relaxed hand, and six ways in which fingers move together."""

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_data import HandPca
from revision_blender.motion.rotation import axis_angle_from_matrix

from .skeleton import t_pose_rotations
from .tables import SIDES, JointTable

Array = NDArray[np.float64]

_THUMB_HINGE = np.array([0.5, 0.85, 0.15])  # left hand, flat: what the thumb's end joints bend about
_ORDER = ("index", "middle", "pinky", "ring", "thumb")  # SMPL-X's
_CURL = 0.35  # rad a component of a joint
_SHARES = {  # by finger: knuckle, middle and end joint; positive bends into the palm
    "all fingers": dict.fromkeys(_ORDER[:4], (1.0, 1.0, 0.7)),
    "index against the others": {"index": (1.0, 1.0, 0.7), "middle": (-0.3,) * 3, "ring": (-0.3,) * 3, "pinky": (-0.3,) * 3},
    "little side against index side": {"index": (-0.6,) * 3, "middle": (-0.3,) * 3, "ring": (0.5,) * 3, "pinky": (0.8,) * 3},
    "knuckles against ends": dict.fromkeys(_ORDER[:4], (1.0, -0.7, -0.7)),
}
_SPREAD = {"index": 0.5, "middle": 0.1, "ring": -0.3, "pinky": -0.6}


def hand_space(joints: Array, tips: Array, table: JointTable) -> HandPca:
    """The pose space for a person in Anny's rest pose, whose hands hang relaxed: that hand is the mean.

    joints: ``(J, 3)``. tips: ``(2, 5, 3)``.
    """
    mean = np.stack([_relaxed(joints, tips, table, word) for word, _, _ in SIDES])
    left = np.stack([*(_curled(shares) for shares in _SHARES.values()), _spread(), _thumb()])
    flip = np.tile([1.0, -1.0, -1.0], 15)
    mean = 0.5 * (mean + mean[::-1] * flip)
    return HandPca(mean, np.stack([left, left * flip]))


def _relaxed(joints: Array, tips: Array, table: JointTable, word: str) -> Array:
    """``(45,)`` from the flat hand back to Anny's own."""
    world = t_pose_rotations(joints[None], table, tips[None])[0]
    wrist = world[table.joint[f"{word}_wrist"]]
    back = {number: wrist @ world[number].T for name, number in table.joint.items() if name.startswith(word)}
    first = table.joint[f"{word}_index1"]
    local = np.stack([back[int(table.parents[joint])].T @ back[joint] for joint in range(first, first + 15)])
    return axis_angle_from_matrix(local).reshape(45)


def _curled(shares: dict[str, tuple[float, ...]]) -> Array:
    pose = np.zeros((5, 3, 3))
    for name, parts in shares.items():
        pose[_ORDER.index(name), :, 2] = -_CURL * np.array(parts)
    return pose.reshape(45)


def _spread() -> Array:
    pose = np.zeros((5, 3, 3))
    for name, share in _SPREAD.items():
        pose[_ORDER.index(name), 0, 1] = -_CURL * share
    return pose.reshape(45)


def _thumb() -> Array:
    pose = np.zeros((5, 3, 3))
    pose[_ORDER.index("thumb")] = _CURL * np.array([[0.5], [0.8], [0.8]]) * _THUMB_HINGE / np.linalg.norm(_THUMB_HINGE)
    return pose.reshape(45)
