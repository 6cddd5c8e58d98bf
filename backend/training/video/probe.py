"""The loss by noise level on fixed triples of clip, noise level and noise: numbers that can be compared between steps and runs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from backend.engines.svd.conditioning import motion_channels
from backend.training.video.conditions import full_masks
from backend.training.video.dataset import ClipFolder
from backend.training.video.examples import Batch, Example, batched
from backend.training.video.loss import Conditions, Unet, losses
from backend.training.video.preconditioning import quantiles
from backend.training.video.staging import Stage, Staged

TRIPLES = 64
LEVELS = 8
_SEED = 4711


@dataclass(frozen=True)
class ProbeResult:
    """sigmas: the noise levels, rising. losses: mean weighted loss at each, over the same number of triples."""

    sigmas: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.losses) / len(self.losses)

    def table(self) -> str:
        """One line a noise level."""
        rows = [f"  sigma {sigma:10.4f}  loss {loss:.5f}" for sigma, loss in zip(self.sigmas, self.losses, strict=True)]
        return "\n".join([*rows, f"  all                loss {self.mean:.5f}"])


class Probe:
    """64 triples: eight levels in the middles of equal shares of the noise law, eight clips each; all masks given, nothing dropped."""

    def __init__(self, stage: Stage, clips: ClipFolder, batch: int, triples: int = TRIPLES) -> None:
        self.stage, self.clips, self.batch = stage, clips, max(1, batch)
        self.sigmas = quantiles(stage.law, LEVELS)
        self.triples = triples

    @torch.no_grad()
    def __call__(self, unet: Unet) -> ProbeResult:
        """The mean loss at each level."""
        found: list[list[float]] = [[] for _ in self.sigmas]
        for levels, staged in self._parts():
            values = losses(unet, staged.clean, staged.noise, staged.sigma, staged.given)
            for level, value in zip(levels, values.tolist(), strict=True):
                found[level].append(value)
        return ProbeResult(tuple(self.sigmas), tuple(sum(values) / len(values) for values in found))

    def _parts(self) -> Iterator[tuple[list[int], Staged]]:
        """The triples, a batch at a time; a triple is the same whatever the batch."""
        for first in range(0, self.triples, self.batch):
            numbers = range(first, min(first + self.batch, self.triples))
            levels = [number % LEVELS for number in numbers]
            parts = [self._triple(number) for number in numbers]
            yield levels, Staged(
                torch.cat([part.clean for part in parts]), torch.cat([part.noise for part in parts]), torch.cat([part.sigma for part in parts]),
                _joined([part.given for part in parts]),
            )  # fmt: skip

    def _triple(self, number: int) -> Staged:
        generator = torch.Generator().manual_seed(_SEED + number)
        clip = self.clips.clip(number // LEVELS % len(self.clips), np.random.default_rng([_SEED, number]))
        masks = full_masks(clip.labels)
        motion = motion_channels(masks.labels, masks.confidence, self.stage.model.factor)
        frames = torch.from_numpy(np.ascontiguousarray(clip.frames.transpose(0, 3, 1, 2)))
        batch: Batch = batched([Example(frames, motion, 1.0, 1.0, clip.name)])
        staged = self.stage(batch, generator)
        level = torch.full_like(staged.sigma, self.sigmas[number % LEVELS])
        return Staged(staged.clean, staged.noise, level, staged.given)


def _joined(parts: list[Conditions]) -> Conditions:
    return Conditions(
        torch.cat([part.picture for part in parts]), torch.cat([part.motion for part in parts]), torch.cat([part.embedding for part in parts]),
        torch.cat([part.ids for part in parts]),
    )  # fmt: skip
