"""Motion strength: how fast joints turn on average, and where that stands among the motions that the prior was trained on.

The paper (section 3.3) computes it from differences of parameters between neighbouring frames and shows values from 0 to 1; its scale is
not given. Here it is rad/s, ranked by the training set's distribution, one for each kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from backend.errors import InputError
from backend.prior.state.take import FPS, Take

LEVELS = 33  # quantiles kept: between two of them a straight line is near enough
_STRAIGHT = 2.0 * 2.0**0.5  # |A - B| of two rotations is this times the sine of half the angle between them


def mean_angular_speed(take: Take) -> float:
    """Mean over joints and steps of how fast R_parent_joint turns, rad/s; of an object how fast its centre moves, m/s; 0 below two frames.

    An object's box has no rotation of its own in the 2.5D description, hence the speed of its centre in its place.
    """
    if take.n_frames < 2:
        return 0.0
    if take.kind == "object":
        return float(np.linalg.norm(np.diff(take.root, axis=0), axis=-1).mean() * take.fps)
    apart = np.linalg.norm(np.diff(take.rotations, axis=0).reshape(take.n_frames - 1, -1, 9), axis=-1)
    return float(2.0 * np.arcsin(np.clip(apart / _STRAIGHT, 0.0, 1.0)).mean() * take.fps)


def angular_speeds(
    rotations: Float[Tensor, "b t j 3 3"], valid: Bool[Tensor, "b t"] | None = None, fps: float = FPS
) -> Float[Tensor, " b"]:
    """The same of a batch of bodies, differentiable; only steps between valid frames count."""
    apart = (rotations[:, 1:] - rotations[:, :-1]).flatten(-2).square().sum(-1).clamp_min(1e-14).sqrt()
    speed = 2.0 * torch.asin((apart / _STRAIGHT).clamp_max(1.0 - 1e-6)).mean(-1) * fps
    if valid is None:
        return speed.mean(-1)
    steps = (valid[:, 1:] & valid[:, :-1]).to(speed.dtype)
    return (speed * steps).sum(-1) / steps.sum(-1).clamp_min(1.0)


@dataclass(frozen=True)
class Distribution:
    """Speeds of a training set at evenly spaced ranks, slowest first; maps between a speed and its rank in [0, 1]."""

    speeds: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.asarray(self.speeds, dtype=np.float64)
        if len(values) < 2 or not np.all(np.isfinite(values)) or np.any(np.diff(values) < 0.0):
            raise InputError(f"{len(values)} speeds make no distribution; at least two that are finite and never fall are needed")

    def strength(self, speed: float) -> float:
        """Rank in [0, 1] of a speed; beyond the slowest and the fastest it is 0 and 1."""
        return float(np.interp(speed, self.speeds, np.linspace(0.0, 1.0, len(self.speeds))))

    def speed(self, strength: float) -> float:
        """Speed of that rank."""
        return float(np.interp(strength, np.linspace(0.0, 1.0, len(self.speeds)), self.speeds))


def distribution_of(speeds: Sequence[float]) -> Distribution:
    """From the speeds of a training set's windows, in any order."""
    if not len(speeds):
        raise InputError("there are 0 speeds to rank; name a folder with motions to train on")
    return Distribution(tuple(float(value) for value in np.quantile(np.asarray(speeds, dtype=np.float64), np.linspace(0.0, 1.0, LEVELS))))
