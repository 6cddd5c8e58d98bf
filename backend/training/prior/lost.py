"""What a lifter does not see: limbs, single frames, runs of frames; and what an animator knows.

Where a rotation is missing its value is the identity, and where a place is missing it is the last that was known.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Damaged, Take
from backend.training.prior.limbs import LEGS, limbs_of


@dataclass(frozen=True)
class LimbsMissing:
    """Limbs that are not seen in any frame. legs: all legs; otherwise one limb or two, of any sort."""

    legs: bool = True

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        kind = damaged.take.kind
        limbs = LEGS[kind] if self.legs else limbs_of(kind)
        if not limbs:
            return damaged
        chosen = limbs if self.legs else [limbs[index] for index in rng.permutation(len(limbs))[: rng.integers(1, 3)]]
        missing = np.zeros(damaged.trust.shape, dtype=bool)
        missing[:, [joint for limb in chosen for joint in limb]] = True
        return without(damaged, missing, np.zeros(len(missing), dtype=bool))


@dataclass(frozen=True)
class FramesMissing:
    """A part of all frames, each on its own, without anything; never the first."""

    part: float

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        frames = len(damaged.trust)
        gone = np.zeros(frames, dtype=bool)
        gone[1 + rng.permutation(frames - 1)[: round(self.part * frames)]] = True
        return without_frames(damaged, gone)


@dataclass(frozen=True)
class Gap:
    """A run of ``fewest`` to ``most`` frames without anything, neither the first nor the last."""

    fewest: int
    most: int

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        first, last = run(rng, len(damaged.trust) - 2, self.fewest, self.most)
        gone = np.zeros(len(damaged.trust), dtype=bool)
        gone[first + 1 : last + 1] = True
        return without_frames(damaged, gone)


@dataclass(frozen=True)
class OnlyEnds:
    """Nothing but the first ``first`` frames and the last one."""

    first: int = 4

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        gone = np.ones(len(damaged.trust), dtype=bool)
        gone[: self.first] = gone[-1] = False
        return without_frames(damaged, gone)


@dataclass(frozen=True)
class Decimated:
    """Every ``step``-th frame, as of a slower clip at this clock; the others missing."""

    step: int

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        return without_frames(damaged, np.arange(len(damaged.trust)) % self.step != 0)


@dataclass(frozen=True)
class Pinned:
    """What is known exactly: the first frame, the last, and a part of the rotations here and there, as they are in the clean motion."""

    first: bool = False
    last: bool = False
    part: float = 0.0

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        joints = rng.random(damaged.trust.shape) < self.part if self.part else np.zeros(damaged.trust.shape, dtype=bool)
        frames = np.zeros(len(joints), dtype=bool)
        frames[0], frames[-1] = self.first, frames[-1] or self.last
        return pinned(damaged, clean, joints | frames[:, None], frames)


def pinned(damaged: Damaged, clean: Take, joints: NDArray[np.bool_], root: NDArray[np.bool_]) -> Damaged:
    """The entries chosen by ``joints`` ``(F, J)`` and ``root`` ``(F,)`` as ``clean`` has them, pinned."""
    take = damaged.take
    rotations = np.where(joints[..., None, None], clean.rotations, take.rotations)
    place = np.where(root[:, None], clean.root, take.root)
    points = take.points if take.points is None or clean.points is None else np.where(root[:, None, None], clean.points, take.points)
    return Damaged(
        replace(take, rotations=rotations, root=place, points=points),
        np.where(joints, 1.0, damaged.trust),
        np.where(root, 1.0, damaged.root_trust),
        damaged.pinned | joints,
        damaged.root_pinned | root,
    )


def without(damaged: Damaged, joints: NDArray[np.bool_], root: NDArray[np.bool_]) -> Damaged:
    """Without the rotations in ``joints`` ``(F, J)`` and the places in ``root`` ``(F,)``."""
    take = damaged.take
    known = np.maximum.accumulate(np.where(root, 0, np.arange(len(root))))
    return replace(
        damaged,
        take=replace(
            take,
            rotations=np.where(joints[..., None, None], np.eye(3), take.rotations),
            root=take.root[known],
            points=None if take.points is None else take.points[known],
        ),
        trust=np.where(joints, 0.0, damaged.trust),
        root_trust=np.where(root, 0.0, damaged.root_trust),
    )


def without_frames(damaged: Damaged, gone: NDArray[np.bool_]) -> Damaged:
    """Without anything in the frames ``gone`` ``(F,)``."""
    return without(damaged, np.repeat(gone[:, None], damaged.trust.shape[1], axis=1), gone)


def run(rng: np.random.Generator, frames: int, fewest: int, most: int) -> tuple[int, int]:
    """(first, one past the last) of a run within ``frames``, of a length from ``fewest`` to ``most`` as far as there is room."""
    length = min(int(rng.integers(fewest, most + 1)), max(frames, 0))
    first = int(rng.integers(0, max(frames, 0) - length + 1))
    return first, first + length
