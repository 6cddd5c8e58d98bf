"""The motions that a take has as actions beside each other (lift, raw, imported, refined), and which of them plays."""

from collections.abc import Iterator

import bpy

from . import actions, marks
from .errors import SceneError
from .presence import show_by
from .rigs.ik_handles import settle_switches
from .take_record import Take, the_object

TITLES = {"raw": "Raw", "lift": "Lift", "imported": "Imported", "refined": "Refined"}


def movers(take: Take) -> Iterator[tuple[str, bpy.types.Object]]:
    """Track id and what is keyed of it, the rig or the box. Raises SceneError where one is gone."""
    for track_id, thing, _mesh in _shown(take):
        yield track_id, thing


def _shown(take: Take) -> Iterator[tuple[str, bpy.types.Object, bpy.types.Object]]:
    """Track id, what is keyed of it and the mesh that goes with that."""
    for track_id, rig, body in take.bodies:
        yield track_id, the_object(rig, "rig"), the_object(body, "body")
    for track_id, box, points in take.objects:
        yield track_id, the_object(box, "box"), the_object(points, "points")


def working_actions(take_id: str, track_id: str, role: str, kind: str = "OBJECT") -> list[bpy.types.Action]:
    """The actions that can move a track, the newest first. kind: "OBJECT" for rigs and boxes, "KEY" for expressions."""
    found = [
        action
        for action in bpy.data.actions
        if (action.get(marks.TAKE), action.get(marks.TRACK), action.get(marks.ROLE)) == (take_id, track_id, role)
        and isinstance(action.get(marks.ORIGINAL), bpy.types.Action)
        and action.slots
        and action.slots[0].target_id_type == kind
    ]
    return sorted(found, key=lambda action: int(action.get(marks.VERSION, 0)), reverse=True)


def newest_version(owner: bpy.types.Object, track_id: str, role: str) -> int:
    """The highest number among the motions of that role; 0 where there is none."""
    ours = (owner.get(marks.TAKE), track_id, role)
    found = (action for action in bpy.data.actions if (action.get(marks.TAKE), action.get(marks.TRACK), action.get(marks.ROLE)) == ours)
    return max((int(action.get(marks.VERSION, 0)) for action in found), default=0)


def roles_of(take: Take) -> tuple[str, ...]:
    """Which motions there are to choose from, from the rawest to the most refined."""
    there = {action.get(marks.ROLE) for action in bpy.data.actions if action.get(marks.TAKE) == take.take_id and marks.ORIGINAL in action}
    return tuple(role for role in TITLES if role in there)


def shown_action(take: Take) -> bpy.types.Action | None:
    """What moves the take's first body or box now."""
    names = [rig for _track, rig, _body in take.bodies] + [box for _track, box, _points in take.objects]
    things = (bpy.data.objects.get(name) for name in names)
    found = (thing.animation_data.action for thing in things if thing is not None and thing.animation_data is not None)
    return next((action for action in found if action is not None), None)


def shown_role(take: Take) -> str:
    """The motion that plays; empty where it is none of the take's."""
    action = shown_action(take)
    return "" if action is None else str(action.get(marks.ROLE, ""))


def play(scene: bpy.types.Scene, take: Take, role: str, only: str = "") -> None:
    """Lets the newest motion of ``role`` move the take; the one that did stays in the file. Tracks without it go on as they are.

    only: the one track that is meant; empty for all. Raises SceneError where no track has it.
    """
    meant = [
        (thing, mesh, working_actions(take.take_id, track_id, role)) for track_id, thing, mesh in _shown(take) if only in ("", track_id)
    ]
    found = [(thing, mesh, candidates[0]) for thing, mesh, candidates in meant if candidates]
    if not found:
        raise SceneError(f"The take has no motion {TITLES.get(role, role)!r} any more; undo its deletion or make it again.")
    for thing, mesh, action in found:
        actions.assign(thing, action, action.slots[0])
        thing[marks.ORIGINAL] = action[marks.ORIGINAL]
        if thing.type == "ARMATURE":
            settle_switches(thing)
        show_by(thing, mesh, action)
    for track_id, keys, kind in (parts for parts in _shape_keys(take) if only in ("", parts[0])):
        _play_keys(take, track_id, keys, role, kind)
    # A new action shows only after an evaluation.
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def _shape_keys(take: Take) -> Iterator[tuple[str, bpy.types.Key, str]]:
    """Track id, the keys that an expression or an object's points are on, and the kind of their action's first slot."""
    for track_id, _rig, body in take.bodies:
        if (keys := the_object(body, "body").data.shape_keys) is not None:
            yield track_id, keys, "KEY"
    for track_id, _box, points in take.objects:
        if (keys := the_object(points, "points").data.shape_keys) is not None:
            yield track_id, keys, "OBJECT"


def _play_keys(take: Take, track_id: str, keys: bpy.types.Key, role: str, kind: str) -> None:
    found = working_actions(take.take_id, track_id, role, kind)
    slot = next((slot for slot in found[0].slots if slot.target_id_type == "KEY"), None) if found else None
    if slot is not None:
        actions.assign(keys, found[0], slot)
