"""Where the clip's pixels lie in a viewport: through any camera, zoomed and shifted, at any size of the render."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Matrix, Vector
from scene_samples import FOCAL, HEIGHT, WIDTH, import_sample, sample_clip

CLOSE = 0.05  # pixels of the picture


def view_of(scene, camera, zoom: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)):
    """A region that looks through a camera as a viewport does: the frame scaled and moved in it."""
    render = scene.render
    region = SimpleNamespace(width=900, height=700)
    matrix = camera.calc_matrix_camera(
        bpy.context.evaluated_depsgraph_get(),
        x=render.resolution_x,
        y=render.resolution_y,
        scale_x=render.pixel_aspect_x,
        scale_y=render.pixel_aspect_y,
    )
    shape = (render.resolution_x * render.pixel_aspect_x) / (render.resolution_y * render.pixel_aspect_y)
    wide = 600.0 * zoom
    scale = Matrix.Diagonal((wide / region.width, wide / shape / region.height, 1.0, 1.0))
    perspective = Matrix.Translation((*shift, 0.0)) @ scale @ matrix @ camera.matrix_world.normalized().inverted()
    return region, SimpleNamespace(perspective_matrix=perspective)


@pytest.mark.parametrize("zoom", [0.4, 1.7])
@pytest.mark.parametrize(("size", "aspect"), [((WIDTH, HEIGHT), (1.0, 1.0)), ((WIDTH, 2 * HEIGHT), (1.0, 1.0)), ((200, 300), (1.5, 1.0))])
def test_a_pixel_is_where_the_camera_sees_it(room, scene, zoom, size, aspect):
    """The lifted camera: principal point off the middle, tilted. What the clip's camera projects to a pixel lies there in the region."""
    clip = sample_clip(room, 4, moving=True)
    take = import_sample(room, scene, clip)
    camera = bpy.data.objects[take.camera_name]
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = aspect
    scene.frame_set(1)
    region, view = view_of(scene, camera, zoom, (0.1, -0.3))
    found = room("revision_blender.scene.subjects_view").picture_in_view(region, view, scene, camera, WIDTH, HEIGHT)
    places = clip.bodies[0].translation[:1] + np.array([[0.0, 0.0, 0.0], [0.3, -0.5, 0.4], [-0.4, 0.2, -0.3]])
    pixels = clip.camera.project(np.tile(places, (4, 1, 1)))[0][0]
    for place, pixel in zip(places, pixels, strict=True):
        there = location_3d_to_region_2d(region, view, Vector(take.T_blender_world[:3, :3] @ place + take.T_blender_world[:3, 3]))
        np.testing.assert_allclose(found.pixel(*there), pixel, atol=CLOSE)
        np.testing.assert_allclose(found.place(*found.pixel(*there)), there, atol=1e-3)


def test_a_picture_fits_into_a_frame_as_blender_draws_it(room):
    fitted = room("revision_blender.scene.subjects_view").fitted
    frame = [(100.0, 50.0), (500.0, 50.0), (500.0, 250.0), (100.0, 250.0)]  # 400 x 200
    narrow = fitted(frame, 100, 100)
    assert (narrow.left, narrow.top, narrow.across) == (200.0, 250.0, 2.0)
    assert narrow.pixel(200.0, 250.0) == (0.0, 0.0) and narrow.pixel(400.0, 50.0) == (100.0, 100.0)
    wide = fitted(frame, 400, 100)
    assert (wide.left, wide.top, wide.across) == (100.0, 200.0, 1.0)
    cropped = fitted(frame, 100, 100, "CROP")
    assert (cropped.left, cropped.top, cropped.across) == (100.0, 350.0, 4.0)
    stretched = fitted(frame, 100, 100, "STRETCH")
    assert (stretched.across, stretched.down) == (4.0, 2.0)


def test_a_clip_that_is_not_lifted_has_a_camera_of_its_own_until_it_is(room, scene, tmp_path):
    view = room("revision_blender.scene.subjects_view")
    pictures = np.zeros((3, HEIGHT, WIDTH, 3), dtype=np.uint8)
    files = room("revision_blender.wire.collect").write_frames(tmp_path / "frames", pictures, "job")
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.frames, entry.fps = "clip", "take-1", str(tmp_path / "frames"), 7.0
    assert view.camera_of_clip(scene, "take-1") is None
    before = (len(bpy.data.cameras), len(bpy.data.images), len(bpy.data.actions))
    made = view.new_clip_view(scene, entry, files, WIDTH, HEIGHT)
    assert view.camera_of_clip(scene, "take-1") == made and scene.camera is None
    assert view.shows_clip(made, "take-1") and not view.shows_clip(made, "take-2") and not view.shows_clip(None, "take-1")
    space = next(space for screen in bpy.data.screens for area in screen.areas for space in area.spaces if space.type == "VIEW_3D")
    view.look_through(scene, space, made)
    assert view.looked_through(scene, space) == made and scene.camera is None
    take = import_sample(room, scene, sample_clip(room, 3), background=files)
    view.remove_clip_view(scene, "take-1")
    assert view.camera_of_clip(scene, "take-1").name == take.camera_name
    assert view.looked_through(scene, space) == scene.camera == bpy.data.objects[take.camera_name]
    view.remove_clip_view(scene, "take-1")
    assert (len(bpy.data.cameras), len(bpy.data.images)) == (before[0] + 1, before[1] + 1)
    assert not any("clip view" in action.name for action in bpy.data.actions)
    assert FOCAL > 0.0
