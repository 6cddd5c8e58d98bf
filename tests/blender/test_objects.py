"""Objects: a box and its points come back as they went in, follow the animator's box, and are seen by the mask pass."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Quaternion
from scene_samples import import_sample, sample_clip

CLOSE = 1e-5  # metres


def outline(size: np.ndarray) -> np.ndarray:
    """``(21, 3)`` about the centre: an ellipse, the box's front corners, the centre."""
    turn = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    contour = np.stack([np.cos(turn), np.sin(turn), 0.1 * np.sin(3.0 * turn)], axis=1)
    corners = np.array([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
    return np.concatenate([contour, corners, np.zeros((1, 3))]) * size / 2.0


def thing(room, frames: int, *, kind: str = "rigid", track_id: str = "ball", seed: int = 0, size=(0.6, 0.4, 0.2)):
    """An object that goes along a curve: ``rigid`` and turning, ``bending`` on top of it, ``loose`` (no rotation fits), or ``flat``."""
    rng = np.random.default_rng(seed)
    size = np.array(size)
    own = np.tile(outline(size), (frames, 1, 1))
    turns = np.tile(np.eye(3), (frames, 1, 1))
    if kind != "loose":
        axis = np.linspace(0.0, 2.5, frames)[:, None] * np.array([0.3, 1.0, 0.2])
        turns = room("revision_blender.motion.rotation").matrix_from_axis_angle(axis)
    if kind == "bending":
        own = own + rng.normal(size=own.shape) * 0.004
        own[:, -1] = 0.0
    if kind == "loose":
        own = own * rng.uniform(0.3, 2.0, size=(frames, 21, 3))
        own[:, -1] = rng.normal(size=(frames, 3)) * 0.05
    place = np.array([0.5, 0.2, 3.0]) + np.linspace(0.0, 1.0, frames)[:, None] * np.array([-1.0, 0.3, 0.4])
    points = own @ np.swapaxes(turns, 1, 2) + place[:, None]
    clip = room("revision_blender.motion.clip")
    return clip.ObjectTrack(track_id, "a red ball", size, points, rng.uniform(0.2, 1.0, frames))


def clip_of(room, *things, frames: int = 6, fps: float = 12.5):
    return sample_clip(room, frames, fps=fps, moving=True).with_tracks(tuple(things))


def captured(room, scene, take):
    return room("revision_blender.scene.capture").capture_clip(scene, take)


def assert_same(found, wanted) -> None:
    assert (found.track_id, found.label) == (wanted.track_id, wanted.label)
    assert np.abs(found.points - wanted.points).max() < CLOSE
    np.testing.assert_allclose(found.size, wanted.size, atol=1e-6)
    np.testing.assert_allclose(found.confidence, wanted.confidence)


def box_of(take, number: int = 0) -> bpy.types.Object:
    return bpy.data.objects[take.objects[number][1]]


@pytest.mark.parametrize("kind", ["rigid", "bending", "loose"])
@pytest.mark.parametrize(("fps", "start"), [(12.5, 1.0), (29.97, 7.3)])
def test_objects_come_back(room, scene, kind, fps, start):
    clip = clip_of(room, thing(room, 6, kind=kind), fps=fps)
    take = import_sample(room, scene, clip, start_frame=start)
    assert take.bodies == () and [track_id for track_id, _, _ in take.objects] == ["ball"]
    assert_same(captured(room, scene, take).tracks[0], clip.tracks[0])


@pytest.mark.parametrize("size", [(0.0, 0.0, 0.0), (0.6, 0.0, 0.0), (0.6, 0.4, 0.0)])
def test_boxes_without_depth_or_at_all_come_back(room, scene, size):
    clip = clip_of(room, thing(room, 6, kind="bending", size=size))
    take = import_sample(room, scene, clip)
    assert_same(captured(room, scene, take).tracks[0], clip.tracks[0])


def test_the_box_turns_with_what_is_rigid(room, scene):
    clip = clip_of(room, thing(room, 6))
    take = import_sample(room, scene, clip)
    box = box_of(take)
    assert box.type == "EMPTY" and box.empty_display_type == "CUBE"
    np.testing.assert_allclose(box.scale, np.array([0.3, 0.2, 0.1]), atol=1e-6)
    assert bpy.data.objects[take.objects[0][2]].data.shape_keys is None  # the box says it all
    corners = clip.tracks[0].points[:, 16:20] @ take.T_blender_world[:3, :3].T + take.T_blender_world[:3, 3]
    for index, frame in enumerate(take.scene_frames(scene)):
        room("revision_blender.scene.sampling").go_to(scene, frame)
        evaluated = np.array(box.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world)
        along = corners[index, 1] - corners[index, 0]
        np.testing.assert_allclose(evaluated[:3, 0] / 0.3, along / np.linalg.norm(along), atol=1e-5)


def test_tracks_keep_their_order_beside_people(room, scene):
    person = sample_clip(room, 6).bodies[0]
    clip = clip_of(room, thing(room, 6, kind="loose"), person, thing(room, 6, track_id="cup", seed=4))
    take = import_sample(room, scene, clip)
    found = captured(room, scene, take)
    assert [track.track_id for track in found.tracks] == ["ball", "person", "cup"]
    assert_same(found.tracks[0], clip.tracks[0])
    assert_same(found.tracks[2], clip.tracks[2])
    labels = room("revision_blender.masks.labels")
    given = [bpy.data.objects[name].data.attributes["revision_label"].data[0].value for _, _, name in take.objects]
    assert given == [labels.FIRST_OBJECT, labels.FIRST_OBJECT + 1]


@pytest.mark.parametrize("kind", ["rigid", "bending"])
def test_points_follow_the_box_that_the_animator_moves(room, scene, kind):
    clip = clip_of(room, thing(room, 6, kind=kind))
    take = import_sample(room, scene, clip)
    box = box_of(take)
    before = captured(room, scene, take).tracks[0].points
    frame = float(take.scene_frames(scene)[3])
    room("revision_blender.scene.sampling").go_to(scene, frame)
    old = np.array(box.matrix_world)
    box.location.z += 0.5
    box.rotation_quaternion = Quaternion((0.8, 0.6, 0.0, 0.0))
    for path in ("location", "rotation_quaternion"):
        box.keyframe_insert(path, frame=frame)
    bpy.context.view_layer.update()
    new = np.array(box.matrix_world)
    found = captured(room, scene, take).tracks[0]
    T = take.T_blender_world
    moved = np.linalg.inv(T) @ new @ np.linalg.inv(old) @ T
    np.testing.assert_allclose(found.points[3], before[3] @ moved[:3, :3].T + moved[:3, 3], atol=CLOSE)
    np.testing.assert_allclose(found.points[[0, 1, 2, 4, 5]], before[[0, 1, 2, 4, 5]], atol=CLOSE)
    box.scale = box.scale * 2.0
    np.testing.assert_allclose(captured(room, scene, take).tracks[0].size, 2.0 * clip.tracks[0].size, atol=1e-5)


def test_new_motion_of_an_object_is_an_action_of_its_own(room, scene):
    clip = clip_of(room, thing(room, 6))
    take = import_sample(room, scene, clip)
    first = box_of(take).animation_data.action
    for kind in ("loose", "rigid"):
        other = clip_of(room, replace(thing(room, 6, kind=kind, seed=8), size=clip.tracks[0].size))
        list(room("revision_blender.scene.take").apply_motion(scene, take, other, role="refined"))
        assert_same(captured(room, scene, take).tracks[0], other.tracks[0])
    assert box_of(take).animation_data.action != first and first.use_fake_user


@pytest.mark.parametrize("options", [{"resample": True}, {"error": 0.01}])
def test_objects_are_keyed_as_asked(room, scene, options):
    scene.render.fps = 24
    clip = clip_of(room, thing(room, 31, kind="rigid"), frames=31, fps=30.0)
    take = import_sample(room, scene, clip, keys=room("revision_blender.scene.keys").KeyOptions(**options))
    curves = list(room("revision_blender.scene.actions").curves_of(box_of(take)))
    if "resample" in options:
        assert {point.co.x for curve in curves for point in curve.keyframe_points} == set(range(1, 26))
    else:
        assert max(len(curve.keyframe_points) for curve in curves) < 10
    found = captured(room, scene, take).tracks[0]
    assert np.abs(found.points - clip.tracks[0].points)[:-1].max() < 0.012


def test_the_mask_pass_sees_the_contour(room, scene):
    clip = clip_of(room, thing(room, 3, kind="loose", seed=3), frames=3)
    take = import_sample(room, scene, clip)
    first = room("revision_blender.masks.labels").FIRST_OBJECT
    gathered = room("revision_blender.scene.part_masks.surfaces").gather(take, bpy.context.evaluated_depsgraph_get())
    assert len(gathered.codes) == 14 and set(gathered.codes.tolist()) == {first}


def test_a_point_mesh_with_other_points_is_named(room, scene):
    take = import_sample(room, scene, clip_of(room, thing(room, 3), frames=3))
    points = bpy.data.objects[take.objects[0][2]]
    points.modifiers.new("Subdivision", "SUBSURF").levels = 1
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="ball points"):
        captured(room, scene, take)


def test_random_turns_never_flip_a_box(room, scene):
    track = thing(room, 40, kind="rigid")
    turns = np.cumsum(np.random.default_rng(2).normal(size=(40, 3)) * 0.3, axis=0)
    rotation = room("revision_blender.motion.rotation")
    points = track.points[:1, -1:] + (track.points[:1] - track.points[:1, -1:]) @ np.swapaxes(rotation.matrix_from_axis_angle(turns), 1, 2)
    motion = room("revision_blender.scene.box_motion").box_motion(replace(track, points=points), np.eye(4))
    assert np.sum(motion.quaternions[1:] * motion.quaternions[:-1], axis=-1).min() > 0.5


def test_an_abandoned_import_leaves_nothing(room, scene):
    keys = room("revision_blender.scene.keys").KeyOptions(error=0.01)
    person = sample_clip(room, 6).bodies[0]
    steps = room("revision_blender.scene.take").import_clip(
        scene, clip_of(room, thing(room, 6, kind="loose"), person), take_id="t", name="Left", keys=keys
    )
    for words in steps:
        if words == "camera and floor":
            break
    steps.close()
    for kind in ("objects", "actions", "meshes", "cameras", "armatures", "shape_keys"):
        assert not [item.name for item in getattr(bpy.data, kind) if "Left" in item.name]
