"""The pose that handles make, written into the bones' own keys; afterwards the limb is turned bone by bone again.

Frames at which the handles still stand where the bones' own keys put the limb get no new value: imported keys stay what they
were to the last bit and do not count as the animator's. Elsewhere the keys take the handles' pose; they are the animator's (type KEYFRAME)
where the animator keyed a handle, else a program's (GENERATED) with a value of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import bpy
import numpy as np
from mathutils import Quaternion
from numpy.typing import NDArray

from ...motion.rotation import angle_between, matrix_from_quaternion, quaternion_from_matrix
from ..errors import SceneError
from .bone_groups import show_handles
from .controls import pole_direction
from .ik_handles import (
    FRAMES_A_STEP,
    bags_of,
    check_modes,
    handle_paths,
    is_keyed,
    key_frames_of,
    key_switch,
    own_quaternions,
    settle_switches,
)
from .ik_touched import handled_frames
from .limbs import Limb, limb_of
from .poses import nearest_rotations
from .sampled_poses import pose_now, poses_at
from .span_keys import between_keys, curves_at, key_span, remove_curves

Array = NDArray[np.floating]

_SAME_POSE = (1e-5, 2e-6)  # radians, metres: a pose this near is the bones' own
_SAME_HANDLES = (5e-5, 5e-6)  # the same of handles, which have 32 bits
_SURELY_CHANGED = (1e-3, 2e-4)  # beyond what the solver's 32 bits leave of a straight limb (at most 3e-4 rad, 5e-5 m)


@dataclass(frozen=True, eq=False)
class _Chain:
    """Evaluated poses of a limb's joints and of what it hangs on, in armature space. M: ``(F, 1 + N, 4, 4)``, the parent first.
    handles: ``(F, H, 4, 4)``: the end's goal, an animal's paw, the pole."""

    limb: Limb
    M: Array
    handles: Array

    @property
    def joints(self) -> tuple[str, ...]:
        return self.limb.joints


def _names(rig: bpy.types.Object, limb: Limb) -> tuple[str, ...]:
    return (rig.data.bones[limb.upper].parent.name, *limb.joints)


def _handles(limb: Limb) -> tuple[str, ...]:
    return (limb.goal, limb.handle, limb.pole) if limb.foot else (limb.goal, limb.pole)


def _offsets(rig: bpy.types.Object, names: Sequence[str]) -> Array:
    """``(N - 1, 4, 4)`` each bone's rest pose in its parent's."""
    rest = [np.array(rig.data.bones[name].matrix_local, dtype=np.float64) for name in names]
    return np.stack([np.linalg.inv(parent) @ child for parent, child in pairwise(rest)])


def _turns(rig: bpy.types.Object, chain: _Chain) -> Array:
    """``(F, N, 3, 3)`` the rotation each joint's own channels need for the pose that shows."""
    local = np.linalg.inv(chain.M[:, :-1] @ _offsets(rig, _names(rig, chain.limb))) @ chain.M[:, 1:]
    return nearest_rotations(local[..., :3, :3])


def _posed(rig: bpy.types.Object, chain: _Chain, turns: Array) -> Array:
    """``(F, N, 4, 4)`` where the joints stand when turned by ``turns`` ``(F, N, 3, 3)`` under the same parent."""
    at, placed = chain.M[:, 0], []
    for number, offset in enumerate(_offsets(rig, _names(rig, chain.limb))):
        turn = np.tile(np.eye(4), (len(at), 1, 1))
        turn[:, :3, :3] = turns[:, number]
        at = at @ offset @ turn
        placed.append(at)
    return np.stack(placed, axis=1)


def _apart(a: Array, b: Array) -> tuple[Array, Array]:
    """``(F, N)`` angles and distances between poses ``(F, N, 4, 4)``."""
    angles = angle_between(nearest_rotations(a[..., :3, :3]), nearest_rotations(b[..., :3, :3]))
    return angles, np.linalg.norm(a[..., :3, 3] - b[..., :3, 3], axis=-1)


def _beyond(apart: tuple[Array, Array], bars: tuple[float, float]) -> NDArray[np.bool_]:
    return ((apart[0] > bars[0]) | (apart[1] > bars[1])).any(axis=1)


def _moved(chain: _Chain, wanted: Array) -> NDArray[np.bool_]:
    """``(F,)`` whether a handle stands elsewhere than where the bones' own keys put the limb. wanted: ``(F, N, 4, 4)``."""
    limb, joints = chain.limb, chain.joints
    held = [joints.index(limb.end), *([joints.index(limb.foot)] if limb.foot else [])]
    moved = _beyond(_apart(wanted[:, held], chain.handles[:, : len(held)]), _SAME_HANDLES)
    start = wanted[:, 0, :3, 3]
    along = wanted[:, held[0], :3, 3] - start
    seen, sought = chain.handles[:, -1, :3, 3] - start, pole_direction(limb, wanted[:, 0, :3, :3])
    sides = [np.cross(along, aside) for aside in (seen, sought)]
    sides = [side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in sides]
    return moved | (np.linalg.norm(sides[0] - sides[1], axis=1) > _SAME_HANDLES[0])


def _changed(rig: bpy.types.Object, chain: _Chain, own: Array) -> NDArray[np.bool_]:
    """``(F,)`` whether the pose that shows is another than the bones' own keys say. own: ``(F, N, 4)``."""
    wanted = _posed(rig, chain, matrix_from_quaternion(own))
    apart = _apart(wanted, chain.M[:, 1:])
    return (_moved(chain, wanted) & _beyond(apart, _SAME_POSE)) | _beyond(apart, _SURELY_CHANGED)


def _alike(quaternions: Array, own: Array, changed: NDArray[np.bool_]) -> Array:
    """``(F, 4)``: new values where changed, the bone's own elsewhere, signs such that neighbours never jump to the antipode."""
    values = np.where(changed[:, None], quaternions, own)
    if np.sum(values[0] * own[0]) < 0.0:
        values[0] *= -1.0
    for frame in range(1, len(values)):
        if np.sum(values[frame] * values[frame - 1]) < 0.0:
            values[frame] *= -1.0
    return values


def _runs(mask: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _write(rig: bpy.types.Object, chain: _Chain, frames: Array) -> None:
    bags = bags_of(rig)
    bag = bags[0] if bags else None
    own = np.stack([own_quaternions(rig, bag, name, frames) for name in chain.joints], axis=1)
    changed = _changed(rig, chain, own)
    if bag is None or not changed.any():
        return
    quaternions = quaternion_from_matrix(_turns(rig, chain))
    yours = changed & np.isin(np.round(frames, 3), np.round(handled_frames(rig, chain.limb), 3))
    for number, name in enumerate(chain.joints):
        values = _alike(quaternions[:, number], own[:, number], changed)
        for index, curve in enumerate(curves_at(bag, f'pose.bones["{name}"].rotation_quaternion', 4, name)):
            for run in _runs(changed):
                wide = between_keys(curve, frames, run)
                key_span(curve, frames[wide], values[wide, index], yours[wide])


def _bake_now(scene: bpy.types.Scene, rig: bpy.types.Object, limb: Limb) -> None:
    chain = _Chain(limb, pose_now(scene, rig, _names(rig, limb))[None], pose_now(scene, rig, _handles(limb))[None])
    for name, quaternion in zip(chain.joints, quaternion_from_matrix(_turns(rig, chain))[0], strict=True):
        rig.pose.bones[name].rotation_quaternion = Quaternion(quaternion)


def _turn_off(rig: bpy.types.Object, limb: Limb, frames: Array | None) -> None:
    bags = bags_of(rig)
    if frames is not None and bags:
        key_switch(rig, bags[0], limb, frames, 0.0)
        return
    for bag in bags:
        remove_curves(bag, handle_paths(limb))
    rig[limb.switch] = rig[limb.nudge] = 0.0
    show_handles(rig, limb, False)


def _may_follow(rig: bpy.types.Object, limb: Limb) -> bool:
    """Whether the limb follows its handles at any time."""
    path = f'["{limb.switch}"]'
    return float(rig[limb.switch]) > 0.0 or any(bag.fcurves.find(path) is not None for bag in bags_of(rig))


def bake(scene: bpy.types.Scene, rig: bpy.types.Object, limbs: Sequence[str], frames: Array | None = None) -> Iterator[str]:
    """Writes the pose that limbs have by their handles into their bones' keys, in small steps, yielding words.

    frames: ``(F,)`` scene frames, ascending: the pose stays at each, and the handles are switched off in that span. None: all
    frames from the rig's first key to its last, and the handles' keys go; where the rig is not keyed, the pose as it shows.
    Raises SceneError where the rig has no such limb, a bone does not turn by quaternions, or an undo removed the rig.
    """
    known = [limb for name in limbs if _may_follow(rig, limb := limb_of(rig, name))]
    check_modes(rig, known)
    try:
        if not is_keyed(rig) and not bags_of(rig):
            for limb in known:
                _bake_now(scene, rig, limb)
                _turn_off(rig, limb, None)
                yield f"{limb.title}: bones"
            rig.update_tag()
            return
        yield from _bake_keyed(scene, rig, known, frames)
    except ReferenceError as error:
        raise SceneError("The bake was interrupted by an undo; bake again.") from error


def _bake_keyed(scene: bpy.types.Scene, rig: bpy.types.Object, limbs: list[Limb], frames: Array | None) -> Iterator[str]:
    span = key_frames_of(rig) if frames is None else np.asarray(frames, dtype=np.float64)
    names = list(dict.fromkeys(name for limb in limbs for name in (*_names(rig, limb), *_handles(limb))))
    rows = []
    for start in range(0, len(span), FRAMES_A_STEP):
        rows.append(poses_at(scene, rig, names, span[start : start + FRAMES_A_STEP]))
        yield f"Poses: {min(start + FRAMES_A_STEP, len(span))} of {len(span)}"
    poses = np.concatenate(rows)
    for limb in limbs:
        joints, handles = ([names.index(name) for name in some] for some in (_names(rig, limb), _handles(limb)))
        _write(rig, _Chain(limb, poses[:, joints], poses[:, handles]), span)
        _turn_off(rig, limb, frames)
        yield f"{limb.title}: bones"
    settle_switches(rig)
    rig.update_tag()
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
