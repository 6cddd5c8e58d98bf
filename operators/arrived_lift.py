"""A lift on its way into the scene: a whole take with all its tracks, or one track into the take that is there."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy

from ..revision_blender.motion.bodies.body_model import BodyModel
from ..revision_blender.motion.bodies.shelf import BUNDLED, BodyShelf
from ..revision_blender.motion.clip import Clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene import subjects
from ..revision_blender.scene.lifted_tracks_build import replace_track
from ..revision_blender.scene.lifted_tracks_pieces import with_only
from ..revision_blender.scene.motions import play
from ..revision_blender.scene.properties import RevisionTake
from ..revision_blender.scene.subjects_view import remove_clip_view
from ..revision_blender.scene.take import Take, apply_motion, find_take, import_clip
from ..revision_blender.wire.events import Collected
from ..revision_blender.wire.requests import LiftResult
from .body_shelf import shelf
from .lifted_files import keep_edited
from .tickets import Ticket
from .where import pngs, stored

LIFT_FILE, RAW_FILE = "lift.npz", "raw.npz"
ONLY = "only"  # in the provenance of a lift: the one track that was asked for
ASK, CHOSEN = "ask", "tracks"  # of a whole lift: whether the user chooses who comes; the names of the chosen, a JSON list
CUT_MARKER = "Cut"  # with the take's name, in the timeline

Made = dict[str, str | float | int]


def preload(clip: Clip) -> None:
    """Reads the bundled bodies that a lift names, on a thread, so that the main thread need not wait for the files."""
    for name in {track.model for track in clip.bodies} & set(BUNDLED):
        BodyShelf(None).load(name)


def _models(clip: Clip) -> dict[str, BodyModel]:
    """The bodies that a lift names, by name."""
    return {name: shelf().load(name) for name in dict.fromkeys(track.model for track in clip.bodies)}


def place(scene: bpy.types.Scene, ticket: Ticket, collected: Collected, folder: Path, made: Made) -> Iterator[str]:
    """Puts a lift into the scene, a small step at each ``next``. Raises RevisionError."""
    if ticket.provenance.get(ONLY):
        return _one_track(scene, ticket, collected, folder, made)
    return _whole_take(scene, ticket, collected, folder, made)


def _whole_take(scene: bpy.types.Scene, ticket: Ticket, collected: Collected, folder: Path, made: Made) -> Iterator[str]:
    entry = scene.revision.take_of(ticket.take_id) or _take_beside(scene, ticket)
    names = json.loads(str(ticket.provenance.get(CHOSEN, "[]")))
    result = _only(collected.result, names)
    yield from import_clip(
        scene,
        result.clip,
        take_id=ticket.take_id,
        name=entry.name,
        start_frame=entry.start_frame,
        background=pngs(entry.frames),
        provenance=made,
        models=_models(result.clip),
    )
    take = find_take(scene, ticket.take_id)
    if take is not None:
        yield from _kept_beside(scene, take, result.raw, collected.job_id)
    entry = _entry_of(scene, ticket)
    mark_cuts(scene, entry, [int(frame) for frame in result.shots])
    remove_clip_view(scene, ticket.take_id)
    entry.lift = stored(folder / LIFT_FILE)
    if names:
        keep_edited(entry, lambda clip: with_only(clip, names))


def _only(result: LiftResult, names: list[str]) -> LiftResult:
    """What comes into the scene of a lift. names: empty for everything."""
    return replace(result, clip=with_only(result.clip, names), raw=with_only(result.raw, names)) if names else result


def _one_track(scene: bpy.types.Scene, ticket: Ticket, collected: Collected, folder: Path, made: Made) -> Iterator[str]:
    result, name = collected.result, str(ticket.provenance[ONLY])
    models = _models(result.clip)
    yield from replace_track(scene, ticket.take_id, name, result.clip, result.raw, made, models)
    _entry_of(scene, ticket).lift = stored(folder / LIFT_FILE)


def _take_beside(scene: bpy.types.Scene, ticket: Ticket) -> RevisionTake:
    """A second lift of the same frames is a take of its own: nothing is overwritten."""
    settings = scene.revision
    of_take = settings.take_of(str(ticket.provenance.get("of_take", "")))
    if of_take is None:
        raise RevisionError("The clip that was lifted is no longer in the scene; the lift is kept in the results folder.")
    source = of_take.name
    values = {name: getattr(of_take, name) for name in ("picture", "frames", "fps", "final_fps", "start_frame", "prompt")}
    beside = settings.takes.add()
    beside.name, beside.take_id = str(ticket.provenance["take"]), ticket.take_id
    for name, value in values.items():
        setattr(beside, name, value)
    subjects.copy(settings.takes[source], beside)  # adding has moved the take in memory: it is looked up again
    settings.take_name = beside.name
    return beside


def _kept_beside(scene: bpy.types.Scene, take: Take, raw: Clip, job_id: str) -> Iterator[str]:
    """The raw fit as further actions of the take, to compare with; the lift goes on moving it."""
    yield from apply_motion(scene, take, raw, role="raw", provenance={"job_id": job_id})
    play(scene, take, "lift")


def _entry_of(scene: bpy.types.Scene, ticket: Ticket) -> RevisionTake:
    entry = scene.revision.take_of(ticket.take_id)
    if entry is None:
        raise RevisionError("The take that this belongs to is no longer in the scene; the files are kept in the results folder.")
    return entry


def mark_cuts(scene: bpy.types.Scene, entry: RevisionTake, shots: list[int]) -> None:
    """A marker in the timeline where another shot begins; the first begins with the clip."""
    name = f"{CUT_MARKER} {entry.name}"
    there = {(marker.name, marker.frame) for marker in scene.timeline_markers}
    for frame in shots:
        at = subjects.scene_frame(scene, entry, frame)
        if frame > 0 and (name, at) not in there:
            scene.timeline_markers.new(name, frame=at)
