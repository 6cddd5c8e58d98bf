"""EDM preconditioning with SVD's coefficients (arXiv 2206.00364, table 1; arXiv 2311.15127, appendix D): F is a v-prediction.

With unit data variance:  D(x; sigma) = c_skip x + c_out F(c_in x, c_noise).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class NoiseLaw:
    """ln sigma is normal with this mean and spread. SVD's own fits 72x128 latents; smaller latents want a smaller mean."""

    mean: float = 0.7
    std: float = 1.6

    def draw(self, n: int, generator: torch.Generator) -> Float[Tensor, " batch"]:
        """``n`` noise levels. One an equal share of the law each, so that every batch sees weak and strong noise alike."""
        share = (torch.arange(n, dtype=torch.float64) + torch.rand(n, generator=generator, dtype=torch.float64)) / n
        return self.at(share[torch.randperm(n, generator=generator)])

    def at(self, share: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """The levels under which the given shares of the law lie."""
        inside = share.clamp(1e-6, 1.0 - 1e-6)
        return torch.exp(self.mean + self.std * math.sqrt(2.0) * torch.erfinv(2.0 * inside - 1.0)).float()


@dataclass(frozen=True)
class Coefficients:
    """c_skip, c_out, c_in and the loss's weight, each shaped to be multiplied with ``(batch, frames, 4, h, w)``; c_noise ``(batch,)``."""

    skip: Float[Tensor, "batch 1 1 1 1"]
    out: Float[Tensor, "batch 1 1 1 1"]
    into: Float[Tensor, "batch 1 1 1 1"]
    noise: Float[Tensor, " batch"]
    weight: Float[Tensor, "batch 1 1 1 1"]


def coefficients(sigma: Float[Tensor, " batch"]) -> Coefficients:
    """c_skip 1/(s²+1), c_out -s/√(s²+1), c_in 1/√(s²+1), c_noise ln(s)/4, weight (1+s²)/s², which makes weight·c_out² one."""
    wide = sigma[:, None, None, None, None]
    total = wide**2 + 1.0
    return Coefficients(1.0 / total, -wide / total.sqrt(), 1.0 / total.sqrt(), 0.25 * sigma.log(), total / wide**2)


def quantiles(law: NoiseLaw, n: int) -> Sequence[float]:
    """``n`` levels in the middles of ``n`` equal shares of the law: fixed points to compare losses at."""
    return [float(level) for level in law.at((torch.arange(n, dtype=torch.float64) + 0.5) / n)]
