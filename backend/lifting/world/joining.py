"""The shots of a video as one clip: every shot's floor is the first one's, and its camera looks the way the first one's did.

What lies between two cameras of a cut cannot be known from the pictures; this is the arrangement in which nothing floats.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import identity_of_track
from backend.lifting.world.lifted import LiftedShot, LiftedTrack
from backend.lifting.world.report import shot_name
from revision_blender.motion.clip import BodyTrack, GroundPlane, ObjectTrack, Track

Array = NDArray[np.floating]


def joined_shots(shots: list[LiftedShot]) -> LiftedShot:
    """One shot of all frames in the first one's world. Tracks of later ones are named "NAME shot 2" and so on; where a track's shot is
    not on, it holds its nearest pose with confidence 0.
    """
    if len(shots) == 1:
        return shots[0]
    first = next((shot for shot in shots if shot.tracks), shots[0])
    moved = [_moved(shot, T_first_shot(shot, first)) for shot in shots]
    total = sum(shot.camera.n_frames for shot in moved)
    poses = np.concatenate([shot.camera.T_world_camera for shot in moved])
    to_first = np.linalg.inv(poses[0])
    camera = replace(first.camera, T_world_camera=to_first @ poses)
    tracks, start = [], 0
    for number, shot in enumerate((_moved(shot, to_first) for shot in moved), 1):
        tracks += [stretched(track, start, total).renamed(shot_name(track.name, number)) for track in shot.tracks]
        start += shot.camera.n_frames
    ground = _moved(first, to_first).ground
    sure = [shot.ground_confidence for shot in shots if shot.tracks]
    return LiftedShot(first.fps, camera, ground, min(sure, default=0.0), tuple(tracks))


def T_first_shot(shot: LiftedShot, first: LiftedShot) -> Float[NDArray[np.float64], "4 4"]:
    """Maps a shot's world to the first one's: floor to floor, the camera over the same place, looking the same way."""
    here, there = _floor_frame(shot), _floor_frame(first)
    return there @ np.linalg.inv(here)


def _floor_frame(shot: LiftedShot) -> Float[NDArray[np.float64], "4 4"]:
    """T_world_floor: origin on the floor under the first camera, z up, y the way that it looks."""
    up = np.asarray(shot.ground.normal, float)
    pose = shot.camera.T_world_camera[0]
    ahead = pose[:3, 2] - (pose[:3, 2] @ up) * up
    if np.linalg.norm(ahead) < 1e-3:  # it looks straight down: the top of its picture is ahead
        ahead = -pose[:3, 1] + (pose[:3, 1] @ up) * up
    ahead = ahead / np.linalg.norm(ahead)
    frame = np.eye(4)
    frame[:3, 0], frame[:3, 1], frame[:3, 2] = np.cross(ahead, up), ahead, up
    frame[:3, 3] = pose[:3, 3] - float(shot.ground.height(pose[:3, 3])) * up
    return frame


def _moved(shot: LiftedShot, T: Array) -> LiftedShot:
    camera = replace(shot.camera, T_world_camera=T @ shot.camera.T_world_camera)
    normal = T[:3, :3] @ shot.ground.normal
    ground = GroundPlane(normal / np.linalg.norm(normal), T[:3, :3] @ shot.ground.point + T[:3, 3])
    tracks = tuple(replace(lifted, track=moved_track(lifted.track, T), raw=moved_track(lifted.raw, T)) for lifted in shot.tracks)
    return replace(shot, camera=camera, ground=ground, tracks=tracks)


def moved_track(track: Track, T: Array) -> Track:
    """A track under a rigid motion ``T`` ``(4, 4)`` of the world."""
    if isinstance(track, ObjectTrack):
        return replace(track, points=track.points @ T[:3, :3].T + T[:3, 3])
    root = identity_of_track(track).joints_rest[0]
    rotations = track.rotations.copy()
    rotations[:, 0] = T[:3, :3] @ rotations[:, 0]
    translation = (root + track.translation) @ T[:3, :3].T + T[:3, 3] - root
    return replace(track, rotations=rotations, translation=translation)


def stretched(lifted: LiftedTrack, start: int, total: int) -> LiftedTrack:
    """The track of a shot that begins at frame ``start``, over all ``total`` frames of a clip."""
    count = len(lifted.seen)
    index = np.clip(np.arange(total) - start, 0, count - 1)
    inside = (np.arange(total) >= start) & (np.arange(total) < start + count)
    mask = np.zeros((total, *lifted.mask.shape[1:]), np.uint8)
    mask[start : start + count] = lifted.mask
    landmarks = None
    if lifted.landmarks is not None:
        landmarks = np.zeros((total, *lifted.landmarks.shape[1:]), np.float32)
        landmarks[start : start + count] = lifted.landmarks
    return LiftedTrack(
        held(lifted.track, index, inside), held(lifted.raw, index, inside), mask, lifted.seen[index] & inside,
        np.where(inside, lifted.score[index], 0.0).astype(np.float32), landmarks,
    )  # fmt: skip


def held(track: Track, index: NDArray[np.integer], inside: NDArray[np.bool_]) -> Track:
    """The track's frames ``index``, with confidence 0 where not ``inside``."""
    if isinstance(track, BodyTrack):
        confidence = np.where(inside[:, None], track.confidence[index], 0.0).astype(track.confidence.dtype)
        expression = track.expression[index] if track.expression is not None else None
        return replace(
            track, rotations=track.rotations[index], translation=track.translation[index], confidence=confidence, expression=expression
        )
    return replace(track, points=track.points[index], confidence=np.where(inside, track.confidence[index], 0.0))
