"""The protocol's noise on clips of a video's rate: what is seen is every second or third frame of the prior's clock.

The rival is a Gaussian whose width is chosen in hindsight, row by row on the very clips that judge: no filter of its kind does better.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.evaluation.prior.bars import Bar
from backend.evaluation.prior.filters import FILTERS, Setting, filtered
from backend.evaluation.prior.metrics import Score, score
from backend.evaluation.prior.protocol import Case
from backend.evaluation.prior.results import Result, Results
from backend.prior.answers import Asked, answer
from backend.prior.network.weights import TrainedPrior
from backend.prior.state.take import Damaged, Take
from backend.progress import Progress
from backend.training.prior.corruption import ROWS, corrupted, fixed_rng, slower

FPS = 12.0  # of coarse clips, unless the user wants another
RATE_ROWS = ("clean", "white 3", "mix 3", "mix 5", "ar 5")
GAUSSIAN = "best Gaussian"
_SIGMAS = (0.4, 0.6, 0.8, 1.0, 1.4, 2.0, 3.0)  # frames of the slow clip


def rates(prior: TrainedPrior, cases: Sequence[Case], methods: Sequence[str], results: Results, progress: Progress) -> None:
    """Scores of column a and b, slowed to ``FPS``, go into ``results`` as "a at 12" and "b at 12". methods: names of the prior without and with polish."""
    asked = dict(zip(methods, (Asked(polish=False), Asked()), strict=True))
    slow = [replace(case, column=f"{case.column} at {FPS:g}", take=slowed(case.take)) for case in cases if case.take.kind == "human"]
    for row in progress.each(RATE_ROWS, len(RATE_ROWS), f"{FPS:g} frames a second"):
        tried: dict[tuple[str, float], list[Result]] = {}
        for case in slow:
            damaged = corrupted(case.take, fixed_rng(case.take.name, row, 0), ROWS[row])
            results.add(_result(case, row, "identity", score(damaged.take, case.take)))
            for name, way in asked.items():
                results.add(_result(case, row, name, score(answer(damaged, prior.network, way).take, case.take)))
            for sigma in _SIGMAS:
                made = _result(case, row, GAUSSIAN, score(_smoothed(damaged, sigma), case.take))
                tried.setdefault((case.column, sigma), []).append(made)
        for column in dict.fromkeys(case.column for case in slow):
            best = min(_SIGMAS, key=lambda sigma: np.mean([found.score.mpjpe for found in tried[column, sigma]]))
            for found in tried[column, best]:
                results.add(found)


def slowed(take: Take) -> Take:
    """The take as a video of ``FPS`` would show it."""
    return slower(take, FPS, int((take.n_frames - 1) * FPS / take.fps) + 1)


def rate_bars(results: Results, method: str) -> list[Bar]:
    """Nowhere worse than the Gaussian; of known activities less than it by a fifth at mix 5 and ar 5."""
    bars = []
    for column in (f"a at {FPS:g}", f"b at {FPS:g}"):
        for row in results.rows(column):
            value, least = (results.mean(column, row, name, "mpjpe") for name in (method, GAUSSIAN))
            limit = 0.8 if column.startswith("a") and row in ("mix 5", "ar 5") else 1.0
            if row == "clean":
                bars.append(Bar(f"{column}, clean motion in, MPJPE in mm", value, 5.0))
            else:
                bars.append(
                    Bar(f"{column}, {row}: share of the Gaussian's mpjpe", value / least, limit, note=f"{value:.1f} against {least:.1f}")
                )
    return bars


def _smoothed(damaged: Damaged, sigma: float) -> Take:
    return filtered(damaged, next(one for one in FILTERS if one.name == "Gaussian"), Setting(sigma, sigma))


def _result(case: Case, row: str, method: str, found: Score) -> Result:
    return Result(case.column, row, method, case.take.group, case.take.name, 0, found)
