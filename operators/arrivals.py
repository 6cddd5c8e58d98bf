"""Motion files on their way into the scene: read on a thread, placed like any other result, one undo step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import bpy

from ..revision_blender.motion.bodies.body_data import BodyModel
from ..revision_blender.motion.bodies.shelf import BodyShelf
from ..revision_blender.motion.bodies.stand_in import StandIn, stand_in
from ..revision_blender.motion.clip import BodyTrack, Track
from ..revision_blender.motion.files.motion_file import MotionFile, ReadOptions
from ..revision_blender.motion.files.reading import read_motion
from ..revision_blender.scene.keys import KeyOptions
from ..revision_blender.scene.take import import_clip

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class ImportChoice:
    """What the user wants of one motion file.

    start_frame: scene frame of the motion's time 0. take_camera: whether a camera that is in the file becomes the scene's.
    """

    path: Path
    read: ReadOptions
    keys: KeyOptions = field(default_factory=KeyOptions)
    start_frame: float = 1.0
    take_camera: bool = True


@dataclass(frozen=True, eq=False)
class Arrival:
    """A motion file read and ready for the scene. models: bodies by name. stand_ins: by track, where a body is not on the shelf."""

    choice: ImportChoice
    motion: MotionFile
    models: Mapping[str, BodyModel]
    stand_ins: Mapping[str, StandIn]


def read(choice: ImportChoice, shelf: BodyShelf, tell: Tell | None = None) -> Arrival:
    """Reads the file and the bodies that it needs; touches no Blender data, so that it can run on a thread. Raises RevisionError."""
    motion = read_motion(choice.path, shelf, choice.read, tell)
    tracks: list[Track] = []
    stand_ins: dict[str, StandIn] = {}
    for track in motion.clip.tracks:
        shown, standing = stand_in(track, shelf, motion.clip.ground) if isinstance(track, BodyTrack) else (track, None)
        tracks.append(shown)
        if standing is not None:
            stand_ins[track.track_id] = standing
    clip = motion.clip.with_tracks(tuple(tracks))
    models = {track.model: shelf.load(track.model) for track in clip.bodies}
    return Arrival(choice, replace(motion, clip=clip), models, stand_ins)


def place(scene: bpy.types.Scene, arrival: Arrival, name: str, take_id: str) -> Iterator[str]:
    """Puts the motion into the scene as a take of its own, a small step at each ``next``. Raises RevisionError."""
    choice, motion = arrival.choice, arrival.motion
    yield from import_clip(
        scene,
        motion.clip,
        take_id=take_id,
        name=name,
        start_frame=choice.start_frame,
        role="imported",
        provenance={"file": str(choice.path), "format": motion.format},
        models=arrival.models,
        stand_ins=arrival.stand_ins,
        keys=choice.keys,
        camera_given=motion.camera_given and choice.take_camera,
    )
    _write_entry(scene, arrival, name, take_id)
    yield "done"


def _write_entry(scene: bpy.types.Scene, arrival: Arrival, name: str, take_id: str) -> None:
    settings = scene.revision
    entry = settings.take_of(take_id) or settings.takes.add()
    entry.name, entry.take_id = name, take_id
    entry.fps, entry.start_frame = arrival.motion.clip.fps, arrival.choice.start_frame
    settings.take_name = name


def words_of(arrival: Arrival) -> str:
    """One line for the status bar: what came, on which bodies, and what the reader noticed."""
    motion = arrival.motion
    people = len(motion.clip.tracks)
    words = (
        f"{motion.format}: {people} {'track' if people == 1 else 'tracks'}, {motion.clip.n_frames} frames at {motion.clip.fps:g} a second"
    )
    stood_in = sorted({f"{standing.model} shown on {motion_track.model}" for standing, motion_track in _pairs(arrival)})
    return "; ".join([words, *stood_in, *motion.notes])


def _pairs(arrival: Arrival) -> Iterator[tuple[StandIn, BodyTrack]]:
    for track in arrival.motion.clip.bodies:
        if track.track_id in arrival.stand_ins:
            yield arrival.stand_ins[track.track_id], track
