"""Switching limbs between bones turned one by one (FK) and handles (IK) without a jump.

To a handle: the handle takes the place and rotation of the limb's end; the pole goes where the constraint looks for it, so
that the solver starts solved. Back: the pose that the handles made becomes the bones' own keys (``ik_bake``).

Keys that a switch writes are of type GENERATED, on the handles, in the working action and in the original of which it is the
copy: what the animator changes of them afterwards is then told by the same rule as for joints (``pins``).
"""

from collections.abc import Iterator, Sequence

import bpy
import numpy as np
from mathutils import Matrix, Quaternion
from numpy.typing import NDArray

from ...motion.rotation import continuous_quaternions, matrix_from_quaternion, quaternion_from_matrix
from .. import actions, marks
from ..errors import SceneError
from .bone_groups import show_handles
from .controls import pole_direction, pole_distance
from .limbs import Limb, limb_of, limbs_of
from .rest_pose import bags_of_rig, rest_of, slot_of
from .sampled_poses import pose_now, poses_at
from .span_keys import curves_at, key_span, remove_curves

Array = NDArray[np.floating]

FRAMES_A_STEP = 25
_STRAIGHT = np.radians(0.15)  # how far the middle joint has to be bent for the solver to need no help
_AFTER = 0.01  # of a frame: how long past its last key a switched span lasts


def handle_paths(limb: Limb) -> set[str]:
    """Data paths of everything that a limb's handles can have keys on, its switch among them."""
    props = ("location", "rotation_quaternion")
    return {f'pose.bones["{name}"].{prop}' for name in limb.handles for prop in props} | {f'["{limb.switch}"]', f'["{limb.nudge}"]'}


def is_keyed(rig: bpy.types.Object) -> bool:
    """Whether an action moves the rig's joints."""
    joints = rest_of(rig).names
    return any(curve.data_path.startswith(f'pose.bones["{name}"]') for curve in actions.curves_of(rig) for name in joints)


def key_frames_of(rig: bpy.types.Object) -> NDArray[np.float64]:
    """``(K,)`` every scene frame at which a bone of the rig has a key, and the whole frames between the first and the last."""
    found = [np.empty(0)]
    for curve in (curve for curve in actions.curves_of(rig) if curve.data_path.startswith("pose.bones[")):
        points = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", points)
        found.append(points[::2].astype(np.float64))
    keys = np.unique(np.concatenate(found))
    if len(keys) < 2:
        return keys
    whole = np.arange(np.ceil(keys[0] - 1e-4), np.floor(keys[-1] + 1e-4) + 1.0)
    near = np.abs(whole[:, None] - keys[np.clip(np.searchsorted(keys, whole)[:, None] + np.array([-1, 0]), 0, len(keys) - 1)]).min(axis=1)
    return np.unique(np.concatenate([keys, whole[near > 1e-3]]))


def handle_channels(rig: bpy.types.Object, limb: Limb, M_armature_bone: Array, names: Sequence[str]) -> dict[str, tuple[Array, Array]]:
    """Where the handles stand so that the limb stays: bone name to locations ``(F, 3)`` and quaternions ``(F, 4)``.

    M_armature_bone: ``(F, N, 4, 4)`` the pose of the bones ``names``.
    """
    place = {name: M_armature_bone[:, index] for index, name in enumerate(names)}
    rest = {name: np.array(rig.data.bones[name].matrix_local, dtype=np.float64) for name in (*limb.joints, *limb.handles, *limb.hidden)}
    tip, end = place[limb.foot or limb.end], place[limb.end]
    channels = {limb.handle: _channels(np.linalg.inv(rest[limb.handle]) @ tip)}
    if limb.foot:
        lift = end @ np.linalg.inv(rest[limb.goal]) @ rest[limb.lift]
        local = np.linalg.inv(rest[limb.lift]) @ rest[limb.handle] @ np.linalg.inv(tip) @ lift
        channels[limb.lift] = (np.zeros((len(end), 3)), _channels(local)[1])
    pole = np.broadcast_to(np.eye(4), end.shape).copy()
    pole[:, :3, 3] = _pole_places(rig, limb, place[limb.upper], end[:, :3, 3])
    channels[limb.pole] = (_channels(np.linalg.inv(rest[limb.pole]) @ pole)[0], np.tile([1.0, 0.0, 0.0, 0.0], (len(end), 1)))
    return channels


def _channels(matrices: Array) -> tuple[Array, Array]:
    return matrices[:, :3, 3], continuous_quaternions(quaternion_from_matrix(matrices[:, :3, :3]))


def _pole_places(rig: bpy.types.Object, limb: Limb, upper: Array, ends: Array) -> Array:
    """``(F, 3)``: beside the middle of the line from the limb's root to its end, where the constraint expects the pole."""
    bones = rig.data.bones
    size = sum((bones[b].head_local - bones[a].head_local).length for a, b in ((limb.upper, limb.lower), (limb.lower, limb.end)))
    start = upper[:, :3, 3]
    line = ends - start
    along = line / np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-9)
    sought = pole_direction(limb, upper[:, :3, :3])
    aside = sought - along * np.sum(sought * along, axis=1, keepdims=True)
    aside = aside / np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    return start + 0.5 * line + aside * pole_distance(limb) * size


def own_quaternions(rig: bpy.types.Object, bag: bpy.types.ActionChannelbag | None, name: str, frames: Array) -> Array:
    """``(F, 4)`` the quaternion that a bone's own curves say, as they interpolate (not of length 1 between keys)."""
    values = np.tile(np.array(rig.pose.bones[name].rotation_quaternion, dtype=np.float64), (len(frames), 1))
    for index in range(4) if bag is not None else ():
        curve = bag.fcurves.find(f'pose.bones["{name}"].rotation_quaternion', index=index)
        if curve is not None:
            values[:, index] = [curve.evaluate(frame) for frame in frames.tolist()]
    return values


def _straight(rig: bpy.types.Object, limb: Limb, frames: Array) -> Array:
    """``(F,)`` 1 where the limb's own keys, from which the solver starts, hold it too straight for the solver to bend it, else 0."""
    bags, bones = bags_of(rig), rig.data.bones
    turned = matrix_from_quaternion(own_quaternions(rig, bags[0] if bags else None, limb.lower, frames))
    upper, lower, end = (np.array(bones[name].head_local, dtype=np.float64) for name in (limb.upper, limb.lower, limb.end))
    axes = np.array(bones[limb.lower].matrix_local, dtype=np.float64)[:3, :3]
    above, below = (lower - upper) @ axes, (end - lower) @ axes  # in the lower bone's axes at rest
    sine = np.linalg.norm(np.cross(above, turned @ below), axis=1) / max(np.linalg.norm(above) * np.linalg.norm(below), 1e-12)
    return (sine < _STRAIGHT).astype(np.float64)


def _set_now(rig: bpy.types.Object, channels: dict[str, tuple[Array, Array]], index: int) -> None:
    for name, (location, quaternion) in channels.items():
        rig.pose.bones[name].matrix_basis = Matrix.LocRotScale(location[index], Quaternion(quaternion[index]), None)


def bags_of(rig: bpy.types.Object) -> list[bpy.types.ActionChannelbag]:
    """Where the rig's keys are: of its working action, and of the original that this one is the copy of."""
    data = rig.animation_data
    if data is None or data.action is None or data.action_slot is None:
        return []
    bags = [actions.channelbag(data.action, data.action_slot, ensure=True)]
    original = data.action.get(marks.ORIGINAL)
    slot = slot_of(rig, original) if isinstance(original, bpy.types.Action) else None
    if slot is not None:
        bags.append(actions.channelbag(original, slot, ensure=True))
    return bags


def _write(rig: bpy.types.Object, limb: Limb, frames: Array, channels: dict[str, tuple[Array, Array]], *, everywhere: bool) -> None:
    ours, nudged = np.zeros(len(frames), dtype=np.bool_), _straight(rig, limb, frames)
    bags = bags_of(rig)
    for bag in bags:
        if everywhere:
            remove_curves(bag, handle_paths(limb))
        for name, (location, quaternion) in channels.items():
            columns = {"rotation_quaternion": quaternion} if name == limb.lift else {"location": location}
            if name == limb.handle:
                columns["rotation_quaternion"] = quaternion
            for prop, values in columns.items():
                for index, curve in enumerate(curves_at(bag, f'pose.bones["{name}"].{prop}', values.shape[1], name)):
                    key_span(curve, frames, values[:, index], ours)
    if bags and everywhere:
        key_span(curves_at(bags[0], f'["{limb.switch}"]', 1, "Handles")[0], frames[:1], np.ones(1), ours[:1])
    elif bags:
        key_switch(rig, bags[0], limb, frames, 1.0)
    if bags and (nudged.any() or bags[0].fcurves.find(f'["{limb.nudge}"]') is not None):
        key_span(curves_at(bags[0], f'["{limb.nudge}"]', 1, "Handles")[0], frames, nudged, ours, "CONSTANT")


def key_switch(rig: bpy.types.Object, bag: bpy.types.ActionChannelbag, limb: Limb, frames: Array, value: float) -> None:
    """Keys the limb's switch: ``value`` from the first to the last of ``frames``, what it was before and after them."""
    curve = bag.fcurves.find(f'["{limb.switch}"]')
    first, last = float(frames[0]), float(frames[-1])
    before = after = float(rig[limb.switch])
    if curve is None:
        curve = curves_at(bag, f'["{limb.switch}"]', 1, "Handles")[0]
    else:
        before, after = curve.evaluate(first - 1.0), curve.evaluate(last + 1.0)
    at = np.array([first - 1.0, first, last, last + _AFTER])
    key_span(curve, at, np.array([before, value, value, after]), np.zeros(4, dtype=np.bool_), "CONSTANT")


def settle_switches(rig: bpy.types.Object) -> None:
    """Each action of the rig says by itself whether limbs follow their handles: where one has a key on a limb's switch, those
    without get one that turns it off. Without this a limb would stay on its handle under an action that has none."""
    bags = bags_of_rig(rig)
    for limb in limbs_of(rig):
        path = f'["{limb.switch}"]'
        without = [bag for bag in bags if bag.fcurves.find(path) is None]
        for bag in without if len(without) < len(bags) else ():
            first = min((curve.range()[0] for curve in bag.fcurves), default=1.0)
            key_span(curves_at(bag, path, 1, "Handles")[0], np.array([first]), np.zeros(1), np.zeros(1, dtype=np.bool_), "CONSTANT")


def check_modes(rig: bpy.types.Object, limbs: Sequence[Limb]) -> None:
    """SceneError where a joint of the limbs does not turn by quaternions, which their keys are written in."""
    for name in (name for limb in limbs for name in limb.joints):
        mode = rig.pose.bones[name].rotation_mode
        if mode != "QUATERNION":
            raise SceneError(f"The bone {name!r} turns by {mode}, not by quaternions; set its rotation mode to Quaternion (WXYZ) first.")


def to_handles(scene: bpy.types.Scene, rig: bpy.types.Object, limbs: Sequence[str], frames: Array | None = None) -> Iterator[str]:
    """Switches limbs to their handles in small steps, yielding words; the pose stays at every one of ``frames``.

    frames: ``(F,)`` scene frames, ascending. None: all frames from the rig's first key to its last, for good; where the rig is
    not keyed, the pose as it shows. With frames given only that span is switched, by keys on the limb's switch. Raises
    SceneError where the rig has no such limb, a bone does not turn by quaternions, or an undo removed the rig.
    """
    known = [limb_of(rig, name) for name in limbs]
    check_modes(rig, known)
    try:
        if frames is None and not is_keyed(rig):
            for limb in known:
                _switch_now(scene, rig, limb)
                yield f"{limb.title}: handle"
            return
        span = key_frames_of(rig) if frames is None else np.asarray(frames, dtype=np.float64)
        yield from _switch_keyed(scene, rig, known, span, everywhere=frames is None)
    except ReferenceError as error:
        raise SceneError("The switch to handles was interrupted by an undo; switch again.") from error


def _switch_now(scene: bpy.types.Scene, rig: bpy.types.Object, limb: Limb) -> None:
    channels = handle_channels(rig, limb, pose_now(scene, rig, limb.joints)[None], limb.joints)
    _set_now(rig, channels, 0)
    rig[limb.switch], rig[limb.nudge] = 1.0, float(_straight(rig, limb, np.zeros(1))[0])
    rig.update_tag()
    show_handles(rig, limb, True)


def _switch_keyed(scene: bpy.types.Scene, rig: bpy.types.Object, limbs: list[Limb], frames: Array, *, everywhere: bool) -> Iterator[str]:
    names = list(dict.fromkeys(name for limb in limbs for name in limb.joints))
    rows = []
    for start in range(0, len(frames), FRAMES_A_STEP):
        rows.append(poses_at(scene, rig, names, frames[start : start + FRAMES_A_STEP]))
        yield f"Poses: {min(start + FRAMES_A_STEP, len(frames))} of {len(frames)}"
    poses = np.concatenate(rows)
    for limb in limbs:
        channels = handle_channels(rig, limb, poses, names)
        _write(rig, limb, frames, channels, everywhere=everywhere)
        _set_now(rig, channels, int(np.argmin(np.abs(frames - scene.frame_current_final))))
        rig[limb.switch], rig[limb.nudge] = 1.0, 0.0
        show_handles(rig, limb, True)
        yield f"{limb.title}: handle"
    settle_switches(rig)
    rig.update_tag()
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
