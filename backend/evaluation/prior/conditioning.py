"""Whether the prior does what it is told: first frame and target pose, motion strength, words; on windows of 64 frames."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.prior.bars import Bar
from backend.evaluation.prior.metrics import mean_distance
from backend.evaluation.prior.places import places_of
from backend.evaluation.prior.protocol import Case, damaged_by
from backend.evaluation.prior.refiner import UNPOLISHED, refined
from backend.evaluation.table import Figure, Table, figure_of
from backend.prior.network.strength import mean_angular_speed
from backend.prior.network.weights import TrainedPrior
from backend.prior.state.take import Damaged, Take
from backend.progress import Progress
from backend.training.prior.corruption import Recipe, corrupted, fixed_rng
from backend.training.prior.lost import OnlyEnds, pinned

WINDOW = 64  # frames
STRENGTHS = (0.1, 0.3, 0.5, 0.7, 1.0)
STRENGTH_ROWS = ("white 3", "mix 5")
ANCHOR_ROWS = ("mix 5", "frames missing + 3", "only the ends")
KEPT = 4  # first frames of the test of words
DRAWS = 2000  # of the bootstrap


@dataclass(frozen=True)
class Told:
    """A table and the bars that it is judged by."""

    table: Table
    bars: tuple[Bar, ...]


def windows(cases: Sequence[Case], step: int = WINDOW) -> list[Case]:
    """Pieces of 64 frames, ``step`` apart; a shorter take is left whole."""
    result = []
    for case in cases:
        last = max(case.take.n_frames - WINDOW, 0)
        for start in range(0, last + 1, step):
            part = slice(start, start + WINDOW)
            take = replace(case.take, rotations=case.take.rotations[part], root=case.take.root[part], name=f"{case.take.name} {start}")
            result.append(replace(case, take=take))
    return result


def anchors(prior: TrainedPrior, cases: Sequence[Case], progress: Progress) -> Told:
    """First frame and target pose given exactly, and not: errors of the frames between."""
    chosen = windows(cases)
    rows: dict[str, dict[str, Figure]] = {}
    bars = []
    for number, row in enumerate(ANCHOR_ROWS):
        progress(number / len(ANCHOR_ROWS), f"first frame and target pose: {row}")
        errors = {"without": [], "first frame": [], "both": []}
        for case in chosen:
            given = _given(case.take, row)
            for name, ends in (("without", ()), ("first frame", (0,)), ("both", (0, -1))):
                answer = refined(prior, _with_frames(given, case.take, ends))
                errors[name].append(_between(answer, case.take))
        rows[row] = {
            f"{name}, {what}": figure_of([pair[place] for pair in found])
            for name, found in errors.items()
            for place, what in enumerate(("MPJPE", "world"))
        }
        gain = np.mean([pair[1] for pair in errors["both"]]) / np.mean([pair[1] for pair in errors["without"]])
        bars.append(Bar(f"first frame and target pose, {row}: share of the error without", float(gain), 1.0))
    columns = tuple(next(iter(rows.values())))
    return Told(
        Table("first frame and target pose given, mm", columns, rows, "over the frames between, pelvis on pelvis and as they stand"),
        tuple(bars),
    )


def strength(prior: TrainedPrior, cases: Sequence[Case], guidance: float, progress: Progress) -> Told:
    """How fast joints turn, by the strength told; the bars are on damaged clips."""
    chosen = windows(cases)
    rows: dict[str, dict[str, Figure]] = {}
    bars: list[Bar] = []
    for number, row in enumerate(STRENGTH_ROWS):
        progress(number / len(STRENGTH_ROWS), f"strength: {row}")
        speeds = np.array([_speeds(prior, damaged_by(case.take, row, 0), guidance) for case in chosen])
        rank = np.array([spearman(np.array(STRENGTHS), one[1:]) for one in speeds])
        more = speeds[:, -1] / speeds[:, 1 + STRENGTHS.index(0.3)]
        true = [mean_angular_speed(case.take) for case in chosen]
        values = {"clean": true, "auto": speeds[:, 0]} | {f"{told:g}": speeds[:, 1 + place] for place, told in enumerate(STRENGTHS)}
        rows[row] = {name: figure_of(list(one)) for name, one in values.items()}
        bars.append(Bar(f"strength 1.0 over 0.3, {row}: mean ratio of motion", float(more.mean()), 1.2, above=True))
        bars.append(Bar(f"strength, {row}: share of windows with Spearman ≥ 0.9", float((rank >= 0.9 - 1e-9).mean()), 0.9, above=True))
    columns = ("clean", "auto", *(f"{told:g}" for told in STRENGTHS))
    return Told(Table("motion by strength told, mean joint speed in rad/s", columns, rows), tuple(bars))


def words(prior: TrainedPrior, cases: Sequence[Case], progress: Progress, seed: int = 0) -> Told:
    """Four first frames and the target pose kept, the rest missing; told the right words, another activity's, or none.

    Only clips whose words were learned and that do not walk: a network falls back on walking, the commonest motion, anyway.
    """
    chosen = [case for case in windows(cases, WINDOW // 2) if case.take.n_frames == WINDOW and "walk" not in case.take.text]
    texts = sorted({case.take.text for case in chosen})
    errors: dict[str, list[float]] = {"right words": [], "no words": [], "wrong words": []}
    for number, case in enumerate(chosen):
        progress(number / max(len(chosen), 1), f"words: {case.take.text}")
        others = [text for text in texts if text != case.take.text]
        wrong = others[int(fixed_rng("words", case.take.name, seed).integers(len(others)))] if others else "walking"
        given = _with_frames(_given(case.take, "only the ends"), case.take, (*range(KEPT), -1))
        for name, text in (("right words", case.take.text), ("no words", ""), ("wrong words", wrong)):
            errors[name].append(_between(refined(prior, given, replace(UNPOLISHED, text=text)), case.take, KEPT)[0])
    gain = np.array(errors["wrong words"]) - np.array(errors["right words"])
    low, high = interval(gain, fixed_rng("bootstrap", seed))
    rows = {"MPJPE, mm": {name: figure_of(values) for name, values in errors.items()}}
    note = f"wrong less right: {gain.mean():.2f} mm, 95 % interval {low:.2f} to {high:.2f} (paired bootstrap, {len(gain)} windows)"
    bar = Bar("words, wrong less right: lower end of the 95 % interval, mm", low, 1e-9, above=True, note=f"mean {gain.mean():.2f}")
    return Told(Table("words, four first frames and the target pose kept", tuple(errors), rows, note), (bar,))


def interval(values: NDArray[np.floating], rng: np.random.Generator) -> tuple[float, float]:
    """95 % of the bootstrap's means; NaN without values."""
    if not len(values):
        return float("nan"), float("nan")
    means = values[rng.integers(len(values), size=(DRAWS, len(values)))].mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def spearman(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Correlation of the ranks of numbers that are all different."""
    ranks = np.stack([np.argsort(np.argsort(values)) for values in (a, b)])
    return float(np.corrcoef(ranks)[0, 1])


def _speeds(prior: TrainedPrior, damaged: Damaged, guidance: float) -> list[float]:
    """Of auto, then of every strength."""
    asked = [UNPOLISHED, *(replace(UNPOLISHED, strength=told, guidance=guidance) for told in STRENGTHS)]
    return [mean_angular_speed(refined(prior, damaged, one)) for one in asked]


def _given(take: Take, row: str) -> Damaged:
    if row == "only the ends":
        return corrupted(take, fixed_rng(take.name, row, 0), Recipe(row, (OnlyEnds(KEPT),)))
    return damaged_by(take, row, 0)


def _with_frames(damaged: Damaged, clean: Take, frames: Sequence[int]) -> Damaged:
    """The clean values of whole frames, pinned."""
    if not len(frames):
        return damaged
    chosen = np.zeros(clean.n_frames, dtype=bool)
    chosen[list(frames)] = True
    return pinned(damaged, clean, np.repeat(chosen[:, None], clean.rotations.shape[1], axis=1), chosen)


def _between(answer: Take, target: Take, first: int = 1) -> tuple[float, float]:
    """MPJPE with the pelvis on the pelvis and as they stand, mm, over all but the first frames and the last."""
    got, true = places_of(answer), places_of(target)
    part = slice(first, -1)
    inner = mean_distance((got.joints - got.root[:, None])[part], (true.joints - true.root[:, None])[part])
    return 1000.0 * inner, 1000.0 * mean_distance(got.joints[part], true.joints[part])
