"""A whole clip at another frame rate: the same seconds, every track and the camera."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .clip import BodyTrack, Clip, Track
from .resample import sampled

Array = NDArray[np.floating]


def clip_at(clip: Clip, fps: float) -> Clip:
    """The clip at ``fps`` frames a second: rotations along geodesics, everything else along straight lines.

    The first frame is kept, the last where it falls on a frame; a clip that has that rate is returned as it is.
    """
    if abs(fps - clip.fps) < 1e-9:
        return clip
    count = int(np.floor((clip.n_frames - 1) / clip.fps * fps + 1e-6)) + 1
    at = np.clip(np.arange(count) * (clip.fps / fps), 0.0, clip.n_frames - 1.0)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = sampled(clip.camera.T_world_camera[:, :3, :3], clip.camera.T_world_camera[:, :3, 3], at)
    tracks = tuple(_track_at(track, at) for track in clip.tracks)
    return replace(clip, fps=fps, camera=replace(clip.camera, T_world_camera=poses), tracks=tracks)


def _track_at(track: Track, at: Array) -> Track:
    if isinstance(track, BodyTrack):
        rotations, translation = sampled(track.rotations, track.translation, at)
        expression = None if track.expression is None else between(track.expression, at)
        confidence = confidence_between(track.confidence, at)
        return replace(track, rotations=rotations, translation=translation, confidence=confidence, expression=expression)
    return replace(track, points=between(track.points, at), confidence=confidence_between(track.confidence, at))


def between(values: Array, at: Array) -> Array:
    """``(F, ...)`` at fractional frames ``(N,)``."""
    whole = np.floor(at).astype(np.int64)
    after = np.minimum(whole + 1, len(values) - 1)
    part = (at - whole).reshape(-1, *([1] * (values.ndim - 1)))
    return values[whole] + (values[after] - values[whole]) * part


def confidence_between(values: Array, at: Array) -> Array:
    """Confidence ``(F, ...)`` at fractional frames ``(N,)``: along straight lines, but a track comes and goes at whole frames.

    One that is not there on a frame (all 0) is not until the next, and one that is does not fade towards a frame without it.
    """
    whole = np.floor(at + 1e-9).astype(np.int64)
    after = np.minimum(whole + 1, len(values) - 1)
    there = values.reshape(len(values), -1).any(axis=1)
    return between(values, np.where(there[whole] & there[after], at, whole))
