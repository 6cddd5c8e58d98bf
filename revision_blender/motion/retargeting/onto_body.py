"""Captures to a motion file: roles found, units guessed, brought to a body of the shelf, feet held where that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bodies.body_data import BodyModel
from ..bodies.body_model import identity_of
from ..bodies.shelf import BodyShelf
from ..clip import BodyTrack, Clip
from ..errors import BodyModelError
from ..files.framing import framing_camera
from ..files.motion_file import MotionFile, ReadOptions, check_size, chosen_people
from .capture import Capture
from .contacts import floor_of, foot_points
from .held_feet import with_held_feet
from .match import UNITS, is_animal, leg_length, roles_of, unit_of, up_of
from .retarget import retarget
from .roles import Roles

ANIMAL_BODY = "open_quadruped"


@dataclass(frozen=True, eq=False)
class Performer:
    """One body of a file. capture: lengths in ``unit`` metres, None where the file does not say, so that it is guessed."""

    track_id: str
    capture: Capture
    unit: float | None = None
    up_known: bool = False


def motion_file_of(
    performers: Sequence[Performer], path: Path, format_name: str, shelf: BodyShelf, options: ReadOptions, notes: Sequence[str] = ()
) -> MotionFile:
    """All chosen performers on bodies, in one clip whose world is the file's.

    People get ``options.body``; animals too where that is a SMAL body, otherwise the bundled quadruped. All performers have the
    same number of frames and rate. Raises ``MotionFileError`` for skeletons that are no body, ``BodyModelError`` for a missing one.
    """
    chosen = chosen_people(tuple(performer.track_id for performer in performers), options, path)
    said = list(notes)
    made = []
    for performer in performers:
        if performer.track_id in chosen:
            track, words, capture = _track(performer, path, shelf, options)
            made.append((track, capture))
            said += words
    up = made[0][1].up
    tracks = [track for track, _ in made]
    bodies = [identity_of(shelf.load(track.model), track.betas) for track in tracks]
    fps = made[0][1].fps
    points = [foot_points(track, body).reshape(track.n_frames, -1, 1, 3) for track, body in zip(tracks, bodies, strict=True)]
    ground = floor_of(np.concatenate(points, axis=1), up, fps, level=not options.clean_contacts)
    if options.clean_contacts:
        for number, body in enumerate(bodies):
            if body.model.family != "smal":
                tracks[number], words = with_held_feet(tracks[number], body, fps, ground)
                said.append(words)
    camera = framing_camera(up, np.stack([track.translation for track in tracks]), tracks[0].n_frames, options.size)
    clip = Clip(fps, camera, ground, tuple(tracks))
    return MotionFile(clip, format_name, camera_given=False, notes=tuple(dict.fromkeys(said)), sources=(path,))


def _track(performer: Performer, path: Path, shelf: BodyShelf, options: ReadOptions) -> tuple[BodyTrack, list[str], Capture]:
    roles = roles_of(performer.capture)
    capture, notes = _measured(performer, roles, options)
    body = _body_for(capture, roles, shelf, options)
    check_size(path, capture.n_frames, body.n_joints)
    identity = identity_of(body, np.zeros(0))
    moved = retarget(capture, roles, identity)
    if not roles.by_name:
        notes.append(
            f"The joints' names are not known ({', '.join(capture.names[:4])} …), so arms and legs were found by the skeleton's shape."
        )
    if moved.stopped.any():
        share = 100.0 * float(moved.stopped.any(axis=1).mean())
        notes.append(f"In {share:.1f} % of the frames a joint was turned farther than a person's goes, and stops at its limit.")
    confidence = np.tile(moved.driven.astype(np.float64), (capture.n_frames, 1))
    betas = np.zeros(min(body.n_betas, 10) if body.family != "smal" else body.n_betas)
    track = BodyTrack(performer.track_id, body.family, body.name, betas, moved.rotations, moved.translation, confidence)
    return track, notes, capture


def _measured(performer: Performer, roles: Roles, options: ReadOptions) -> tuple[Capture, list[str]]:
    """The capture in metres with its up axis, and what was assumed about them."""
    capture, notes = performer.capture, []
    if options.up is not None:
        capture = capture.turned_up(options.up)
    elif not performer.up_known:
        capture = capture.turned_up(up_of(capture, roles))
    if performer.unit is not None:
        return capture.in_unit(performer.unit), notes
    unit = unit_of(capture, roles)
    notes.append(f"The file does not say its unit of length; its legs are {leg_length(capture, roles):.3g} long, so it was read as {unit}.")
    return capture.in_unit(UNITS[unit]), notes


def _body_for(capture: Capture, roles: Roles, shelf: BodyShelf, options: ReadOptions) -> BodyModel:
    wants_animal = is_animal(capture, roles)
    if wants_animal and shelf.has(options.body) and shelf.load(options.body).family == "smal":
        return shelf.load(options.body)
    if wants_animal:
        return shelf.load(ANIMAL_BODY)
    body = shelf.load(options.body)
    if body.family == "smal":
        raise BodyModelError(f"{options.body!r} is an animal's body and the file's skeleton is a person's; choose a person's body")
    return body
