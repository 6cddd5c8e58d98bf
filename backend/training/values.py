"""Configurations from JSON or TOML files into frozen dataclasses; what a file does not name has the dataclass's default."""

import json
import tomllib
import types
import typing
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from backend.errors import InputError


def read_values(path: Path) -> object:
    """What a ``.json`` or ``.toml`` file says. Raises InputError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as a configuration ({error}); write JSON, or TOML in a file that ends in .toml."
        ) from error


def dataclass_of(kind: type, values: object, where: str = "", needed: Sequence[str] = ()) -> Any:
    """A ``kind`` of nested tables. where: the table's name and a dot, "" for the top. needed: names without a default.

    Raises InputError for a name that means nothing, one that is needed and lacks, and a value of another type.
    """
    if not isinstance(values, dict):
        raise InputError(f"the configuration's {where.rstrip('.') or 'top'} is {values!r}; a table of names and values is needed.")
    hints = typing.get_type_hints(kind)
    known = [entry.name for entry in fields(kind)]
    for name in values:
        if name not in known:
            raise InputError(f"the configuration names {where}{name}, which means nothing; known there: {', '.join(known)}.")
    for name in needed:
        if name not in values:
            raise InputError(f"the configuration lacks {name}; {', '.join(needed[:-1])} and {needed[-1]} have to be named.")
    return kind(**{name: _value(hints[name], value, f"{where}{name}") for name, value in values.items()})


def _value(kind: Any, value: object, where: str) -> Any:
    if is_dataclass(kind):
        return dataclass_of(typing.cast(type, kind), value, f"{where}.")
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise InputError(f"the configuration's {where} is {value!r}; choose one of {', '.join(map(str, get_args(kind)))}.")
        return value
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"the configuration's {where} is {value!r}; a list is needed.")
        return tuple(_value(get_args(kind)[0], entry, f"{where}[{place}]") for place, entry in enumerate(value))
    if get_origin(kind) in (Union, types.UnionType):
        raise TypeError(f"{where} is of a union type, which configurations do not have")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"the configuration's {where} is {value!r}; a value of type {kind.__name__} is needed.")
    return value
