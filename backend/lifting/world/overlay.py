"""A lifted clip drawn over its video: shaded bodies, contours of objects, names. For looking at, not for measuring."""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.progress import Progress
from backend.raster.rasteriser import blank, rasterise
from backend.raster.surfaces import N_CONTOUR, Surface, joined, surfaces_of
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip, ObjectTrack

COLOURS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0), (0, 114, 178), (160, 160, 160))
# Okabe and Ito's, which colour-blind eyes tell apart
STRENGTH = 0.55  # of the drawing over the picture
AMBIENT = 0.35


def overlaid(
    frames: UInt8[NDArray[np.uint8], "F H W 3"], clip: Clip, progress: Progress | None = None
) -> UInt8[NDArray[np.uint8], "F H W 3"]:
    """The frames with every track drawn where it is trusted at all; the clip's camera is brought to the frames' size."""
    camera = clip.camera.resized(frames.shape[2], frames.shape[1])
    surfaces = surfaces_of(clip)
    surface, owner = joined(surfaces, clip.n_frames), _owners(surfaces)
    centers, _ = camera.project(_centers(clip))
    drawn, canvas = frames.copy(), blank(camera.width, camera.height)
    shown = _shown(clip)
    points = camera.to_camera(surface.vertices_world)
    for frame in progress.each(range(len(frames)), len(frames), "Drawing") if progress else range(len(frames)):
        faces = surface.faces[shown[owner, frame]] if len(owner) else surface.faces
        seen = rasterise(points[frame], faces, camera.focal, camera.center, camera.width, camera.height, canvas)
        _blend(drawn[frame], seen.face, points[frame], faces, owner[shown[owner, frame]] if len(owner) else owner)
        _outline_objects(drawn[frame], clip, camera, frame, shown)
        _write_names(drawn[frame], clip, centers[frame], shown[:, frame])
    return drawn


def _owners(surfaces: tuple[Surface, ...]) -> NDArray[np.intp]:
    """``(T,)`` which track each face of the joined surface is of."""
    return np.concatenate([np.full(len(surface.faces), place, np.intp) for place, surface in enumerate(surfaces)] or [np.zeros(0, np.intp)])


def _shown(clip: Clip) -> NDArray[np.bool_]:
    """``(T, F)``: a track without any confidence is not in the shot."""
    rows = [np.asarray(track.confidence).reshape(clip.n_frames, -1).max(axis=1) > 0.0 for track in clip.tracks]
    return np.stack(rows) if rows else np.zeros((0, clip.n_frames), np.bool_)


def _centers(clip: Clip) -> NDArray[np.floating]:
    """``(F, T, 3)``: a body's root, an object's middle."""
    places = [track.points[:, -1] if isinstance(track, ObjectTrack) else track.translation for track in clip.tracks]
    return np.stack(places, axis=1) if places else np.zeros((clip.n_frames, 0, 3))


def _blend(
    picture: NDArray[np.uint8], face: NDArray[np.int32], points: NDArray[np.floating], faces: NDArray[np.int32], owner: NDArray[np.intp]
) -> None:
    covered = face >= 0
    if not covered.any():
        return
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    towards = np.abs(normals[:, 2]) / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
    paint = np.array(COLOURS, float)[owner % len(COLOURS)] * (AMBIENT + (1.0 - AMBIENT) * towards)[:, None]
    picture[covered] = ((1.0 - STRENGTH) * picture[covered] + STRENGTH * paint[face[covered]]).astype(np.uint8)


def _outline_objects(picture: NDArray[np.uint8], clip: Clip, camera: Camera, frame: int, shown: NDArray[np.bool_]) -> None:
    for place, track in _objects(clip):
        if shown[place, frame]:
            line = np.round(camera.project(track.points)[0][frame, :N_CONTOUR]).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(picture, [line], True, COLOURS[place % len(COLOURS)], 2, cv2.LINE_AA)


def _objects(clip: Clip) -> Iterator[tuple[int, ObjectTrack]]:
    return ((place, track) for place, track in enumerate(clip.tracks) if isinstance(track, ObjectTrack))


def _write_names(picture: NDArray[np.uint8], clip: Clip, centers: NDArray[np.floating], shown: NDArray[np.bool_]) -> None:
    size = max(0.4, picture.shape[0] / 1400.0)
    for place, track in enumerate(clip.tracks):
        if not shown[place] or not np.isfinite(centers[place]).all() or np.abs(centers[place]).max() > 1e5:
            continue
        at = tuple(int(value) for value in centers[place])
        name = track.track_id.encode("ascii", "replace").decode()
        cv2.putText(picture, name, at, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(picture, name, at, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA)
