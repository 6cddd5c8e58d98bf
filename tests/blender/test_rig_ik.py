"""Handles: switching to them and back leaves the pose where it is; the mesh follows them with the right correctives."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector
from rig_samples import apart, joint_poses, sample_rig
from scene_samples import import_sample, sample_clip

FAMILIES = ("smpl", "smplh", "smplx", "smal")
NO_JUMP = np.radians(0.1), 1e-4  # radians, metres
EXACT = 1e-4, 1e-5


def all_limbs(room, rig):
    return [limb.name for limb in room("revision_blender.scene.rigs.ik").limbs_of(rig)]


def switch_all(room, rig, to_ik, frames=None):
    for name in all_limbs(room, rig):
        room("revision_blender.scene.rigs.ik").switch(rig, name, to_ik, frames)


def close(found, bars):
    return found[0] < bars[0] and found[1] < bars[1]


def move(rig, handle: str, frame: float, by=(0.03, 0.02, 0.02)) -> None:
    posed = rig.pose.bones[handle]
    posed.location += Vector(by)
    posed.keyframe_insert("location", frame=frame)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_switching_to_handles_and_back_does_not_move_the_pose(room, scene, family, seed):
    sample = sample_rig(room, scene, family, frames=12, seed=seed)
    before = joint_poses(room, scene, sample)
    switch_all(room, sample.rig, True)
    assert all(sample.rig[f"ik_{name}"] == 1.0 for name in all_limbs(room, sample.rig))
    assert close(apart(room, before, joint_poses(room, scene, sample)), NO_JUMP)
    switch_all(room, sample.rig, False)
    after = joint_poses(room, scene, sample)
    assert np.array_equal(before, after)  # nobody touched a handle: the imported keys are what they were
    working = sample.rig.animation_data.action
    paths = {curve.data_path for curve in working.layers[0].strips[0].channelbags[0].fcurves}
    assert not any("_ik" in path or "_pole" in path for path in paths)


@pytest.mark.parametrize("family", FAMILIES)
def test_bake_keeps_what_handles_made_and_marks_only_it(room, scene, family):
    sample = sample_rig(room, scene, family, frames=12, seed=5)
    ik = room("revision_blender.scene.rigs.ik")
    switch_all(room, sample.rig, True)
    limb = ik.limbs_of(sample.rig)[0]
    scene.frame_set(6)
    move(sample.rig, limb.handle, 6.0)
    before = joint_poses(room, scene, sample)
    steps = list(ik.bake(scene, sample.rig, all_limbs(room, sample.rig)))
    assert all(steps) and len(steps) > 4
    after = joint_poses(room, scene, sample)
    assert close(apart(room, before[5], after[5]), EXACT)
    assert close(apart(room, before, after), NO_JUMP)
    user = room("revision_blender.scene.pins").user_keys(sample.rig)
    names = room("revision_blender.scene.rigs.rig").rest_of(sample.rig).names
    pinned = {name: frames.tolist() for name, frames in zip(names, user.rotation, strict=True) if len(frames)}
    assert pinned == {name: [6.0] for name in limb.joints} and len(user.location) == 0


def test_bake_of_a_moved_root_holds_the_feet(room, scene):
    """Handles stand in the world: the root sinks, the feet stay; the bake has to keep that at every frame."""
    sample = sample_rig(room, scene, "smpl", frames=10, seed=6, degrees=30.0)
    ik = room("revision_blender.scene.rigs.ik")
    switch_all(room, sample.rig, True)
    root = sample.rig.pose.bones["pelvis"]
    for frame in (4, 5, 6):
        scene.frame_set(frame)
        root.location += Vector((0.0, -0.03, 0.01))
        root.keyframe_insert("location", frame=frame)
    before = joint_poses(room, scene, sample)
    for _ in ik.bake(scene, sample.rig, all_limbs(room, sample.rig)):
        pass
    assert close(apart(room, before[3:6], joint_poses(room, scene, sample)[3:6]), EXACT)


def test_a_span_switches_and_bakes_alone(room, scene):
    sample = sample_rig(room, scene, "smpl", frames=12, seed=7)
    ik, rig = room("revision_blender.scene.rigs.ik"), sample.rig
    before = joint_poses(room, scene, sample)
    ik.switch(rig, "left_hand", True, np.arange(4.0, 9.0))
    assert close(apart(room, before, joint_poses(room, scene, sample)), NO_JUMP)
    for frame, on in ((3, 0.0), (4, 1.0), (8, 1.0), (9, 0.0)):
        scene.frame_set(frame)
        assert rig["ik_left_hand"] == on
    scene.frame_set(6)
    move(rig, "left_hand_ik", 6.0)
    moved = joint_poses(room, scene, sample)
    ik.switch(rig, "left_hand", False, np.arange(4.0, 9.0))
    scene.frame_set(6)
    assert rig["ik_left_hand"] == 0.0
    after = joint_poses(room, scene, sample)
    assert close(apart(room, moved[5], after[5]), EXACT)
    assert np.array_equal(before[[0, 1, 2, 8, 9, 10, 11]], after[[0, 1, 2, 8, 9, 10, 11]])


def test_bake_into_few_soft_keys_moves_nothing_else(room, scene):
    """Keys ten frames apart with soft handles, as an animator sets them: every whole frame is as the handles made it."""
    sample = sample_rig(room, scene, "smpl", seed=4, keyed=False)
    rig, rng, ik = sample.rig, np.random.default_rng(2), room("revision_blender.scene.rigs.ik")
    names = room("revision_blender.scene.rigs.rig").rest_of(rig).names
    for frame in (1, 11, 21, 31, 41):
        for name in names:
            rig.pose.bones[name].rotation_quaternion = np.array([1.0, *rng.normal(size=3) * 0.2])
            rig.pose.bones[name].keyframe_insert("rotation_quaternion", frame=frame)
    frames = np.arange(1.0, 42.0)
    poses = room("revision_blender.scene.rigs.sampled_poses")
    at_first = poses.poses_at(scene, rig, names, frames)
    switch_all(room, rig, True)
    scene.frame_set(18)
    move(rig, "left_hand_ik", 18.0)
    before = poses.poses_at(scene, rig, names, frames)
    assert close(apart(room, at_first[:16], before[:16]), NO_JUMP) and np.abs(before[17] - at_first[17]).max() > 0.01
    switch_all(room, rig, False)
    assert close(apart(room, before, poses.poses_at(scene, rig, names, frames)), (5e-4, 1e-4))
    assert ik.key_frames_of(rig)[0] == 1.0 and ik.key_frames_of(rig)[-1] == 41.0
    right = next(curve for curve in rig.animation_data.action.layers[0].strips[0].channelbags[0].fcurves if "right_knee" in curve.data_path)
    assert len(right.keyframe_points) == 5


def test_an_unkeyed_pose_switches_where_it_stands(room, scene):
    sample = sample_rig(room, scene, "smal", seed=8, keyed=False)
    rig, ik = sample.rig, room("revision_blender.scene.rigs.ik")
    poses = room("revision_blender.scene.rigs.sampled_poses")
    rng = np.random.default_rng(3)
    for posed in (rig.pose.bones[name] for limb in ik.limbs_of(rig) for name in limb.joints):
        posed.rotation_quaternion = np.array([1.0, *rng.normal(size=3) * 0.2])
    names = room("revision_blender.scene.rigs.rig").rest_of(rig).names
    before = poses.pose_now(scene, rig, names)
    switch_all(room, rig, True)
    assert close(apart(room, before, poses.pose_now(scene, rig, names)), NO_JUMP)
    handle = rig.pose.bones["left_front_foot_ik"]
    handle.matrix = Matrix.Translation((0.0, 0.0, 0.05)) @ handle.matrix
    moved = poses.pose_now(scene, rig, names)
    assert abs(moved[names.index("left_front_foot"), 2, 3] - before[names.index("left_front_foot"), 2, 3]) > 0.03
    switch_all(room, rig, False)
    assert close(apart(room, moved, poses.pose_now(scene, rig, names)), EXACT)


def test_handles_reach_and_poles_turn_the_elbow(room, scene):
    sample = sample_rig(room, scene, "smpl", seed=9, keyed=False)
    rig, poses = sample.rig, room("revision_blender.scene.rigs.sampled_poses")
    rig.pose.bones["left_elbow"].rotation_quaternion = (0.9, 0.43, 0.0, 0.0)
    switch_all(room, rig, True)
    elbow, wrist = poses.pose_now(scene, rig, ["left_elbow", "left_wrist"])[:, :3, 3]
    rig.pose.bones["left_hand_pole"].location += Vector((0.0, 0.0, 0.4))
    turned, held = poses.pose_now(scene, rig, ["left_elbow", "left_wrist"])[:, :3, 3]
    assert np.abs(held - wrist).max() < 1e-3 and np.abs(turned - elbow).max() > 0.02


def test_limbs_show_either_bones_or_handles(room, scene):
    sample = sample_rig(room, scene, "smpl", seed=1)
    rig, ik = sample.rig, room("revision_blender.scene.rigs.ik")
    shown = lambda: {one.name for one in rig.data.collections_all if one.is_visible}  # noqa: E731
    ik.switch(rig, "left_foot", True)
    assert "Left Foot Handle" in shown() and "Left Leg" not in shown() and "Right Leg" in shown()
    assert "Left Foot Handle" in {one.name for one in rig.data.bones["left_foot"].collections}
    assert ik.is_on_handle(rig, "left_foot") and not ik.is_on_handle(rig, "left_hand")
    ik.switch(rig, "left_foot", False)
    assert "Left Foot Handle" not in shown() and "Left Leg" in shown()


def test_refusals_are_sentences(room, scene):
    sample = sample_rig(room, scene, "smpl", seed=1)
    ik, error = room("revision_blender.scene.rigs.ik"), room("revision_blender.scene.errors").SceneError
    with pytest.raises(error, match="no handles for 'tail'"):
        ik.switch(sample.rig, "tail", True)
    sample.rig.pose.bones["left_elbow"].rotation_mode = "XYZ"
    with pytest.raises(error, match="rotation mode"):
        ik.switch(sample.rig, "left_hand", True)


def test_keys_on_handles_are_the_animators(room, scene):
    """Without a bake: the joints that a handle turns are pinned where the animator keyed it, and nowhere else."""
    sample = sample_rig(room, scene, "smpl", frames=12, seed=5)
    switch_all(room, sample.rig, True)
    user_keys, names = room("revision_blender.scene.pins").user_keys, room("revision_blender.motion.skeletons").SMPL.names
    assert not any(len(frames) for frames in user_keys(sample.rig).rotation)
    scene.frame_set(6)
    move(sample.rig, "left_hand_ik", 6.0)
    pinned = {name: frames.tolist() for name, frames in zip(names, user_keys(sample.rig).rotation, strict=True) if len(frames)}
    assert pinned == {name: [6.0] for name in ("left_shoulder", "left_elbow", "left_wrist")}


def test_new_motion_is_shown_though_limbs_were_on_handles(room, scene):
    """Each action carries the switch: another action moves the bones, the first one the handles again."""
    sample = sample_rig(room, scene, "smpl", frames=8, seed=5)
    switch_all(room, sample.rig, True)
    scene.frame_set(4)
    move(sample.rig, "right_foot_ik", 4.0, (0.0, 0.05, 0.0))
    handled, data = joint_poses(room, scene, sample), sample.rig.animation_data
    first = data.action, data.action_slot
    other = sample_rig(room, scene, "smpl", frames=8, seed=6).track
    for action in bpy.data.actions:
        action["revision_take"] = "t"
    sample.rig["revision_take"] = "t"
    room("revision_blender.scene.take_motion").give_motion(sample.rig, other, sample.frames, np.eye(4), "refined", {})
    rest = room("revision_blender.scene.rigs.rig").rest_of(sample.rig)
    rotations, _ = room("revision_blender.scene.rigs.poses").track_motion(joint_poses(room, scene, sample), rest, np.eye(4))
    assert room("revision_blender.motion.rotation").angle_between(rotations, other.rotations).max() < 1e-4
    data.action, data.action_slot = first
    assert np.array_equal(handled, joint_poses(room, scene, sample))


def test_another_shape_leaves_handles_where_they_are(room, scene):
    sample = sample_rig(room, scene, "smpl", frames=8, seed=5, degrees=20.0)
    switch_all(room, sample.rig, True)
    poses, names = room("revision_blender.scene.rigs.sampled_poses"), ["left_foot_ik", "right_hand_pole"]
    before = poses.poses_at(scene, sample.rig, names, sample.frames)
    joints = room("revision_blender.motion.bodies.body_model").identity_of(sample.model, np.array([2.0, -2.0, 1.0, 3.0])).joints_rest
    room("revision_blender.scene.rigs.rig").fit_rest(sample.rig, sample.model, joints, np.eye(4))
    assert close(apart(room, before, poses.poses_at(scene, sample.rig, names, sample.frames)), (1e-4, 1e-5))


@pytest.mark.parametrize("keyed", [False, True])
def test_a_straight_arm_bends_when_its_handle_comes_nearer(room, scene, keyed):
    """The bundled body rests with its arms exactly straight, where the solver alone would not move."""
    rigs, poses = (room(f"revision_blender.scene.rigs.{name}") for name in ("rig", "sampled_poses"))
    model = room("revision_blender.motion.bodies.body_model").open_human()
    rig = rigs.new_rig("rest", model, model.joint_template)
    scene.collection.objects.link(rig)
    names = rigs.rest_of(rig).names
    for frame in (1, 5) if keyed else ():
        for name in names:
            rig.pose.bones[name].keyframe_insert("rotation_quaternion", frame=frame)
    before = poses.pose_now(scene, rig, names)
    switch_all(room, rig, True)
    assert close(apart(room, before, poses.pose_now(scene, rig, names)), NO_JUMP)
    for side, inwards in (("left", -0.1), ("right", 0.1)):
        handle = rig.pose.bones[f"{side}_hand_ik"]
        handle.matrix = Matrix.Translation((inwards, 0.0, 0.0)) @ handle.matrix
        reached = poses.pose_now(scene, rig, [f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", f"{side}_hand_ik"])[:, :3, 3]
        assert np.abs(reached[2] - reached[3]).max() < 1e-4
        assert reached[1][1] > (reached[0] + reached[2])[1] / 2 + 0.05  # the elbow goes back


def strong(room):
    model = room("revision_blender.motion.bodies.body_model").open_human()
    posedirs = np.random.default_rng(7).normal(size=model.posedirs.shape).astype(np.float32) * 0.01
    return replace(model, name="strong", posedirs=posedirs)


def test_mesh_under_handles_is_the_bodys_at_the_solved_pose(room, scene):
    """Pose correctives follow what the solver made, not the bones' own channels, which stay as they were."""
    model = strong(room)
    clip = sample_clip(room, 3, seed=4, size=0.5)
    clip = clip.with_tracks((replace(clip.bodies[0], model="strong"),))
    take = import_sample(room, scene, clip, models={"strong": model})
    rig, body = (bpy.data.objects[name] for name in take.bodies[0][1:])
    scene.frame_set(1)
    switch_all(room, rig, True)
    rig.pose.bones["left_hand_ik"].location += Vector((0.12, -0.1, 0.15))
    rig.pose.bones["right_foot_ik"].location += Vector((0.1, -0.15, 0.2))
    bpy.context.view_layer.update()
    solved = room("revision_blender.scene.capture").capture_pose(scene, take)
    track, body_model = solved.bodies[0], room("revision_blender.motion.bodies.body_model")
    turned = room("revision_blender.motion.rotation").angle_between(track.rotations[0], clip.bodies[0].rotations[0])
    assert np.degrees(turned).max() > 10.0
    points = body_model.vertices_of(body_model.identity_of(model, track.betas), track.rotations, track.translation)[0]
    T = take.T_blender_world
    evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    found = np.empty(3 * len(points), dtype=np.float32)
    evaluated.data.vertices.foreach_get("co", found)
    assert np.abs(found.reshape(-1, 3) - (points @ T[:3, :3].T + T[:3, 3])).max() < 1e-4
