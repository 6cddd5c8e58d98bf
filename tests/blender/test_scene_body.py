"""Blender's evaluated mesh is the body model's, vertex for vertex; keys read back as they went in."""

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, random_rotations, sample_clip, sample_track

CLOSE = 1e-4  # metres


def evaluated_vertices(body: bpy.types.Object) -> np.ndarray:
    evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
    evaluated.data.vertices.foreach_get("co", points)
    matrix = np.array(evaluated.matrix_world)
    return points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def expected_vertices(room, clip, model=None) -> np.ndarray:
    body_model = room("revision_blender.motion.bodies.body_model")
    track = clip.bodies[0]
    identity = body_model.identity_of(model or body_model.open_human(), track.betas)
    points = body_model.vertices_of(identity, track.rotations, track.translation)
    T = room("revision_blender.motion.axes").T_blender_world(clip)
    return points @ T[:3, :3].T + T[:3, 3]


def at_clip_frame(room, scene, take, index: int) -> None:
    room("revision_blender.scene.sampling").go_to(scene, take.scene_frames(scene)[index])


@pytest.mark.parametrize(("seed", "size", "scene_fps"), [(1, 0.2, 24), (2, 0.7, 30), (3, 1.2, 60)])
def test_mesh_equals_the_body_model(room, scene, seed, size, scene_fps):
    scene.render.fps = scene_fps
    clip = sample_clip(room, 5, seed=seed, size=size)
    take = import_sample(room, scene, clip)
    expected = expected_vertices(room, clip)
    for index in range(clip.n_frames):
        at_clip_frame(room, scene, take, index)
        error = np.abs(evaluated_vertices(bpy.data.objects[take.bodies[0][2]]) - expected[index]).max()
        assert error < CLOSE


def strong_correctives(room):
    """The bundled body with correctives of centimetres, so that a wrong one is seen."""
    from dataclasses import replace

    model = room("revision_blender.motion.bodies.body_model").open_human()
    posedirs = np.random.default_rng(7).normal(size=model.posedirs.shape).astype(np.float32) * 0.01
    return replace(model, name="strong", posedirs=posedirs)


def test_pose_correctives_follow_keyed_and_edited_poses(room, scene):
    from dataclasses import replace

    model = strong_correctives(room)
    clip = sample_clip(room, 3, seed=4, size=0.8)
    clip = clip.with_tracks((replace(clip.bodies[0], model="strong"),))
    take = import_sample(room, scene, clip, models={"strong": model})
    body = bpy.data.objects[take.bodies[0][2]]
    expected = expected_vertices(room, clip, model)
    for index in range(clip.n_frames):
        at_clip_frame(room, scene, take, index)
        assert np.abs(evaluated_vertices(body) - expected[index]).max() < CLOSE
    rig = bpy.data.objects[take.bodies[0][1]]
    rig.pose.bones["left_knee"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    edited = room("revision_blender.scene.capture").capture_pose(scene, take)
    # the world of a one-frame clip starts elsewhere: compare in the imported clip's
    moved = clip.with_tracks(clip.bodies)
    track = edited.bodies[0]
    body_model = room("revision_blender.motion.bodies.body_model")
    points = body_model.vertices_of(body_model.identity_of(model, track.betas), track.rotations, track.translation)[0]
    T = room("revision_blender.motion.axes").T_blender_world(moved)
    assert np.abs(evaluated_vertices(body) - (points @ T[:3, :3].T + T[:3, 3])).max() < CLOSE


def test_correctives_are_driven_without_python(room, scene):
    from dataclasses import replace

    clip = sample_clip(room, 2)
    clip = clip.with_tracks((replace(clip.bodies[0], model="strong"),))
    take = import_sample(room, scene, clip, models={"strong": strong_correctives(room)})
    drivers = bpy.data.objects[take.bodies[0][2]].data.shape_keys.animation_data.drivers
    assert len(drivers) == 207
    assert all(curve.driver.is_simple_expression and curve.driver.is_valid for curve in drivers)


def test_quaternion_products_are_the_rotation_entries(room):
    correctives, rotation = room("revision_blender.scene.rigs.correctives"), room("revision_blender.motion.rotation")
    matrices = random_rotations(room, 20, 1, 1.5, 5)[:, 0]
    w, x, y, z = np.moveaxis(rotation.quaternion_from_matrix(matrices), -1, 0)
    part = {"w": w, "x": x, "y": y, "z": z}
    products = np.stack([part[name[0]] * part[name[1]] for name in correctives.PRODUCTS], axis=-1)
    np.testing.assert_allclose(np.einsum("abk,fk->fab", correctives._TABLE, products), matrices - np.eye(3), atol=1e-12)


@pytest.mark.parametrize(("fps", "scene_fps", "start"), [(7.0, 24, 1.0), (12.5, 30, 10.25), (60.0, 24, -3.5)])
def test_keys_read_back_at_any_rate(room, scene, fps, scene_fps, start):
    scene.render.fps, scene.render.fps_base = scene_fps, 1.001
    clip = sample_clip(room, 6, fps=fps, size=0.9, moving=True)
    take = import_sample(room, scene, clip, start_frame=start)
    captured = room("revision_blender.scene.capture").capture_clip(scene, take)
    angle = room("revision_blender.motion.rotation").angle_between
    assert captured.n_frames == clip.n_frames and captured.fps == clip.fps
    assert angle(captured.bodies[0].rotations, clip.bodies[0].rotations).max() < 1e-4
    assert np.abs(captured.bodies[0].translation - clip.bodies[0].translation).max() < 1e-4
    np.testing.assert_allclose(captured.bodies[0].confidence, clip.bodies[0].confidence)
    np.testing.assert_allclose(captured.bodies[0].betas, clip.bodies[0].betas)
    assert np.abs(captured.camera.T_world_camera - clip.camera.T_world_camera).max() < 1e-4
    np.testing.assert_allclose(captured.camera.center, clip.camera.center, atol=1e-3)
    assert abs(captured.camera.focal - clip.camera.focal) < 1e-3
    np.testing.assert_allclose(captured.ground.normal, clip.ground.normal, atol=1e-9)
    assert abs(clip.ground.height(captured.ground.point)) < 1e-9
    assert scene.render.fps == scene_fps and scene.frame_current == 1


def test_bones_are_named_and_turned_for_editing(room, scene):
    take = import_sample(room, scene, sample_clip(room, 2))
    rig = bpy.data.objects[take.bodies[0][1]]
    labels = room("revision_blender.masks.labels")
    assert set(room("revision_blender.scene.rigs.rig").rest_of(rig).names) == set(labels.SMPL_JOINT_NAMES)
    assert {bone.name for bone in rig.data.bones if bone.use_deform} == set(labels.SMPL_JOINT_NAMES)
    assert all(bone.rotation_mode == "QUATERNION" for bone in rig.pose.bones)
    knee, ankle = rig.data.bones["left_knee"], rig.data.bones["left_ankle"]
    assert (knee.tail_local - ankle.head_local).length < 0.02  # the mean shape gives the direction, the shaped body the place
    assert rig.data.bones["head"].head_local.z > rig.data.bones["pelvis"].head_local.z + 0.4


def test_import_leaves_mode_selection_and_frame(room, scene):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    scene.frame_set(17)
    import_sample(room, scene, sample_clip(room, 2))
    assert bpy.context.view_layer.objects.active == cube
    assert [thing.name for thing in bpy.context.selected_objects] == [cube.name]
    assert bpy.context.mode == "OBJECT" and scene.frame_current == 17
    assert len(bpy.data.scenes) == 1


def test_an_abandoned_import_leaves_nothing(room, scene):
    take = room("revision_blender.scene.take")
    steps = take.import_clip(scene, sample_clip(room, 2), take_id="t", name="Person")
    for _ in range(3):  # the body is there, its motion is not
        next(steps)
    steps.close()
    assert not bpy.data.objects and not bpy.data.actions and not bpy.data.armatures and not bpy.data.meshes
    assert take.find_takes(scene) == ()


def test_the_same_take_is_not_imported_twice(room, scene):
    clip = sample_clip(room, 2)
    import_sample(room, scene, clip)
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="already"):
        import_sample(room, scene, clip)


def test_takes_survive_renaming(room, scene):
    take = import_sample(room, scene, sample_clip(room, 2))
    bpy.data.objects[take.bodies[0][1]].name = "Anna"
    bpy.data.collections[take.collection_name].name = "Scene 5"
    again = room("revision_blender.scene.take").find_take(scene, take.take_id)
    assert again.bodies[0][1] == "Anna" and again.collection_name == "Scene 5"
    assert room("revision_blender.scene.capture").capture_clip(scene, again).n_frames == 2


def test_a_deleted_rig_is_named_in_the_error(room, scene):
    take = import_sample(room, scene, sample_clip(room, 2))
    bpy.data.objects.remove(bpy.data.objects[take.bodies[0][1]])
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="Person rig"):
        room("revision_blender.scene.capture").capture_clip(scene, take)


def test_correctives_can_be_turned_off(room, scene):
    clip = sample_clip(room, 1, size=0.8)
    body_model = room("revision_blender.motion.bodies.body_model")
    take = import_sample(room, scene, clip)
    body = bpy.data.objects[take.bodies[0][2]]
    room("revision_blender.scene.rigs.correctives").use_correctives(body, False)
    at_clip_frame(room, scene, take, 0)
    track = clip.bodies[0]
    plain = body_model.vertices_of(body_model.identity_of(body_model.open_human(), track.betas), track.rotations, track.translation, False)[
        0
    ]
    T = take.T_blender_world
    assert np.abs(evaluated_vertices(body) - (plain @ T[:3, :3].T + T[:3, 3])).max() < CLOSE


def test_two_people_share_a_take(room, scene):
    clip = sample_clip(room, 3)
    clip = clip.with_tracks((*clip.bodies, sample_track(room, 3, seed=9, track_id="other", distance=4.5)))
    take = import_sample(room, scene, clip)
    assert [track_id for track_id, _, _ in take.bodies] == ["person", "other"]
    captured = room("revision_blender.scene.capture").capture_clip(scene, take)
    angle = room("revision_blender.motion.rotation").angle_between
    for wanted, found in zip(clip.bodies, captured.bodies, strict=True):
        assert found.track_id == wanted.track_id and angle(found.rotations, wanted.rotations).max() < 1e-4
        assert np.abs(found.translation - wanted.translation).max() < 1e-4
