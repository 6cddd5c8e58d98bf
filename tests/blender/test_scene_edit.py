"""Hand edits: which keys are the animator's, what a refiner gets, and that nothing is overwritten."""

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, random_rotations, sample_clip

QUARTER = (0.70710678, 0.70710678, 0.0, 0.0)


@pytest.fixture
def taken(room, scene):
    scene.render.fps = 24
    clip = sample_clip(room, 5, fps=12.0)
    take = import_sample(room, scene, clip)
    return clip, take, bpy.data.objects[take.bodies[0][1]]


def pins_of(room, scene, take):
    return room("revision_blender.scene.capture").captured_pins(scene, take)[0]


def test_an_untouched_take_has_no_pins(room, scene, taken):
    _, take, _ = taken
    pins = pins_of(room, scene, take)
    assert pins.track_id == "person" and not pins.joints.any() and not pins.translation.any()


def test_a_key_on_a_clip_frame_is_a_pin(room, scene, taken):
    clip, take, rig = taken
    bone = rig.pose.bones["left_elbow"]
    scene.frame_set(5)  # clip frame 2
    bone.rotation_quaternion = QUARTER
    bone.keyframe_insert("rotation_quaternion", frame=5)
    pins = pins_of(room, scene, take)
    joint = room("revision_blender.masks.labels").SMPL_JOINT_NAMES.index("left_elbow")
    assert np.argwhere(pins.joints).tolist() == [[2, joint]]
    captured = room("revision_blender.scene.capture").capture_clip(scene, take).bodies[0]
    turned = room("revision_blender.motion.rotation").angle_between(captured.rotations, clip.bodies[0].rotations) > 1e-3
    assert np.argwhere(turned).tolist() == [[2, joint]]


def test_moving_the_root_pins_its_place_only(room, scene, taken):
    _, take, rig = taken
    scene.frame_set(1)
    rig.pose.bones["pelvis"].location.x += 0.1
    rig.pose.bones["pelvis"].keyframe_insert("location", frame=1)
    pins = pins_of(room, scene, take)
    assert pins.translation.tolist() == [True, False, False, False, False] and not pins.joints.any()


def test_a_changed_value_is_a_pin_even_where_the_key_says_generated(room, scene, taken):
    _, take, rig = taken
    actions = room("revision_blender.scene.actions")
    curve = next(curve for curve in actions.curves_of(rig) if "left_knee" in curve.data_path and curve.array_index == 1)
    curve.keyframe_points[3].co.y += 0.2
    joints = pins_of(room, scene, take).joints
    assert np.argwhere(joints).tolist() == [[3, 4]]


def test_a_key_between_clip_frames_is_what_the_refiner_gets(room, scene, taken):
    clip, take, rig = taken
    bone = rig.pose.bones["head"]
    bone.rotation_quaternion = QUARTER
    bone.keyframe_insert("rotation_quaternion", frame=3.8)  # clip frame 1.4
    asked, pins = room("revision_blender.scene.capture").capture_for_refine(scene, take)
    assert np.argwhere(pins[0].joints).tolist() == [[1, 15]]
    rest = room("revision_blender.scene.rigs.rig").rest_of(rig)
    local = room("revision_blender.motion.rotation").matrix_from_quaternion(np.array(QUARTER))
    axes = rest.R_smpl_bone[15]
    np.testing.assert_allclose(asked.bodies[0].rotations[1, 15], axes @ local @ axes.T, atol=1e-5)
    plain = room("revision_blender.scene.capture").capture_clip(scene, take)
    np.testing.assert_allclose(plain.bodies[0].rotations[1, 15], clip.bodies[0].rotations[1, 15], atol=1e-5)


def test_edits_leave_the_imported_action_alone(room, scene, taken):
    rig = taken[2]
    rig.pose.bones["head"].rotation_quaternion = QUARTER
    rig.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=1)
    working = rig.animation_data.action
    original = working["revision_original"]
    assert original.name == "Person rig lift original" and working.name == "Person rig lift"
    bag = room("revision_blender.scene.actions").channelbag(original, original.slots[0])
    curve = next(curve for curve in bag.fcurves if "head" in curve.data_path and curve.array_index == 0)
    assert abs(curve.evaluate(1) - QUARTER[0]) > 0.01


def test_new_motion_is_a_new_action_and_the_old_stays(room, scene, taken):
    from dataclasses import replace

    clip, take, rig = taken
    moved = clip.with_tracks((replace(clip.bodies[0], rotations=random_rotations(room, 5, 24, 0.3, 9)),))
    before = rig.animation_data.action.name
    for words in room("revision_blender.scene.take").apply_motion(scene, take, moved, role="refined", provenance={"engine": "x"}):
        assert "refined" in words
    assert rig.animation_data.action.name == "Person rig refined" and bpy.data.actions[before].use_fake_user
    captured = room("revision_blender.scene.capture").capture_clip(scene, take)
    assert room("revision_blender.motion.rotation").angle_between(captured.bodies[0].rotations, moved.bodies[0].rotations).max() < 1e-4
    assert not pins_of(room, scene, take).joints.any()
    assert room("revision_blender.scene.provenance").read_provenance(rig.animation_data.action) == {"engine": "x"}


def test_motion_of_another_length_is_refused(room, scene, taken):
    _, take, rig = taken
    before = rig.animation_data.action
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="3 frames"):
        list(room("revision_blender.scene.take").apply_motion(scene, take, sample_clip(room, 3, fps=12.0), role="refined"))
    assert rig.animation_data.action == before


def test_capturing_keeps_an_unkeyed_pose_and_the_frame(room, scene, taken):
    _, take, rig = taken
    scene.frame_set(4, subframe=0.5)
    rig.pose.bones["head"].rotation_quaternion = QUARTER
    capture = room("revision_blender.scene.capture")
    shown = capture.capture_pose(scene, take)
    assert shown.n_frames == 1
    capture.capture_clip(scene, take)
    np.testing.assert_allclose(rig.pose.bones["head"].rotation_quaternion, QUARTER, atol=1e-6)
    again = capture.capture_pose(scene, take)
    np.testing.assert_allclose(again.bodies[0].rotations, shown.bodies[0].rotations, atol=1e-6)
    assert scene.frame_current == 4 and scene.frame_subframe == 0.5
    keyed = capture.capture_pose(scene, take, 5.0)
    assert room("revision_blender.motion.rotation").angle_between(keyed.bodies[0].rotations, shown.bodies[0].rotations)[0, 15] > 0.1


def test_a_constraint_counts_in_the_captured_pose(room, scene, taken):
    clip, take, rig = taken
    constraint = rig.pose.bones["head"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = rig, "neck"
    captured = room("revision_blender.scene.capture").capture_clip(scene, take)
    angles = room("revision_blender.motion.rotation").angle_between(captured.bodies[0].rotations, clip.bodies[0].rotations)
    assert angles[:, 15].max() > 0.05 and np.delete(angles, 15, axis=1).max() < 1e-4


def test_a_rig_moved_as_a_whole_is_captured_where_it_stands(room, scene, taken):
    clip, take, rig = taken
    rig.location = (0.5, 0.0, 0.0)
    captured = room("revision_blender.scene.capture").capture_clip(scene, take)
    moved = (captured.bodies[0].translation - clip.bodies[0].translation) @ take.T_blender_world[:3, :3].T
    np.testing.assert_allclose(moved, np.tile([0.5, 0.0, 0.0], (5, 1)), atol=1e-5)
