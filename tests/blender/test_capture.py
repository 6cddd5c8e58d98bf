"""Scene back to clip: families, edited rigs in every place that Blender lets them stand, actions of every kind, pins."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from body_samples import body_clip, body_model
from mathutils import Euler, Matrix
from scene_samples import import_sample, sample_clip, sample_track

QUARTER = (0.70710678, 0.70710678, 0.0, 0.0)
TURN, PLACE = 1e-4, 1e-5  # radians, metres


def captured(room, scene, take, **options):
    return room("revision_blender.scene.capture").capture_clip(scene, take, **options)


def rig_of(take, number: int = 0) -> bpy.types.Object:
    return bpy.data.objects[take.bodies[number][1]]


def assert_same(room, found, wanted) -> None:
    assert found.track_id == wanted.track_id and found.family == wanted.family and found.model == wanted.model
    assert room("revision_blender.motion.rotation").angle_between(found.rotations, wanted.rotations).max() < TURN
    assert np.abs(found.translation - wanted.translation).max() < PLACE


def pins_of(room, scene, take, number: int = 0):
    return room("revision_blender.scene.capture").captured_pins(scene, take)[number]


def frame_of(scene, take, index: int) -> float:
    return float(take.scene_frames(scene)[index])


def key_head(rig, frame: float) -> None:
    rig.pose.bones["head"].rotation_quaternion = QUARTER
    rig.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=frame)


@pytest.mark.parametrize(("family", "expressions"), [("smplh", 0), ("smplx", 4), ("smal", 0)])
@pytest.mark.parametrize(("fps", "start"), [(29.97, 1.0), (7.0, -3.37)])
def test_every_family_comes_back(room, scene, family, expressions, fps, start):
    model = body_model(room, family, expressions=expressions)
    clip = body_clip(room, model, 4, expression=expressions > 0, betas=np.linspace(-2.0, 2.0, 7), fps=fps)
    take = import_sample(room, scene, clip, models={model.name: model}, start_frame=start)
    found = captured(room, scene, take).bodies[0]
    assert_same(room, found, clip.bodies[0])
    np.testing.assert_allclose(found.betas, clip.bodies[0].betas, atol=1e-6)
    if expressions:
        np.testing.assert_allclose(found.expression, clip.bodies[0].expression, atol=1e-5)
    else:
        assert found.expression is None


def test_several_takes_and_people_stand_side_by_side(room, scene):
    clips = [sample_clip(room, 3, seed=seed, fps=fps) for seed, fps in ((1, 7.0), (2, 50.0))]
    clips[1] = clips[1].with_tracks((*clips[1].bodies, sample_track(room, 3, seed=9, track_id="other", distance=4.5)))
    takes = [import_sample(room, scene, clip, take_id=str(number), start_frame=5.0 * number) for number, clip in enumerate(clips)]
    for clip, take in zip(clips, takes, strict=True):
        found = captured(room, scene, room("revision_blender.scene.take").find_take(scene, take.take_id))
        assert found.fps == clip.fps
        for track, wanted in zip(found.bodies, clip.bodies, strict=True):
            assert_same(room, track, wanted)


# --- where rigs stand


def scaled(rig, scale) -> None:
    rig.scale = scale


def parented(rig, scale) -> None:
    parent = bpy.data.objects.new("Holder", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.scale, parent.rotation_euler = scale, (0.3, 0.4, 0.5)
    rig.parent, rig.rotation_euler = parent, (0.5, 0.2, 0.9)


@pytest.mark.parametrize("how", [scaled, parented])
@pytest.mark.parametrize(("scale", "words"), [((1.0, 1.0, 1.3), "unevenly"), ((-1.0, 1.0, 1.0), "mirrored"), ((0.0, 0.0, 0.0), "nothing")])
def test_scales_that_no_motion_holds_are_refused_by_name(room, scene, how, scale, words):
    take = import_sample(room, scene, sample_clip(room, 2))
    how(rig_of(take), scale)
    error = room("revision_blender.scene.errors").SceneError
    for read in (captured, lambda *given: room("revision_blender.scene.capture").capture_for_refine(*given[1:])):
        with pytest.raises(error, match=f"'Person rig' is .*{words}"):
            read(room, scene, take)


def test_an_even_scale_keeps_turns_and_the_roots_place(room, scene):
    clip = sample_clip(room, 3)
    take = import_sample(room, scene, clip)
    rig_of(take).scale = (1.5, 1.5, 1.5)
    found = captured(room, scene, take)
    assert room("revision_blender.motion.rotation").angle_between(found.bodies[0].rotations, clip.bodies[0].rotations).max() < TURN
    T, rest = take.T_blender_world, room("revision_blender.scene.rigs.rig").rest_of(rig_of(take))
    before, after = ((rest.joints_smpl[0] + track.translation) @ T[:3, :3].T + T[:3, 3] for track in (clip.bodies[0], found.bodies[0]))
    np.testing.assert_allclose(after, before * 1.5, atol=1e-5)


def stand_still(rig) -> None:
    rig.location, rig.rotation_euler = (0.5, -1.0, 0.2), (0.1, 0.2, 1.3)


def stand_scaled(rig) -> None:
    stand_still(rig)
    rig.scale = (0.8, 0.8, 0.8)


def stand_parented(rig) -> None:
    holder = bpy.data.objects.new("Holder", None)
    bpy.context.scene.collection.objects.link(holder)
    holder.matrix_basis = Matrix.LocRotScale((1.0, 2.0, 0.0), Euler((0.0, 0.1, 0.7)), (1.0, 1.0, 1.0))
    holder.keyframe_insert("location", frame=1)
    holder.location.x += 1.0
    holder.keyframe_insert("location", frame=12)
    rig.parent = holder
    stand_still(rig)


@pytest.mark.parametrize("stand", [stand_still, stand_scaled, stand_parented])
@pytest.mark.parametrize("resample", [False, True])
def test_motion_given_to_a_moved_rig_lands_in_the_world(room, scene, stand, resample):
    scene.render.fps = 24
    clip = sample_clip(room, 4, fps=12.0)
    keys = room("revision_blender.scene.keys").KeyOptions(resample=resample)
    take = import_sample(room, scene, clip, keys=keys)
    stand(rig_of(take))
    moved = captured(room, scene, take)
    assert np.abs(moved.bodies[0].translation - clip.bodies[0].translation).max() > 0.1
    for motion in (clip, moved):
        list(room("revision_blender.scene.take").apply_motion(scene, take, motion, role="refined"))
        assert_same(room, captured(room, scene, take).bodies[0], motion.bodies[0])


def test_constraints_and_drivers_are_evaluated_even_where_the_rig_is_hidden(room, scene):
    clip = sample_clip(room, 3)
    take = import_sample(room, scene, clip)
    rig = rig_of(take)
    target = bpy.data.objects.new("Target", None)
    scene.collection.objects.link(target)
    target.location = (3.0, 0.0, 1.0)
    rig.pose.bones["head"].constraints.new("TRACK_TO").target = target
    driver = rig.pose.bones["pelvis"].driver_add("location", 0).driver
    driver.expression = "2.5"
    before = captured(room, scene, take).bodies[0]
    rig.hide_viewport = True
    for thing in bpy.data.collections[take.collection_name].objects:
        thing.hide_set(True)
    after = captured(room, scene, take).bodies[0]
    assert_same(room, after, before)
    angles = room("revision_blender.motion.rotation").angle_between(before.rotations, clip.bodies[0].rotations)
    assert angles[:, 15].min() > 0.05
    assert rig.hide_viewport


# --- actions of every kind


def test_a_users_own_action_is_all_pins(room, scene):
    take = import_sample(room, scene, sample_clip(room, 5, fps=12.0))
    rig = rig_of(take)
    rig.animation_data.action = bpy.data.actions.new("mine")
    key_head(rig, frame_of(scene, take, 2))
    pins = pins_of(room, scene, take)
    assert np.argwhere(pins.joints).tolist() == [[2, 15]] and not pins.translation.any()
    assert captured(room, scene, take).bodies[0].confidence.min() == 1.0


def test_strips_of_the_nla_count_at_their_time(room, scene):
    scene.render.fps = 24
    clip = sample_clip(room, 5, fps=12.0)
    take = import_sample(room, scene, clip)
    rig = rig_of(take)
    key_head(rig, frame_of(scene, take, 1))
    edited = captured(room, scene, take)
    data = rig.animation_data
    action, slot = data.action, data.action_slot
    data.action = None
    strip = data.nla_tracks.new().strips.new("lift", 1, action)
    strip.action_slot = slot
    assert_same(room, captured(room, scene, take).bodies[0], edited.bodies[0])
    assert np.argwhere(pins_of(room, scene, take).joints).tolist() == [[1, 15]]
    strip.frame_start += 4.0
    assert np.argwhere(pins_of(room, scene, take).joints).tolist() == [[3, 15]]
    bpy.context.view_layer.update()
    rig.pose.bones["neck"].rotation_quaternion = QUARTER  # not keyed, and moved by the strip
    captured(room, scene, take)
    np.testing.assert_allclose(rig.pose.bones["neck"].rotation_quaternion, QUARTER, atol=1e-6)


def test_an_action_shared_by_two_rigs_moves_both(room, scene):
    clip = sample_clip(room, 4)
    clip = clip.with_tracks((*clip.bodies, sample_track(room, 4, seed=9, track_id="other", distance=4.5)))
    take = import_sample(room, scene, clip)
    first, second = rig_of(take, 0), rig_of(take, 1)
    second.animation_data.action = first.animation_data.action
    second.animation_data.action_slot = first.animation_data.action_slot
    found = captured(room, scene, take).bodies
    angle = room("revision_blender.motion.rotation").angle_between
    assert angle(found[1].rotations[:, 1:], clip.bodies[0].rotations[:, 1:]).max() < 0.2  # other bone axes, the same channels
    assert not any(
        pins.joints.any() or pins.translation.any() for pins in room("revision_blender.scene.capture").captured_pins(scene, take)
    )
    key_head(first, frame_of(scene, take, 3))
    assert [np.argwhere(pins_of(room, scene, take, number).joints).tolist() for number in (0, 1)] == [[[3, 15]], [[3, 15]]]


def test_two_rigs_in_slots_of_one_action(room, scene):
    clip = sample_clip(room, 4)
    clip = clip.with_tracks((*clip.bodies, sample_track(room, 4, seed=9, track_id="other", distance=4.5)))
    take = import_sample(room, scene, clip)
    first, second = rig_of(take, 0), rig_of(take, 1)
    actions, keys = room("revision_blender.scene.actions"), room("revision_blender.scene.keys")
    merged = first.animation_data.action
    slot = merged.slots.new(id_type="OBJECT", name=second.name)
    bag = actions.channelbag(merged, slot, ensure=True)
    for curve in actions.curves_of(second):  # as Blender merges actions: the keys as they are
        own = keys.read_keys(curve)
        new = bag.fcurves.new(curve.data_path, index=curve.array_index)
        for frame, value in zip(own.frames, own.values, strict=True):
            point = new.keyframe_points.insert(frame, value, keyframe_type="GENERATED")
            point.interpolation = "LINEAR"
    second.animation_data.action, second.animation_data.action_slot = merged, slot
    for track, wanted in zip(captured(room, scene, take).bodies, clip.bodies, strict=True):
        assert_same(room, track, wanted)
    assert not any(
        pins.joints.any() or pins.translation.any() for pins in room("revision_blender.scene.capture").captured_pins(scene, take)
    )
    key_head(second, frame_of(scene, take, 2))
    assert [np.argwhere(pins_of(room, scene, take, number).joints).tolist() for number in (0, 1)] == [[], [[2, 15]]]


# --- pins on imports that were resampled or thinned


@pytest.mark.parametrize("options", [{"resample": True}, {"error": 0.02}, {"resample": True, "error": 0.05}])
def test_pins_of_resampled_and_thinned_imports(room, scene, options):
    scene.render.fps = 24
    clip = sample_clip(room, 13, fps=30.0, size=0.5)
    take = import_sample(room, scene, clip, keys=room("revision_blender.scene.keys").KeyOptions(**options))
    rig = rig_of(take)
    pins = pins_of(room, scene, take)
    assert not pins.joints.any() and not pins.translation.any()
    actions = room("revision_blender.scene.actions")
    knee = [curve for curve in actions.curves_of(rig) if "left_knee" in curve.data_path]
    times = [point.co.x for point in knee[0].keyframe_points]
    number = len(times) // 2
    moved = times[number] + 0.4 * (times[number + 1] - times[number])
    for curve in knee:
        curve.keyframe_points[number].co.x = moved
        curve.update()
    key_head(rig, frame_of(scene, take, 3))
    nearest = int(np.rint((moved - 1.0) / 24 * 30.0))
    assert np.argwhere(pins_of(room, scene, take).joints).tolist() == sorted([[3, 15], [nearest, 4]])
    asked, pinned = room("revision_blender.scene.capture").capture_for_refine(scene, take)
    assert pinned[0].joints.sum() == 2
    rest = room("revision_blender.scene.rigs.rig").rest_of(rig)
    local = room("revision_blender.motion.rotation").matrix_from_quaternion(np.array(QUARTER))
    np.testing.assert_allclose(asked.bodies[0].rotations[3, 15], rest.R_smpl_bone[15] @ local @ rest.R_smpl_bone[15].T, atol=1e-5)


# --- stand-ins and cameras


def test_a_stand_ins_track_comes_back_on_its_own_body(room, scene):
    shelf = room("revision_blender.motion.bodies.shelf").BodyShelf(None)
    stand_in = room("revision_blender.motion.bodies.stand_in").stand_in
    clip = sample_clip(room, 4)
    own = replace(clip.bodies[0], model="smpl_female", betas=np.linspace(-1.0, 1.0, 10))
    shown, standing = stand_in(own, shelf)
    assert standing is not None
    take = import_sample(room, scene, clip.with_tracks((shown,)), stand_ins={"person": standing})
    back = captured(room, scene, take).bodies[0]
    assert_same(room, back, own)
    np.testing.assert_allclose(back.betas, own.betas)
    assert captured(room, scene, take, own_bodies=False).bodies[0].model == "open_human"
    asked, _ = room("revision_blender.scene.capture").capture_for_refine(scene, take)
    list(room("revision_blender.scene.take").apply_motion(scene, take, asked, role="refined"))
    assert_same(room, captured(room, scene, take).bodies[0], own)


def test_a_framing_camera_leaves_the_scene_alone(room, scene):
    framing = room("revision_blender.motion.files.framing")
    clip = sample_clip(room, 3)
    clip = replace(clip, camera=framing.framing_camera("y", clip.bodies[0].translation, 3))
    scene.render.resolution_x, scene.render.resolution_y = 640, 200
    take = import_sample(room, scene, clip, camera_given=False)
    assert scene.camera is None and (scene.render.resolution_x, scene.render.resolution_y) == (640, 200)
    assert not room("revision_blender.scene.take").find_take(scene, take.take_id).camera_given
    seen = import_sample(room, scene, sample_clip(room, 3), take_id="seen")
    assert scene.camera.name == seen.camera_name and scene.render.resolution_x == 320
    bpy.data.objects.remove(bpy.data.objects[take.camera_name])  # only framed: nobody needs it
    again = room("revision_blender.scene.take").find_take(scene, take.take_id)
    assert_same(room, captured(room, scene, again).bodies[0], clip.bodies[0])
    bpy.data.objects.remove(bpy.data.objects[seen.camera_name])
    again = room("revision_blender.scene.take").find_take(scene, "seen")
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="camera"):
        captured(room, scene, again)


@pytest.mark.parametrize("resample", [False, True])
def test_expressions_of_new_motion_come_back(room, scene, resample):
    scene.render.fps = 24
    model = body_model(room, "smplx", expressions=4)
    clip, other = (body_clip(room, model, 4, expression=True, seed=seed, fps=12.0, betas=np.ones(5)) for seed in (1, 2))
    keys = room("revision_blender.scene.keys").KeyOptions(resample=resample)
    take = import_sample(room, scene, clip, models={model.name: model}, keys=keys)
    other = other.with_tracks((replace(other.bodies[0], expression=other.bodies[0].expression * 0.5),))
    for wanted in (clip, other):
        found = captured(room, scene, take).bodies[0]
        assert_same(room, found, wanted.bodies[0])
        np.testing.assert_allclose(found.expression, wanted.bodies[0].expression, atol=1e-5)
        list(room("revision_blender.scene.take").apply_motion(scene, take, other, role="refined"))


def test_what_a_new_action_hides_is_no_pin(room, scene):
    scene.render.fps = 24
    clip = sample_clip(room, 5, fps=12.0)
    take = import_sample(room, scene, clip)
    rig = rig_of(take)
    key_head(rig, frame_of(scene, take, 1))
    data = rig.animation_data
    action, slot = data.action, data.action_slot
    data.action = None
    data.nla_tracks.new().strips.new("lift", 1, action).action_slot = slot
    list(room("revision_blender.scene.take").apply_motion(scene, take, clip, role="refined"))
    assert not pins_of(room, scene, take).joints.any()
    assert_same(room, captured(room, scene, take).bodies[0], clip.bodies[0])


def test_a_sheared_camera_is_refused_by_name(room, scene):
    take = import_sample(room, scene, sample_clip(room, 2))
    parented(bpy.data.objects[take.camera_name], (1.0, 3.0, 1.0))
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="'Person camera' is sheared"):
        captured(room, scene, take)
