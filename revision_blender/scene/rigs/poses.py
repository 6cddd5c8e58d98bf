"""Between SMPL's rotations and a rig's bone channels, exactly, both ways. Pure mathematics.

Notation: ``A`` turns the model's rest space into armature space (``bones.R_armature_model``), ``B_j`` is bone j's rest rotation
in armature space, ``W_j`` joint j's posed rotation in the clip's world. A vertex held by joint j alone moves by
``D_j = T_blender_world [W_j | p_j - W_j J_j] A^T``. The bone's channel ("basis") is what Blender multiplies to its rest:
``(A^T B_j)^T R_j (A^T B_j)`` for every joint with a parent, and the root bone carries the rest of ``D_0``.

Expressions move SMPL-X's rest joints, by ``delta_j`` in a frame, while an armature has one rest pose: a bone whose head is
displaced by ``(I - R_j) delta_j`` in its parent's axes skins as the moved joint does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...motion.clip import BodyTrack
from ...motion.rotation import continuous_quaternions, quaternion_from_matrix

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class RigRest:
    """An armature's rest pose as Blender has it. M_armature_bone: ``(J, 4, 4)``. parents: ``(J,)``, parents before children.
    R_armature_model: ``(3, 3)``, the model's rest space to armature space (``A``)."""

    names: tuple[str, ...]
    parents: NDArray[np.int64]
    M_armature_bone: Array
    R_armature_model: Array

    @property
    def R_smpl_bone(self) -> Array:
        """``(J, 3, 3)``: bone axes seen in the model's rest space, ``A^T B_j``."""
        return self.R_armature_model.T @ self.M_armature_bone[:, :3, :3]

    @property
    def joints_smpl(self) -> Array:
        """``(J, 3)`` rest joints in the model's space, metres."""
        return self.M_armature_bone[:, :3, 3] @ self.R_armature_model


@dataclass(frozen=True, eq=False)
class BoneChannels:
    """What is keyed. quaternions: ``(F, J, 4)`` w x y z, neighbours in time never antipodal. location: ``(F, 3)``, root bone.
    displaced: ``(F, 3)`` the locations of other bones by their numbers, those that an expression moves."""

    quaternions: Array
    location: Array
    displaced: Mapping[int, Array] = field(default_factory=dict)


def channels_of(track: BodyTrack, rest: RigRest, T_blender_world: Array, shifts: Array | None = None) -> BoneChannels:
    """A track as bone channels of a rig whose armature object stands at Blender's origin.

    shifts: ``(F, J, 3)`` how far the track's expressions move the rest joints, metres in the model's axes.
    """
    axes = rest.R_smpl_bone
    basis = np.swapaxes(axes, -1, -2) @ track.rotations @ axes
    R, offset = T_blender_world[:3, :3], T_blender_world[:3, 3]
    B0, head = rest.M_armature_bone[0, :3, :3], rest.M_armature_bone[0, :3, 3]
    basis[:, 0] = B0.T @ R @ track.rotations[:, 0] @ rest.R_armature_model.T @ B0
    moved = np.zeros((track.n_frames, len(axes), 3)) if shifts is None else shifts - (track.rotations @ shifts[..., None])[..., 0]
    place = (rest.joints_smpl[0] + track.translation + moved[:, 0]) @ R.T + offset
    displaced = {int(joint): moved[:, joint] @ axes[joint] for joint in np.flatnonzero(moved[:, 1:].any(axis=(0, 2))) + 1}
    return BoneChannels(continuous_quaternions(quaternion_from_matrix(basis)), (place - head) @ B0, displaced)


def nearest_rotations(matrices: Array) -> Array:
    """Scaled or slightly skewed ``(..., 3, 3)`` matrices to the nearest rotations."""
    if np.abs(np.swapaxes(matrices, -1, -2) @ matrices - np.eye(3)).max(initial=0.0) < 0.01 and (np.linalg.det(matrices) > 0.0).all():
        for _ in range(3):  # Newton and Schulz: the error of 32-bit numbers is gone after one, that of 0.01 after three
            matrices = 1.5 * matrices - 0.5 * matrices @ (np.swapaxes(matrices, -1, -2) @ matrices)
        return matrices
    u, _, vt = np.linalg.svd(matrices)
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., :, -1] *= sign[..., None]
    return u @ vt


def track_motion(M_world_bone: Array, rest: RigRest, T_blender_world: Array, root_shift: Array | None = None) -> tuple[Array, Array]:
    """Posed bones ``(F, J, 4, 4)`` in Blender's world to SMPL rotations ``(F, J, 3, 3)`` and translations ``(F, 3)``.

    root_shift: ``(F, 3)`` how far expressions move the resting root joint, metres in the model's axes.
    """
    R, offset = T_blender_world[:3, :3], T_blender_world[:3, 3]
    deform = nearest_rotations(M_world_bone[..., :3, :3]) @ np.swapaxes(rest.M_armature_bone[:, :3, :3], -1, -2)
    world = R.T @ deform @ rest.R_armature_model
    rotations = world.copy()
    for joint, parent in enumerate(rest.parents):
        if parent >= 0:
            rotations[:, joint] = np.swapaxes(world[:, parent], -1, -2) @ world[:, joint]
    translation = (M_world_bone[:, 0, :3, 3] - offset) @ R - rest.joints_smpl[0]
    rotations = nearest_rotations(rotations)
    if root_shift is not None:
        translation = translation - root_shift + (rotations[:, 0] @ root_shift[..., None])[..., 0]
    return rotations, translation
