"""The armature of a body: bones named after its joints, keyed by quaternions, resting in the shape's own rest pose."""

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_model import BodyModel
from ...motion.clip import BodyTrack
from .. import actions, marks
from ..keys import Channel, write_keys
from .bones import BoneRest, rest_bones
from .poses import BoneChannels
from .rest_pose import editing, place, rest_of, root_shift, shift_root

__all__ = ["bone_path", "fit_rest", "mark_rig", "new_rig", "rest_of", "write_motion"]

Array = NDArray[np.floating]

_LEFT, _RIGHT, _MIDDLE = "THEME04", "THEME01", "THEME09"  # Blender's bone colour sets: blue, red, yellow


def _colour(name: str) -> str:
    return _LEFT if name.startswith("left") else _RIGHT if name.startswith("right") else _MIDDLE


def new_rig(name: str, model: BodyModel, joints_rest: Array) -> bpy.types.Object:
    """An armature object, linked to no scene yet; its bones have quaternion channels, and only the root can be moved.

    joints_rest: ``(J, 3)`` rest joints of the person's shape in the model's space, metres.
    """
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    rig = bpy.data.objects.new(name, armature)
    rig.show_in_front = True
    rig[marks.FAMILY] = model.family
    bones = rest_bones(model, joints_rest)
    with editing(rig) as edit_bones:
        for bone in bones:
            new = edit_bones.new(bone.name)
            place(new, bone)
            if bone.parent >= 0:
                new.parent = edit_bones[bones[bone.parent].name]
                new.use_connect = False
    for joint, bone in enumerate(bones):
        _set_up(rig, joint, bone)
    return rig


def _set_up(rig: bpy.types.Object, joint: int, bone: BoneRest) -> None:
    posed = rig.pose.bones[bone.name]
    posed.rotation_mode = "QUATERNION"
    posed.lock_scale = (True, True, True)
    posed.lock_location = (bone.parent >= 0,) * 3
    rig.data.bones[bone.name].color.palette = _colour(bone.name)
    rig.data.bones[bone.name][marks.JOINT] = joint


def fit_rest(rig: bpy.types.Object, model: BodyModel, joints_rest: Array, T_blender_world: Array) -> None:
    """Moves the bones' heads to another shape's joints; their axes stay, and so do all keys but the root's location.

    joints_rest: ``(J, 3)`` as in ``new_rig``. T_blender_world: ``(4, 4)`` of the rig's take. The root's location keys are
    shifted, in every action of the rig, so that rotations and translation read back from the scene are what they were.
    """
    before = rest_of(rig)
    by_name = {bone.name: bone for bone in rest_bones(model, joints_rest)}
    with editing(rig) as edit_bones:
        for edit_bone in edit_bones:
            if edit_bone.name in by_name:
                place(edit_bone, by_name[edit_bone.name])
    shift_root(rig, root_shift(before, rest_of(rig), T_blender_world))


def mark_rig(rig: bpy.types.Object, track: BodyTrack) -> None:
    """Writes on the rig what the clip says of the body beside its motion."""
    rig[marks.ROLE], rig[marks.TRACK] = "rig", track.track_id
    rig[marks.FAMILY], rig[marks.MODEL] = track.family, track.model
    rig[marks.BETAS] = [float(value) for value in track.betas]


def bone_path(name: str, prop: str) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(name)}"].{prop}'


def write_motion(
    rig: bpy.types.Object, action_name: str, frames: Array, channels: BoneChannels
) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """A new action for ``rig`` with a key on every bone at each of ``frames`` ``(F,)``; not assigned yet."""
    names = rest_of(rig).names
    action, slot = actions.new_action(action_name, rig)
    bag = actions.channelbag(action, slot, ensure=True)
    rows = [Channel(bone_path(names[0], "location"), channels.location, names[0])]
    rows += [Channel(bone_path(name, "rotation_quaternion"), channels.quaternions[:, joint], name) for joint, name in enumerate(names)]
    write_keys(bag, frames, rows)
    return action, slot
