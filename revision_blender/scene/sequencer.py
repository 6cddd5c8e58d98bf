"""Clips in the video sequencer, and the settings that write them out; the differences between Blender's versions live here."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import bpy
import numpy as np

from . import marks
from .errors import SceneError
from .provenance import write_provenance
from .timing import scene_fps, shown_pictures


def _editor(scene: bpy.types.Scene) -> bpy.types.SequenceEditor:
    return scene.sequence_editor or scene.sequence_editor_create()


def strip_span(strip: bpy.types.Strip) -> tuple[int, int]:
    """First scene frame that a strip shows and the one after its last."""
    if "left_handle" in strip.bl_rna.properties:  # 5.1 and later; the older names warn there and go in 6.0
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def video_strips(scene: bpy.types.Scene) -> tuple[bpy.types.Strip, ...]:
    """The strips that ReVision made, lowest channel first."""
    if scene.sequence_editor is None:
        return ()
    return tuple(sorted((strip for strip in scene.sequence_editor.strips if marks.VIDEO in strip), key=lambda strip: strip.channel))


def _free_channel(scene: bpy.types.Scene, first: int, end: int) -> int:
    """The lowest channel free from ``first`` to ``end`` that lies above every earlier ReVision strip."""
    above = max((strip.channel for strip in video_strips(scene)), default=0)
    for channel in range(above + 1, 129):
        others = (strip for strip in _editor(scene).strips if strip.channel == channel)
        if all(end <= strip_span(other)[0] or strip_span(other)[1] <= first for other in others):
            return channel
    raise SceneError("All 128 channels of the sequencer are taken at this place; remove a strip or start at another frame.")


def add_video(
    scene: bpy.types.Scene,
    files: Sequence[Path],
    *,
    fps: float,
    name: str,
    start_frame: float,
    provenance: Mapping[str, str | float | int],
) -> bpy.types.Strip:
    """An image strip of a clip's pictures that plays in real time at the scene's rate: pictures repeat or are skipped.

    files: one picture a clip frame, in one folder. start_frame: scene frame of the clip's time 0. The strip goes to the
    lowest free channel above earlier ReVision strips, uncropped and unscaled. Raises SceneError.
    """
    files = [Path(file) for file in files]
    if not files:
        raise SceneError(f"The clip {name!r} has no pictures; generate it again.")
    if len({file.parent for file in files}) > 1:
        raise SceneError(f"The pictures of {name!r} lie in several folders; a strip needs them in one.")
    first, pictures = shown_pictures(len(files), fps, scene_fps(scene), start_frame)
    channel = _free_channel(scene, first, first + len(pictures))
    strip = _editor(scene).strips.new_image(name=name, filepath=str(files[0]), channel=channel, frame_start=first, fit_method="ORIGINAL")
    for picture in pictures[1:]:
        strip.elements.append(files[picture].name)
    _set_length(strip, first + len(pictures))
    if bpy.data.filepath and files[0].is_relative_to(Path(bpy.data.filepath).parent):
        strip.directory = bpy.path.relpath(str(files[0].parent)) + "/"  # so that the .blend and its results can move together
    strip.colorspace_settings.name = "sRGB"
    strip[marks.VIDEO] = True
    strip[marks.FPS] = float(fps)
    write_provenance(strip, provenance)
    return strip


def _set_length(strip: bpy.types.Strip, end: int) -> None:
    """Lets a strip show all its elements; appending does not move its right end."""
    if "right_handle" in strip.bl_rna.properties:
        strip.right_handle = end
    else:
        strip.frame_final_end = end


def strip_files(strip: bpy.types.ImageStrip) -> tuple[Path, ...]:
    """The picture files of a strip, one a clip frame: repeats left out."""
    folder = Path(bpy.path.abspath(strip.directory))
    return tuple(folder / name for name in dict.fromkeys(element.filename for element in strip.elements))


def movie_settings(scene: bpy.types.Scene, path: Path, size: tuple[int, int]) -> None:
    """Makes Render Animation write the sequencer to ``path`` as H.264 in MP4 (yuv420p), in colours true to the eye.

    size: width and height in pixels; an odd one loses a pixel, which H.264's chroma demands. Changes render settings only.
    """
    render = scene.render
    render.filepath = str(path)
    render.use_sequencer, render.use_file_extension = True, False
    render.resolution_x, render.resolution_y = size[0] - size[0] % 2, size[1] - size[1] % 2
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # 5.0 and later sort formats by medium
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    settings.color_mode = "RGB"
    movie = render.ffmpeg
    movie.format, movie.codec, movie.audio_codec = "MPEG4", "H264", "NONE"
    movie.constant_rate_factor, movie.ffmpeg_preset = "PERC_LOSSLESS", "GOOD"
    movie.gopsize = 12


def show_range(scene: bpy.types.Scene, strips: Sequence[bpy.types.Strip]) -> None:
    """Sets the scene's first and last frame to what ``strips`` show."""
    spans = np.array([strip_span(strip) for strip in strips])
    scene.frame_start, scene.frame_end = int(spans[:, 0].min()), int(spans[:, 1].max()) - 1
