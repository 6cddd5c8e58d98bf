"""What breaks motions: one recipe for each row of the evaluation, and the recipes that the prior learns from.

A recipe is a row of steps; each takes a damaged motion, the clean one and chance, and gives a worse one. Pins come last.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.clock import to_clock
from backend.prior.state.take import Damaged, Take, undamaged
from backend.training.prior.disorder import Dropped, Frozen, Shuffled
from backend.training.prior.lost import Decimated, FramesMissing, Gap, LimbsMissing, OnlyEnds, Pinned
from backend.training.prior.mistakes import BoneScale, DepthDrift, Doubtful, Floating, LimbHeld, Swapped
from backend.training.prior.noise import JointNoise, Noise
from backend.training.prior.resampling import sampled

Array = NDArray[np.floating]


class Step(Protocol):
    """One thing that goes wrong."""

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged: ...


@dataclass(frozen=True)
class Recipe:
    """Steps in their order, under a name."""

    name: str
    steps: tuple[Step, ...] = ()


def white(level: float) -> Noise:
    """``level`` degrees on every joint and as many centimetres on the root, anew in every frame."""
    return Noise(level, level)


def slow(level: float) -> Noise:
    """The same, correlated over half a second."""
    return Noise(level, level, slow=1.0, white=0.0)


def mix(level: float) -> Noise:
    """0.8 of the slow one and 0.6 of the white one: as much in all, and more like what lifters do."""
    return Noise(level, level, slow=0.8, white=0.6)


_LEVELS = (3, 5, 7)
ROWS: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("clean"),
        *(Recipe(f"white {level}", (white(level),)) for level in _LEVELS),
        *(Recipe(f"ar {level}", (slow(level),)) for level in _LEVELS),
        *(Recipe(f"mix {level}", (mix(level),)) for level in _LEVELS),
        Recipe("joints 4 cm", (JointNoise(4.0),)),
        *(Recipe(f"legs missing + {level}", (white(level), LimbsMissing())) for level in _LEVELS),
        Recipe("frames missing + 3", (white(3), FramesMissing(0.1))),
        Recipe("shuffle 16", (Shuffled(16),)),
        Recipe("drop 8", (Dropped(8),)),
        Recipe("drop 15", (Dropped(15),)),
        Recipe("swap", (Swapped(),)),
        Recipe("depth drift", (DepthDrift(),)),
        Recipe("float", (Floating(),)),
        Recipe("limb held", (LimbHeld(),)),
        Recipe("bone scale", (BoneScale(),)),
        Recipe("freeze 5", (Frozen(5),)),
        Recipe("decimate 2", (Decimated(2),)),
        Recipe("decimate 4", (Decimated(4),)),
    )
}


def corrupted(take: Take, rng: np.random.Generator, recipe: Recipe) -> Damaged:
    """The take as the recipe leaves it: same length, same clock. Arrays that no step touched are the take's own."""
    damaged = undamaged(take)
    for step in recipe.steps:
        damaged = step.on(damaged, take, rng)
    return damaged


def fixed_rng(*words: object) -> np.random.Generator:
    """Chance that is the same for the same words, on every machine: fixes the evaluation's noise by take, row and seed."""
    digest = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


# Of a training sample that is not clean: how often each thing goes wrong with it. Most have one or two besides the noise.
_OFTEN = {
    "limbs missing": 0.2, "frames missing": 0.12, "gap": 0.08, "limb held": 0.12, "doubtful": 0.15, "swap": 0.10, "drift": 0.15, "float": 0.15,
    "scale": 0.15, "freeze": 0.06, "decimate": 0.06, "shuffle": 0.03, "drop": 0.03, "only ends": 0.05,
}  # fmt: skip
CLEAN = 0.1


def drawn(rng: np.random.Generator) -> Recipe:
    """A recipe of the training distribution: one sample in ten clean, the others noisy and with some of what else goes wrong.

    Half have their first frame pinned, half their last, a quarter single entries: these are exact in the clean ones too.
    """
    steps: list[Step] = []
    if rng.random() >= CLEAN:
        steps = [*_noise(rng), *(step for name, part in _OFTEN.items() if rng.random() < part for step in _mishap(name, rng))]
    part = float(rng.choice([0.002, 0.01, 0.05])) if rng.random() < 0.25 else 0.0
    return Recipe("drawn", (*steps, Pinned(rng.random() < 0.5, rng.random() < 0.5, part)))


# Rates of video and of its thinned-out forms, frames a second; what lies between their frames is a guess (``away`` says how far).
_RATES = (6.0, 7.5, 10.0, 12.0, 12.5, 15.0, 16.0, 20.0, 24.0, 25.0)
_SLOWER = 0.35


def training_example(clean: Take, rng: np.random.Generator) -> tuple[Damaged, Array]:
    """A take that the prior is to make ``clean`` of, and ``(F,)`` seconds to the nearest frame that was seen.

    Some were seen at a slower rate and brought to the clock, as ``refine`` does with a clip of that rate.
    """
    recipe = drawn(rng)
    fps = float(rng.choice(_RATES))
    frames = int(np.ceil((clean.n_frames - 1) * fps / clean.fps)) + 1
    if rng.random() >= _SLOWER or frames < 4:
        return corrupted(clean, rng, recipe), np.zeros(clean.n_frames)
    pins = recipe.steps[-1]
    damaged, away = to_clock(corrupted(slower(clean, fps, frames), rng, replace(recipe, steps=recipe.steps[:-1])))
    part = slice(0, clean.n_frames)
    whole = replace(damaged.take, rotations=damaged.take.rotations[part], root=damaged.take.root[part])
    if whole.points is not None:
        whole = replace(whole, points=whole.points[part])
    cut = Damaged(whole, damaged.trust[part], damaged.root_trust[part], damaged.pinned[part], damaged.root_pinned[part])
    known = pins.on(cut, clean, rng)
    return known, np.where(known.root_pinned, 0.0, away[part])


def slower(take: Take, fps: float, frames: int) -> Take:
    """``frames`` frames of the take at ``fps``; past its end its last frame stays."""
    at = np.minimum(np.arange(frames) * take.fps / fps, take.n_frames - 1.0)
    if take.points is None:
        rotations, root = sampled(take.rotations, take.root, at)
        return replace(take, fps=fps, rotations=rotations, root=root)
    rotations, places = sampled(take.rotations, np.concatenate([take.root[:, None], take.points], axis=1), at)
    return replace(take, fps=fps, rotations=rotations, root=places[:, 0], points=places[:, 1:])


def _noise(rng: np.random.Generator) -> tuple[Step, ...]:
    """Nothing, noise on joint places, or on rotations at a level around the rows' and with any part of it slow."""
    which = rng.random()
    if which < 0.3:  # so that what is not broken is learned to be left alone, right beside what is
        return ()
    if which < 0.36:
        return (JointNoise(float(rng.uniform(1.0, 6.0))),)
    degrees = float(np.exp(rng.uniform(np.log(0.7), np.log(9.0))))
    slow_part = float(rng.choice([0.0, 1.0, 0.8, np.sqrt(rng.random())], p=[0.3, 0.2, 0.3, 0.2]))
    return (
        Noise(
            degrees,
            degrees * float(np.exp(0.4 * rng.standard_normal())),
            slow_part,
            float(np.sqrt(1.0 - slow_part**2)),
            float(rng.uniform(0.2, 0.8)),
        ),
    )


def _mishap(name: str, rng: np.random.Generator) -> tuple[Step, ...]:
    made: dict[str, Step] = {
        "limbs missing": LimbsMissing(legs=bool(rng.random() < 0.65)),
        "frames missing": FramesMissing(float(rng.uniform(0.03, 0.3))),
        "gap": Gap(3, 24),
        "limb held": LimbHeld(5, 30),
        "doubtful": Doubtful(float(rng.uniform(5.0, 25.0))),
        "swap": Swapped(2, 9, arms=bool(rng.random() < 0.6)),
        "drift": DepthDrift(float(rng.normal(0.0, 0.3))),
        "float": Floating(-0.1, 0.2),
        "scale": BoneScale(0.06),
        "freeze": Frozen(int(rng.integers(3, 9))),
        "decimate": Decimated(int(rng.choice([2, 3, 4, 6]))),
        "shuffle": Shuffled(int(rng.integers(4, 17))),
        "drop": Dropped(int(rng.integers(3, 16))),
        "only ends": OnlyEnds(int(rng.integers(1, 6))),
    }
    return (made[name],)
