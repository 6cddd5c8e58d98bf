"""The tracks of a take one by one: which there are, renaming one, taking one away."""

import json
from dataclasses import dataclass

import bpy

from ..motion.subjects import MAX_NAME, SubjectKind
from . import marks
from .errors import SceneError
from .ghosts import hide_ghost
from .removal import remove
from .take_record import Take

ANIMAL_FAMILY = "smal"


@dataclass(frozen=True)
class TrackRow:
    """One track. holder: the name of its rig or box. body: what it moves on, empty for things."""

    track_id: str
    kind: SubjectKind
    holder: str
    body: str


def track_rows(take: Take) -> tuple[TrackRow, ...]:
    """All tracks of a take, in their order."""
    rows = [TrackRow(track_id, _kind_of(rig), rig, _mark(rig, marks.MODEL)) for track_id, rig, _body in take.bodies]
    rows += [TrackRow(track_id, "object", box, "") for track_id, box, _points in take.objects]
    order = {track_id: place for place, track_id in enumerate(take.order)}
    return tuple(sorted(rows, key=lambda row: order.get(row.track_id, len(order))))


def _mark(name: str, mark: str) -> str:
    thing = bpy.data.objects.get(name)
    return str(thing.get(mark, "")) if thing is not None else ""


def _kind_of(rig: str) -> SubjectKind:
    return "animal" if _mark(rig, marks.FAMILY) == ANIMAL_FAMILY else "person"


def track_row(take: Take, name: str) -> TrackRow:
    """Raises SceneError where the take has no track of that name."""
    found = next((row for row in track_rows(take) if row.track_id == name), None)
    if found is None:
        raise SceneError(f"The take has no track {name!r}; choose one in the list.")
    return found


def track_of_object(take: Take, thing: bpy.types.Object | None) -> str:
    """The track that a rig, body, box or point mesh belongs to; empty for anything else."""
    if thing is None:
        return ""
    held = (*take.bodies, *take.objects)
    return next((track_id for track_id, *names in held if thing.name in names), "")


def free_track_name(take: Take, wanted: str) -> str:
    """``wanted``, or with the first number that makes it free."""
    taken = {row.track_id for row in track_rows(take)}
    names = (wanted if number == 1 else f"{wanted[: MAX_NAME - 5]} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def rename_track(take: Take, old: str, new: str) -> str:
    """Gives a track another name: on its objects, motions and pins. Returns the name as it is kept. Raises SceneError."""
    name = new.strip()
    row = track_row(take, old)
    if not name or len(name) > MAX_NAME:
        raise SceneError(f"A track is named {name[:80]!r}; give it a name of 1 to {MAX_NAME} characters.")
    if name != old and name in {other.track_id for other in track_rows(take)}:
        raise SceneError(f"The take has a track {name!r} already; choose another name, or merge the two.")
    for thing in _things_of(take, row.track_id):
        thing[marks.TRACK] = name
        if old in thing.name:
            thing.name = thing.name.replace(old, name)
    for action in _actions_of(take, row.track_id):
        action[marks.TRACK] = name
    set_order(take, [name if known == old else known for known in take.order])
    return name


def remove_track(take: Take, name: str) -> None:
    """Takes a track out of the scene with its motions and pins. Raises SceneError where there is none of that name."""
    row = track_row(take, name)
    hide_ghost(take)
    remove_all(all_of(take, row.track_id))
    set_order(take, [known for known in take.order if known != name])


def all_of(take: Take, name: str) -> tuple[bpy.types.ID, ...]:
    """What a track is made of now: its objects and its motions."""
    return (*_things_of(take, name), *_actions_of(take, name))


def remove_all(things: tuple[bpy.types.ID, ...]) -> None:
    """Takes what ``all_of`` found out of the file."""
    for thing in things:
        data = thing.data if isinstance(thing, bpy.types.Object) else None
        remove(thing)
        if data is not None and data.users == 0:
            remove(data)


def set_order(take: Take, order: list[str]) -> None:
    """Writes down in which order the clip has its tracks."""
    collection = bpy.data.collections.get(take.collection_name)
    if collection is not None:
        collection[marks.ORDER] = json.dumps(order)


def _things_of(take: Take, track_id: str) -> list[bpy.types.Object]:
    """Rig and body, or box and points, and pins; those that stand on others first."""
    collection = bpy.data.collections.get(take.collection_name)
    found = [] if collection is None else [thing for thing in collection.all_objects if thing.get(marks.TRACK) == track_id]
    return sorted(found, key=lambda thing: thing.parent is None)


def _actions_of(take: Take, track_id: str) -> list[bpy.types.Action]:
    """Copies before the originals that they name."""
    found = [action for action in bpy.data.actions if action.get(marks.TAKE) == take.take_id and action.get(marks.TRACK) == track_id]
    return sorted(found, key=lambda action: marks.ORIGINAL not in action)
