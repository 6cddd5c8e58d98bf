"""Tracks of a clip renamed, left out, joined and cut: numbers only, for the scene's motion and for lifts on disk alike."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import BodyTrack, Clip, ObjectTrack, Track
from .errors import SceneError

Array = NDArray[np.floating]


def track_in(clip: Clip, name: str) -> Track | None:
    return next((track for track in clip.tracks if track.track_id == name), None)


def renamed(clip: Clip, old: str, new: str) -> Clip:
    return clip.with_tracks(tuple(replace(track, track_id=new) if track.track_id == old else track for track in clip.tracks))


def without(clip: Clip, name: str) -> Clip:
    return clip.with_tracks(tuple(track for track in clip.tracks if track.track_id != name))


def with_only(clip: Clip, names: Collection[str]) -> Clip:
    return clip.with_tracks(tuple(track for track in clip.tracks if track.track_id in names))


def merged(clip: Clip, kept: str, other: str, root_shift: Array) -> Clip:
    """One track of two of the same kind: on every frame the motion of the one that is surer, the kept one's where they are even.

    root_shift: ``(3,)`` the other's resting root less the kept one's, metres: bodies of two shapes turn about two places.
    Raises SceneError where the two do not fit.
    """
    first, second = track_in(clip, kept), track_in(clip, other)
    if first is None or second is None:
        return clip
    if isinstance(first, BodyTrack) and isinstance(second, BodyTrack):
        if (first.family, first.model) != (second.family, second.model):
            raise SceneError(f"{kept} moves on {first.model}, {other} on {second.model}; only tracks on one body can be merged.")
        joined: Track = _one_body(first, second, root_shift)
    elif isinstance(first, ObjectTrack) and isinstance(second, ObjectTrack):
        points = np.where(surer(first, second)[:, None, None], second.points, first.points)
        joined = replace(first, points=points, confidence=np.maximum(first.confidence, second.confidence))
    else:
        raise SceneError(f"{kept} and {other} are of different kinds; only tracks of one kind can be merged.")
    return clip.with_tracks(tuple(joined if track.track_id == kept else track for track in without(clip, other).tracks))


def surer(first: Track, second: Track) -> NDArray[np.bool_]:
    """``(F,)``: on which frames the second of two tracks of one kind is the surer one."""
    means = [track.confidence.reshape(track.n_frames, -1).mean(axis=1) for track in (first, second)]
    return means[1] > means[0]


def _one_body(first: BodyTrack, second: BodyTrack, root_shift: Array) -> BodyTrack:
    take = surer(first, second)
    expression = first.expression
    if expression is not None and second.expression is not None and expression.shape == second.expression.shape:
        expression = np.where(take[:, None], second.expression, expression)
    return replace(
        first,
        rotations=np.where(take[:, None, None, None], second.rotations, first.rotations),
        translation=np.where(take[:, None], second.translation + root_shift, first.translation),
        confidence=np.where(take[:, None], second.confidence, first.confidence),
        expression=expression,
    )


def cut(clip: Clip, name: str, frame: int, later: str) -> Clip:
    """Two tracks of one: ``name`` up to ``frame`` and ``later`` from there on. Where a part is not, it holds its nearest pose with
    confidence 0. frame: the first of the later part, from 1 to the last."""
    track = track_in(clip, name)
    if track is None:
        return clip
    if not 0 < frame < clip.n_frames:
        raise SceneError(f"A cut at frame {frame} of {clip.n_frames} leaves a part without frames; go to a frame inside the clip.")
    frames = np.arange(clip.n_frames)
    before = _held(track, np.minimum(frames, frame - 1), frames < frame)
    after = replace(_held(track, np.maximum(frames, frame), frames >= frame), track_id=later)
    pieces = [(before, after) if other.track_id == name else (other,) for other in clip.tracks]
    return clip.with_tracks(tuple(piece for group in pieces for piece in group))


def _held(track: Track, at: NDArray[np.int64], there: NDArray[np.bool_]) -> Track:
    """The track's frames ``at`` ``(F,)``, trusted where ``there``."""
    if isinstance(track, ObjectTrack):
        return replace(track, points=track.points[at], confidence=np.where(there, track.confidence, 0.0))
    return replace(
        track,
        rotations=track.rotations[at],
        translation=track.translation[at],
        confidence=np.where(there[:, None], track.confidence, 0.0),
        expression=None if track.expression is None else track.expression[at],
    )
