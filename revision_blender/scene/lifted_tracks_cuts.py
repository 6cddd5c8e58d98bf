"""Merging two tracks of a take into one and cutting one in two: each of its motions, hand edits, pins and all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.bodies.body_model import BodyModel
from ..motion.clip import BodyTrack, Clip, Pins, Track
from . import marks, take_body
from .capture import capture_for_refine
from .errors import SceneError
from .ghosts import hide_ghost
from .lifted_tracks import remove_track, track_row
from .lifted_tracks_build import add_track
from .lifted_tracks_pieces import cut, merged, surer, track_in
from .motions import TITLES, movers, play, working_actions
from .place_pins import share_places
from .pose_pins import keep_pinned
from .provenance import Provenance, read_provenance
from .take_import import body_model_of
from .take_motion import track_steps
from .take_record import Take, find_take

Models = Mapping[str, BodyModel]
Frames = NDArray[np.bool_]
MADE = {"made_by": "edit"}


@dataclass(frozen=True, eq=False)
class _Motion:
    """One motion of some tracks: as they show with it, and what the animator had pinned. changes: the graph of a refinement."""

    role: str
    clip: Clip
    pins: Mapping[str, Pins]
    made: Provenance
    changes: Sequence[float]

    def part(self, name: str, of: str, frames: Frames) -> Pins:
        """The pins of the track ``of`` on ``frames`` ``(F,)``, as those of the track ``name``."""
        pins = self.pins.get(of)
        if pins is None:
            return Pins(name, np.zeros((len(frames), 1), np.bool_), np.zeros(len(frames), np.bool_))
        return Pins(name, pins.joints & frames[:, None], pins.translation & frames)


def root_shift(clip: Clip, kept: str, other: str, models: Models) -> NDArray[np.float64]:
    """``(3,)`` the resting root of ``other`` less that of ``kept``, metres; zeros for things."""
    tracks = [track_in(clip, name) for name in (other, kept)]
    if not all(isinstance(track, BodyTrack) for track in tracks):
        return np.zeros(3)
    roots = [take_body.rest_joints(body_model_of(track, models), track.betas)[0] for track in tracks if isinstance(track, BodyTrack)]
    return roots[0] - roots[1]


def merge_tracks(scene: bpy.types.Scene, take: Take, kept: str, other: str, models: Models) -> Iterator[str]:
    """Gives ``kept`` on every frame the motion of the surer of the two, and removes ``other``: so with each motion that either has.

    What was pinned stays pinned on the frames that come from it. Raises SceneError where the two do not fit.
    """
    for name in (kept, other):
        track_row(take, name)
    if kept == other:
        raise SceneError(f"{kept} cannot be merged with itself; choose another track.")
    now = _as_shown(scene, take, (kept, other))
    shift = root_shift(now.clip, kept, other, models)
    merged(now.clip, kept, other, shift)  # raises before anything is changed
    hide_ghost(take)
    for motion in (*_others(scene, take, (kept, other), now), now):
        taken = surer(_known(motion.clip, kept), _known(motion.clip, other))
        joined = _known(merged(motion.clip, kept, other, shift), kept)
        pins = (motion.part(kept, kept, ~taken), motion.part(kept, other, taken))
        yield from _given(scene, take, joined, motion, pins)
    taken = surer(_known(now.clip, kept), _known(now.clip, other))
    share_places(scene, take, kept, {kept: ~taken})
    share_places(scene, take, other, {kept: taken})
    remove_track(take, other)
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def cut_track(scene: bpy.types.Scene, take: Take, name: str, frame: int, later: str, models: Models) -> Iterator[str]:
    """Cuts a track before the clip's ``frame``, in each motion that it has: the part from there on becomes the track ``later``.

    Either part keeps what was pinned on its frames. Raises SceneError.
    """
    track_row(take, name)
    now = _as_shown(scene, take, (name,))
    pieces = cut(now.clip, name, frame, later)
    before = np.arange(take.n_frames) < frame
    hide_ghost(take)
    others = tuple(_others(scene, take, (name,), now))
    yield from add_track(scene, take, pieces, _known(pieces, later), now.role, now.made, models)
    take = _again(scene, take)
    keep_pinned(scene, take, (now.part(later, name, ~before),))
    for motion in others:
        parts = cut(motion.clip, name, frame, later)
        for part, frames in ((name, before), (later, ~before)):
            yield from _given(scene, take, _known(parts, part), motion, (motion.part(part, name, frames),))
    yield from _given(scene, take, _known(pieces, name), now, (now.part(name, name, before),))
    share_places(scene, take, name, {name: before, later: ~before})
    play(scene, take, now.role, later)


def _as_shown(scene: bpy.types.Scene, take: Take, names: Sequence[str], role: str = "") -> _Motion:
    """The motion of some tracks as they show now. role: empty for the one that the first of them plays."""
    part = replace(
        take, bodies=tuple(body for body in take.bodies if body[0] in names), objects=tuple(box for box in take.objects if box[0] in names)
    )
    clip, pins = capture_for_refine(scene, part)
    action = next((_action(thing) for track_id, thing in movers(take) if track_id == names[0]), None)
    known = str(action.get(marks.ROLE, "")) if action is not None else ""
    made = dict(read_provenance(action)) if action is not None else {}
    changes = [float(value) for value in action.get(marks.CHANGES, ())] if action is not None else []
    return _Motion(role or known or "lift", clip, {one.track_id: one for one in pins}, made | MADE, changes)


def _action(thing: bpy.types.Object) -> bpy.types.Action | None:
    return thing.animation_data.action if thing.animation_data is not None else None


def _others(scene: bpy.types.Scene, take: Take, names: Sequence[str], now: _Motion) -> Iterator[_Motion]:
    """The motions that some of the tracks have beside what shows now; a track without one goes on as it does."""
    own = {name: role for name, role in _roles(take, names).items() if working_actions(take.take_id, name, role)}
    for role in TITLES:
        having = [name for name in names if working_actions(take.take_id, name, role)]
        if role == now.role or not having:
            continue
        for name in names:
            if name in having or name in own:
                play(scene, take, role if name in having else own[name], name)
        yield _as_shown(scene, take, names, role)


def _roles(take: Take, names: Sequence[str]) -> dict[str, str]:
    """What each of the tracks plays."""
    playing = {track_id: _action(thing) for track_id, thing in movers(take) if track_id in names}
    return {name: str(action.get(marks.ROLE, "")) for name, action in playing.items() if action is not None}


def _given(scene: bpy.types.Scene, take: Take, track: Track, motion: _Motion, pins: Sequence[Pins]) -> Iterator[str]:
    """The track moves by a new motion of that role, in which the pinned keys are the animator's."""
    yield from track_steps(scene, take, track, motion.role, motion.made, take.keys)
    for pin in pins:
        keep_pinned(scene, take, (pin,))
    action = next(_action(thing) for track_id, thing in movers(take) if track_id == track.track_id)
    for holder in (action, action.get(marks.ORIGINAL)) if action is not None and motion.changes else ():
        holder[marks.CHANGES] = motion.changes


def _known(clip: Clip, name: str) -> Track:
    track = track_in(clip, name)
    if track is None:
        raise SceneError(f"The take has no track {name!r}; choose one in the list.")
    return track


def _again(scene: bpy.types.Scene, take: Take) -> Take:
    found = find_take(scene, take.take_id)
    if found is None:
        raise SceneError("The take is no longer in the scene; undo its deletion and try again.")
    return found
