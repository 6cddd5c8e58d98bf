"""Clips as the loss needs them: masks drawn and brought to latent cells, every draw a function of seed, step and place in the batch.

Nothing is remembered between steps, so a run that is resumed sees what it would have seen, and several processes never see the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from backend.engines.svd.conditioning import motion_channels
from backend.training.video.conditions import drawn_drop, drawn_masks
from backend.training.video.config import TrainConfig
from backend.training.video.dataset import ClipFolder


@dataclass(frozen=True)
class Place:
    """Where in the run a clip is used: step, and place among all clips of the step over all processes; index: which clip."""

    index: int
    step: int
    slot: int


@dataclass(frozen=True)
class Batch:
    """frames as bytes, RGB; motion channels with dropped clips' at 0; 1 in ``keep_*`` where the condition stays. names: of the clips."""

    frames: UInt8[Tensor, "batch frames 3 height width"]
    motion: Float[Tensor, "batch frames 2 h w"]
    keep_all: Float[Tensor, " batch"]
    keep_picture: Float[Tensor, " batch"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """One clip of a ``Batch``."""

    frames: UInt8[Tensor, "frames 3 height width"]
    motion: Float[Tensor, "frames 2 h w"]
    keep_all: float
    keep_picture: float
    name: str


class Examples(Dataset[Example]):
    """Asked by ``Place``; reads the clip and draws its conditions. Runs in the data loader's processes."""

    def __init__(self, clips: ClipFolder, config: TrainConfig, factor: int) -> None:
        self.clips, self.config, self.factor = clips, config, factor

    def __getitem__(self, place: Place) -> Example:
        rng = np.random.default_rng([self.config.seed, place.step, place.slot])
        clip = self.clips.clip(place.index, rng)
        masks = drawn_masks(clip.labels, self.config.mix, self.config.doubt, rng)
        dropped = drawn_drop(self.config.drop, rng)
        motion = motion_channels(masks.labels, masks.confidence, self.factor)
        keep = 0.0 if dropped.everything else 1.0
        frames = torch.from_numpy(np.ascontiguousarray(clip.frames.transpose(0, 3, 1, 2)))
        return Example(frames, motion * keep, keep, 0.0 if dropped.picture else keep, clip.name)


class Places:
    """The clips of each step: every clip once an epoch, shuffled anew each time; this process's share of them."""

    def __init__(self, clips: int, batch: int, seed: int, first_step: int, steps: int, *, rank: int = 0, world: int = 1) -> None:
        """first_step, steps: in gradients (one a batch), from and up to which places are given."""
        self.clips, self.batch, self.seed = clips, batch, seed
        self.first_step, self.steps, self.rank, self.world = first_step, steps, rank, world

    def __len__(self) -> int:
        return max(0, self.steps - self.first_step)

    def __iter__(self) -> Iterator[list[Place]]:
        epoch, order = -1, np.arange(0)
        for step in range(self.first_step, self.steps):
            places: list[Place] = []
            for slot in range(self.rank * self.batch, (self.rank + 1) * self.batch):
                number = step * self.batch * self.world + slot
                if number // self.clips != epoch:
                    epoch = number // self.clips
                    order = np.random.default_rng([self.seed, 7919, epoch]).permutation(self.clips)
                places.append(Place(int(order[number % self.clips]), step, slot))
            yield places


def batched(examples: list[Example]) -> Batch:
    """Examples of one size, stacked."""
    return Batch(
        torch.stack([example.frames for example in examples]),
        torch.stack([example.motion for example in examples]),
        torch.tensor([example.keep_all for example in examples]),
        torch.tensor([example.keep_picture for example in examples]),
        tuple(example.name for example in examples),
    )
