"""The armature of a body: bones named after its joints, keyed by quaternions, resting in the shape's own rest pose."""

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_model import BodyModel
from ...motion.clip import BodyTrack
from .. import actions, marks
from ..keys import Channel, write_keys
from .bone_groups import group_bones
from .bone_look import control_looks, draw_as, joint_looks
from .bones import BoneRest, rest_bones
from .controls import ControlRest, control_bones, set_up_controls
from .limbs import limbs_of, limbs_of_family
from .poses import BoneChannels
from .rest_pose import editing, place, rest_of, root_shift, shift_location

__all__ = ["bone_path", "fit_rest", "mark_rig", "motion_rows", "new_rig", "rest_of", "write_motion", "write_rows"]

Array = NDArray[np.floating]


def new_rig(name: str, model: BodyModel, joints_rest: Array) -> bpy.types.Object:
    """An armature object, linked to no scene yet; its bones have quaternion channels, and only the root and handles can be moved.

    joints_rest: ``(J, 3)`` rest joints of the person's shape in the model's space, metres. The bones of the joints stand in
    collections by part of the body, those of the handles (``controls``) in collections that are hidden until a limb is
    switched to its handle. Shapes that bones are drawn as are shared by all rigs of the file.
    """
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    rig = bpy.data.objects.new(name, armature)
    rig.show_in_front = True
    rig[marks.FAMILY] = model.family
    if model.hands is not None:
        rig[marks.HANDS] = [float(value) for value in model.hands.mean.ravel()]
    bones = rest_bones(model, joints_rest)
    _make_bones(rig, bones, control_bones(model.family, bones))
    _dress(rig, model, bones)
    return rig


def _make_bones(rig: bpy.types.Object, bones: tuple[BoneRest, ...], controls: tuple[ControlRest, ...]) -> None:
    parents = [bones[bone.parent].name if bone.parent >= 0 else "" for bone in bones] + [control.parent for control in controls]
    with editing(rig) as edit_bones:
        for bone, parent in zip((*bones, *(control.bone for control in controls)), parents, strict=True):
            new = edit_bones.new(bone.name)
            place(new, bone)
            if parent:
                new.parent = edit_bones[parent]
                new.use_connect = False
    for joint, bone in enumerate(bones):
        posed = rig.pose.bones[bone.name]
        posed.rotation_mode = "QUATERNION"
        posed.lock_scale = (True, True, True)
        posed.lock_location = (bone.parent >= 0,) * 3
        rig.data.bones[bone.name][marks.JOINT] = joint


def _dress(rig: bpy.types.Object, model: BodyModel, bones: tuple[BoneRest, ...]) -> None:
    names = tuple(bone.name for bone in bones)
    limbs = limbs_of_family(model.family, names)
    set_up_controls(rig, limbs)
    group_bones(rig, model.family, names, limbs)
    looks, by_name = joint_looks(model, bones), dict(zip(names, bones, strict=True))
    for limb in limbs:
        looks |= control_looks(limb, by_name, model)
    draw_as(rig, looks)


def fit_rest(rig: bpy.types.Object, model: BodyModel, joints_rest: Array, T_blender_world: Array) -> None:
    """Moves the bones' heads to another shape's joints; their axes stay, and so do all keys but the root's location.

    joints_rest: ``(J, 3)`` as in ``new_rig``. T_blender_world: ``(4, 4)`` of the rig's take. The root's location keys are
    shifted, in every action of the rig, so that rotations and translation read back from the scene are what they were;
    handles and poles stay where they are.
    """
    before, standing = rest_of(rig), _free_handles(rig)
    bones = rest_bones(model, joints_rest)
    by_name = {bone.name: bone for bone in bones} | {made.bone.name: made.bone for made in control_bones(model.family, bones)}
    with editing(rig) as edit_bones:
        for edit_bone in edit_bones:
            if edit_bone.name in by_name:
                place(edit_bone, by_name[edit_bone.name])
    after = rest_of(rig)
    shift = root_shift(before, after, T_blender_world, np.array(rig.matrix_world.inverted().to_3x3(), dtype=np.float64))
    shift_location(rig, after.names[0], shift)
    for name, M_armature_bone in _free_handles(rig).items():
        shift_location(rig, name, M_armature_bone[:3, :3].T @ (standing[name][:3, 3] - M_armature_bone[:3, 3]))


def _free_handles(rig: bpy.types.Object) -> dict[str, Array]:
    """Rest matrices ``(4, 4)`` of the handles that hang on no bone."""
    bones = rig.data.bones
    names = [name for limb in limbs_of(rig) for name in limb.handles if bones[name].parent is None]
    return {name: np.array(bones[name].matrix_local, dtype=np.float64) for name in names}


def mark_rig(rig: bpy.types.Object, track: BodyTrack) -> None:
    """Writes on the rig what the clip says of the body beside its motion."""
    rig[marks.ROLE], rig[marks.TRACK] = "rig", track.track_id
    rig[marks.FAMILY], rig[marks.MODEL] = track.family, track.model
    rig[marks.BETAS] = [float(value) for value in track.betas]


def bone_path(name: str, prop: str) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(name)}"].{prop}'


def motion_rows(rig: bpy.types.Object, channels: BoneChannels) -> tuple[Channel, ...]:
    """What to key on ``rig``: the root's place and every bone's rotation, and the bones that an expression displaces."""
    names = rest_of(rig).names
    rows = [Channel(bone_path(names[0], "location"), channels.location, names[0], measure="place")]
    rows += [
        Channel(bone_path(name, "rotation_quaternion"), channels.quaternions[:, joint], name, measure="rotation")
        for joint, name in enumerate(names)
    ]
    rows += [Channel(bone_path(names[joint], "location"), values, names[joint]) for joint, values in channels.displaced.items()]
    return tuple(rows)


def write_rows(
    rig: bpy.types.Object, action_name: str, frames: Array, rows: Sequence[Channel]
) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """A new action for ``rig`` with the keys of ``rows``, at ``frames`` ``(F,)`` where a row has none of its own; not assigned yet."""
    action, slot = actions.new_action(action_name, rig)
    write_keys(actions.channelbag(action, slot, ensure=True), frames, rows)
    return action, slot


def write_motion(
    rig: bpy.types.Object, action_name: str, frames: Array, channels: BoneChannels
) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """A new action for ``rig`` with a key on every bone at each of ``frames`` ``(F,)``; not assigned yet."""
    return write_rows(rig, action_name, frames, motion_rows(rig, channels))
