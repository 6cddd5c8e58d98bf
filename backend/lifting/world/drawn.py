"""Tracks as the camera sees them, small: which pixels each covers alone, how far away, and what is seen of it among all."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy.typing import NDArray

from backend.raster.rasteriser import blank, rasterise
from backend.raster.surfaces import body_surface, object_surface
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import ObjectTrack, Track

SMALL_SIDE = 320  # pixels on the longer side
MEASURE_HEIGHT = 540  # silhouettes are compared at no more than this picture height


@dataclass(frozen=True, eq=False)
class Drawn:
    """One track alone. inverse_depth: ``(F, h, w)`` 1 / metres, 0 where it is not. boxes: left, top, right, bottom, small pixels; an
    empty one (right below left) where nothing is drawn.
    """

    inverse_depth: Float32[NDArray[np.float32], "F h w"]
    boxes: NDArray[np.int32]

    @property
    def covered(self) -> Bool[NDArray[np.bool_], "F h w"]:
        return self.inverse_depth > 0


def small_camera(camera: Camera, side: int = SMALL_SIDE) -> Camera:
    """The camera with a picture of at most ``side`` pixels on its longer side."""
    scale = min(1.0, side / max(camera.width, camera.height))
    return camera.resized(max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))


def drawn_tracks(tracks: tuple[Track, ...], camera: Camera) -> list[Drawn]:
    """Each track alone at the camera's own size; hand in a ``small_camera``."""
    return [_drawn(track, camera) for track in tracks]


def _drawn(track: Track, camera: Camera) -> Drawn:
    surface = object_surface(track, 1) if isinstance(track, ObjectTrack) else body_surface(track)
    near = np.zeros((camera.n_frames, camera.height, camera.width), np.float32)
    boxes = np.tile(np.array([1, 1, 0, 0], np.int32), (camera.n_frames, 1))
    canvas = blank(camera.width, camera.height)
    for frame, points in enumerate(camera.to_camera(surface.vertices_world)):
        seen = rasterise(points, surface.faces, camera.focal, camera.center, camera.width, camera.height, canvas)
        near[frame] = seen.inverse_depth
        rows, columns = np.flatnonzero(near[frame].any(axis=1)), np.flatnonzero(near[frame].any(axis=0))
        if len(rows):
            boxes[frame] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return Drawn(near, boxes)


def seen_among(drawn: list[Drawn]) -> UInt8[NDArray[np.uint8], "F h w"]:
    """k where the k-th track, counted from 1, is the nearest, 0 where none is."""
    index = np.zeros(drawn[0].inverse_depth.shape, np.uint8)
    nearest = np.zeros(index.shape, np.float32)
    for place, track in enumerate(drawn):
        for frame in np.flatnonzero(track.boxes[:, 2] > track.boxes[:, 0]):
            left, top, right, bottom = track.boxes[frame]
            here, before = track.inverse_depth[frame, top:bottom, left:right], nearest[frame, top:bottom, left:right]
            closer = here > before
            index[frame, top:bottom, left:right][closer] = place + 1
            np.maximum(before, here, out=before)
    return index


def small_masks(masks: UInt8[NDArray[np.uint8], "F H W"], camera: Camera) -> Bool[NDArray[np.bool_], "F h w"]:
    """Masks at a small camera's size."""
    size = (camera.width, camera.height)
    return np.stack([cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 127 for mask in masks])


def ious(drawn: Bool[NDArray[np.bool_], "F h w"], masks: Bool[NDArray[np.bool_], "F h w"]) -> NDArray[np.float64]:
    """Intersection over union on the frames that have a mask."""
    some = masks.any(axis=(1, 2))
    both = (drawn & masks).sum(axis=(1, 2))[some]
    either = (drawn | masks).sum(axis=(1, 2))[some]
    return both / np.maximum(either, 1)
