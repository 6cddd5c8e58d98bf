"""What the tests of the scene share: cards that stand before the camera, as tracks with masks."""

import numpy as np
from numpy.typing import NDArray

from backend.lifting.world.drawn import drawn_tracks
from backend.lifting.world.lifted import LiftedShot, LiftedTrack
from revision_blender.motion.camera import Camera, static_camera
from revision_blender.motion.clip import BodyTrack, GroundPlane, ObjectTrack, Track
from tests.backend.lifting_cases import walking_clip

WIDTH, HEIGHT, FOCAL = 160, 120, 150.0
FLOOR = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.2, 0.0]))


def camera_of(frames: int) -> Camera:
    return static_camera(WIDTH, HEIGHT, FOCAL, frames)


def card(name: str, centers: NDArray[np.floating], side: float) -> ObjectTrack:
    """A square that faces the camera. centers: ``(F, 3)`` world metres. side: metres."""
    turn = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn), np.zeros(16)], axis=1)
    ring /= np.abs(ring[:, :2]).max(axis=1, keepdims=True)
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [0, 0, 0]], float)
    points = np.asarray(centers, float)[:, None] + 0.5 * side * np.concatenate([ring, corners])
    return ObjectTrack(name, "card", np.full(3, side), points, np.ones(len(points)))


def body(frames: int, name: str = "person_1") -> BodyTrack:
    """Somebody who walks 4 m before the camera."""
    track = walking_clip(frames).bodies[0]
    return BodyTrack(name, track.family, track.model, track.betas, track.rotations, track.translation, track.confidence)


def seen_masks(tracks: tuple[Track, ...], camera: Camera, order: tuple[int, ...]) -> list[NDArray[np.uint8]]:
    """Masks of what would be seen if the tracks stood one before the other in this order, nearest first."""
    taken = np.zeros((camera.n_frames, camera.height, camera.width), bool)
    masks: dict[int, NDArray[np.uint8]] = {}
    drawn = drawn_tracks(tracks, camera)
    for place in order:
        mine = drawn[place].covered & ~taken
        masks[place] = np.where(mine, 255, 0).astype(np.uint8)
        taken |= mine
    return [masks[place] for place in range(len(tracks))]


def shot_of(tracks: tuple[Track, ...], masks: list[NDArray[np.uint8]], camera: Camera) -> LiftedShot:
    lifted = tuple(
        LiftedTrack(track, track, mask, mask.any(axis=(1, 2)), np.ones(camera.n_frames, np.float32))
        for track, mask in zip(tracks, masks, strict=True)
    )
    return LiftedShot(12.0, camera, FLOOR, 0.8, lifted)
