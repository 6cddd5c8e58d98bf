"""Small networks and motions for the tests of the prior's network and of what is built on it."""

import numpy as np
import torch

from backend.prior.network.config import PriorConfig
from backend.prior.network.strength import Distribution
from backend.prior.network.transformer import Prior
from backend.prior.network.weights import TrainedPrior
from backend.prior.state.motions import Observed, Told
from backend.prior.state.observe import observed
from backend.prior.state.take import N_JOINTS, Damaged, Kind, Take, undamaged
from revision_blender.motion.rotation import matrix_from_axis_angle

SMALL = PriorConfig(width=32, blocks=2, heads=2, hidden=48)


def small_prior(seed: int = 0, spoken: float = 0.02, config: PriorConfig = SMALL) -> Prior:
    """Random weights, in the last maps too: ``spoken`` is how far the network departs from the filtered input."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        prior = Prior(config)
        for out in prior.outputs.values():
            torch.nn.init.normal_(out.weight, std=spoken)
    return prior.eval()


def trained(prior: Prior) -> TrainedPrior:
    """As if it had been trained."""
    return TrainedPrior(prior, {"human": Distribution((0.0, 1.0, 3.0)), "animal": Distribution((0.0, 2.0))}, {"steps": 0})


def take(kind: Kind = "human", frames: int = 64, seed: int = 0, shake: float = 0.0) -> Take:
    """Limbs that swing and a root that walks on; shake: radians of noise."""
    rng = np.random.default_rng(seed)
    joints, time = N_JOINTS[kind], np.arange(frames)[:, None, None] / 30.0
    swing = 0.4 * np.sin(2.0 * np.pi * rng.uniform(0.3, 1.2, (1, joints, 3)) * time + rng.uniform(0.0, 6.0, (1, joints, 3)))
    root = np.stack([0.1 * np.sin(time[:, 0, 0]), 0.9 + 0.0 * time[:, 0, 0], 0.8 * time[:, 0, 0]], axis=-1)
    offsets = rng.normal(size=(joints, 3)) * 0.1
    offsets[0] = 0.0
    points = None
    if kind == "object":
        points = np.tile(rng.normal(size=(1, 21, 3)) * 0.1, (frames, 1, 1))
        points[:, 20] = 0.0
        swing = 0.0 * swing
    noise = shake * rng.normal(size=swing.shape)
    return Take(kind, 30.0, matrix_from_axis_angle(swing + noise), root, offsets, points)


def seen(*takes: Take | Damaged) -> Observed:
    """Takes as a batch."""
    return observed([one if isinstance(one, Damaged) else undamaged(one) for one in takes])


def told(count: int = 1, strength: float = float("nan"), words: int = 6) -> Told:
    """The same for every motion; no words."""
    return Told(torch.full((count,), strength), torch.zeros(count, words, dtype=torch.long))
