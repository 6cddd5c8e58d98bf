"""Blender's part masks against the backend's rasteriser: every pixel but those on the very edge of a label."""

import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from scene_samples import HEIGHT, WIDTH, import_sample, sample_clip

ROOT = Path(__file__).resolve().parents[2]
BACKEND = Path(os.environ.get("REVISION_PYTHON", ROOT / ".venv-backend/bin/python"))

DRAW = """
import sys
import numpy as np
from backend.raster.rasteriser import rasterise
scene = np.load(sys.argv[1])
labels = [
    np.where(seen.face >= 0, scene["labels"][seen.face], 0)
    for points in scene["points"]
    for seen in [rasterise(points, scene["faces"], float(scene["focal"]), scene["center"], int(scene["width"]), int(scene["height"]))]
]
np.save(sys.argv[2], np.stack(labels).astype(np.uint8))
"""


def methods(room) -> list[str]:
    return ["gpu", "cycles"] if room("revision_blender.scene.part_masks.mask_gpu").has_context() else ["cycles"]


def body_surface(room, clip):
    """Camera points ``(F, V, 3)``, faces and their labels of the clip's bodies."""
    body_model, labels = room("revision_blender.motion.bodies.body_model"), room("revision_blender.masks.face_labels")
    points, faces, marks, base = [], [], [], 0
    for track in clip.bodies:
        model = body_model.open_human()
        world = body_model.vertices_of(body_model.identity_of(model, track.betas), track.rotations, track.translation)
        points.append(clip.camera.to_camera(world))
        faces.append(model.faces + base)
        marks.append(labels.face_labels(model.faces, model.part_labels))
        base += model.n_vertices
    return np.concatenate(points, axis=1), np.concatenate(faces), np.concatenate(marks)


def cube_surface(room, clip, cube):
    """The cube's corners in camera coordinates of every frame, and its triangles."""
    T = np.linalg.inv(room("revision_blender.motion.axes").T_blender_world(clip))
    corners = np.array([cube.matrix_world @ vertex.co for vertex in cube.data.vertices]) @ T[:3, :3].T + T[:3, 3]
    cube.data.calc_loop_triangles()
    faces = np.array([list(triangle.vertices) for triangle in cube.data.loop_triangles])
    return clip.camera.to_camera(np.tile(corners, (clip.n_frames, 1, 1))), faces


def rasterised(room, clip, folder: Path, cube=None) -> np.ndarray:
    """The backend rasteriser's label images ``(F, H, W)``, drawn by its own Python."""
    if not BACKEND.exists():
        pytest.skip(f"no backend environment at {BACKEND}: python run.py test makes it")
    points, faces, labels = body_surface(room, clip)
    if cube is not None:
        more, triangles = cube_surface(room, clip, cube)
        faces, labels = np.concatenate([faces, triangles + points.shape[1]]), np.concatenate([labels, np.zeros(len(triangles), np.uint8)])
        points = np.concatenate([points, more], axis=1)
    view = clip.camera
    scene, result = folder / "surface.npz", folder / "labels.npy"
    np.savez(scene, points=points, faces=faces, labels=labels, focal=view.focal, center=view.center, width=view.width, height=view.height)
    subprocess.run([str(BACKEND), "-c", DRAW, str(scene), str(result)], check=True, cwd=ROOT, timeout=120)
    return np.load(result)


def on_an_edge(labels: np.ndarray) -> np.ndarray:
    """Pixels with another label within one pixel, ``(F, H, W)`` bool."""
    padded = np.pad(labels, ((0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = [padded[:, 1 + dy : 1 + dy + labels.shape[1], 1 + dx : 1 + dx + labels.shape[2]] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return np.any([shift != labels for shift in shifts], axis=0)


def assert_agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    foreground = (ours > 0) | (theirs > 0)
    assert foreground.sum() > 500 * len(ours)
    differ = ours != theirs
    assert 1.0 - differ.sum() / foreground.sum() >= 0.999
    assert not (differ & ~(on_an_edge(ours) | on_an_edge(theirs))).any()
    for frame_ours, frame_theirs in zip(ours, theirs, strict=True):
        for label in np.unique(frame_theirs)[1:]:
            a, b = frame_ours == label, frame_theirs == label
            if b.sum() > 30:
                # Blender's vertices differ by 32-bit rounding (2e-6 m): a centre within 1e-4 pixel of an edge may fall either way
                assert (a & b).sum() / (a | b).sum() >= 0.99 or (a != b).sum() == 1


def masks(room, scene, take, method: str) -> np.ndarray:
    return np.stack(list(room("revision_blender.scene.part_masks.mask_pass").render_labels(scene, take, method)))


@pytest.mark.parametrize("size", [0.15, 0.5])
def test_masks_equal_the_rasterisers(room, scene, tmp_path, size):
    clip = sample_clip(room, 4, size=size, moving=True, seed=3)
    take = import_sample(room, scene, clip)
    theirs = rasterised(room, clip, tmp_path)
    for method in methods(room):
        assert_agree(masks(room, scene, take, method), theirs)


def test_a_cube_before_the_body_occludes(room, scene, tmp_path):
    clip = sample_clip(room, 2, seed=5)
    take = import_sample(room, scene, clip)
    T = room("revision_blender.motion.axes").T_blender_world(clip)
    place = T[:3, :3] @ (clip.bodies[0].translation[0] * 0.8) + T[:3, 3]
    bpy.ops.mesh.primitive_cube_add(size=0.35, location=place, rotation=(0.3, 0.2, 0.5))
    cube = bpy.context.active_object
    bpy.context.view_layer.update()
    theirs = rasterised(room, clip, tmp_path, cube)
    free = rasterised(room, clip, tmp_path)
    assert (free > 0).sum() > (theirs > 0).sum() + 200
    for method in methods(room):
        assert_agree(masks(room, scene, take, method), theirs)
    cube.hide_render = True
    assert_agree(masks(room, scene, take, methods(room)[0]), free)


def test_the_scene_is_left_as_it_was(room, scene):
    take = import_sample(room, scene, sample_clip(room, 2))
    scene.frame_set(9)
    rig = bpy.data.objects[take.bodies[0][1]]
    rig.pose.bones["head"].rotation_quaternion = (0.5, 0.5, 0.5, 0.5)  # not keyed
    before = {
        kind: [item.name for item in getattr(bpy.data, kind)] for kind in ("scenes", "objects", "meshes", "materials", "images", "cameras")
    }
    settings = (scene.render.engine, scene.render.filepath, scene.view_settings.view_transform, scene.render.resolution_x, scene.camera)
    for method in methods(room):
        for labels in room("revision_blender.scene.part_masks.mask_pass").render_labels(scene, take, method):
            assert labels.shape == (HEIGHT, WIDTH) and labels.dtype == np.uint8
    images = [name for name in before["images"] if name != "Render Result"]
    after = {kind: [item.name for item in getattr(bpy.data, kind)] for kind in before}
    after["images"] = [name for name in after["images"] if name != "Render Result"]
    assert after == before | {"images": images}
    assert settings == (
        scene.render.engine, scene.render.filepath, scene.view_settings.view_transform, scene.render.resolution_x, scene.camera,
    )  # fmt: skip
    assert scene.frame_current == 9
    assert tuple(rig.pose.bones["head"].rotation_quaternion) == (0.5, 0.5, 0.5, 0.5)


def test_a_closed_pass_removes_its_scenes(room, scene):
    take = import_sample(room, scene, sample_clip(room, 3))
    for method in methods(room):
        frames = room("revision_blender.scene.part_masks.mask_pass").render_labels(scene, take, method)
        next(frames)
        frames.close()
        assert len(bpy.data.scenes) == 1


def test_masks_follow_the_clip_between_scene_frames(room, scene, tmp_path):
    """A 7 fps clip in a 24 fps scene: the masks are those of the clip's own moments."""
    scene.render.fps = 24
    clip = sample_clip(room, 4, fps=7.0, size=0.6)
    take = import_sample(room, scene, clip, start_frame=2.0)
    assert not np.allclose(take.scene_frames(scene) % 1.0, 0.0)
    assert_agree(masks(room, scene, take, methods(room)[0]), rasterised(room, clip, tmp_path))


def test_a_mesh_that_lost_its_labels_is_refused(room, scene):
    take = import_sample(room, scene, sample_clip(room, 2))
    mesh = bpy.data.objects[take.bodies[0][2]].data
    mesh.attributes.remove(mesh.attributes["revision_label"])
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="part labels"):
        masks(room, scene, take, methods(room)[0])


def test_a_modified_body_keeps_its_labels(room, scene):
    take = import_sample(room, scene, sample_clip(room, 1))
    plain = masks(room, scene, take, methods(room)[0])
    bpy.data.objects[take.bodies[0][2]].modifiers.new("Thicker", "SOLIDIFY").thickness = 0.001
    thicker = masks(room, scene, take, methods(room)[0])
    assert (plain == thicker).mean() > 0.98
    assert set(np.unique(thicker)) == set(np.unique(plain))


def test_gpu_is_refused_in_words_without_a_context(room, scene):
    if "gpu" in methods(room):
        pytest.skip("this Blender has a graphics context")
    assert sys.version_info[:2] == (3, 11)
    take = import_sample(room, scene, sample_clip(room, 1))
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="Cycles"):
        masks(room, scene, take, "gpu")


def test_exact_pixels_alone_are_the_rasterisers(room, scene, tmp_path):
    """The 64-bit decision that label edges get, asked for a whole picture."""
    clip = sample_clip(room, 1, seed=8, size=0.4)
    exact, face_labels = room("revision_blender.scene.part_masks.exact_pixels"), body_surface(room, clip)[2]
    points, faces, _ = body_surface(room, clip)
    labels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    exact.decide(labels, np.ones(labels.shape, dtype=np.bool_), points[0][faces].astype(np.float64), face_labels, clip.camera)
    theirs = rasterised(room, clip, tmp_path)[0]
    assert (labels != theirs).sum() <= 1


def test_edges_are_where_a_neighbour_differs(room):
    near = room("revision_blender.scene.part_masks.exact_pixels").near_an_edge
    labels = np.random.default_rng(0).integers(0, 3, size=(40, 50)).astype(np.uint8)
    labels[10:30, 10:30] = 1
    np.testing.assert_array_equal(near(labels), on_an_edge(labels[None])[0])
