"""Which keys are the animator's: those a program did not write, and those whose value is no longer what was imported."""

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from . import actions, marks
from .keys import Keys, read_keys
from .rigs.rig import bone_path, rest_of

_SAME = 1e-5  # a key whose value differs less from the imported curve was not touched (32-bit rounding)
_ROTATIONS = ("rotation_quaternion", "rotation_euler", "rotation_axis_angle")


@dataclass(frozen=True, eq=False)
class UserKeys:
    """The scene frames of the animator's keys by joint, and those of the root's place."""

    rotation: tuple[NDArray[np.float64], ...]
    location: NDArray[np.float64]


def _imported_curves(action: bpy.types.Action | None) -> dict[tuple[str, int], bpy.types.FCurve]:
    original = action.get(marks.ORIGINAL) if action is not None else None
    if original is None or not original.slots:
        return {}
    bag = actions.channelbag(original, original.slots[0])
    return {} if bag is None else {(curve.data_path, curve.array_index): curve for curve in bag.fcurves}


def _edited_frames(keys: Keys, imported: bpy.types.FCurve | None) -> list[float]:
    edited = ~keys.generated
    if imported is not None:
        there = np.array([imported.evaluate(float(frame)) for frame in keys.frames])
        edited |= np.abs(there - keys.values) > _SAME
    return keys.frames[edited].astype(np.float64).tolist()


def user_keys(rig: bpy.types.Object) -> UserKeys:
    """The animator's keys on ``rig`` as it is animated now."""
    names = rest_of(rig).names
    joint_of = {bone_path(name, prop): joint for joint, name in enumerate(names) for prop in _ROTATIONS}
    root = bone_path(names[0], "location")
    rotation: list[list[float]] = [[] for _ in names]
    location: list[float] = []
    action = rig.animation_data.action if rig.animation_data else None
    imported = _imported_curves(action)
    for curve in actions.curves_of(rig):
        joint = joint_of.get(curve.data_path)
        if joint is None and curve.data_path != root:
            continue
        frames = _edited_frames(read_keys(curve), imported.get((curve.data_path, curve.array_index)))
        (location if joint is None else rotation[joint]).extend(frames)
    return UserKeys(tuple(np.unique(frames) for frames in rotation), np.unique(location))
