"""Which clips are damaged how, and by whom they are mended: the loops of the protocol."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.evaluation.prior.metrics import score
from backend.evaluation.prior.results import Result, Results
from backend.evaluation.prior.rivals import Method
from backend.evaluation.prior.rivals_training import cut
from backend.prior.state.take import Damaged, Kind, Take
from backend.progress import Progress
from backend.training.prior.corruption import ROWS, corrupted, fixed_rng

SHORTEST = 39  # frames: the protocol says 40, and names the spin kick, which has 39
CLEAN_TARGET = "clean target"
SLOW_ROWS = ("mix 5",)


@dataclass(frozen=True, eq=False)
class Case:
    """One clean take and its column of the protocol: a, b, animals, objects."""

    column: str
    take: Take


@dataclass(frozen=True)
class Effort:
    """seeds: of the noise. clips: of a group at most, 0 for all. frames: of a clip at most, its middle ones, 0 for the whole clip.

    slow_rows: those on which slow methods are asked too.
    """

    seeds: int = 1
    clips: int = 1
    frames: int = 0
    slow_rows: tuple[str, ...] = SLOW_ROWS


def chosen(cases: Sequence[Case], effort: Effort) -> list[Case]:
    """At most ``clips`` of each group, none too short, cut as wanted."""
    taken: dict[tuple[str, str], int] = {}
    result = []
    for case in cases:
        key = (case.column, case.take.group)
        if case.take.n_frames < SHORTEST or (effort.clips and taken.get(key, 0) >= effort.clips):
            continue
        taken[key] = taken.get(key, 0) + 1
        result.append(Case(case.column, cut(case.take, effort.frames) if effort.frames else case.take))
    return result


def damaged_by(take: Take, row: str, seed: int) -> Damaged:
    """The take as that row of the protocol leaves it; the same on every machine."""
    return corrupted(take, fixed_rng(take.name, row, seed), ROWS[row])


def measured(
    cases: Sequence[Case], rows: Sequence[str], methods: Sequence[Method], effort: Effort, results: Results, progress: Progress
) -> None:
    """Every method's answers to every case on every row go into ``results``; the clean target stands in each row like a method."""
    total = len(rows) * len(cases) * effort.seeds
    for number, (row, case, seed) in enumerate(_each(cases, rows, effort)):
        progress(number / max(total, 1), f"{row}: {case.take.name}")
        damaged = damaged_by(case.take, row, seed)
        for method in methods:
            if asked(method, case.take.kind, row, effort):
                results.add(_result(case, row, method.name, seed, method.answer(damaged, row)))
        results.add(_result(case, row, CLEAN_TARGET, seed, case.take))


def asked(method: Method, kind: Kind, row: str, effort: Effort) -> bool:
    """Whether a method has something to say to this row, and the time."""
    able = kind in method.kinds and (method.rows is None or row in method.rows)
    return able and (not method.slow or row in effort.slow_rows)


def _each(cases: Sequence[Case], rows: Sequence[str], effort: Effort) -> Iterator[tuple[str, Case, int]]:
    return ((row, case, seed) for row in rows for case in cases for seed in range(effort.seeds if row != "clean" else 1))


def _result(case: Case, row: str, method: str, seed: int, answer: Take) -> Result:
    return Result(case.column, row, method, case.take.group, case.take.name, seed, score(answer, case.take))
