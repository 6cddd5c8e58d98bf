"""Requests and results as JSON fields plus named arrays, and back, checked field by field.

Driven by the dataclasses of ``requests.py``: a field's annotation says how it travels. What comes from the wire or from a
file is trusted in nothing; whatever does not fit ends in a WireError that names the field.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import Clip, Pins
from ..motion.clip_file import clip_from_arrays, clip_to_arrays
from ..motion.errors import ClipError
from ..motion.subjects import Prompt, prompt_values, prompts_from_values
from .errors import WireError
from .requests import REQUEST_OF_KIND, RESULT_OF_KIND, Request, Result

Arrays = dict[str, NDArray[Any]]
Values = dict[str, Any]

# The axes of every array field; None is any extent.
SHAPES: dict[str, tuple[int | None, ...]] = {
    "picture": (None, None, 3),
    "file": (None,),
    "frames": (None, None, None, 3),
    "labels": (None, None, None),
    "confidence": (None, None, None),
    "people": (None, None, None),
    "landmarks": (None, 33, 3),
    "changes": (2, 3, None),
    "visible": (None, None, None),
    "shots": (None,),
}
MAX_TEXT = 100_000
MAX_PINS = 256
MAX_WORDS = 64
Body = TypeVar("Body")


@dataclass(frozen=True, eq=False)
class Content:
    """A request or a result as it travels or lies in a file. values: JSON by field. arrays: by name, in order."""

    kind: str
    values: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


def content_from(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Content:
    """The content described by a header's ``kind`` and ``values``; raises WireError."""
    kind, values = header.get("kind"), header.get("values")
    if not isinstance(kind, str) or not isinstance(values, dict):
        raise WireError("A message without the kind and the values of a request arrived.")
    return Content(kind, values, arrays)


def content_of_request(request: Request) -> Content:
    """Raises WireError for a request that the other side would refuse."""
    return _content_of(request, request.kind)


def content_of_result(kind: str, result: Result) -> Content:
    """kind: of the request that the result answers."""
    if not isinstance(result, _known(RESULT_OF_KIND, kind)):
        raise WireError(f"A {kind!r} job ended with a {type(result).__name__}; {RESULT_OF_KIND[kind].__name__} is its result.")
    return _content_of(result, kind)


def request_from(content: Content) -> Request:
    """The request in what arrived; raises WireError."""
    return _from_content(_known(REQUEST_OF_KIND, content.kind), content)


def result_from(content: Content) -> Result:
    """The result in what arrived; raises WireError."""
    return _from_content(_known(RESULT_OF_KIND, content.kind), content)


def _known(table: Mapping[str, type[Body]], kind: object) -> type[Body]:
    if not isinstance(kind, str) or kind not in table:
        raise WireError(f"There is no job of the kind {str(kind)[:40]!r}; known are {', '.join(sorted(table))}.")
    return table[kind]


@cache
def _hints(body: type) -> dict[str, Any]:
    hints = get_type_hints(body)
    return {item.name: _plain(hints[item.name]) for item in fields(body)}


def _plain(hint: Any) -> Any:
    """``NDArray[...]`` as the ndarray type it stands for: from numpy 2.5 on it is a ``type`` alias, which hides its origin."""
    alias = getattr(get_origin(hint), "__value__", None)
    return hint if alias is None else alias[get_args(hint)]


def _content_of(body: Any, kind: str) -> Content:
    values: Values = {}
    arrays: Arrays = {}
    for name, hint in _hints(type(body)).items():
        _put(name, hint, getattr(body, name), values, arrays)
    return Content(kind, values, arrays)


def _put(name: str, hint: Any, value: Any, values: Values, arrays: Arrays) -> None:
    """Writes one field; the same checks as for reading, so that a mistake is found where it was made."""
    if get_origin(hint) is np.ndarray:
        arrays[name] = _array(name, hint, value)
    elif hint is Clip or get_origin(hint) is UnionType:
        if value is not None:
            _put_clip(name, value, values, arrays)
    elif get_args(hint)[:1] == (Pins,):
        values[name] = [pins.track_id for pins in value]
        for index, pins in enumerate(value):
            arrays[f"{name}/{index}/joints"], arrays[f"{name}/{index}/translation"] = pins.joints, pins.translation
            if pins.places is not None:
                arrays[f"{name}/{index}/places"] = pins.places
            _pins(name, index, pins.track_id, arrays)
    elif get_args(hint)[:1] == (Prompt,):
        values[name] = [prompt_values(prompt) for prompt in value]
        _prompts(name, values[name])
    elif get_args(hint) == (str, ...):
        values[name] = list(_words(name, list(value)))
    elif get_origin(hint) is dict:
        # JSON has no NaN; a figure that could not be measured travels as null.
        values[name] = {str(key): float(figure) if math.isfinite(figure) else None for key, figure in value.items()}
    else:
        values[name] = _scalar(name, hint, value.item() if isinstance(value, (np.floating, np.integer, np.bool_)) else value)


def _put_clip(name: str, clip: Clip, values: Values, arrays: Arrays) -> None:
    try:
        values[name], parts = clip_to_arrays(clip)
    except ClipError as error:
        raise WireError(f"{name}: {error}") from error
    arrays.update({f"{name}/{index}": part for index, part in enumerate(parts)})


def _from_content(body: type[Body], content: Content) -> Body:
    hints = _hints(body)
    required = {item.name for item in fields(body) if item.default is MISSING and item.default_factory is MISSING}  # type: ignore[arg-type]
    found = set(content.values) | {name.partition("/")[0] for name in content.arrays}
    if found - set(hints) or required - found:
        odd = sorted(map(str, (found - set(hints)) | (required - found)))
        raise WireError(f"A {content.kind!r} message lacks or does not know these fields: {', '.join(odd)[:200]}.")
    arguments = {name: _take(name, hint, content) for name, hint in hints.items() if name in found}
    return body(**arguments)


def _take(name: str, hint: Any, content: Content) -> Any:
    value = content.values.get(name)
    if get_origin(hint) is np.ndarray:
        return _array(name, hint, content.arrays.get(name))
    if hint is Clip or get_origin(hint) is UnionType:
        return _clip(name, value, content.arrays)
    if get_origin(hint) is tuple:
        return _several(name, get_args(hint)[0], value, content)
    if get_origin(hint) is dict:
        return _figures(name, value)
    return _scalar(name, hint, value)


def _several(name: str, member: type, value: Any, content: Content) -> tuple[Any, ...]:
    if member is Prompt:
        return _prompts(name, value)
    if member is str:
        return _words(name, value)
    if not isinstance(value, list) or len(value) > MAX_PINS:
        raise WireError(f"{name} must be a list of at most {MAX_PINS} track names.")
    return tuple(_pins(name, index, track_id, content.arrays) for index, track_id in enumerate(value))


def _array(name: str, hint: Any, value: Any) -> NDArray[Any]:
    dtype = np.dtype(get_args(get_args(hint)[1])[0])
    return _checked(name, value, dtype, SHAPES[name])


def _checked(name: str, value: Any, dtype: np.dtype[Any], shape: tuple[int | None, ...]) -> NDArray[Any]:
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.ndim != len(shape):
        found = f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise WireError(f"{name} is {found}; an array of {dtype} with {len(shape)} axes is needed.")
    if any(wanted is not None and wanted != extent for wanted, extent in zip(shape, value.shape, strict=True)):
        raise WireError(f"{name} has shape {value.shape}; {tuple('any' if extent is None else extent for extent in shape)} is needed.")
    return value


def _scalar(name: str, hint: Any, value: Any) -> Any:
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if hint is int and type(value) is int and abs(value) < 1 << 63:
        return value
    if hint is str and isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    if hint is bool and isinstance(value, bool):
        return value
    raise WireError(
        f"{name} is {str(value)[:40]!r}; {'a finite number' if hint is float else f'a value of type {hint.__name__}'} is needed."
    )


def _prompts(name: str, values: Any) -> tuple[Prompt, ...]:
    try:
        return prompts_from_values(values)
    except ClipError as error:
        raise WireError(f"{name}: {error}") from error


def _words(name: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) > MAX_WORDS:
        raise WireError(f"{name} must be a list of at most {MAX_WORDS} words.")
    return tuple(_scalar(name, str, value) for value in values)


def _figures(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise WireError(f"{name} must be figures by name.")
    return {key: math.nan if figure is None else _scalar(f"{name}.{key[:40]}", float, figure) for key, figure in value.items()}


def _clip(name: str, facts: Any, arrays: Mapping[str, NDArray[Any]]) -> Clip:
    parts = [array for key, array in arrays.items() if key.startswith(f"{name}/")]
    try:
        return clip_from_arrays(facts, parts)
    except ClipError as error:
        raise WireError(f"{name}: {error}") from error


def _pins(name: str, index: int, track_id: Any, arrays: Mapping[str, NDArray[Any]]) -> Pins:
    key = f"{name}/{index}"
    joints = _checked(f"{key}/joints", arrays.get(f"{key}/joints"), np.dtype(np.bool_), (None, None))
    translation = _checked(f"{key}/translation", arrays.get(f"{key}/translation"), np.dtype(np.bool_), (len(joints),))
    places = arrays.get(f"{key}/places")
    if places is not None:
        _checked(f"{key}/places", places, np.dtype(np.float64), (*joints.shape, 3))
    return Pins(_scalar(name, str, track_id), joints, translation, places)
