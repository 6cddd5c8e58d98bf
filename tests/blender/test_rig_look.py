"""What an animator sees of a rig: collections, colours, shapes; and that making one leaves nothing else behind."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from rig_samples import POINTS_A_JOINT, sample_body, sample_rig

FAMILIES = ("smpl", "smplh", "smplx", "smal")
PERSON = {"Torso", "Left Arm", "Right Arm", "Left Leg", "Right Leg"}
EXPECTED = {
    "smpl": PERSON,
    "smplh": PERSON | {"Left Fingers", "Right Fingers"},
    "smplx": PERSON | {"Left Fingers", "Right Fingers", "Face"},
    "smal": {"Torso", "Face", "Tail", "Left Front Leg", "Right Front Leg", "Left Back Leg", "Right Back Leg"},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_bone_is_in_a_collection_of_its_part(room, scene, family):
    rig = sample_rig(room, scene, family, keyed=False).rig
    assert {one.name for one in rig.data.collections} == EXPECTED[family] | {"Handles", "Mechanism"}
    assert all(bone.collections for bone in rig.data.bones)
    shown = {one.name for one in rig.data.collections_all if one.is_visible_effectively}
    assert shown == EXPECTED[family] | {"Handles"}
    fingers = rig.data.collections.get("Left Fingers")
    if fingers is not None:
        assert len(fingers.bones) == 15 and all(bone.name.startswith("left_") for bone in fingers.bones)


@pytest.mark.parametrize("family", FAMILIES)
def test_sides_differ_in_colour_and_bones_have_shapes(room, scene, family):
    rig = sample_rig(room, scene, family, keyed=False).rig
    end = "left_back_leg1" if family == "smal" else "left_knee"
    left, right = rig.data.bones[end], rig.data.bones[end.replace("left", "right")]
    assert tuple(left.color.custom.normal) != tuple(right.color.custom.normal)
    hidden = rig.data.collections["Mechanism"].bones
    for posed in rig.pose.bones:
        assert (posed.custom_shape is not None) == (posed.name not in hidden)
        assert posed.custom_shape is None or posed.custom_shape_scale_xyz.length > 0.003
    assert all(bone.hide_select for bone in hidden)


def test_shapes_are_shared_linked_nowhere_and_go_with_the_last_rig(room, scene):
    rigs = room("revision_blender.scene.rigs.rig")
    first = sample_rig(room, scene, "smplx", keyed=False).rig
    shapes = {thing.name for thing in bpy.data.objects} - {first.name}
    second = sample_rig(room, scene, "smal", keyed=False).rig
    assert {thing.name for thing in bpy.data.objects} - {first.name, second.name} == shapes | {
        thing.name for thing in bpy.data.objects if thing.name not in shapes and thing.name.startswith("ReVision")
    }
    assert set(scene.objects) == {first, second}
    assert len(bpy.data.scenes) == 1 and len(bpy.data.collections) == 0 and bpy.context.mode == "OBJECT"
    for rig in (first, second):
        armature = rig.data
        bpy.data.objects.remove(rig)
        bpy.data.armatures.remove(armature)
    room("revision_blender.scene.rigs.bone_shapes").remove_unused_shapes()
    assert not bpy.data.objects and not bpy.data.meshes
    assert rigs.new_rig("again", sample_body(room, "smpl"), sample_body(room, "smpl").joint_template).pose.bones["pelvis"].custom_shape


@pytest.mark.parametrize("family", ["smplx", "smal"])
def test_a_rig_survives_undo(room, scene, family):
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    name = sample_rig(room, scene, family).rig.name
    bpy.ops.ed.undo_push(message="rig")
    room("revision_blender.scene.rigs.ik").switch(
        bpy.data.objects[name], room("revision_blender.scene.rigs.ik").limbs_of(bpy.data.objects[name])[0].name, True
    )
    bpy.ops.ed.undo_push(message="handle")
    bpy.ops.ed.undo()
    rig = bpy.data.objects[name]
    limbs = room("revision_blender.scene.rigs.ik").limbs_of(rig)
    assert len(limbs) == 4 and rig[limbs[0].switch] == 0.0 and rig.pose.bones[0].custom_shape is not None
    bpy.ops.ed.redo()
    assert bpy.data.objects[name][limbs[0].switch] == 1.0


@pytest.mark.parametrize("family", ["smplx", "smal"])
def test_a_pose_can_be_pasted_flipped(room, scene, family):
    """Blender swaps left and right by name and turns y and z about: bones of both sides have to be each other's mirror images."""
    bones, model = room("revision_blender.scene.rigs.bones"), sample_body(room, family)
    A, names = bones.R_armature_model(family), room("revision_blender.motion.skeletons").skeleton_of(family).names
    joints = model.joint_template @ A.T
    for joint, name in enumerate(names):  # the made-up skins are not quite symmetric
        other = bpy.utils.flip_name(name)
        joints[names.index(other)] = joints[joint] * ([-1, 1, 1] if other != name else [0, 1, 1])
    even = replace(model, v_template=(np.repeat(joints, POINTS_A_JOINT, axis=0) @ A).astype(np.float32))
    axes = {bone.name: bone.R_armature_bone for bone in bones.rest_bones(even, even.joint_template)}
    mirror = np.diag([-1.0, 1.0, 1.0])
    for name, turned in axes.items():
        other = bpy.utils.flip_name(name)
        assert other in axes and (name.startswith(("left", "right")) == (other != name))
        assert np.abs(mirror @ turned @ mirror - axes[other]).max() < 1e-5, name
