"""Batches for training: windows of clean motion, damaged, and what is told of them. All draws follow from seed and step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from backend.prior.network.strength import Distribution, mean_angular_speed
from backend.prior.network.text import word_ids
from backend.prior.state.motions import Motions, Observed, Told
from backend.prior.state.observe import observed
from backend.prior.state.take import KINDS, Damaged, Kind, Take
from backend.training.prior import gaits, rigid_simulation
from backend.training.prior.augmentation import mirrored, proportioned, stretched
from backend.training.prior.config import TrainConfig
from backend.training.prior.corruption import training_example
from backend.training.prior.edited_pins import edited
from backend.training.prior.exaggeration import exaggerated, postured, swayed
from backend.training.prior.variation import cut, stacked, with_arms_of

Array = NDArray[np.floating]

_POOL, _HELD_OUT = 7_001, 7_002  # beside the run's seed: draws that no step makes


@dataclass(frozen=True, eq=False)
class Batch:
    """observed, told: what the network gets. clean: what it should say, over the same frames."""

    observed: Observed
    told: Told
    clean: Motions


@dataclass(frozen=True, eq=False)
class _Sample:
    """One window."""

    damaged: Damaged
    clean: Take
    away: Array
    strength: float
    text: str


class Batches:
    """Batch number ``step`` of a run; a batch is of one kind and one length, so that nothing is padded.

    Motions are drawn by group, so that what was recorded often does not count more, long groups a little more than short ones.
    All of one take is as good as the next: ``pool`` makes enough of those that are simulated.
    """

    def __init__(self, takes: Sequence[Take], strengths: Mapping[Kind, Distribution], config: TrainConfig) -> None:
        self.config, self.strengths = config, strengths
        self.takes = {kind: [take for take in takes if take.kind == kind] for kind in KINDS}
        self.odds = {kind: _odds(found) for kind, found in self.takes.items() if found}

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((self.config.seed, step))
        data = self.config.data
        shares = np.array([getattr(data, kind) if self.takes[kind] else 0.0 for kind in KINDS])
        kind = KINDS[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
        frames = int(rng.integers(data.least, data.frames)) if rng.random() < data.short else data.frames
        samples = [self._sample(rng, kind, frames) for _ in range(self.config.run.batch)]
        return Batch(
            observed([sample.damaged for sample in samples], [sample.away for sample in samples]),
            Told(
                torch.tensor([sample.strength for sample in samples], dtype=torch.float32),
                word_ids([sample.text for sample in samples], self.config.network.words, self.config.network.vocabulary),
            ),
            stacked([sample.clean for sample in samples]),
        )

    def _sample(self, rng: np.random.Generator, kind: Kind, frames: int) -> _Sample:
        told = self.config.told
        clean = self._window(rng, kind, frames)
        damaged, away = training_example(clean, rng)
        if rng.random() < self.config.data.edited:
            damaged, clean = edited(damaged, clean, rng, self.config.data.edit)
        text = clean.text if rng.random() < told.text else ""
        if rng.random() >= told.strength:
            return _Sample(damaged, clean, away, float("nan"), text)
        if kind != "object" and rng.random() < told.edited:
            clean = exaggerated(clean, float(told.range ** rng.uniform(-1.0, 1.0)))
            damaged = _unpinned(damaged)  # what is pinned there is not what is wanted now
        return _Sample(damaged, clean, away, self.strengths[kind].strength(mean_angular_speed(clean)), text)

    def _window(self, rng: np.random.Generator, kind: Kind, frames: int) -> Take:
        """At most ``frames`` frames, fewer of a take that is shorter."""
        data = self.config.data
        window = self._cut(rng, kind, frames)
        if kind == "human" and rng.random() < data.arms:
            window = with_arms_of(window, self._cut(rng, kind, window.n_frames))
        if rng.random() < data.mirror:
            window = mirrored(window)
        if rng.random() < data.livelier:
            window = exaggerated(window, float(data.lively ** rng.uniform(-1.0, 1.0)))
        if rng.random() < data.postured:
            window = postured(window, rng, data.posture)
        if rng.random() < data.swayed:
            window = swayed(window, rng, data.sway)
        return proportioned(window, rng, data.proportions) if rng.random() < 0.5 else window

    def _cut(self, rng: np.random.Generator, kind: Kind, frames: int) -> Take:
        take = self.takes[kind][int(rng.choice(len(self.takes[kind]), p=self.odds[kind]))]
        faster = float(self.config.data.stretch ** rng.uniform(-1.0, 1.0)) if rng.random() < 0.5 else 1.0
        faster = 1.0 if kind == "object" else faster  # things fall at one rate
        wanted = max(2, min(frames, int(take.n_frames / faster)))
        length = min(take.n_frames, round(wanted * faster))
        start = int(rng.integers(0, take.n_frames - length + 1))
        return stretched(cut(take, slice(start, start + length)), wanted)


def _unpinned(damaged: Damaged) -> Damaged:
    return replace(damaged, pinned=np.zeros_like(damaged.pinned), root_pinned=np.zeros_like(damaged.root_pinned))


def _odds(takes: Sequence[Take]) -> Array:
    """Of each take: the square root of its group's frames, shared by the group's takes as they are long."""
    frames = np.array([take.n_frames for take in takes], dtype=np.float64)
    groups: dict[str, float] = {}
    for take in takes:
        groups[take.group] = groups.get(take.group, 0.0) + take.n_frames
    odds = np.array([count / np.sqrt(groups[take.group]) for take, count in zip(takes, frames, strict=True)])
    return odds / odds.sum()


def pool(config: TrainConfig) -> list[Take]:
    """Animals and objects from their simulations, as many of each as the configuration says, long enough to be cut and sped up."""
    data, rng = config.data, np.random.default_rng((config.seed, _POOL))
    frames = round(1.5 * data.frames)
    animals = [gaits.drawn(rng, gaits=data.gaits, n_frames=frames) for _ in range(data.pool if data.animal else 0)]
    return animals + [rigid_simulation.drawn(rng, n_frames=frames) for _ in range(data.pool if data.object else 0)]


def held_out_pool(count: int, frames: int, seed: int) -> list[Take]:
    """As many animals, and objects, with parameters that no training draw has."""
    rng = np.random.default_rng((seed, _HELD_OUT))
    return [draw(rng, held_out=True, n_frames=frames) for draw in (gaits.drawn, rigid_simulation.drawn) for _ in range(count)]
