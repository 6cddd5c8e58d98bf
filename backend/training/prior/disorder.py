"""Frames that come at the wrong time: shuffled, dropped, frozen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Damaged, Take
from backend.training.prior.lost import run


@dataclass(frozen=True)
class Shuffled:
    """A run of ``frames`` frames in random order (paper, section 3.3)."""

    frames: int = 16

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        at = np.arange(len(damaged.trust))
        first, last = run(rng, len(at), self.frames, self.frames)
        at[first:last] = rng.permutation(at[first:last])
        return taken(damaged, at)


@dataclass(frozen=True)
class Dropped:
    """A run of ``frames`` frames left out, the rest moved up, and the last frame held to keep the length; never the first frame."""

    frames: int = 8

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        count = len(damaged.trust)
        first, last = run(rng, count - 2, self.frames, self.frames)
        at = np.delete(np.arange(count), np.arange(first + 1, last + 1))
        return taken(damaged, np.concatenate([at, np.full(count - len(at), count - 1)]))


@dataclass(frozen=True)
class Frozen:
    """A frame that is held for ``frames`` frames, after which the motion is where it would have been."""

    frames: int = 5

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        at = np.arange(len(damaged.trust))
        first, last = run(rng, len(at) - 1, self.frames, self.frames)
        at[first : last + 1] = first
        return taken(damaged, at)


def taken(damaged: Damaged, at: NDArray[np.integer]) -> Damaged:
    """The frames ``at`` ``(F,)`` of it, in that order. Pins stay with the times that they were set at, so these steps come before pins."""
    take = damaged.take
    points = None if take.points is None else take.points[at]
    moved = replace(take, rotations=take.rotations[at], root=take.root[at], points=points)
    return replace(damaged, take=moved, trust=damaged.trust[at], root_trust=damaged.root_trust[at])
