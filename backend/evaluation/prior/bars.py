"""The bars: what the prior must show, each with the number reached and whether it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.evaluation.prior.results import Results


@dataclass(frozen=True)
class Bar:
    """value must be at most ``limit`` (at least, where ``above``)."""

    name: str
    value: float
    limit: float
    above: bool = False
    note: str = ""

    @property
    def holds(self) -> bool:
        return bool(np.isfinite(self.value)) and (self.value >= self.limit if self.above else self.value <= self.limit)

    def __str__(self) -> str:
        sign = "≥" if self.above else "≤"
        word = "pass" if self.holds else "MISS"
        return f"{word}  {self.name}: {self.value:.3g} ({sign} {self.limit:.3g})" + (f"; {self.note}" if self.note else "")


# of column a: row, share of the best filter's error that may be left
AGAINST_FILTERS = {
    "mix 5": 0.7, "ar 5": 0.7, "mix 3": 0.8, "white 3": 1.0, "white 5": 1.0, "white 7": 1.0,
    "legs missing + 3": 0.6, "legs missing + 5": 0.6, "legs missing + 7": 0.6, "limb held": 0.6, "swap": 0.6,
}  # fmt: skip
AGAINST_IDENTITY = {"shuffle 16": 0.7, "drop 8": 0.7, "drop 15": 0.7}
UNALIGNED = {"depth drift": 0.5, "float": 0.5}
SLIDING, GROUND, SPEED = 1.0, 5.0, 0.05
SHAKING = 1.0  # m/s²


def human_bars(results: Results, filters: Sequence[str], method: str) -> list[Bar]:
    """The table's own: accuracy in column a, nowhere worse in b, physics in a."""
    bars = [_share(results, "a", row, filters, method, "mpjpe", limit) for row, limit in AGAINST_FILTERS.items()]
    bars.append(_share(results, "a", "decimate 2", [*filters, "cubic"], method, "mpjpe", 1.0))
    bars += [_share(results, "a", row, ["identity"], method, "mpjpe", limit) for row, limit in AGAINST_IDENTITY.items()]
    bars += [_share(results, "a", row, filters, method, "world", limit) for row, limit in UNALIGNED.items()]
    bars += [
        _share(results, "b", row, filters, method, "world" if row in UNALIGNED else "mpjpe", 1.0)
        for row in results.rows("b")
        if row != "clean"
    ]
    bars.append(Bar("clean motion in, MPJPE in mm", results.mean("a", "clean", method, "mpjpe"), 5.0))
    bars += _physical(results, filters, method)
    return [bar for bar in bars if np.isfinite(bar.value)]


def _physical(results: Results, filters: Sequence[str], method: str) -> list[Bar]:
    """A bar a measure and row; ``clean target`` is judged like a method, and stands the same in every row."""
    bars = []
    for row in results.rows("a"):
        for measure, slack in (("sliding", SLIDING), ("penetration", GROUND), ("ground", GROUND)):
            bars.append(
                Bar(
                    f"a, {row}: {measure}, mm",
                    results.mean("a", row, method, measure),
                    results.mean("a", row, "clean target", measure) + slack,
                )
            )
        speed = results.mean("a", row, method, "speed")
        bars.append(Bar(f"a, {row}: peak speed off by", abs(speed - 1.0), SPEED, note=f"ratio {speed:.3f}"))
        name, least = results.best("a", row, filters, "acceleration")
        if least > SHAKING:  # where a filter had better do nothing, the target's own acceleration is no rival
            bars.append(Bar(f"a, {row}: acceleration error", results.mean("a", row, method, "acceleration"), least, note=name))
    return bars


def _share(results: Results, column: str, row: str, rivals: Sequence[str], method: str, measure: str, limit: float) -> Bar:
    name, least = results.best(column, row, rivals, measure)
    value = results.mean(column, row, method, measure)
    return Bar(
        f"{column}, {row}: share of {name or 'its rivals'}'s {measure}",
        value / least if least > 0.0 else float("nan"),
        limit,
        note=f"{value:.1f} against {least:.1f}",
    )
