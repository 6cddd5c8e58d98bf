"""Part masks of a clip: the label image of every frame, all tracks in it, nearest surface wins."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from backend.progress import Progress, silent
from backend.raster.kernels import paint
from backend.raster.rasteriser import Fragments, blank, rasterise
from backend.raster.surfaces import Surface, joined, surfaces_of
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip


def part_masks(clip: Clip, progress: Progress | None = None) -> NDArray[np.uint8]:
    """``(F, H, W)`` labels of ``masks.labels`` at the camera's size, 0 where no track is seen.

    Raises InputError for a body model that is not here.
    """
    progress = progress or silent()
    surface = joined(surfaces_of(clip), clip.n_frames)
    labels = np.zeros((clip.n_frames, clip.camera.height, clip.camera.width), np.uint8)
    for frame, fragments in enumerate(progress.each(seen_by(clip.camera, surface), clip.n_frames, "Drawing part masks")):
        paint(fragments.face, surface.labels, labels[frame])
    return labels


def seen_by(camera: Camera, surface: Surface) -> Iterator[Fragments]:
    """What the camera sees of a surface, frame by frame; the same fragments are drawn into again each time."""
    canvas = blank(camera.width, camera.height)
    for points in camera.to_camera(surface.vertices_world):
        yield rasterise(points, surface.faces, camera.focal, camera.center, camera.width, camera.height, canvas)
