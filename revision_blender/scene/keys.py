"""Keyframes in bulk: whole curves written and read through ``foreach_set`` and ``foreach_get``.

``keyframe_insert`` costs time quadratic in the number of frames; this costs a few milliseconds for 250 frames of 55 bones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.decimation import Kind
from .errors import SceneError

Array = NDArray[np.floating]
Points = NDArray[np.float32]

_THIRD = 1.0 / 3.0  # handles there make a Bezier segment a cubic in time


@dataclass(frozen=True)
class KeyOptions:
    """How imported motion is keyed.

    resample: keys on the scene's whole frames (rotations between the clip's frames along geodesics) in place of the clip's
    own times, which may lie on subframes. error: ``None`` keys every frame; a number thins to the fewest Bezier keys whose
    curves are nowhere off by more, radians for a bone's rotation. root_error: the same of the root's place, metres;
    ``None``: the number of ``error``. extend_scene_range: the scene's frame range grows to hold the take.
    Raises SceneError for errors that are not positive numbers.
    """

    resample: bool = False
    error: float | None = None
    root_error: float | None = None
    extend_scene_range: bool = False

    def __post_init__(self) -> None:
        for number, unit in ((self.error, "radians"), (self.root_error, "metres")):
            if number is not None and not (math.isfinite(number) and number > 0.0):
                raise SceneError(
                    f"Keys cannot be thinned to an error of {number} {unit}; give a number above 0, or none to keep every key."
                )

    @property
    def place_error(self) -> float | None:
        return self.error if self.root_error is None else self.root_error


EVERY_FRAME = KeyOptions()  # at the clip's own times


def _enum_value(struct: type, prop: str, item: str) -> int:
    return struct.bl_rna.properties[prop].enum_items[item].value


@dataclass(frozen=True, eq=False)
class Channel:
    """One animated property. data_path: as in Blender. values: ``(F, C)``, one column an array element. group: its heading.

    frames: ``(F,)`` scene frames where they are not those of all channels. slopes: ``(F, C)`` change of the values a scene
    frame; the keys are Bezier ones with these handles. measure: how thinning judges it; ``None``: it keeps all its keys.
    """

    data_path: str
    values: Array
    group: str = ""
    frames: Array | None = None
    slopes: Array | None = None
    measure: Kind | None = None


def write_keys(bag: bpy.types.ActionChannelbag, frames: Array, channels: Sequence[Channel], interpolation: str = "LINEAR") -> None:
    """New curves in ``bag``: one key of type GENERATED at each of ``frames`` ``(F,)`` (scene frames, fractions kept, rising)."""
    groups = {group.name: group for group in bag.groups}
    kinds: dict[tuple[int, str], _Kinds] = {}
    for channel in channels:
        if channel.group and channel.group not in groups:
            groups[channel.group] = bag.groups.new(channel.group)
        at = frames if channel.frames is None else channel.frames
        shape = interpolation if channel.slopes is None else "BEZIER"
        if (len(at), shape) not in kinds:
            kinds[len(at), shape] = _kinds(len(at), shape)
        handles = None if channel.slopes is None else _handles(np.asarray(at), channel.values, channel.slopes)
        for index, points in enumerate(_points(np.asarray(at), channel.values)):
            curve = bag.fcurves.new(channel.data_path, index=index)
            if channel.group:
                curve.group = groups[channel.group]
            _fill(curve, points, None if handles is None else (handles[0][index], handles[1][index]), kinds[len(at), shape])


@dataclass(frozen=True, eq=False)
class _Kinds:
    """``(K,)`` one byte each, as Blender stores them: it copies these as they are, wider numbers one by one."""

    key: NDArray[np.uint8]
    interpolation: NDArray[np.uint8]
    handle: NDArray[np.uint8]


def _kinds(count: int, interpolation: str) -> _Kinds:
    def bytes_of(prop: str, item: str) -> NDArray[np.uint8]:
        return np.full(count, _enum_value(bpy.types.Keyframe, prop, item), dtype=np.uint8)

    # Straight handles are what linear keys mean, and cost half of what automatic ones do.
    handle = bytes_of("handle_left_type", "ALIGNED" if interpolation == "BEZIER" else "VECTOR")
    return _Kinds(bytes_of("type", "GENERATED"), bytes_of("interpolation", interpolation), handle)


def _fill(curve: bpy.types.FCurve, points: Points, handles: tuple[Points, Points] | None, kinds: _Kinds) -> None:
    keys = curve.keyframe_points
    keys.add(len(kinds.key))
    keys.foreach_set("co", points)
    keys.foreach_set("interpolation", kinds.interpolation)
    keys.foreach_set("type", kinds.key)
    keys.foreach_set("handle_left_type", kinds.handle)
    keys.foreach_set("handle_right_type", kinds.handle)
    if handles is not None:
        keys.foreach_set("handle_left", handles[0])
        keys.foreach_set("handle_right", handles[1])
    curve.update()


def _points(frames: Array, values: Array) -> Points:
    """``(C, 2 F)`` frame and value in turn, a row a curve. frames: ``(F,)``. values: ``(F, C)``."""
    points = np.empty((values.shape[1], len(frames), 2), dtype=np.float32)
    points[:, :, 0] = frames
    points[:, :, 1] = values.T
    return points.reshape(len(points), -1)


def _handles(frames: Array, values: Array, slopes: Array) -> tuple[Points, Points]:
    """Left and right handles, a third of the way to the neighbouring keys."""
    gaps = np.diff(frames) if len(frames) > 1 else np.ones(1)
    left, right = -_THIRD * np.append(gaps[:1], gaps)[: len(frames)], _THIRD * np.append(gaps, gaps[-1:])[: len(frames)]
    return (
        _points(frames + left, values + slopes * left[:, None]),
        _points(frames + right, values + slopes * right[:, None]),
    )


@dataclass(frozen=True, eq=False)
class Keys:
    """The keys of one curve. frames: ``(K,)`` scene frames. values: ``(K,)``. generated: ``(K,)`` whether a program wrote it."""

    data_path: str
    index: int
    frames: Array
    values: Array
    generated: NDArray[np.bool_]


def read_keys(curve: bpy.types.FCurve) -> Keys:
    """All keys of one curve."""
    count = len(curve.keyframe_points)
    coordinates = np.empty(2 * count, dtype=np.float32)
    kind = np.empty(count, dtype=np.uint8)
    curve.keyframe_points.foreach_get("co", coordinates)
    curve.keyframe_points.foreach_get("type", kind)
    coordinates = coordinates.reshape(count, 2)
    generated = kind == _enum_value(bpy.types.Keyframe, "type", "GENERATED")
    return Keys(curve.data_path, curve.array_index, coordinates[:, 0], coordinates[:, 1], generated)
