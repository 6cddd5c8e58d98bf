"""Where rigs stand: motion is keyed in an armature's own space, which the animator may have moved, turned or parented."""

from dataclasses import replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.clip import BodyTrack
from .actions import movers_of
from .errors import SceneError
from .kept_values import kept_values
from .sampling import HIDDEN, go_to, only_these

Array = NDArray[np.floating]

_EVEN = 1e-3  # relative: scales that differ by less are one scale with 32-bit rounding


def even_scale(matrix: Array, name: str) -> float:
    """The one scale of an object matrix ``(4, 4)``. Raises SceneError, naming the object, for uneven, mirrored or sheared ones."""
    stretched = np.asarray(matrix, dtype=np.float64)[:3, :3]
    sizes = np.linalg.svd(stretched, compute_uv=False)
    if not np.isfinite(sizes).all() or sizes[-1] < 1e-9:
        raise SceneError(f"The object {name!r} is scaled to nothing; set its scale, or its parent's, to 1 (Alt+S) and try again.")
    if np.linalg.det(stretched) < 0.0:
        raise SceneError(
            f"The object {name!r} is mirrored by a negative scale; set its scale, or its parent's, to 1 (Alt+S) and try again."
        )
    if sizes[0] - sizes[-1] > _EVEN * sizes[0]:
        across = np.linalg.norm(stretched, axis=0)
        raise SceneError(
            f"The object {name!r} is scaled or sheared unevenly ({across[0]:.3g}, {across[1]:.3g}, {across[2]:.3g}), which no body motion "
            "can hold; set its scale, or its parent's, to 1 (Alt+S) and try again."
        )
    return float(sizes.mean())


def _moves(rig: bpy.types.Object) -> bool:
    """Whether something but its own location, rotation and scale decides where the rig stands."""
    drivers = rig.animation_data.drivers if rig.animation_data else ()
    curves = (*drivers, *(curve for moving in movers_of(rig) for curve in moving.curves))
    return (
        rig.parent is not None
        or len(rig.constraints) > 0
        or any(not curve.data_path.startswith(("pose.bones", HIDDEN)) for curve in curves)
    )


def standing_of(scene: bpy.types.Scene, rig: bpy.types.Object, frames: Array) -> Array | None:
    """``(F, 4, 4)`` object matrices of ``rig`` at scene ``frames`` ``(F,)``; ``None`` where it stands at the origin, unturned.

    Raises SceneError for a scale that no motion can make up for.
    """
    if _moves(rig):
        with kept_values(scene), only_these(scene, (rig,)) as passing:
            found = [np.array(rig.evaluated_get(go_to(passing, frame)).matrix_world, dtype=np.float64) for frame in frames]
        matrices = np.stack(found)
    else:
        matrices = np.tile(np.array(rig.matrix_basis, dtype=np.float64), (len(frames), 1, 1))
    if np.abs(matrices - np.eye(4)).max() < 1e-9:
        return None
    for matrix in matrices[:1] if np.ptp(matrices, axis=0).max() < 1e-9 else matrices:
        even_scale(matrix, rig.name)
    return matrices


def seen_from(track: BodyTrack, T_blender_world: Array, M_world_rig: Array, joint: Array, shift: Array | None) -> BodyTrack:
    """The track in the space of an armature at ``M_world_rig`` ``(F, 4, 4)``: to be keyed as if its clip's world were that.

    joint: ``(3,)`` the resting root joint in the model's space. shift: ``(F, 3)`` how far expressions move it, or ``None``.
    """
    inverse = np.linalg.inv(M_world_rig) @ T_blender_world
    turn = inverse[:, :3, :3] / np.cbrt(np.linalg.det(inverse[:, :3, :3]))[:, None, None]
    rotations = track.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    moved = np.zeros((track.n_frames, 3)) if shift is None else shift
    place = joint + track.translation + moved - np.einsum("fij,fj->fi", track.rotations[:, 0], moved)
    place = np.einsum("fij,fj->fi", inverse[:, :3, :3], place) + inverse[:, :3, 3]
    translation = place - joint - moved + np.einsum("fij,fj->fi", rotations[:, 0], moved)
    return replace(track, rotations=rotations, translation=translation)
