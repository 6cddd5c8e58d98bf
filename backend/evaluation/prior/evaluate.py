"""``python -m backend evaluate prior``: every table and every bar of the motion prior."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from backend.bodies.installed import shelf
from backend.errors import InputError
from backend.evaluation.prior import conditioning, kinds, rates
from backend.evaluation.prior.bars import Bar, human_bars
from backend.evaluation.prior.protocol import Case, Effort, chosen, measured
from backend.evaluation.prior.refiner import refined
from backend.evaluation.prior.results import MEASURES, Results
from backend.evaluation.prior.rivals import FILTER_NAMES, Method, load_rivals
from backend.evaluation.table import Table
from backend.prior.answers import GUIDANCE, Asked
from backend.prior.network.weights import TrainedPrior, load_prior
from backend.prior.state.take import Take
from backend.progress import Progress
from backend.training.prior.corruption import ROWS
from backend.training.prior.held_out import held_out_takes
from backend.training.prior.motions import read_folder
from backend.training.prior.split import column_of
from revision_blender.motion.whole_file import whole_file

PARTS = ("people", "told", "kinds", "rates", "lifts")
PRIOR, POLISHED = "PPPM", "PPPM + polish"
TITLES = {
    "a": "known activities (a)",
    "b": "unseen activities (b)",
    "own": "own motions",
    "a at 12": "known activities (a) at 12 frames a second",
    "b at 12": "unseen activities (b) at 12 frames a second",
    "animals": "animals",
    "objects": "objects",
}
SHOWN = tuple(MEASURES)
KIND_CLIPS = 3


@dataclass(frozen=True)
class Plan:
    """What is measured, and how thoroughly; empty ``rows`` and ``methods`` mean all. measures: whose tables are printed; all are computed.

    videos: folder of those that part ``lifts`` lifts motions from.
    """

    network: Path
    rivals: Path
    motions: tuple[Path, ...] = ()
    parts: tuple[str, ...] = PARTS[:-1]
    rows: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    measures: tuple[str, ...] = SHOWN
    effort: Effort = field(default_factory=Effort)
    guidance: float = GUIDANCE
    videos: Path | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """tables and bars in the order in which they were said, those of ``told`` too; results: every score; facts: settings and seconds."""

    tables: tuple[Table, ...]
    told: tuple[Table, ...]
    bars: tuple[Bar, ...]
    results: Results
    facts: dict[str, object]

    def save(self, file: Path) -> None:
        """As JSON, whole or not at all."""
        bars = [asdict(bar) | {"holds": bar.holds} for bar in self.bars]
        values = {**self.facts, "bars": bars, "tables": [table.values() for table in self.tables], "scores": self.results.values()}
        with whole_file(file) as stream:
            stream.write((json.dumps(values, indent=1) + "\n").encode())


def evaluate(plan: Plan, progress: Progress, say: Callable[[str], None]) -> Report:
    """Computes part after part and says each table as soon as it stands, the bars last.

    Raises InputError for names that there are not, EngineError where weights are missing; Cancelled.
    """
    _check(plan)
    prior = load_prior(plan.network)
    methods = _methods(plan, prior)
    results, seconds = Results(), {}
    tables: list[Table] = []
    told: list[Table] = []
    bars: list[Bar] = []
    cases = chosen(_cases(plan.motions), plan.effort)
    for number, part in enumerate(plan.parts):
        began = time.perf_counter()
        share = progress.part(number / len(plan.parts), (number + 1) / len(plan.parts))
        made, judged = _part(part, plan, prior, methods, cases, results, share)
        for table in made:
            say(table.text() + "\n")
        tables += made
        told += made if part in ("told", "lifts") else []
        bars += judged
        seconds[part] = round(time.perf_counter() - began, 1)
    say("\n".join(map(str, bars)) + f"\n{sum(bar.holds for bar in bars)} of {len(bars)} bars hold\n")
    facts = {"network": str(plan.network), "training": dict(prior.facts), "effort": asdict(plan.effort), "guidance": plan.guidance}
    return Report(tuple(tables), tuple(told), tuple(bars), results, facts | {"seconds": seconds, "threads": torch.get_num_threads()})


def _part(
    part: str, plan: Plan, prior: TrainedPrior, methods: Sequence[Method], cases: Sequence[Case], results: Results, progress: Progress
) -> tuple[list[Table], list[Bar]]:
    names = [method.name for method in methods]
    judged = [name for name in (PRIOR, POLISHED) if name in names]
    if part == "people":
        rows = plan.rows or tuple(ROWS)
        measured(cases, rows, methods, plan.effort, results, progress)
        columns = tuple(dict.fromkeys(case.column for case in cases))
        return _tables(results, columns, plan.measures), [
            bar for name in judged for bar in _named(name, human_bars(results, FILTER_NAMES, name))
        ]
    if part == "kinds":
        made = kinds.animals(KIND_CLIPS), kinds.objects(KIND_CLIPS)
        for found, rows, share in zip(
            made, (kinds.ANIMAL_ROWS, kinds.OBJECT_ROWS), (progress.part(0, 0.5), progress.part(0.5, 1)), strict=True
        ):
            measured(found, rows, methods, plan.effort, results, share)
        tables = _tables(results, ("animals", "objects"), ("mpjpe", "world", "acceleration"))
        return tables, [bar for name in judged for bar in _named(name, kinds.kind_bars(results, FILTER_NAMES, name))]
    if part == "rates":
        rates.rates(prior, cases, (PRIOR, POLISHED), results, progress)
        columns = tuple(column for column in (f"a at {rates.FPS:g}", f"b at {rates.FPS:g}") if results.rows(column))
        slow = [bar for name in (PRIOR, POLISHED) for bar in _named(name, rates.rate_bars(results, name))]
        return _tables(results, columns, ("mpjpe", "world")), slow
    if part == "lifts":
        from backend.evaluation.prior.real_lifts import WINDOWS, real_lifts  # brings the detector along

        assert plan.videos is not None
        table, lifted = real_lifts(prior, plan.videos, WINDOWS, progress)
        return [table], lifted
    known = [case for case in cases if case.column != "b"]
    told = [
        conditioning.anchors(prior, known, progress.part(0, 0.3)),
        conditioning.strength(prior, known, plan.guidance, progress.part(0.3, 0.7)),
        conditioning.words(prior, known, progress.part(0.7, 1)),
    ]
    return [one.table for one in told], [bar for one in told for bar in one.bars]


def _tables(results: Results, columns: Sequence[str], measures: Sequence[str]) -> list[Table]:
    return [results.table(column, measure, TITLES[column]) for column in columns for measure in measures]


def _named(name: str, bars: Sequence[Bar]) -> list[Bar]:
    return [Bar(f"{name}; {bar.name}", bar.value, bar.limit, bar.above, bar.note) for bar in bars]


def _methods(plan: Plan, prior: TrainedPrior) -> list[Method]:
    own = (
        Method(PRIOR, lambda damaged, _row: refined(prior, damaged)),
        Method(POLISHED, lambda damaged, _row: refined(prior, damaged, Asked(polish=True)), kinds=("human", "animal")),
    )
    known = [*load_rivals(plan.rivals).methods(), *own]
    missing = sorted(set(plan.methods) - {method.name for method in known})
    if missing:
        raise InputError(f"There is no method {missing[0]!r}; choose among {', '.join(method.name for method in known)}.")
    return [method for method in known if not plan.methods or method.name in plan.methods]


def _cases(folders: Sequence[Path]) -> list[Case]:
    """The bundled held-out takes, or those in folders: by the protocol's columns where it knows any of them, else all as one column."""
    if not folders:
        return [Case(column, take) for column, takes in zip("ab", held_out_takes(), strict=True) for take in takes]
    takes: list[Take] = [take for take in read_folder(folders, shelf()) if take.kind == "human"]
    known = [Case(column_of(take.group), take) for take in takes if column_of(take.group) != "train"]
    return known or [Case("own", take) for take in takes]


def _check(plan: Plan) -> None:
    for what, given, known in (("part", plan.parts, PARTS), ("row", plan.rows, tuple(ROWS)), ("measure", plan.measures, SHOWN)):
        for name in given:
            if name not in known:
                raise InputError(f"There is no {what} {name!r}; choose among {', '.join(known)}.")
    if "lifts" in plan.parts and plan.videos is None:
        raise InputError("Part lifts needs the folder of the videos; name it with --videos.")
    if plan.effort.seeds < 1 or min(plan.effort.clips, plan.effort.frames) < 0:
        raise InputError("Seeds must be at least 1, clips and frames at least 0 (all of them).")
