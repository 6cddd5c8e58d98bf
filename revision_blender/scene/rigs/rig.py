"""The armature of a body: bones named after its joints, keyed by quaternions, resting in the shape's own rest pose."""

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ...motion.clip import BodyTrack
from .. import actions, marks
from ..keys import Channel, write_keys
from ..removal import remove
from .bones import BoneRest
from .poses import BoneChannels, RigRest

Array = NDArray[np.floating]

_LEFT, _RIGHT, _MIDDLE = "THEME04", "THEME01", "THEME09"  # Blender's bone colour sets: blue, red, yellow


@contextmanager
def _editing(rig: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """Edit bones of ``rig`` in a scene of its own: bones can only be made in edit mode, and the user's mode, active object
    and selection must not change."""
    scratch = bpy.data.scenes.new("ReVision scratch")
    try:
        scratch.collection.objects.link(rig)
        layer = scratch.view_layers[0]
        layer.objects.active = rig
        with bpy.context.temp_override(scene=scratch, view_layer=layer, active_object=rig, object=rig, selected_objects=[rig]):
            bpy.ops.object.mode_set(mode="EDIT")
            try:
                yield rig.data.edit_bones
            finally:
                bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        remove(scratch)


def _colour(name: str) -> str:
    return _LEFT if name.startswith("left") else _RIGHT if name.startswith("right") else _MIDDLE


def new_rig(name: str, bones: tuple[BoneRest, ...]) -> bpy.types.Object:
    """An armature object, linked to no scene yet; its bones have quaternion channels, and only the root can be moved."""
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    rig = bpy.data.objects.new(name, armature)
    rig.show_in_front = True
    with _editing(rig) as edit_bones:
        for bone in bones:
            new = edit_bones.new(bone.name)
            new.head, new.tail = Vector(bone.head), Vector(bone.tail)
            new.align_roll(Vector(bone.z_axis))
            if bone.parent >= 0:
                new.parent = edit_bones[bones[bone.parent].name]
                new.use_connect = False
    for joint, bone in enumerate(bones):
        posed = rig.pose.bones[bone.name]
        posed.rotation_mode = "QUATERNION"
        posed.lock_scale = (True, True, True)
        posed.lock_location = (bone.parent >= 0,) * 3
        rig.data.bones[bone.name].color.palette = _colour(bone.name)
        rig.data.bones[bone.name][marks.JOINT] = joint
    return rig


def rest_of(rig: bpy.types.Object) -> RigRest:
    """The rest pose as Blender keeps it (32-bit); conversions use this, so that rounding cancels. Bones that the user added are left out."""
    bones = sorted((bone for bone in rig.data.bones if marks.JOINT in bone), key=lambda bone: bone[marks.JOINT])
    index = {bone.name: number for number, bone in enumerate(bones)}
    parents = np.array([index[bone.parent.name] if bone.parent else -1 for bone in bones])
    return RigRest(tuple(index), parents, np.array([bone.matrix_local for bone in bones], dtype=np.float64))


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
