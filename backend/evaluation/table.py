"""Tables of figures: a mean over clips with its standard error, as text and as JSON values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Figure:
    """mean over ``count`` clips, error: the standard error of that mean; clips without a value (nan) are left out."""

    mean: float
    error: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.error:.3f}" if self.count else "-"


@dataclass(frozen=True)
class Table:
    """rows: what was tried, each with the columns' figures by name; a missing figure prints as a dash. note: how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Figure]]
    note: str = ""

    def text(self) -> str:
        width = max(len(name) for name in (*self.rows, self.title))
        columns = [max(len(name), 15) for name in self.columns]
        head = "  ".join([self.title.ljust(width), *(name.rjust(size) for name, size in zip(self.columns, columns, strict=True))])
        lines = [
            "  ".join(
                [name.ljust(width), *(str(row.get(column, "-")).rjust(size) for column, size in zip(self.columns, columns, strict=True))]
            )
            for name, row in self.rows.items()
        ]
        return "\n".join([head, "-" * len(head), *lines, *([self.note] if self.note else [])])

    def values(self) -> dict[str, object]:
        """As JSON holds it; what cannot be said is null."""
        rows = {
            name: {column: {"mean": _number(one.mean), "error": _number(one.error), "count": one.count} for column, one in row.items()}
            for name, row in self.rows.items()
        }
        return {"title": self.title, "note": self.note, "rows": rows}


def figure_of(values: Sequence[float]) -> Figure:
    """The mean of what is a number."""
    numbers = np.array([value for value in values if np.isfinite(value)], np.float64)
    if not len(numbers):
        return Figure(float("nan"), float("nan"), 0)
    error = float(numbers.std(ddof=1) / np.sqrt(len(numbers))) if len(numbers) > 1 else float("nan")
    return Figure(float(numbers.mean()), error, len(numbers))


def _number(value: float) -> float | None:
    return round(value, 5) if np.isfinite(value) else None
