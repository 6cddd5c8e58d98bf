"""Feet held on the floor in files of the SMPL family, whose skeletons need no retargeting."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ..bodies.body_model import identity_of
from ..bodies.stand_in import restored, stand_in
from ..clip import BodyTrack, GroundPlane, Track
from ..retargeting.held_feet import with_held_feet
from .motion_file import MotionFile

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

_NO_DEPTH = ("4D-Humans",)


def with_clean_contacts(found: MotionFile, shelf: "BodyShelf") -> MotionFile:
    """The motion with people's resting feet held over the clip's floor, and notes on it.

    A body that is not installed is cleaned on the bundled one that stands in for it. Left as they are: animals, and files whose
    people have no steady depth, so that no foot ever rests.
    """
    if found.format in _NO_DEPTH:
        note = f"{found.format} gives no steady distance from the camera, so no foot rests and contacts were not cleaned."
        return replace(found, notes=(*found.notes, note))
    clip = found.clip
    cleaned = [_cleaned(track, clip.fps, clip.ground, shelf) for track in clip.tracks]
    notes = tuple(dict.fromkeys(note for _, note in cleaned if note))
    return replace(found, clip=clip.with_tracks(tuple(track for track, _ in cleaned)), notes=(*found.notes, *notes))


def _cleaned(track: Track, fps: float, ground: GroundPlane, shelf: "BodyShelf") -> tuple[Track, str]:
    if not isinstance(track, BodyTrack) or track.family == "smal":
        return track, ""
    shown, was = stand_in(track, shelf, ground)
    held, note = with_held_feet(shown, identity_of(shelf.load(shown.model), shown.betas), fps, ground)
    return (held if was is None else restored(held, was)), note
