"""Strips play in real time, keep their colours in the final render, and are written out as H.264."""

from pathlib import Path

import bpy
import numpy as np
import pytest

SIZE = (96, 64)


def frames_of_noise(count: int, seed: int = 0) -> np.ndarray:
    """Smooth coloured pictures ``(F, H, W, 3)`` uint8 over the whole range of values."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, size=(count, 4, 6, 3)).astype(np.float64)
    return np.clip(np.kron(coarse, np.ones((1, SIZE[1] // 4, SIZE[0] // 6, 1))), 0, 255).astype(np.uint8)


def save_pictures(room, folder: Path, frames: np.ndarray) -> list[Path]:
    folder.mkdir(parents=True)
    png = room("revision_blender.wire.png")
    files = []
    for index, frame in enumerate(frames):
        path = folder / f"{index:05d}.png"
        path.write_bytes(png.encode_png(frame))
        files.append(path)
    return files


def add(room, scene, files, **options):
    defaults = {"fps": 12.0, "name": "coarse", "start_frame": 1.0, "provenance": {"engine": "reproject", "seed": 42, "strength": 0.7}}
    return room("revision_blender.scene.sequencer").add_video(scene, files, **(defaults | options))


def shown(room, strip) -> list[int]:
    first, end = room("revision_blender.scene.sequencer").strip_span(strip)
    names = [element.filename for element in strip.elements]
    assert len(names) == end - first
    return [int(Path(name).stem) for name in names]


@pytest.mark.parametrize(("fps", "scene_fps"), [(7.0, 24), (12.0, 24), (24.0, 24), (60.0, 24), (12.5, 30)])
def test_a_strip_plays_in_real_time(room, scene, tmp_path, fps, scene_fps):
    scene.render.fps = scene_fps
    strip = add(room, scene, save_pictures(room, tmp_path / "f", frames_of_noise(9)), fps=fps, start_frame=5.0)
    first, end = room("revision_blender.scene.sequencer").strip_span(strip)
    assert first == 5 and abs((end - first) / scene_fps - 9 / fps) <= 1.0 / scene_fps
    for offset, picture in enumerate(shown(room, strip)):
        assert picture == min(int(np.floor(offset / scene_fps * fps + 1e-4)), 8)


def test_strips_stack_and_carry_how_they_were_made(room, scene, tmp_path):
    files = save_pictures(room, tmp_path / "f", frames_of_noise(3))
    coarse = add(room, scene, files)
    fine = add(room, scene, files, name="fine")
    apart = add(room, scene, files, name="later", start_frame=500.0)
    assert coarse.channel == 1 and fine.channel == 2 and apart.channel == 3
    read = room("revision_blender.scene.provenance").read_provenance
    assert read(fine) == {"engine": "reproject", "seed": 42, "strength": 0.7}
    sequencer = room("revision_blender.scene.sequencer")
    assert [strip.name for strip in sequencer.video_strips(scene)] == ["coarse", "fine", "later"]
    assert sequencer.strip_files(fine) == tuple(files)


def test_the_users_own_strips_are_left_where_they_are(room, scene, tmp_path):
    files = save_pictures(room, tmp_path / "f", frames_of_noise(3))
    strips = scene.sequence_editor_create().strips
    own = strips.new_image(name="own", filepath=str(files[0]), channel=1, frame_start=1)
    assert add(room, scene, files).channel == 2 and own.channel == 1


@pytest.mark.parametrize("files", [[], [Path("a/0.png"), Path("b/1.png")]])
def test_pictures_that_make_no_strip_are_refused(room, scene, files):
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="pictures"):
        add(room, scene, files)


def render_frame(scene, path: Path, frame: int) -> None:
    scene.frame_set(frame)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "8"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def test_the_final_render_is_the_strips_pictures(room, scene, tmp_path):
    scene.render.fps = 24
    frames = frames_of_noise(4)
    add(room, scene, save_pictures(room, tmp_path / "f", frames))
    room("revision_blender.scene.colour").use_standard(scene)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *SIZE, 100
    for index in (0, 3):
        render_frame(scene, tmp_path / "out.png", 1 + 2 * index)
        rendered = room("revision_blender.scene.picture").picture_pixels(tmp_path / "out.png")
        assert np.abs(rendered.astype(int) - frames[index]).max() <= 3


def test_agx_is_told_and_standard_is_not(room, scene):
    colour = room("revision_blender.scene.colour")
    scene.view_settings.view_transform = "AgX"
    assert "AgX" in colour.view_transform_note(scene)
    assert scene.view_settings.view_transform == "AgX"
    colour.use_standard(scene)
    assert colour.view_transform_note(scene) == ""
    scene.view_settings.exposure = 1.0
    assert "Exposure" in colour.view_transform_note(scene)


def test_render_animation_writes_h264(room, scene, tmp_path):
    scene.render.fps = 24
    frames = frames_of_noise(4)
    sequencer = room("revision_blender.scene.sequencer")
    strip = add(room, scene, save_pictures(room, tmp_path / "f", frames))
    room("revision_blender.scene.colour").use_standard(scene)
    sequencer.movie_settings(scene, tmp_path / "clip.mp4", SIZE)
    sequencer.show_range(scene, (strip,))
    assert (scene.frame_start, scene.frame_end) == (1, 8)
    bpy.ops.render.render(animation=True)
    data = (tmp_path / "clip.mp4").read_bytes()
    assert b"avc1" in data and data[4:8] == b"ftyp"
    movie = bpy.data.movieclips.load(str(tmp_path / "clip.mp4"))
    assert tuple(movie.size) == SIZE and movie.frame_duration == 8 and abs(movie.fps - 24.0) < 1e-3
    image = bpy.data.images.load(str(tmp_path / "clip.mp4"))
    pixels = np.empty(SIZE[0] * SIZE[1] * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    seen = pixels.reshape(SIZE[1], SIZE[0], 4)[::-1, :, :3] * 255.0
    assert np.abs(seen - frames[0]).mean() < 6.0  # chroma is halved; flat fields stay


def test_odd_sizes_lose_a_pixel(room, scene, tmp_path):
    room("revision_blender.scene.sequencer").movie_settings(scene, tmp_path / "a.mp4", (97, 63))
    assert (scene.render.resolution_x, scene.render.resolution_y) == (96, 62)


def test_a_saved_file_and_its_pictures_move_together(room, scene, tmp_path):
    home = tmp_path / "here"
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    add(room, bpy.context.scene, save_pictures(room, home / "revision_results" / "take", frames_of_noise(3)))
    bpy.ops.wm.save_mainfile()
    home.rename(tmp_path / "there")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "there" / "shot.blend"))
    sequencer = room("revision_blender.scene.sequencer")
    files = sequencer.strip_files(sequencer.video_strips(bpy.context.scene)[0])
    assert len(files) == 3
    assert all(file.is_file() and file.is_relative_to(tmp_path / "there") for file in files)
