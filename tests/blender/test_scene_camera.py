"""The camera lies over the picture pixel for pixel, and its pictures keep the clip's time at any scene rate."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from scene_samples import HEIGHT, WIDTH, import_sample, sample_clip


def test_points_land_on_the_pixels_that_the_clip_says(room, scene):
    clip = sample_clip(room, 4, moving=True)
    take = import_sample(room, scene, clip)
    points = np.random.default_rng(0).normal(size=(4, 30, 3)) * 0.5 + np.array([0.0, 0.0, 4.0])
    pixels, _ = clip.camera.project(points)
    T = take.T_blender_world
    camera = bpy.data.objects[take.camera_name]
    for index, frame in enumerate(take.scene_frames(scene)):
        room("revision_blender.scene.sampling").go_to(scene, frame)
        for point, pixel in zip(points[index] @ T[:3, :3].T + T[:3, 3], pixels[index], strict=True):
            view = world_to_camera_view(scene, camera, Vector(point))
            np.testing.assert_allclose((view.x * WIDTH, (1.0 - view.y) * HEIGHT), pixel, atol=2e-2)


def test_the_first_take_sets_camera_and_size_later_ones_do_not(room, scene):
    first = import_sample(room, scene, sample_clip(room, 2), take_id="a")
    assert scene.camera.name == first.camera_name
    assert (scene.render.resolution_x, scene.render.resolution_y) == (WIDTH, HEIGHT)
    scene.render.resolution_x = 500
    import_sample(room, scene, sample_clip(room, 2), take_id="b", name="Other")
    assert scene.camera.name == first.camera_name and scene.render.resolution_x == 500
    assert [take.take_id for take in room("revision_blender.scene.take").find_takes(scene)] == ["a", "b"]


def test_a_still_camera_has_no_keys(room, scene):
    take = import_sample(room, scene, sample_clip(room, 3))
    assert bpy.data.objects[take.camera_name].animation_data is None


def test_feet_and_floor_are_at_zero(room, scene):
    clip = sample_clip(room, 2)
    take = import_sample(room, scene, clip)
    T = take.T_blender_world
    point = T[:3, :3] @ clip.ground.point + T[:3, 3]
    assert abs(point[2]) < 1e-9
    grid = next(thing for thing in bpy.data.collections[take.collection_name].objects if thing["revision_role"] == "ground")
    assert grid.hide_render and not grid.data.polygons and all(vertex.co.z == 0.0 for vertex in grid.data.vertices)


def pictures(folder, count: int) -> list:
    folder.mkdir()
    files = [folder / f"frame_{index:04d}.png" for index in range(3, 3 + count)]
    image = bpy.data.images.new("p", 16, 16)
    for file in files:
        image.save(filepath=str(file))
    bpy.data.images.remove(image)
    return files


@pytest.mark.parametrize(
    ("fps", "scene_fps", "start"), [(7.0, 24, 1.0), (12.0, 24, 5.0), (24.0, 24, 1.0), (60.0, 24, 1.0), (12.5, 30, 2.5)]
)
def test_background_pictures_keep_time(room, scene, tmp_path, fps, scene_fps, start):
    scene.render.fps = scene_fps
    files = pictures(tmp_path / "frames", 8)
    take = import_sample(room, scene, sample_clip(room, 8, fps=fps), background=files, start_frame=start)
    camera = bpy.data.objects[take.camera_name]
    shown = []
    first = int(np.ceil(start))
    for frame in range(first, int(start + 8 / fps * scene_fps)):
        scene.frame_set(frame)
        background = camera.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.background_images[0]
        user = background.image_user
        step = min(max(frame - user.frame_start + 1, 1), user.frame_duration)
        shown.append((frame, step + user.frame_offset - 3))
    for frame, picture in shown:
        assert picture == min(int(np.floor((frame - start) / scene_fps * fps + 1e-4)), 7)
    assert background.image.filepath.endswith("frame_0003.png") and background.image.source == "SEQUENCE"


def test_one_picture_is_a_still(room, scene, tmp_path):
    files = pictures(tmp_path / "frames", 1)
    take = import_sample(room, scene, sample_clip(room, 2), background=files)
    data = bpy.data.objects[take.camera_name].data
    assert data.show_background_images and data.background_images[0].image.source == "FILE"


@pytest.mark.parametrize("rate", [23.976, 24.0, 25.0, 30.0, 60.0])
@pytest.mark.parametrize("fps", [7.0, 12.0, 24.0, 29.97, 60.0])
def test_pictures_last_as_long_as_the_clip(room, rate, fps):
    timing = room("revision_blender.scene.timing")
    first, shown = timing.shown_pictures(24, fps, rate, 1.0)
    assert first == 1 and shown[0] == 0 and (np.diff(shown) >= 0).all()
    assert abs(len(shown) / rate - 24 / fps) <= 1.0 / rate
    keys = timing.key_frames(24, fps, rate, 1.0)
    np.testing.assert_allclose((keys - 1.0) / rate, np.arange(24) / fps, atol=1e-12)
