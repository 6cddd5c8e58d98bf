"""A clip as JSON-able facts and a list of arrays, the form in which it is saved and sent.

The facts hold everything that is small; the arrays follow in a fixed order (camera, ground, then each track's), so that
neither side needs names. ``clip_from_arrays`` trusts nothing: facts and arrays may come from a file or from the wire.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .clip import N_OBJECT_POINTS, BodyTrack, Clip, GroundPlane, ObjectTrack, Track
from .errors import ClipError

AnyArray = NDArray[Any]
Facts = dict[str, Any]  # JSON: parsed here into dataclasses and never passed on

SCHEMA_VERSION = 2  # 2: a body may have an expression
_READABLE = (1, 2)
MAX_FRAMES = 1_000_000
MAX_TRACKS = 256
MAX_JOINTS = 256
MAX_BETAS = 1024
_MAX_SIDE = 1_000_000
_MAX_WORDS = 256

_CLIP_ARRAYS = ("camera.center", "camera.T_world_camera", "ground.normal", "ground.point")
_BODY_ARRAYS = ("betas", "rotations", "translation", "confidence")
_OBJECT_ARRAYS = ("size", "points", "confidence")


def clip_to_arrays(clip: Clip) -> tuple[Facts, list[AnyArray]]:
    """Facts for JSON and the arrays, in order; raises ``ClipError`` for what ``clip_from_arrays`` would refuse."""
    camera, ground = clip.camera, clip.ground
    arrays = [camera.center, camera.T_world_camera, ground.normal, ground.point]
    tracks: list[Facts] = []
    for track in clip.tracks:
        if isinstance(track, BodyTrack):
            row: Facts = {"type": "body", "track_id": track.track_id, "family": track.family, "model": track.model}
            arrays += [track.betas, track.rotations, track.translation, track.confidence]
            if track.expression is not None:
                row["expression"] = True
                arrays.append(track.expression)
            tracks.append(row)
        else:
            tracks.append({"type": "object", "track_id": track.track_id, "label": track.label})
            arrays += [track.size, track.points, track.confidence]
    facts: Facts = {
        "schema": SCHEMA_VERSION,
        "fps": float(clip.fps),
        "width": int(camera.width),
        "height": int(camera.height),
        "focal": float(camera.focal),
        "tracks": tracks,
    }
    plain = [np.ascontiguousarray(array) for array in arrays]
    clip_from_arrays(facts, plain)
    return facts, plain


def array_names(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The name of each array in its order, for a file that people may open."""
    names = list(_CLIP_ARRAYS)
    for index, row in enumerate(_track_rows(facts)):
        names += [f"track{index}.{name}" for name in _array_names_of(row)]
    return tuple(names)


def _array_names_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row.get("type") != "body":
        return _OBJECT_ARRAYS
    return (*_BODY_ARRAYS, "expression") if row.get("expression") is True else _BODY_ARRAYS


def clip_from_arrays(facts: Mapping[str, Any], arrays: Sequence[AnyArray]) -> Clip:
    """The clip; raises ``ClipError`` with a sentence for facts or arrays that are not those of a clip."""
    if not isinstance(facts, Mapping) or facts.get("schema") not in _READABLE:
        version = facts.get("schema") if isinstance(facts, Mapping) else facts
        raise ClipError(
            f"the clip has schema version {version!r}; this release reads versions up to {SCHEMA_VERSION}, so update or export it again"
        )
    rows = _track_rows(facts)
    if len(arrays) != len(array_names(facts)):
        raise ClipError(f"the clip comes with {len(arrays)} arrays; its {len(rows)} tracks need {len(array_names(facts))}")
    stack = list(reversed(arrays))
    camera = _camera(facts, stack)
    ground = GroundPlane(_numbers(stack.pop(), "ground normal", 3), _numbers(stack.pop(), "ground point", 3))
    tracks = tuple(_track(row, stack, camera.n_frames) for row in rows)
    return Clip(_positive(facts, "fps"), camera, ground, tracks)


def _track_rows(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = facts.get("tracks")
    if not isinstance(rows, list) or len(rows) > MAX_TRACKS or not all(isinstance(row, Mapping) for row in rows):
        raise ClipError(f"the clip's tracks are not a list of at most {MAX_TRACKS} descriptions")
    return rows


def _camera(facts: Mapping[str, Any], stack: list[AnyArray]) -> Camera:
    width, height = facts.get("width"), facts.get("height")
    for side in (width, height):
        if type(side) is not int or not 1 <= side <= _MAX_SIDE:
            raise ClipError(f"the clip's picture is {width!r} x {height!r} pixels; whole numbers from 1 to {_MAX_SIDE} are needed")
    assert isinstance(width, int) and isinstance(height, int)  # for the type checker; the loop above has decided
    center = _numbers(stack.pop(), "principal point", 2)
    poses = _numbers(stack.pop(), "camera poses", None, 4, 4)
    if not 1 <= len(poses) <= MAX_FRAMES:
        raise ClipError(f"the clip has {len(poses)} frames; from 1 to {MAX_FRAMES} can be read")
    return Camera(width, height, _positive(facts, "focal"), center, poses)


def _track(row: Mapping[str, Any], stack: list[AnyArray], frames: int) -> Track:
    track_id = _words(row, "track_id")
    if row.get("type") == "body":
        betas = _numbers(stack.pop(), "betas", None)
        rotations = _numbers(stack.pop(), "rotations", frames, None, 3, 3)
        joints = rotations.shape[1]
        if joints > MAX_JOINTS or len(betas) > MAX_BETAS:
            raise ClipError(f"track {track_id!r} has {joints} joints and {len(betas)} betas; at most {MAX_JOINTS} and {MAX_BETAS} are read")
        translation = _numbers(stack.pop(), "translation", frames, 3)
        confidence = _numbers(stack.pop(), "confidence", frames, joints)
        expression = _expression(row, stack, frames)
        return BodyTrack(track_id, _words(row, "family"), _words(row, "model"), betas, rotations, translation, confidence, expression)
    if row.get("type") == "object":
        size = _numbers(stack.pop(), "object size", 3)
        points = _numbers(stack.pop(), "object points", frames, N_OBJECT_POINTS, 3)
        return ObjectTrack(track_id, _words(row, "label"), size, points, _numbers(stack.pop(), "confidence", frames))
    raise ClipError(f"track {track_id!r} is of type {row.get('type')!r}; 'body' and 'object' are known")


def _expression(row: Mapping[str, Any], stack: list[AnyArray], frames: int) -> AnyArray | None:
    if row.get("expression") is not True:
        return None
    found = _numbers(stack.pop(), "expression", frames, None)
    if found.shape[1] > MAX_BETAS:
        raise ClipError(f"a track has {found.shape[1]} expression components; at most {MAX_BETAS} are read")
    return found


def _numbers(array: AnyArray, name: str, *shape: int | None) -> AnyArray:
    """The array if it is of finite float32 or float64 and of this shape; ``None`` stands for any extent."""
    if array.dtype not in (np.float32, np.float64):
        raise ClipError(f"the clip's {name} are of type {array.dtype}; float32 or float64 is needed")
    if array.ndim != len(shape) or any(want is not None and want != have for want, have in zip(shape, array.shape, strict=True)):
        raise ClipError(f"the clip's {name} have shape {array.shape}; {tuple('any' if n is None else n for n in shape)} is needed")
    if not np.isfinite(array).all():
        raise ClipError(f"the clip's {name} hold numbers that are not finite; make the clip again")
    return array


def _positive(facts: Mapping[str, Any], key: str) -> float:
    value = facts.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value <= 1e9 or not math.isfinite(value):
        raise ClipError(f"the clip's {key} is {value!r}; a positive number is needed")
    return float(value)


def _words(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or len(value) > _MAX_WORDS:
        raise ClipError(f"a track's {key} is {str(value)[:40]!r}; a text of at most {_MAX_WORDS} characters is needed")
    return value
