"""Filters over time: a bank of Gaussians that know which frames to trust, and the difference between its neighbours.

At the ends and beside gaps a plain renormalised Gaussian pulls towards the side that has frames. Here each frame gets the value of the
weighted straight line through its neighbours (local linear regression: Fan and Gijbels, 1996), which inside is the same Gaussian.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

SIGMAS = (1.0, 2.0, 4.0)  # frames
N_BANDS = len(SIGMAS)
_LEAST = 1e-4  # of a variance of time in frames²: a lone frame has no slope


def gaussian(x: Float[Tensor, "b t *f"], sigma: float, weight: Float[Tensor, "b t *w"]) -> Float[Tensor, "b t *f"]:
    """``x`` smoothed over ``sigma`` frames. weight: ``(b, t)``, or one per leading feature axis; 0 leaves a frame out."""
    return bank(x, weight, (sigma,))[0]


def bank(x: Float[Tensor, "b t *f"], weight: Float[Tensor, "b t *w"], sigmas: tuple[float, ...] = SIGMAS) -> list[Tensor]:
    """``x`` smoothed over each of ``sigmas`` frames, each of ``x``'s shape; where all weights nearby are 0 the value is 0."""
    kernel, slope, square = _kernels(x.shape[1], sigmas, x.dtype, x.device)
    flat_weight = weight.flatten(2) if weight.ndim > 2 else weight[..., None]
    values = x.reshape(*flat_weight.shape, -1)
    weighted = (values * flat_weight[..., None]).flatten(2)
    w0, w1, w2 = (matrix @ flat_weight for matrix in (kernel, slope, square))  # (b, s t, w)
    m0, m1 = ((matrix @ weighted).unflatten(-1, values.shape[2:]) for matrix in (kernel, slope))
    mean = w1 / w0.clamp_min(1e-12)
    spread = (w2 - w1 * mean).clamp_min(0.0) + _LEAST * w0.clamp_min(1e-12)
    level = m0 / w0.clamp_min(1e-12)[..., None]
    tilt = (m1 - mean[..., None] * m0) / spread[..., None]
    result = level - mean[..., None] * tilt
    return [part.reshape(x.shape) for part in result.split(x.shape[1], 1)]


@lru_cache(maxsize=32)
def _kernels(frames: int, sigmas: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Moments 0, 1 and 2 of time under each Gaussian, ``(s t, t)`` each."""
    time = torch.arange(frames, dtype=torch.float64)
    apart = time[None] - time[:, None]
    zeroth = torch.cat([torch.exp(-0.5 * (apart / sigma) ** 2) for sigma in sigmas])
    apart = apart.repeat(len(sigmas), 1)
    return tuple((zeroth * apart**power).to(dtype=dtype, device=device) for power in range(3))  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Bands:
    """A signal taken apart by speed, fastest first: ``smooth + sum(details)`` is the signal itself.

    details: ``N_BANDS`` parts: what each Gaussian of the bank takes away beyond the one before. smooth: what the widest leaves.
    energies: ``(b, t, w, N_BANDS + 1)`` mean squares of the details nearby, one for each of the ``w`` weights, and at last of what
    the smooth form moves in as many frames as the widest Gaussian has.
    """

    details: list[Tensor]
    smooth: Tensor
    levels: list[Tensor]
    energies: Float[Tensor, "b t w e"]

    def mixed(self, shares: Float[Tensor, "b t w n"]) -> Tensor:
        """The signal with ``shares`` of its details: all 1 give it back, all 0 its smoothest form."""
        result = self.smooth
        for number, detail in enumerate(self.details):
            share = shares[..., number]
            result = result + share.reshape(*share.shape, *([1] * (detail.ndim - share.ndim))) * detail
        return result


_NEARBY = 8.0  # frames over which energies are averaged


def bands(x: Float[Tensor, "b t w f"], weight: Float[Tensor, "b t w"]) -> Bands:
    """Takes ``x`` apart; ``weight`` as in ``bank``."""
    levels = [x, *bank(x, weight)]
    details = [before - after for before, after in pairwise(levels)]
    squares = torch.stack([part.square().sum(-1) for part in (*details, SIGMAS[-1] * change(levels[-1]))], -1)
    kernel = _kernels(x.shape[1], (_NEARBY,), x.dtype, x.device)[0]
    total = (kernel @ (squares * weight[..., None]).flatten(2)).unflatten(-1, squares.shape[2:])
    count = (kernel @ weight).clamp_min(1e-12)
    return Bands(details, levels[-1], levels, total / count[..., None])


def change(x: Float[Tensor, "b t *f"]) -> Float[Tensor, "b t *f"]:
    """From each frame to the next; the last frame's is that of the one before, a lone frame's 0."""
    if x.shape[1] < 2:
        return torch.zeros_like(x)
    step = x[:, 1:] - x[:, :-1]
    return torch.cat([step, step[:, -1:]], 1)
