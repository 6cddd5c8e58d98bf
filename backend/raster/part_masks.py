"""Part masks of a clip: the label image of every frame, all tracks in it, nearest surface wins."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.progress import Progress, silent
from backend.raster.kernels import paint
from backend.raster.rasteriser import Fragments, blank, rasterise
from backend.raster.surfaces import Surface, joined, surfaces_of
from revision_blender.masks.codes import face_codes, labels_of, tracks_of
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip


@dataclass(frozen=True, eq=False)
class DrawnTracks:
    """labels: ``(F, H, W)`` of ``masks.labels``, 0 where no track is seen. tracks: ``(F, H, W)``, which of the clip's tracks is
    seen, counted from 0; 0 on the background as well."""

    labels: NDArray[np.uint8]
    tracks: NDArray[np.uint16]


def part_masks(clip: Clip, progress: Progress | None = None) -> NDArray[np.uint8]:
    """``(F, H, W)`` labels of ``masks.labels`` at the camera's size, 0 where no track is seen.

    Raises InputError for a body model that is not here.
    """
    return labels_of(_codes(clip, progress))


def drawn_tracks(clip: Clip, progress: Progress | None = None) -> DrawnTracks:
    """``part_masks``, and whose parts they are. Raises InputError for a body model that is not here."""
    codes = _codes(clip, progress)
    return DrawnTracks(labels_of(codes), tracks_of(codes))


def _codes(clip: Clip, progress: Progress | None) -> NDArray[np.uint16]:
    """``(F, H, W)`` of ``masks.codes``. A track is drawn on the frames that it is on."""
    surfaces = surfaces_of(clip)
    surface = joined(surfaces, clip.n_frames)
    of_face = np.concatenate([face_codes(one.labels, number) for number, one in enumerate(surfaces)] or [np.zeros(0, np.uint16)])
    there = [np.repeat(track.there[:, None], len(one.faces), axis=1) for track, one in zip(clip.tracks, surfaces, strict=True)]
    drawn = np.concatenate(there or [np.zeros((clip.n_frames, 0), np.bool_)], axis=1)
    codes = np.zeros((clip.n_frames, clip.camera.height, clip.camera.width), np.uint16)
    progress = progress or silent()
    for frame, seen in enumerate(progress.each(seen_by(clip.camera, surface, drawn), clip.n_frames, "Drawing part masks")):
        paint(seen.face, of_face if drawn[frame].all() else of_face[drawn[frame]], codes[frame])
    return codes


def seen_by(camera: Camera, surface: Surface, drawn: NDArray[np.bool_] | None = None) -> Iterator[Fragments]:
    """What the camera sees of a surface, frame by frame; the same fragments are drawn into again each time.

    drawn: ``(F, T)``, which faces are there on a frame; fragments then name faces by their place among these.
    """
    canvas = blank(camera.width, camera.height)
    for frame, points in enumerate(camera.to_camera(surface.vertices_world)):
        faces = surface.faces if drawn is None or drawn[frame].all() else surface.faces[drawn[frame]]
        yield rasterise(points, faces, camera.focal, camera.center, camera.width, camera.height, canvas)
