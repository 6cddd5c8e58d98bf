"""Leave one gait out: what the other gaits teach about one that was never seen.

Small networks learn from procedural animals alone, one from all gaits and one from all but each, in the same number of steps; they
are asked about held-out animals of the gait that was left out, on *mix 5*, beside the best of the tuned filters. The bundled
weights play no part: they have seen every gait.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.evaluation.prior.kinds import animals
from backend.evaluation.prior.metrics import score
from backend.evaluation.prior.protocol import damaged_by
from backend.evaluation.prior.refiner import refined
from backend.evaluation.prior.rivals import FILTER_NAMES, Method
from backend.evaluation.table import Figure, Table, figure_of
from backend.prior.network.config import PriorConfig
from backend.prior.network.weights import load_prior
from backend.prior.state.take import Damaged, Take
from backend.training.prior import gaits
from backend.training.prior.config import DataConfig, OptimizerConfig, RunConfig, TrainConfig
from backend.training.prior.trainer import Motions, train

ROW = "mix 5"
FILTER, ALL, OTHERS = "best filter", "all gaits", "without it"


@dataclass(frozen=True)
class Budget:
    """steps: of each training. animals: drawn to learn from. clips: of each gait that are judged. seeds: of their noise. gaits: left out."""

    steps: int = 400
    animals: int = 600
    clips: int = 4
    seeds: int = 1
    gaits: tuple[str, ...] = gaits.GAITS


def left_out(budget: Budget, filters: Sequence[Method], out: Path, say: Callable[[str], None]) -> Table:
    """Trains once on all gaits and once without each of the budget's; millimetres of MPJPE. Trained folders stay in ``out``."""
    judged = [(case.take, seed) for case in animals(budget.clips) for seed in range(budget.seeds)]
    rows: dict[str, dict[str, Figure]] = {}
    everything = _trained(gaits.GAITS, budget, out / "all", say)
    for gait in budget.gaits:
        asked = [(take, damaged_by(take, ROW, seed)) for take, seed in judged if take.group == gait]
        others = _trained([name for name in gaits.GAITS if name != gait], budget, out / f"without_{gait}", say)
        tuned = [_errors(asked, lambda damaged, one=method: one.answer(damaged, ROW)) for method in filters if method.name in FILTER_NAMES]
        best = min(tuned, key=np.mean)
        rows[gait] = {FILTER: figure_of(best), ALL: figure_of(_errors(asked, everything)), OTHERS: figure_of(_errors(asked, others))}
        say(f"{gait}: " + ", ".join(f"{name} {figure}" for name, figure in rows[gait].items()))
    note = f"MPJPE in mm of held-out animals on {ROW}; {budget.steps} steps of a small network each."
    return Table("a gait left out", (FILTER, ALL, OTHERS), rows, note)


def _trained(names: Sequence[str], budget: Budget, out: Path, say: Callable[[str], None]) -> Callable[[Damaged], Take]:
    """What a network that has seen these gaits makes of a damaged animal."""
    config = TrainConfig(
        network=PriorConfig(width=128, blocks=3, hidden=256, dropout=0.05),
        data=DataConfig(human=0.0, animal=1.0, object=0.0),
        optimizer=OptimizerConfig(kind="muon", learning_rate=2e-3, warmup=40, ema=0.99),
        run=RunConfig(steps=budget.steps, minutes=0.0, batch=16, look_every=0, export_minutes=0.0, log_every=100, threads=1),
    )
    rng = np.random.default_rng(23)
    frames = round(1.5 * config.data.frames)
    learned = [gaits.drawn(rng, gaits=names, n_frames=frames) for _ in range(budget.animals)]
    say(f"training on {', '.join(names)}")
    prior = load_prior(train(config, Motions(learned), out, afresh=True, say=say).folder)
    return lambda damaged: refined(prior, damaged)


def _errors(asked: Sequence[tuple[Take, Damaged]], answer: Callable[[Damaged], Take]) -> list[float]:
    return [score(answer(damaged), take).mpjpe for take, damaged in asked]
