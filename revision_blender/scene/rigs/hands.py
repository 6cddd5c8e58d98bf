"""Hands at once: all fingers flat, or relaxed as the body model's mean hand."""

from typing import Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.rotation import matrix_from_axis_angle, quaternion_from_matrix
from .. import actions, marks
from ..errors import SceneError
from .bone_groups import group_of
from .rest_pose import rest_of
from .span_keys import curves_at, key_span

Array = NDArray[np.floating]
HandPose = Literal["relaxed", "flat"]


def fingers_of(rig: bpy.types.Object) -> tuple[str, ...]:
    """The finger bones in the order of their joints: 15 of the left hand, then 15 of the right; none where the body has none."""
    return tuple(name for name in rest_of(rig).names if group_of(name, str(rig.get(marks.FAMILY, "smpl"))).endswith("Fingers"))


def can_relax(rig: bpy.types.Object) -> bool:
    """Whether the rig's body came with a relaxed hand."""
    return len(fingers_of(rig)) == 30 and len(rig.get(marks.HANDS, ())) == 90


def _quaternions(rig: bpy.types.Object, names: tuple[str, ...], pose: HandPose) -> Array:
    """``(N, 4)`` the fingers' own channels."""
    if pose == "flat":
        return np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1))
    turns = matrix_from_axis_angle(np.array(rig[marks.HANDS], dtype=np.float64).reshape(-1, 3))
    rest = rest_of(rig)
    axes = rest.R_smpl_bone[[rest.names.index(name) for name in names]]
    return quaternion_from_matrix(np.swapaxes(axes, -1, -2) @ turns @ axes)


def hands(rig: bpy.types.Object, pose: HandPose, frames: Array | None = None) -> None:
    """Poses all fingers. frames: ``(F,)`` scene frames, ascending, to key it at; between the first and the last no other
    finger keys stay. None: every key that the fingers have, or just the pose as it shows where they have none.

    Raises SceneError where the rig has no fingers, or no relaxed hand is known of its body.
    """
    names = fingers_of(rig)
    if not names:
        raise SceneError(f"The rig {rig.name!r} has no fingers; bring the motion in on a body with hands (SMPL-H or SMPL-X).")
    if pose == "relaxed" and not can_relax(rig):
        raise SceneError(f"The body of {rig.name!r} came without a relaxed hand; pose one finger by finger, or use the flat hand.")
    bag = _bag(rig)
    for name, quaternion in zip(names, _quaternions(rig, names, pose), strict=True):
        rig.pose.bones[name].rotation_mode = "QUATERNION"
        rig.pose.bones[name].rotation_quaternion = quaternion
        if bag is not None:
            _key(bag, name, quaternion, frames)
    rig.update_tag()


def _bag(rig: bpy.types.Object) -> bpy.types.ActionChannelbag | None:
    data = rig.animation_data
    if data is None or data.action is None or data.action_slot is None:
        return None
    return actions.channelbag(data.action, data.action_slot, ensure=True)


def _key(bag: bpy.types.ActionChannelbag, name: str, quaternion: Array, frames: Array | None) -> None:
    path = f'pose.bones["{name}"].rotation_quaternion'
    if frames is not None:
        for curve, value in zip(curves_at(bag, path, 4, name), quaternion, strict=True):
            key_span(curve, frames, np.full(len(frames), value), np.ones(len(frames), dtype=np.bool_))
        return
    for curve in [curve for curve in bag.fcurves if curve.data_path == path]:
        _level(curve, float(quaternion[curve.array_index]))


def _level(curve: bpy.types.FCurve, value: float) -> None:
    """All keys of a curve to one value."""
    points = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
    for prop in ("co", "handle_left", "handle_right"):
        curve.keyframe_points.foreach_get(prop, points)
        points[1::2] = value
        curve.keyframe_points.foreach_set(prop, points)
    curve.update()
