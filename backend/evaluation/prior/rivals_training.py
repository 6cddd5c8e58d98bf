"""The rivals made as good as they can be: filters tuned on training clips row by row, the SmoothNet-style network trained on the prior's own data."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from backend.evaluation.prior.filters import FILTERS, Filter, Setting, filtered
from backend.evaluation.prior.metrics import mean_distance
from backend.evaluation.prior.places import Places, places_of
from backend.evaluation.prior.smoothnet import WINDOW, SmoothNet, channels_of
from backend.prior.state.fill import filled
from backend.prior.state.take import Damaged, Kind, Take
from backend.training.prior import gaits, rigid_simulation
from backend.training.prior.corruption import ROWS, corrupted, drawn, fixed_rng
from backend.training.prior.split import column_of

Say = Callable[[str], None]

DRAWN = 40  # animals, and objects
BATCH_TAKES = 6  # clips of one step, all their channels together
RATE = 3e-3
ACCELERATION = 1.0  # of second differences in the loss, as SmoothNet has them


@dataclass(frozen=True)
class Lesson:
    """tuned_on: clips a kind, each of at most ``frames``. steps: of SmoothNet's training, cut short after ``minutes``."""

    steps: int = 2000
    minutes: float = 10.0
    tuned_on: int = 12
    frames: int = 200
    seed: int = 0


def learned(takes: Sequence[Take], seed: int) -> list[Take]:
    """The captured motions of groups that are not held out, and as many drawn animals and objects as tuning and training need."""
    captured = [take for take in takes if take.kind == "human" and column_of(take.group) == "train"]
    rng = np.random.default_rng((13, seed))
    made = [draw(rng, n_frames=2 * WINDOW) for draw in (gaits.drawn, rigid_simulation.drawn) for _ in range(DRAWN)]
    return [*captured, *(replace(take, group=f"drawn {number}") for number, take in enumerate(made))]  # each its own: evenly chosen below


def tuned(takes: Sequence[Take], kind: Kind, lesson: Lesson) -> dict[tuple[str, Kind, str], Setting]:
    """Every filter's best numbers for every row: least MPJPE by the rotations' number, least error of the root's place by the other."""
    chosen = spread([take for take in takes if take.kind == kind], lesson.tuned_on, lesson.frames)
    targets = [places_of(take) for take in chosen]
    result: dict[tuple[str, Kind, str], Setting] = {}
    for row, recipe in ROWS.items():
        damaged = [corrupted(take, fixed_rng("tuning", take.name, row, lesson.seed), recipe) for take in chosen]
        for one in FILTERS:
            result[one.name, kind, row] = _best(one, damaged, targets)
    return result


def spread(takes: Sequence[Take], count: int, frames: int) -> list[Take]:
    """Clips of different groups, evenly chosen, each cut to its middle ``frames``."""
    one_each = list({take.group: take for take in takes}.values())
    places = np.unique(np.linspace(0, len(one_each) - 1, count).round().astype(int)) if one_each else []
    return [cut(one_each[place], frames) for place in places]


def cut(take: Take, frames: int) -> Take:
    """The middle ``frames`` of a take, or all of a shorter one."""
    start = max(take.n_frames - frames, 0) // 2
    part = slice(start, start + frames)
    points = None if take.points is None else take.points[part]
    return replace(take, rotations=take.rotations[part], root=take.root[part], points=points)


def trained(takes: Sequence[Take], lesson: Lesson, say: Say) -> SmoothNet:
    """SmoothNet on takes of all kinds, damaged as the prior's training damages them; AdamW, a cosine down to nothing."""
    rng = np.random.default_rng(lesson.seed)
    torch.manual_seed(lesson.seed)
    network = SmoothNet()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    began = time.perf_counter()
    long_enough = [take for take in takes if take.n_frames >= WINDOW]
    for step in range(lesson.steps):
        done = max(step / lesson.steps, (time.perf_counter() - began) / (60.0 * lesson.minutes))
        if done >= 1.0:
            break
        optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1.0 + np.cos(np.pi * done))
        seen, true = _batch(long_enough, rng)
        answer = network(seen)
        error = functional.l1_loss(answer, true) + ACCELERATION * functional.l1_loss(answer.diff(n=2), true.diff(n=2))
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        if step % 100 == 0:
            say(f"SmoothNet: step {step}, loss {error.item():.5f}")
    return network.eval()


def _batch(takes: Sequence[Take], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Windows ``(n, 32)`` of single channels: damaged and filled, and as they were."""
    seen, true = [], []
    for index in rng.integers(len(takes), size=BATCH_TAKES):
        take = takes[index]
        start = int(rng.integers(take.n_frames - WINDOW + 1))
        length = min(take.n_frames - start, 2 * WINDOW)
        points = None if take.points is None else take.points[start : start + length]
        part = replace(take, rotations=take.rotations[start : start + length], root=take.root[start : start + length], points=points)
        given = filled(corrupted(part, rng, drawn(rng))).take
        for offset in range(0, length - WINDOW + 1, WINDOW):
            seen.append(channels_of(given)[offset : offset + WINDOW].T)
            true.append(channels_of(part)[offset : offset + WINDOW].T)
    return tuple(torch.from_numpy(np.concatenate(parts).astype(np.float32)) for parts in (seen, true))  # type: ignore[return-value]


def _best(one: Filter, damaged: Sequence[Damaged], targets: Sequence[Places]) -> Setting:
    turns, places = [], []
    for value in one.grid:
        answers = [places_of(filtered(given, one, Setting(value, value))) for given in damaged]
        pairs = list(zip(answers, targets, strict=True))
        turns.append(np.mean([mean_distance(a.joints - a.root[:, None], b.joints - b.root[:, None]) for a, b in pairs]))
        places.append(np.mean([mean_distance(a.root, b.root) for a, b in pairs]))
    return Setting(one.grid[int(np.argmin(turns))], one.grid[int(np.argmin(places))])
