"""What lifters get wrong: sides, depth, the floor, sizes; limbs that they lose and hold still."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Damaged, Take
from backend.training.prior.limbs import LEGS, OTHER_LIMBS, limbs_of, mirror_of
from backend.training.prior.lost import run
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

_R_ABOUT = np.diag([-1.0, 1.0, -1.0])  # half a turn about y: the rest pose's left arm onto its right


@dataclass(frozen=True)
class Swapped:
    """Left taken for right over ``fewest`` to ``most`` frames: legs and arms, or only the legs; of animals the legs."""

    fewest: int = 3
    most: int = 8
    arms: bool = True

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        take = damaged.take
        if take.kind == "object":
            return damaged
        first, last = run(rng, take.n_frames, self.fewest, self.most)
        rotations, mirror = take.rotations.copy(), mirror_of(take.kind)
        legs = [joint for limb in LEGS[take.kind] for joint in limb]
        rotations[first:last, legs] = take.rotations[first:last, mirror[legs]]
        if self.arms and take.kind == "human":
            for limb in OTHER_LIMBS["human"][:2]:
                turned = take.rotations[first:last, mirror[list(limb)]] @ _R_ABOUT
                turned[:, 1:] = _R_ABOUT @ turned[:, 1:]  # only the chain's first joint hangs on what was not swapped
                rotations[first:last, limb] = turned
        return replace(damaged, take=replace(take, rotations=rotations))


@dataclass(frozen=True)
class DepthDrift:
    """The place drifts along one horizontal direction, at ``speed`` metres a second."""

    speed: float = 0.3

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        take = damaged.take
        angle = rng.uniform(0.0, 2.0 * np.pi)
        away = np.arange(take.n_frames)[:, None] / take.fps * [np.cos(angle), 0.0, np.sin(angle)]
        return _moved(damaged, self.speed * away)


@dataclass(frozen=True)
class Floating:
    """The whole motion ``lowest`` to ``highest`` metres too high, or too low where they are negative."""

    lowest: float = 0.05
    highest: float = 0.15

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        return _moved(damaged, np.array([[0.0, rng.uniform(self.lowest, self.highest), 0.0]]))


@dataclass(frozen=True)
class LimbHeld:
    """A limb that is lost and keeps its pose for ``fewest`` to ``most`` frames, at confidence 0."""

    fewest: int = 10
    most: int = 30

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        take, limbs = damaged.take, limbs_of(damaged.take.kind)
        if not limbs:
            return damaged
        limb = list(limbs[rng.integers(len(limbs))])
        first, last = run(rng, take.n_frames, self.fewest, self.most)
        rotations, trust = take.rotations.copy(), damaged.trust.copy()
        rotations[first:last, limb] = take.rotations[first, limb]
        trust[first:last, limb] = 0.0
        return replace(damaged, take=replace(take, rotations=rotations), trust=trust)


@dataclass(frozen=True)
class Doubtful:
    """A limb that is seen badly for a while: rotations of ``degrees`` more noise, and a confidence that says so."""

    degrees: float = 15.0
    fewest: int = 5
    most: int = 30

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        take, limbs = damaged.take, limbs_of(damaged.take.kind)
        if not limbs:
            return damaged
        limb = list(limbs[rng.integers(len(limbs))])
        first, last = run(rng, take.n_frames, self.fewest, self.most)
        turns = matrix_from_axis_angle(np.radians(self.degrees) * rng.standard_normal((last - first, len(limb), 3)))
        rotations, trust = take.rotations.copy(), damaged.trust.copy()
        rotations[first:last, limb] = rotations[first:last, limb] @ turns
        trust[first:last, limb] = np.minimum(trust[first:last, limb], rng.uniform(0.1, 0.6))
        return replace(damaged, take=replace(take, rotations=rotations), trust=trust)


@dataclass(frozen=True)
class BoneScale:
    """The body, or an object's outline, up to ``part`` too large or too small; its place is where it was."""

    part: float = 0.05

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        take, factor = damaged.take, 1.0 + rng.uniform(-self.part, self.part)
        points = None if take.points is None else take.points * factor
        return replace(damaged, take=replace(take, offsets=take.offsets * factor, points=points))


def _moved(damaged: Damaged, by: Array) -> Damaged:
    return replace(damaged, take=replace(damaged.take, root=damaged.take.root + by))
