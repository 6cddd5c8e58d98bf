"""Merging two tracks of a take into one and cutting one in two: the motion that plays, hand edits and all, and those it was made from."""

from collections.abc import Iterator, Mapping

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.bodies.body_model import BodyModel
from ..motion.clip import BodyTrack, Clip
from . import take_body
from .capture import capture_clip
from .errors import SceneError
from .ghosts import hide_ghost
from .lifted_tracks import remove_track, track_row
from .lifted_tracks_build import add_track
from .lifted_tracks_pieces import cut, merged, track_in
from .motions import play, shown_role
from .take_import import body_model_of
from .take_motion import track_steps
from .take_record import Take, find_take

Clips = Mapping[str, Clip]  # the take's clips by role, "raw" and "lift", as far as they are on disk
Models = Mapping[str, BodyModel]
MADE = {"made_by": "edit"}


def root_shift(clip: Clip, kept: str, other: str, models: Models) -> NDArray[np.float64]:
    """``(3,)`` the resting root of ``other`` less that of ``kept``, metres; zeros for things."""
    tracks = [track_in(clip, name) for name in (other, kept)]
    if not all(isinstance(track, BodyTrack) for track in tracks):
        return np.zeros(3)
    roots = [take_body.rest_joints(body_model_of(track, models), track.betas)[0] for track in tracks if isinstance(track, BodyTrack)]
    return roots[0] - roots[1]


def merge_tracks(scene: bpy.types.Scene, take: Take, clips: Clips, kept: str, other: str, models: Models) -> Iterator[str]:
    """Gives ``kept`` on every frame the motion of the surer of the two, and removes ``other``. Raises SceneError where they do not fit."""
    for name in (kept, other):
        track_row(take, name)
    if kept == other:
        raise SceneError(f"{kept} cannot be merged with itself; choose another track.")
    now = capture_clip(scene, take, own_bodies=False)
    shift = root_shift(now, kept, other, models)
    result = merged(now, kept, other, shift)
    hide_ghost(take)
    shown = shown_role(take) or "lift"
    for role, clip in _earlier(clips, shown):
        track = track_in(merged(clip, kept, other, shift), kept)
        if track is not None:
            yield from track_steps(scene, take, track, role, MADE, take.keys)
    track = track_in(result, kept)
    assert track is not None  # it was in the clip that was captured
    yield from track_steps(scene, take, track, shown, MADE, take.keys)
    remove_track(take, other)
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def cut_track(scene: bpy.types.Scene, take: Take, clips: Clips, name: str, frame: int, later: str, models: Models) -> Iterator[str]:
    """Cuts a track before the clip's ``frame``: the part from there on becomes the track ``later``. Raises SceneError."""
    track_row(take, name)
    now = capture_clip(scene, take, own_bodies=False)
    result = cut(now, name, frame, later)
    hide_ghost(take)
    shown = shown_role(take) or "lift"
    second = track_in(result, later)
    assert second is not None  # the cut has made it
    yield from add_track(scene, take, result, second, shown, MADE, models)
    take = _again(scene, take)
    for role, clip in _earlier(clips, shown):
        pieces = cut(clip, name, frame, later)
        for part in (name, later):
            track = track_in(pieces, part)
            if track is not None and _same_shape(track, result):
                yield from track_steps(scene, take, track, role, MADE, take.keys)
    first = track_in(result, name)
    assert first is not None
    yield from track_steps(scene, take, first, shown, MADE, take.keys)
    play(scene, take, shown, later)


def _earlier(clips: Clips, shown: str) -> Iterator[tuple[str, Clip]]:
    for role in ("raw", "lift"):
        if role != shown and role in clips:
            yield role, clips[role]


def _same_shape(track: object, clip: Clip) -> bool:
    """Whether a track on disk moves on the same bones as the one in the scene."""
    if not isinstance(track, BodyTrack):
        return True
    there = track_in(clip, track.track_id)
    return isinstance(there, BodyTrack) and there.model == track.model


def _again(scene: bpy.types.Scene, take: Take) -> Take:
    found = find_take(scene, take.take_id)
    if found is None:
        raise SceneError("The take is no longer in the scene; undo its deletion and try again.")
    return found
