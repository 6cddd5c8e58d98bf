"""A first pose straight from MediaPipe's 3D points: the trunk's frame, then each limb's bone and the plane it bends in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import index_of
from backend.lifting.people.landmarks import Landmarks
from revision_blender.masks.labels import SMPL_JOINT_NAMES
from revision_blender.motion.rotation import axis_angle_from_matrix

Array = NDArray[np.floating]

ARM_DEFAULT = 0.3  # how much the default bending plane counts beside an arm's own bend (sine of the angle)


@dataclass(frozen=True, eq=False)
class InitialPose:
    """root: ``(F, 3, 3)`` R_camera_root. pose: ``(F, 24, 3)`` axis-angle of the other joints (row 0 is zero)."""

    root: Array
    pose: Array


def initial_pose(landmarks: Landmarks) -> InitialPose:
    """From the world landmarks of every frame, in camera axes."""
    points = landmarks.world.astype(np.float64)
    root = _trunk(points)
    local = np.einsum("fba,fnb->fna", root, points)
    pose = np.zeros((len(points), len(SMPL_JOINT_NAMES), 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _set_arm(pose, local, side, sign)
        _set_leg(pose, local, side)
    return InitialPose(root, pose)


def _unit(vector: Array) -> Array:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-6)


def _between(points: Array, start: str, end: str) -> Array:
    return points[:, index_of(end)] - points[:, index_of(start)]


def _trunk(points: Array) -> Array:
    """Columns: the body's left, up and forward in camera axes."""
    hips = points[:, [index_of("left_hip"), index_of("right_hip")]].mean(axis=1)
    shoulders = points[:, [index_of("left_shoulder"), index_of("right_shoulder")]].mean(axis=1)
    up = _unit(shoulders - hips)
    across = _unit(_between(points, "right_hip", "left_hip")) + 0.6 * _unit(_between(points, "right_shoulder", "left_shoulder"))
    left = _unit(across - np.sum(across * up, axis=-1, keepdims=True) * up)
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def _frame(bone: Array, toward: Array) -> tuple[Array, Array]:
    """Unit bone direction, and the unit part of ``toward`` across it."""
    bone = _unit(bone)
    return bone, _unit(toward - np.sum(toward * bone, axis=-1, keepdims=True) * bone)


def _set_arm(pose: Array, local: Array, side: str, sign: float) -> None:
    """An arm in the rest pose lies along x (left: +x); the elbow bends it toward +z."""
    upper, fore = _unit(_between(local, f"{side}_shoulder", f"{side}_elbow")), _unit(_between(local, f"{side}_elbow", f"{side}_wrist"))
    across = fore - np.sum(fore * upper, axis=-1, keepdims=True) * upper
    down = np.maximum(-upper[:, 1:2], 0.0)
    default = np.concatenate([np.zeros_like(down), np.zeros_like(down), np.ones_like(down)], axis=1)
    bone, forward = _frame(upper, across + ARM_DEFAULT * default)
    x = sign * bone
    pose[:, SMPL_JOINT_NAMES.index(f"{side}_shoulder")] = axis_angle_from_matrix(np.stack([x, np.cross(forward, x), forward], axis=-1))
    bend = np.arccos(np.clip(np.sum(upper * fore, axis=-1), -1.0, 1.0))
    pose[:, SMPL_JOINT_NAMES.index(f"{side}_elbow"), 1] = -sign * np.minimum(bend, 2.4)


def _set_leg(pose: Array, local: Array, side: str) -> None:
    """A leg in the rest pose lies along -y; the knee bends it toward -z."""
    thigh, shin = _unit(_between(local, f"{side}_hip", f"{side}_knee")), _unit(_between(local, f"{side}_knee", f"{side}_ankle"))
    foot = _unit(_between(local, f"{side}_heel", f"{side}_foot_index"))
    across = shin - np.sum(shin * thigh, axis=-1, keepdims=True) * thigh
    hint = np.array([0.0, 0.0, 0.4]) + 0.4 * foot - across
    bone, forward = _frame(thigh, hint)
    y = -bone
    pose[:, SMPL_JOINT_NAMES.index(f"{side}_hip")] = axis_angle_from_matrix(np.stack([np.cross(y, forward), y, forward], axis=-1))
    bend = np.arccos(np.clip(np.sum(thigh * shin, axis=-1), -1.0, 1.0))
    pose[:, SMPL_JOINT_NAMES.index(f"{side}_knee"), 0] = np.minimum(bend, 2.4)
