"""Bones of every family: axes that do not depend on the shape, channels that read back, another shape under the same motion."""

import bpy
import numpy as np
import pytest
from rig_samples import joint_poses, sample_body, sample_joints, sample_rig

FAMILIES = ("smpl", "smplh", "smplx", "smal")
T_TURNED = np.array([[0.0, -1.0, 0.0, 0.3], [1.0, 0.0, 0.0, -2.0], [0.0, 0.0, 1.0, 0.7], [0.0, 0.0, 0.0, 1.0]])


def captured(room, scene, sample, T=None):
    rest = room("revision_blender.scene.rigs.rig").rest_of(sample.rig)
    return room("revision_blender.scene.rigs.poses").track_motion(joint_poses(room, scene, sample), rest, np.eye(4) if T is None else T)


@pytest.mark.parametrize("family", FAMILIES)
def test_joints_are_bones_with_the_familys_names(room, scene, family):
    sample = sample_rig(room, scene, family)
    rest, skeleton = (
        room("revision_blender.scene.rigs.rig").rest_of(sample.rig),
        room("revision_blender.motion.skeletons").skeleton_of(family),
    )
    assert rest.names == skeleton.names
    np.testing.assert_array_equal(rest.parents, skeleton.parents)
    deforming = {bone.name for bone in sample.rig.data.bones if bone.use_deform}
    assert deforming == set(skeleton.names)
    assert all(bone.rotation_mode == "QUATERNION" and all(bone.lock_scale) for bone in sample.rig.pose.bones)


@pytest.mark.parametrize("family", FAMILIES)
def test_bodies_stand_up_and_face_the_front_view(room, scene, family):
    rig = sample_rig(room, scene, family, keyed=False).rig
    head = {bone.name: np.array(bone.head_local) for bone in rig.data.bones}
    left, right = ("left_back_leg1", "right_back_leg1") if family == "smal" else ("left_hip", "right_hip")
    low, high = ("left_back_foot", "head") if family == "smal" else ("left_ankle", "head")
    assert head[left][0] > head[right][0] + 0.05
    assert head[high][2] > head[low][2] + 0.3
    if family == "smal":
        assert head["head"][1] < head["tail7"][1] - 0.5
    else:
        assert head["left_foot"][1] < head["left_ankle"][1] - 0.05


@pytest.mark.parametrize("family", FAMILIES)
def test_axes_are_the_mean_shapes_and_right_angled(room, scene, family):
    model = sample_body(room, family)
    rigs, bones = room("revision_blender.scene.rigs.rig"), room("revision_blender.scene.rigs.bones")
    identity_of = room("revision_blender.motion.bodies.body_model").identity_of
    axes = []
    for betas in (np.zeros(4), np.array([2.0, -1.0, 1.5, -2.0])):
        joints = identity_of(model, betas).joints_rest
        rest = rigs.rest_of(rigs.new_rig(family, model, joints))
        assert np.abs(rest.joints_smpl - joints).max() < 1e-6
        axes.append(rest.R_smpl_bone)
    assert np.abs(axes[0] - axes[1]).max() < 1e-5
    assert np.abs(axes[0] - bones.R_smpl_bone_of(model)).max() < 1e-5
    assert np.abs(np.swapaxes(axes[0], 1, 2) @ axes[0] - np.eye(3)).max() < 5e-6


@pytest.mark.parametrize("family", FAMILIES)
def test_channels_are_the_motion_exactly(room, family):
    """Mathematics alone, in double precision: bones posed from channels give the track back."""
    rng = np.random.default_rng(1)
    model = sample_body(room, family)
    bones, poses = room("revision_blender.scene.rigs.bones"), room("revision_blender.scene.rigs.poses")
    rotation, clip = room("revision_blender.motion.rotation"), room("revision_blender.motion.clip")
    J = model.n_joints
    made = bones.rest_bones(model, model.joint_template)
    M = np.tile(np.eye(4), (J, 1, 1))
    M[:, :3, :3], M[:, :3, 3] = np.stack([bone.R_armature_bone for bone in made]), np.stack([bone.head for bone in made])
    rest = poses.RigRest(tuple(bone.name for bone in made), model.parents, M, bones.R_armature_model(family))
    turns = rotation.matrix_from_axis_angle(rng.normal(size=(4, J, 3)))
    track = clip.BodyTrack("p", family, "m", np.zeros(4), turns, rng.normal(size=(4, 3)), np.ones((4, J)))
    channels = poses.channels_of(track, rest, T_TURNED)
    basis = np.tile(np.eye(4), (4, J, 1, 1))
    basis[..., :3, :3] = rotation.matrix_from_quaternion(channels.quaternions)
    basis[:, 0, :3, 3] = channels.location
    posed = np.empty_like(basis)
    for joint, parent in enumerate(model.parents):
        under = np.eye(4) if parent < 0 else posed[:, parent] @ np.linalg.inv(M[parent])
        posed[:, joint] = under @ M[joint] @ basis[:, joint]
    rotations, translation = poses.track_motion(posed, rest, T_TURNED)
    assert np.abs(rotations - turns).max() < 1e-9
    assert np.abs(translation - track.translation).max() < 1e-9
    body_model = room("revision_blender.motion.bodies.body_model")
    expected = (
        body_model.joints_of(body_model.identity_of(model, np.zeros(4)), turns, track.translation) @ T_TURNED[:3, :3].T + T_TURNED[:3, 3]
    )
    assert np.abs(posed[..., :3, 3] - expected).max() < 1e-9


@pytest.mark.parametrize("family", FAMILIES)
def test_keys_in_blender_read_back(room, scene, family):
    sample = sample_rig(room, scene, family)
    rotations, translation = captured(room, scene, sample)
    assert room("revision_blender.motion.rotation").angle_between(rotations, sample.track.rotations).max() < 1e-5
    assert np.abs(translation - sample.track.translation).max() < 5e-6


@pytest.mark.parametrize("family", FAMILIES)
def test_another_shape_keeps_the_motion(room, scene, family):
    """Heads go to the other shape's joints; what is read back is the same motion, and no key counts as the animator's."""
    rigs, body_model = room("revision_blender.scene.rigs.rig"), room("revision_blender.motion.bodies.body_model")
    sample = sample_rig(room, scene, family)
    scene.frame_set(3)
    betas = np.array([2.0, -2.0, 1.0, 3.0])
    joints = body_model.identity_of(sample.model, betas).joints_rest
    axes = rigs.rest_of(sample.rig).R_smpl_bone
    rigs.fit_rest(sample.rig, sample.model, joints, np.eye(4))
    rest = rigs.rest_of(sample.rig)
    assert np.abs(rest.joints_smpl - joints).max() < 1e-6 and np.abs(rest.R_smpl_bone - axes).max() < 1e-5
    rotations, translation = captured(room, scene, sample)
    assert room("revision_blender.motion.rotation").angle_between(rotations, sample.track.rotations).max() < 2e-5
    assert np.abs(translation - sample.track.translation).max() < 5e-6
    user = room("revision_blender.scene.pins").user_keys(sample.rig)
    assert all(len(frames) == 0 for frames in user.rotation) and len(user.location) == 0
    handle = sample.rig.data.bones[room("revision_blender.scene.rigs.ik").limbs_of(sample.rig)[0].handle]
    end = room("revision_blender.scene.rigs.ik").limbs_of(sample.rig)[0]
    assert (handle.head_local - sample.rig.data.bones[end.foot or end.end].head_local).length < 1e-6
    assert [thing.name for thing in bpy.data.scenes] == [scene.name] and bpy.context.mode == "OBJECT"


def test_models_of_other_joint_counts_get_numbered_bones(room, scene):
    names = room("revision_blender.scene.rigs.bones").bone_names("smpl", 3)
    assert names == ("joint_00", "joint_01", "joint_02")


def test_elbows_and_fingers_bend_about_x(room, scene):
    rig = sample_rig(room, scene, "smplx", keyed=False).rig
    bones = rig.data.bones
    for side in ("left", "right"):
        assert abs(np.array(bones[f"{side}_elbow"].matrix_local)[2, 0]) > 0.9  # a T pose bends its elbows about the vertical
        finger = np.array(bones[f"{side}_index2"].matrix_local)[:3, :3]
        closed = finger @ np.array([0.0, np.cos(0.5), np.sin(0.5)])  # turned by +x
        assert closed[2] < -0.3
    assert sample_joints(room, "smplx").shape == (55, 3)


def test_another_shape_keeps_mode_and_selection(room, scene):
    """The animator is in pose mode with a bone selected; afterwards still."""
    sample = sample_rig(room, scene, "smpl")
    layer = bpy.context.view_layer
    layer.objects.active = sample.rig
    bpy.ops.object.mode_set(mode="POSE")
    room("revision_blender.scene.rigs.rig").fit_rest(sample.rig, sample.model, sample.model.joint_template, np.eye(4))
    assert bpy.context.mode == "POSE" and layer.objects.active == sample.rig and len(bpy.data.scenes) == 1
    bpy.ops.object.mode_set(mode="OBJECT")
    sample.rig.hide_viewport = True
    room("revision_blender.scene.rigs.rig").fit_rest(sample.rig, sample.model, sample.model.joint_template, np.eye(4))
    assert sample.rig.hide_viewport and bpy.context.mode == "OBJECT"


@pytest.mark.parametrize("at", ["moved", "turned"])
def test_another_shape_of_a_rig_that_stands_elsewhere(room, scene, at):
    """The animator moved or turned the rig: what shows afterwards is the same motion in the same place."""
    sample = sample_rig(room, scene, "smpl")
    sample.rig.location = (1.0, 2.0, 0.0)
    if at == "turned":
        sample.rig.rotation_euler = (0.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    world = np.array(sample.rig.matrix_world)
    before = captured(room, scene, sample)
    rests = room("revision_blender.scene.rigs.rig").rest_of(sample.rig).joints_smpl[0]
    joints = room("revision_blender.motion.bodies.body_model").identity_of(sample.model, np.array([2.0, -2.0, 1.0, 3.0])).joints_rest
    room("revision_blender.scene.rigs.rig").fit_rest(sample.rig, sample.model, joints, world @ np.eye(4))
    after = captured(room, scene, sample)
    assert np.abs(rests - joints[0]).max() > 1e-3
    assert np.abs(after[0] - before[0]).max() < 2e-5 and np.abs(after[1] - before[1]).max() < 1e-5
