"""JSON of a model's folder, read strictly: a value of another type is an error that names the file and the key."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import MissingModelFileError, ModelFileError

MAX_BYTES = 4_000_000  # configurations measure kilobytes; a shard index of a large model some hundred


@dataclass(frozen=True)
class Fields:
    """The members of a JSON object. Every method raises ModelFileError for a missing key and for a value of another type."""

    file: Path
    values: Mapping[str, object]

    def text(self, key: str, default: str | None = None) -> str:
        value = self._of(key, default)
        return value if isinstance(value, str) else self._refused(key, value, "a text")

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._of(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return self._refused(key, value, f"a whole number from {low} to {high}")

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value = self._of(key, default)
        return self._number(key, value, low, high)

    def pair(self, key: str, low: float, high: float, default: tuple[float, float] | None = None) -> tuple[float, float]:
        value = self._of(key, default)
        if not isinstance(value, list | tuple) or len(value) != 2:
            return self._refused(key, value, "a list of two numbers")
        first, second = (self._number(key, member, low, high) for member in value)
        return first, second

    def _of(self, key: str, default: object) -> object:
        if key in self.values:
            return self.values[key]
        return default if default is not None else self._refused(key, None, "there")

    def _number(self, key: str, value: object, low: float, high: float) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high:
            return float(value)
        return self._refused(key, value, f"a number from {low:g} to {high:g}")

    def _refused(self, key: str, value: object, wanted: str):  # noqa: ANN202 # NoReturn, but callers return it
        what = "is missing" if value is None else f"is {value!r:.60}; it must be {wanted}"
        raise ModelFileError(f"{self.file}: {key!r} {what}. Get the model again.")


def fields_of(file: Path) -> Fields:
    """The object in a JSON file. Raises ModelFileError when the file is missing, too large, no JSON or no object."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ModelFileError(f"{file} measures {file.stat().st_size} bytes, too many for a configuration. Get the model again.")
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingModelFileError(f"{file} is missing. Get the model again.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{file} cannot be read ({error}). Get the model again.") from error
    if not isinstance(values, dict):
        raise ModelFileError(f"{file} holds a {type(values).__name__}, not an object. Get the model again.")
    return Fields(file, values)
