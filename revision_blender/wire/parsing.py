"""Reads the fields of the server's messages into the dataclasses of ``events``; raises WireError for what does not fit."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import WireError
from .events import EngineAbility, JobSummary
from .framing import Message

Row = TypeVar("Row", EngineAbility, JobSummary)
MAX_PREVIEW_BYTES = 1 << 20


def text_in(message: Message, name: str) -> str:
    value = message.fields.get(name)
    if not isinstance(value, str):
        raise WireError(f"A {message.type} message lacks the text {name!r}.")
    return value


def number_in(message: Message, name: str) -> float:
    value = message.fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WireError(f"A {message.type} message lacks the number {name!r}.")
    return value


def frames_in(message: Message, name: str) -> NDArray[np.uint8]:
    """A preview's frames, ``(F, h, w, 3)``."""
    frames = message.arrays.get(name)
    fits = frames is not None and frames.dtype == np.uint8 and frames.ndim == 4 and frames.shape[3] == 3
    if frames is None or not fits or not 0 < frames.size <= MAX_PREVIEW_BYTES:
        raise WireError(f"A {message.type} message lacks the frames {name!r}.")
    return frames


def engines_in(message: Message) -> tuple[EngineAbility, ...]:
    return _rows(message, "engines", EngineAbility)


def jobs_in(message: Message) -> tuple[JobSummary, ...]:
    return _rows(message, "jobs", JobSummary)


def _rows(message: Message, name: str, kind: type[Row]) -> tuple[Row, ...]:
    rows = message.fields.get(name)
    if not isinstance(rows, list):
        raise WireError(f"A {message.type} message lacks the list {name!r}.")
    return tuple(row_from(row, kind) for row in rows)


def row_from(row: object, kind: type[Row]) -> Row:
    """The dataclass in a JSON object that has exactly its fields."""
    wanted = {item.name: item.type for item in fields(kind)}
    if not isinstance(row, Mapping) or set(row) != set(wanted):
        raise WireError(f"An entry is no {kind.__name__}.")
    return kind(**{name: _value(name, row[name], of) for name, of in wanted.items()})


def _value(name: str, value: Any, kind: Any) -> Any:
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if type(value) is not kind:
        raise WireError(f"{name} is {str(value)[:40]!r}; a {kind.__name__} is needed.")
    return value
