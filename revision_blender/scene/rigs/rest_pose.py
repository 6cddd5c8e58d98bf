"""The armature's rest pose: made and changed in a scene of its own, read back as Blender keeps it."""

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from .. import actions, marks
from ..removal import remove
from ..sampling import turned_on
from .bones import BoneRest, R_armature_model
from .poses import RigRest

Array = NDArray[np.floating]


@contextmanager
def editing(rig: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """Edit bones of ``rig`` in a scene of its own: bones can only be made in edit mode, and the user's mode, active object
    and selection must not change. A rig that is turned off in viewports is turned on meanwhile."""
    scratch = bpy.data.scenes.new("ReVision scratch")
    mode = rig.mode
    try:
        scratch.collection.objects.link(rig)
        layer = scratch.view_layers[0]
        layer.objects.active = rig
        with (
            turned_on((rig,)),
            bpy.context.temp_override(scene=scratch, view_layer=layer, active_object=rig, object=rig, selected_objects=[rig]),
        ):
            bpy.ops.object.mode_set(mode="EDIT")
            try:
                yield rig.data.edit_bones
            finally:
                bpy.ops.object.mode_set(mode="POSE" if mode == "POSE" else "OBJECT")
    finally:
        remove(scratch)


def place(edit_bone: bpy.types.EditBone, rest: BoneRest) -> None:
    """Lays an edit bone where ``rest`` says."""
    edit_bone.head, edit_bone.tail = Vector(rest.head), Vector(rest.tail)
    edit_bone.align_roll(Vector(rest.R_armature_bone[:, 2]))


def rest_of(rig: bpy.types.Object) -> RigRest:
    """The rest pose as Blender keeps it (32-bit); conversions use this, so that rounding cancels. Control bones and bones
    that the user added are left out."""
    bones = sorted((bone for bone in rig.data.bones if marks.JOINT in bone), key=lambda bone: bone[marks.JOINT])
    index = {bone.name: number for number, bone in enumerate(bones)}
    parents = np.array([index[bone.parent.name] if bone.parent else -1 for bone in bones], dtype=np.int64)
    matrices = np.array([bone.matrix_local for bone in bones], dtype=np.float64)
    return RigRest(tuple(index), parents, matrices, R_armature_model(str(rig.get(marks.FAMILY, "smpl"))))


def root_shift(before: RigRest, after: RigRest, T_blender_world: Array, R_armature_blender: Array) -> Array:
    """``(3,)``: what the root's location channel has to gain for the clip's motion to stay the same on another rest pose.

    R_armature_blender: ``(3, 3)`` Blender's world to armature space, the identity for a rig that nobody turned.
    """
    place_moved = R_armature_blender @ T_blender_world[:3, :3] @ (after.joints_smpl[0] - before.joints_smpl[0])
    head_moved = after.M_armature_bone[0, :3, 3] - before.M_armature_bone[0, :3, 3]
    return (place_moved - head_moved) @ after.M_armature_bone[0, :3, :3]


def _actions_of(rig: bpy.types.Object) -> list[bpy.types.Action]:
    """Every action that ReVision or the animator gave this rig: the present one, those on its NLA tracks, those of its track."""
    found = [moving.action for moving in actions.movers_of(rig)]
    ours = (rig.get(marks.TAKE), rig.get(marks.TRACK))
    found += [action for action in bpy.data.actions if None not in ours and (action.get(marks.TAKE), action.get(marks.TRACK)) == ours]
    found += [original for thing in (rig, *found) if isinstance(original := thing.get(marks.ORIGINAL), bpy.types.Action)]
    return list(dict.fromkeys(found))


def slot_of(rig: bpy.types.Object, action: bpy.types.Action) -> bpy.types.ActionSlot | None:
    """The slot of ``action`` that moves ``rig``: the one it uses, one of the same name, or the only one that there is."""
    data = rig.animation_data
    used = None if data is None else data.action_slot
    if used is not None and data.action == action:
        return used
    named = None if used is None else actions.slot_named(action, used.identifier)
    return named or (action.slots[0] if len(action.slots) == 1 else None)


def bags_of_rig(rig: bpy.types.Object) -> list[bpy.types.ActionChannelbag]:
    """The curves of the rig in each of its actions that moves its joints."""
    slots = [(action, slot_of(rig, action)) for action in _actions_of(rig)]
    bags = [
        actions.channelbag(action, slot) for action, slot in slots if slot is not None and slot.target_id_type in ("OBJECT", "UNSPECIFIED")
    ]
    joints = tuple(f'pose.bones["{bpy.utils.escape_identifier(name)}"]' for name in rest_of(rig).names)
    return [bag for bag in bags if bag is not None and any(curve.data_path.startswith(joints) for curve in bag.fcurves)]


def shift_location(rig: bpy.types.Object, bone: str, shift: Array) -> None:
    """Adds ``shift`` ``(3,)`` to a bone's location: its present value and its keys in every action of the rig."""
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"].location'
    rig.pose.bones[bone].location += Vector(shift)
    for bag in bags_of_rig(rig):
        for curve in bag.fcurves:
            if curve.data_path == path:
                _lift(curve, float(shift[curve.array_index]))


def _lift(curve: bpy.types.FCurve, by: float) -> None:
    count = len(curve.keyframe_points)
    for name in ("co", "handle_left", "handle_right"):
        points = np.empty(2 * count, dtype=np.float32)
        curve.keyframe_points.foreach_get(name, points)
        points[1::2] += by
        curve.keyframe_points.foreach_set(name, points)
    curve.update()
