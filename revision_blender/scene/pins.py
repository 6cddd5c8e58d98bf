"""Which keys are the animator's: those a program did not write, and those whose value is no longer what was imported.

The measure is the imported motion itself, the untouched action beside the one that is edited: a key that was moved in time
is the animator's at its new time; keys that thinning left out are nobody's.
"""

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from . import actions, marks
from .keys import Keys, read_keys
from .rigs.ik_touched import frames_on_handle, joints_of_handles
from .rigs.rig import bone_path, rest_of

_SAME = 1e-5  # a key whose value differs less from the imported curve was not touched (32-bit rounding)
_SAME_TIME = 1e-3  # scene frames
_ROTATIONS = ("rotation_quaternion", "rotation_euler", "rotation_axis_angle")

Curves = dict[tuple[str, int], bpy.types.FCurve]


@dataclass(frozen=True, eq=False)
class UserKeys:
    """The scene frames of the animator's keys by joint, and those of the root's place."""

    rotation: tuple[NDArray[np.float64], ...]
    location: NDArray[np.float64]


def imported_curves(rig: bpy.types.Object, moving: actions.Moving) -> Curves:
    """The curves of a rig or box that were imported and of which those of ``moving`` are the edited copy; none for an action of the user's own.

    An action that was put together from several knows the imported motion of one only; the others' are found on their rigs,
    by the names of their slots.
    """
    if not isinstance(moving.action.get(marks.ORIGINAL), bpy.types.Action):
        return {}
    originals = [holder.get(marks.ORIGINAL) for holder in (moving.action, rig)]
    found = [(original, actions.slot_named(original, moving.slot.identifier)) for original in originals if original is not None]
    if len(moving.action.slots) == 1:
        found.append((originals[0], originals[0].slots[0]))
    bags = (actions.channelbag(original, slot) for original, slot in found if slot is not None)
    return next(({(curve.data_path, curve.array_index): curve for curve in bag.fcurves} for bag in bags if bag is not None), {})


def edited(keys: Keys, imported: bpy.types.FCurve | None) -> NDArray[np.bool_]:
    """``(K,)`` which keys are the animator's."""
    edited = ~keys.generated
    if imported is None:
        return edited
    there = read_keys(imported)
    if not len(there.frames):
        return edited
    nearest = _beside(keys, there)
    same = (np.abs(there.frames[nearest] - keys.frames) < _SAME_TIME) & (np.abs(there.values[nearest] - keys.values) <= _SAME)
    for index in np.flatnonzero(~same & ~edited):  # few: only these cost a call each
        edited[index] = abs(imported.evaluate(float(keys.frames[index])) - keys.values[index]) > _SAME
    return edited


def _beside(keys: Keys, there: Keys) -> NDArray[np.int64]:
    """``(K,)`` the imported key at or nearest before each key."""
    return np.clip(np.searchsorted(there.frames, keys.frames + _SAME_TIME) - 1, 0, len(there.frames) - 1)


def pinned_paths(thing: bpy.types.Object) -> dict[str, tuple[int, ...]]:
    """The joints that a key on a path pins, by path; none for the root's place, and for all paths of a box."""
    if thing.type != "ARMATURE":
        return dict.fromkeys(("location", *_ROTATIONS, "scale"), ())
    names = rest_of(thing).names
    paths: dict[str, tuple[int, ...]] = {bone_path(name, prop): (joint,) for joint, name in enumerate(names) for prop in _ROTATIONS}
    paths |= {path: tuple(names.index(name) for name in limb.joints) for path, limb in joints_of_handles(thing).items()}
    return paths | {bone_path(names[0], "location"): ()}


def box_keys(box: bpy.types.Object) -> NDArray[np.float64]:
    """The scene frames of the animator's keys on an object's box as it is animated now."""
    paths = pinned_paths(box)
    found = [
        moving.scene_frames(keys.frames[edited(keys, imported.get((curve.data_path, curve.array_index)))])
        for moving in actions.movers_of(box)
        for imported in (imported_curves(box, moving),)
        for curve in moving.curves
        if curve.data_path in paths and not curve.mute
        for keys in (read_keys(curve),)
    ]
    return _united(found)


def user_keys(rig: bpy.types.Object) -> UserKeys:
    """The animator's keys on ``rig`` as it is animated now, by its action and by NLA strips.

    A key on a limb's handle or pole is one of every joint that it turns, where the limb follows its handle.
    """
    names, joints_of, handles = rest_of(rig).names, pinned_paths(rig), joints_of_handles(rig)
    rotation: list[list[NDArray[np.float64]]] = [[] for _ in names]
    location: list[NDArray[np.float64]] = []
    hidden: set[str] = set()
    for moving in actions.movers_of(rig):
        imported = imported_curves(rig, moving)
        for curve in moving.curves:
            joints = joints_of.get(curve.data_path, ())
            if curve.data_path not in joints_of or curve.mute or curve.data_path in hidden:
                continue
            keys = read_keys(curve)
            frames = keys.frames[edited(keys, imported.get((curve.data_path, curve.array_index)))]
            if curve.data_path in handles and len(frames):
                frames = frames[frames_on_handle(rig, moving.curves, handles[curve.data_path], frames)]
            for found in [rotation[joint] for joint in joints] or [location]:
                found.append(moving.scene_frames(frames))
        hidden |= {curve.data_path for curve in moving.curves} if moving.replaces else set()
    return UserKeys(tuple(_united(frames) for frames in rotation), _united(location))


def _united(frames: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.unique(np.concatenate(frames)) if frames else np.empty(0)
