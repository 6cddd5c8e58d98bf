"""Every family's body in Blender is the mathematics', vertex for vertex: shape, expression, correctives, edited poses."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from body_samples import body_clip, body_model, evaluated, expected, largest_error
from scene_samples import import_sample

CLOSE = 1e-4  # metres
FAMILIES = ("smpl", "smplh", "smplx", "smal")


def imported(room, scene, model, clip, **options):
    return import_sample(room, scene, clip, models={model.name: model}, **options)


@pytest.mark.parametrize("family", FAMILIES)
def test_mesh_equals_the_mathematics(room, scene, family):
    model = body_model(room, family, expressions=10 if family == "smplx" else 0)
    clip = body_clip(room, model, expression=family == "smplx")
    take = imported(room, scene, model, clip)
    assert largest_error(room, scene, take, expected(room, model, clip.bodies[0], take.T_blender_world)) < CLOSE


def test_a_body_without_expression_shows_none(room, scene):
    model = body_model(room, "smplx", expressions=10)
    clip = body_clip(room, model, 2)
    take = imported(room, scene, model, clip)
    assert largest_error(room, scene, take, expected(room, model, clip.bodies[0], take.T_blender_world)) < CLOSE


def test_full_size_of_smplx(room, scene):
    model = body_model(room, "smplx", 10475, expressions=10, betas=20)
    clip = body_clip(room, model, 2, expression=True)
    take = imported(room, scene, model, clip)
    assert largest_error(room, scene, take, expected(room, model, clip.bodies[0], take.T_blender_world)) < CLOSE


def test_shapes_and_expressions_beyond_the_sliders(room, scene):
    model = body_model(room, "smplx", expressions=60)
    betas = np.random.default_rng(3).normal(size=300)
    betas[2], betas[200] = 25.0, -14.0
    clip = body_clip(room, model, betas=betas, expression=True)
    expression = np.zeros((3, 60))
    expression[:, 4], expression[:, 55] = (3.0, -30.0, 12.0), (1.0, 2.0, 0.5)
    clip = clip.with_tracks((replace(clip.bodies[0], expression=expression),))
    take = imported(room, scene, model, clip)
    assert largest_error(room, scene, take, expected(room, model, clip.bodies[0], take.T_blender_world)) < CLOSE
    body = bpy.data.objects[take.bodies[0][2]]
    np.testing.assert_allclose(room("revision_blender.scene.rigs.shape_keys").betas_of(body), betas, atol=1e-9)
    found = room("revision_blender.scene.rigs.expressions").expression_of(body, take.scene_frames(scene))
    np.testing.assert_allclose(found, expression, atol=1e-5)


def test_expression_and_translation_read_back(room, scene):
    """The regressor of this body takes every joint, the root's too, from vertices that expressions move."""
    model = body_model(room, "smplx", expressions=10)
    clip = body_clip(room, model, 4, expression=True)
    take = imported(room, scene, model, clip)
    captured = room("revision_blender.scene.capture").capture_clip(scene, take).bodies[0]
    angle = room("revision_blender.motion.rotation").angle_between
    assert angle(captured.rotations, clip.bodies[0].rotations).max() < 1e-4
    assert np.abs(captured.translation - clip.bodies[0].translation).max() < 1e-5
    np.testing.assert_allclose(captured.expression, clip.bodies[0].expression, atol=1e-5)


def test_correctives_that_are_mixtures_of_a_few_need_few_keys(room, scene):
    model = body_model(room, "smplh")
    posedirs = model.posedirs.reshape(-1, model.n_joints - 1, 9).copy()
    few = np.random.default_rng(8).normal(size=(30, 2, 9))
    posedirs[:, 21:] = np.einsum("njk,jkp->njp", posedirs[:, 21:, :2], few)
    model = replace(model, name="few", posedirs=posedirs.reshape(model.posedirs.shape).astype(np.float32))
    clip = body_clip(room, model)
    take = imported(room, scene, model, clip)
    assert largest_error(room, scene, take, expected(room, model, clip.bodies[0], take.T_blender_world)) < CLOSE
    keys = bpy.data.objects[take.bodies[0][2]].data.shape_keys
    drivers = keys.animation_data.drivers
    assert len(drivers) == 9 * 21 + 2 * 30
    assert all(curve.driver.is_simple_expression and curve.driver.is_valid for curve in drivers)


def test_what_mixtures_leave_out_is_bounded(room):
    correctives, rotation = room("revision_blender.scene.rigs.correctives"), room("revision_blender.motion.rotation")
    rng = np.random.default_rng(2)
    offsets = np.einsum("pk,kvc->pvc", rng.normal(size=(9, 3)), rng.normal(size=(3, 200, 3)) * 0.01)
    offsets = (offsets + rng.normal(size=offsets.shape) * 3e-7).astype(np.float32)
    mixed, left = correctives.mixtures(offsets, np.full(200, 1e-5))
    assert len(mixed) == 3 and 0.0 < left.max() <= 3e-6
    turns = rotation.quaternion_from_matrix(rotation.matrix_from_axis_angle(rng.normal(size=(300, 3)) * 2))
    part = dict(zip("wxyz", turns.T, strict=True))
    products = np.stack([part[a] * part[b] for a, b in correctives.PRODUCTS], axis=-1)
    lost = np.einsum("fp,pvc->fvc", products - products @ mixed.T @ mixed, offsets)
    assert (np.linalg.norm(lost, axis=-1) <= left + 1e-9).all()


def test_correctives_follow_a_handle(room, scene):
    model = body_model(room, "smpl")
    take = imported(room, scene, model, body_clip(room, model, 1))
    rig, body = (bpy.data.objects[name] for name in take.bodies[0][1:])
    before = evaluated(body)
    room("revision_blender.scene.rigs.ik").switch(rig, "left_hand", True)
    rig.pose.bones["left_hand_ik"].location.x += 0.1
    bpy.context.view_layer.update()
    edited = room("revision_blender.scene.capture").capture_pose(scene, take).bodies[0]
    assert np.abs(evaluated(body) - before).max() > 0.01
    wanted = expected(room, model, edited, take.T_blender_world)[0]
    assert np.abs(evaluated(body) - wanted).max() < CLOSE


def test_correctives_follow_a_pose_set_by_hand(room, scene):
    model = body_model(room, "smplh")
    clip = body_clip(room, model, 1)
    take = imported(room, scene, model, clip)
    rig, body = (bpy.data.objects[name] for name in take.bodies[0][1:])
    for name in ("left_elbow", "right_knee", "left_index2", "spine2"):
        rig.pose.bones[name].rotation_quaternion = np.random.default_rng(len(name)).normal(size=4)
    bpy.context.view_layer.update()
    edited = room("revision_blender.scene.capture").capture_pose(scene, take).bodies[0]
    wanted = expected(room, model, edited, take.T_blender_world)[0]
    assert np.abs(evaluated(body) - wanted).max() < CLOSE


def test_correctives_follow_a_constraint(room, scene):
    model = body_model(room, "smpl")
    take = imported(room, scene, model, body_clip(room, model, 1))
    rig, body = (bpy.data.objects[name] for name in take.bodies[0][1:])
    before = evaluated(body)
    goal = bpy.data.objects.new("goal", None)
    goal.location = rig.matrix_world @ rig.pose.bones["left_hand"].head + rig.pose.bones["left_hand"].vector
    goal.location.x += 0.1
    scene.collection.objects.link(goal)
    constraint = rig.pose.bones["left_wrist"].constraints.new("IK")
    constraint.target, constraint.chain_count = goal, 4
    bpy.context.view_layer.update()
    edited = room("revision_blender.scene.capture").capture_pose(scene, take).bodies[0]
    assert np.abs(evaluated(body) - before).max() > 0.01
    wanted = expected(room, model, edited, take.T_blender_world)[0]
    assert np.abs(evaluated(body) - wanted).max() < CLOSE


def test_joints_follow_an_edited_shape(room, scene):
    model = body_model(room, "smpl")
    clip = body_clip(room, model)
    take = imported(room, scene, model, clip)
    rig, body = (bpy.data.objects[name] for name in take.bodies[0][1:])
    body.data.shape_keys.key_blocks["Shape 003"].value += 2.5
    room("revision_blender.scene.take_body").update_joints(rig, body, model, take.T_blender_world)
    betas = clip.bodies[0].betas + 2.5 * (np.arange(10) == 3)
    np.testing.assert_allclose(room("revision_blender.scene.rigs.shape_keys").betas_of(body), betas, atol=1e-6)
    track = replace(clip.bodies[0], betas=betas)
    assert largest_error(room, scene, take, expected(room, model, track, take.T_blender_world)) < CLOSE
    captured = room("revision_blender.scene.capture").capture_clip(scene, take).bodies[0]
    np.testing.assert_allclose(captured.betas, betas, atol=1e-6)
    assert np.abs(captured.translation - clip.bodies[0].translation).max() < 1e-5


def test_correctives_can_be_turned_off_and_on(room, scene):
    model = body_model(room, "smal")
    clip = body_clip(room, model, 2)
    take = imported(room, scene, model, clip)
    body = bpy.data.objects[take.bodies[0][2]]
    correctives = room("revision_blender.scene.rigs.correctives")
    assert correctives.correctives_used(body)
    correctives.use_correctives(body, False)
    assert not correctives.correctives_used(body)
    track, T = clip.bodies[0], take.T_blender_world
    assert largest_error(room, scene, take, expected(room, model, track, T, correctives=False)) < CLOSE
    correctives.use_correctives(body, True)
    assert largest_error(room, scene, take, expected(room, model, track, T)) < CLOSE


def test_two_people_of_one_model_are_their_own(room, scene):
    model = body_model(room, "smpl")
    clip = body_clip(room, model)
    other = replace(body_clip(room, model, seed=5).bodies[0], track_id="other", translation=clip.bodies[0].translation + 0.5)
    take = imported(room, scene, model, clip.with_tracks((*clip.bodies, other)))
    for number, track in enumerate((clip.bodies[0], other)):
        body = bpy.data.objects[take.bodies[number][2]]
        wanted = expected(room, model, track, take.T_blender_world)
        for frame, points in zip(take.scene_frames(scene), wanted, strict=True):
            room("revision_blender.scene.sampling").go_to(scene, frame)
            assert np.abs(evaluated(body) - points).max() < CLOSE
