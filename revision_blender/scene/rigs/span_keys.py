"""Writing keys into part of a curve that has others: what lies outside the span stays as the animator left it."""

import bpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_SAME_FRAME = 1e-3
_PAIRS, _NUMBERS = ("co", "handle_left", "handle_right"), ("type", "interpolation", "handle_left_type", "handle_right_type", "easing")


def _value(prop: str, item: str) -> int:
    return bpy.types.Keyframe.bl_rna.properties[prop].enum_items[item].value


def _read(curve: bpy.types.FCurve) -> dict[str, NDArray]:
    points, count = curve.keyframe_points, len(curve.keyframe_points)
    read: dict[str, NDArray] = {}
    for name in _PAIRS:
        pairs = np.empty(2 * count, dtype=np.float32)
        points.foreach_get(name, pairs)
        read[name] = pairs.reshape(count, 2)
    for name in _NUMBERS:
        numbers = np.empty(count, dtype=np.int32)
        points.foreach_get(name, numbers)
        read[name] = numbers
    return read


def _new(frames: Array, values: Array, yours: NDArray[np.bool_], interpolation: str) -> dict[str, NDArray]:
    co = np.stack([frames, values], axis=1).astype(np.float32)
    count = len(co)
    whole = dict.fromkeys(_PAIRS, co)
    kinds = np.where(yours, _value("type", "KEYFRAME"), _value("type", "GENERATED")).astype(np.int32)
    whole["type"] = kinds
    whole["interpolation"] = np.full(count, _value("interpolation", interpolation), dtype=np.int32)
    for name in ("handle_left_type", "handle_right_type"):
        whole[name] = np.full(count, _value(name, "AUTO_CLAMPED"), dtype=np.int32)
    whole["easing"] = np.full(count, _value("easing", "AUTO"), dtype=np.int32)
    return whole


def _hold_neighbours(keys: dict[str, NDArray], frames: Array) -> None:
    """The keys next to the span keep their handles, which would else turn with their new neighbours and bend what lies beyond."""
    at, free = keys["co"][:, 0].astype(np.float64), _value("handle_left_type", "FREE")
    before, after = at < frames[0] - _SAME_FRAME, at > frames[-1] + _SAME_FRAME
    held = (before & (at == at[before].max(initial=-np.inf))) | (after & (at == at[after].min(initial=np.inf)))
    for name in ("handle_left_type", "handle_right_type"):
        keys[name][held] = free


def between_keys(curve: bpy.types.FCurve, frames: Array, run: slice) -> slice:
    """``run`` of ``frames`` ``(F,)``, ascending, made longer up to, not onto, the curve's keys before and after it: what has to be
    keyed so that nothing beyond those keys moves when the run takes new values."""
    at = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
    curve.keyframe_points.foreach_get("co", at)
    keys = at[::2].astype(np.float64)
    before = keys[keys < frames[run.start] - _SAME_FRAME].max(initial=-np.inf)
    after = keys[keys > frames[run.stop - 1] + _SAME_FRAME].min(initial=np.inf)
    start, stop = np.searchsorted(frames, before + _SAME_FRAME), np.searchsorted(frames, after - _SAME_FRAME)
    return slice(int(start), int(stop))


def key_span(curve: bpy.types.FCurve, frames: Array, values: Array, yours: NDArray[np.bool_], interpolation: str = "LINEAR") -> None:
    """Replaces the keys of ``curve`` between the first and the last of ``frames`` ``(K,)``, ascending, by ``values`` ``(K,)``.

    yours: ``(K,)`` whether a key is the animator's (type KEYFRAME) or a program's (GENERATED); one that was the animator's at
    the same frame stays so.
    """
    frames = np.asarray(frames, dtype=np.float64)
    old = _read(curve)
    at = old["co"][:, 0].astype(np.float64)
    inside = (at > frames[0] - _SAME_FRAME) & (at < frames[-1] + _SAME_FRAME)
    theirs = at[inside & (old["type"] != _value("type", "GENERATED"))]
    if len(theirs):
        yours = yours | (np.abs(frames[:, None] - theirs).min(axis=1) < _SAME_FRAME)
    new = _new(frames, values, yours, interpolation)
    merged = {name: np.concatenate([old[name][~inside], new[name]]) for name in (*_PAIRS, *_NUMBERS)}
    order = np.argsort(merged["co"][:, 0], kind="stable")
    _hold_neighbours(merged, frames)
    points = curve.keyframe_points
    points.clear()
    points.add(len(order))
    for name in (*_PAIRS, *_NUMBERS):
        points.foreach_set(name, np.ascontiguousarray(merged[name][order]).ravel())
    curve.update()


def curves_at(bag: bpy.types.ActionChannelbag, data_path: str, size: int, group: str) -> list[bpy.types.FCurve]:
    """The curves of a property's ``size`` elements, made where they are not there."""
    found = []
    for index in range(size):
        curve = bag.fcurves.find(data_path, index=index)
        if curve is None:
            curve = bag.fcurves.new(data_path, index=index)
            curve.group = bag.groups.get(group) or bag.groups.new(group)
        found.append(curve)
    return found


def remove_curves(bag: bpy.types.ActionChannelbag, paths: set[str]) -> None:
    """Takes away every curve of the properties ``paths``."""
    for curve in [curve for curve in bag.fcurves if curve.data_path in paths]:
        bag.fcurves.remove(curve)
