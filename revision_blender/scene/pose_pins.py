"""Whole poses pinned by keys, and keys given back: from the animator's to the motion as it came."""

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.clip import Pins
from . import actions
from .keys import read_keys
from .motions import movers
from .pins import edited, imported_curves, pinned_paths
from .rigs.rig import bone_path, rest_of
from .take_record import Take
from .timing import scene_fps

_PATHS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}  # of other modes: rotation_euler
_SAME_TIME = 1e-3  # scene frames


def pin_pose(thing: bpy.types.Object, frame: float) -> None:
    """Keys every joint of a rig and its root's place, or a box's place and turn, as they show, at a scene frame."""
    if thing.type == "ARMATURE":
        names = rest_of(thing).names
        held = [(thing.pose.bones[name], name) for name in names]
        paths = {bone_path(name, _turn_path(bone)) for bone, name in held} | {bone_path(names[0], "location")}
    else:
        held, paths = [(thing, "Box")], {_turn_path(thing), "location"}
    for holder, group in held:
        holder.keyframe_insert(_turn_path(holder), frame=frame, group=group)
    held[0][0].keyframe_insert("location", frame=frame, group=held[0][1])
    for curve in actions.curves_of(thing):
        if curve.data_path in paths:
            _claim(curve, np.array([frame]), _SAME_TIME)


def _turn_path(holder: bpy.types.Object | bpy.types.PoseBone) -> str:
    return _PATHS.get(holder.rotation_mode, "rotation_euler")


def _claim(curve: bpy.types.FCurve, frames: NDArray[np.floating], reach: float) -> None:
    """The keys nearest to scene ``frames`` ``(N,)``, at most ``reach`` away, count as the animator's from now on.

    (Inserting leaves the type of a key that was there already: a program's would go on to count as the program's.)
    """
    keys = read_keys(curve)
    for frame in frames if len(keys.frames) else ():
        index = int(np.argmin(np.abs(keys.frames - frame)))
        if abs(keys.frames[index] - frame) <= reach:
            curve.keyframe_points[index].type = "KEYFRAME"
    curve.update()


def keep_pinned(scene: bpy.types.Scene, take: Take, pins: Sequence[Pins]) -> None:
    """Makes the keys of a new motion at what was pinned the animator's, so that what was pinned before stays so the next time."""
    frames, reach = take.scene_frames(scene), 0.5 * scene_fps(scene) / take.fps
    things = dict(movers(take))
    for pin in pins:
        thing = things.get(pin.track_id)
        paths = pinned_paths(thing) if thing is not None and (pin.joints.any() or pin.translation.any()) else {}
        for curve in actions.curves_of(thing) if paths else ():
            joints = paths.get(curve.data_path)
            if joints is not None:
                held = pin.joints[:, list(joints)].any(axis=1) if joints else pin.translation
                _claim(curve, frames[held], reach)


def unpin(thing: bpy.types.Object, span: tuple[float, float] | None = None) -> int:
    """Gives the animator's keys back to the motion as it came, between two scene frames or everywhere; how many they were.

    A key where the motion has one gets its value again; others go. Motion that came from nowhere else is left alone.
    """
    paths, count = pinned_paths(thing), 0
    for moving in actions.movers_of(thing):
        imported = imported_curves(thing, moving)
        for curve in moving.curves if imported and moving.strip is None else ():
            origin = imported.get((curve.data_path, curve.array_index))
            if origin is not None and curve.data_path in paths:
                count += _give_back(curve, origin, span)
    if count:
        thing.update_tag()
    return count


def _give_back(curve: bpy.types.FCurve, origin: bpy.types.FCurve, span: tuple[float, float] | None) -> int:
    keys, there = read_keys(curve), read_keys(origin)
    theirs = edited(keys, origin)
    if span is not None:
        theirs &= (keys.frames >= span[0]) & (keys.frames <= span[1])
    for index in np.flatnonzero(theirs)[::-1].tolist():
        point = curve.keyframe_points[index]
        at = int(np.argmin(np.abs(there.frames - keys.frames[index])))
        if abs(there.frames[at] - keys.frames[index]) > _SAME_TIME:
            curve.keyframe_points.remove(point, fast=True)
            continue
        given = origin.keyframe_points[at]
        point.co.y, point.type, point.interpolation = given.co.y, given.type, given.interpolation
        for side in ("handle_left", "handle_right"):
            setattr(point, f"{side}_type", getattr(given, f"{side}_type"))
            setattr(point, side, getattr(given, side))
    curve.update()
    return int(theirs.sum())
