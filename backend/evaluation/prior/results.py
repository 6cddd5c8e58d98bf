"""All answers' scores, and their means: over a group's clips and seeds first, then over groups, so that no group counts by its size."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from backend.evaluation.prior.metrics import Score
from backend.evaluation.table import Figure, Table, figure_of

MEASURES: dict[str, str] = {
    "mpjpe": "MPJPE, pelvis on pelvis, mm",
    "world": "MPJPE, unaligned, mm",
    "pa": "PA-MPJPE, mm",
    "path": "root path error, mm",
    "acceleration": "acceleration error, m/s²",
    "jitter": "jitter, 10 m/s³",
    "speed": "99th percentile of hand and foot speed, over the clean one's",
    "sliding": "foot sliding in contact, mm a frame",
    "penetration": "penetration, mm",
    "floating": "floating, mm",
    "ground": "ground distance in contact, mm",
    "contact": "contact F1",
}


@dataclass(frozen=True)
class Result:
    """One method's answer to one damaged clip. column: a (known activity), b (unseen), animals, objects."""

    column: str
    row: str
    method: str
    group: str
    clip: str
    seed: int
    score: Score


class Results:
    """Grows while the table is computed."""

    def __init__(self) -> None:
        self.all: list[Result] = []
        self._groups: dict[tuple[str, str, str], dict[str, list[Score]]] = {}

    def add(self, result: Result) -> None:
        self.all.append(result)
        self._groups.setdefault((result.column, result.row, result.method), {}).setdefault(result.group, []).append(result.score)

    def figure(self, column: str, row: str, method: str, measure: str) -> Figure:
        """Mean over groups with its standard error; count 0 where nothing was computed."""
        groups = self._groups.get((column, row, method), {})
        return figure_of([_mean(getattr(score, measure) for score in scores) for scores in groups.values()])

    def mean(self, column: str, row: str, method: str, measure: str) -> float:
        return self.figure(column, row, method, measure).mean

    def best(self, column: str, row: str, methods: Sequence[str], measure: str) -> tuple[str, float]:
        """The method with the least mean; NaN where none was computed."""
        means = {method: self.mean(column, row, method, measure) for method in methods}
        known = {method: value for method, value in means.items() if np.isfinite(value)}
        if not known:
            return "", float("nan")
        name = min(known, key=lambda method: known[method])
        return name, known[name]

    def rows(self, column: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(result.row for result in self.all if result.column == column))

    def methods(self, column: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(result.method for result in self.all if result.column == column))

    def table(self, column: str, measure: str, title: str) -> Table:
        methods = self.methods(column)
        rows = {row: {name: self.figure(column, row, name, measure) for name in methods} for row in self.rows(column)}
        return Table(f"{title}: {MEASURES[measure]}", methods, rows)

    def values(self) -> list[dict[str, object]]:
        """Every single score, as JSON holds it; NaN as null."""
        return [{**asdict(result), "score": {name: _number(value) for name, value in asdict(result.score).items()}} for result in self.all]


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _number(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
