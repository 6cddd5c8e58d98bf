"""Euler steps down the probability-flow ODE (Karras et al. 2022, arXiv 2206.00364, algorithm 1 without churn), v-prediction.

The arithmetic's order and precision are those of the stock scheduler, so that a seed gives the stock pipeline's latents bit for bit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.engines.svd.sampling.guidance import Velocity
from backend.errors import EngineError

AfterStep = Callable[[Tensor, int, Tensor], Tensor]  # (latents, step's index, the sigma they now have) -> latents


@dataclass(frozen=True, eq=False)
class StepState:
    """After a step. index: from 0. sigma: the noise level the latents now have. denoised: the model's picture of the end, same shape."""

    index: int
    steps: int
    sigma: float
    latents: Float[Tensor, "1 frames 4 h w"]
    denoised: Float[Tensor, "1 frames 4 h w"]


OnStep = Callable[[StepState], None]
Step = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]  # (latents, v, sigma, next sigma) -> (latents, denoised)


def start_latents(noise: Float[Tensor, "1 frames 4 h w"], sigmas: Float[Tensor, " n"]) -> Float[Tensor, "1 frames 4 h w"]:
    """Unit noise at the schedule's first sigma, with the unit spread of clean latents added in (variance sigma^2 + 1), as stock does."""
    return noise * (sigmas[0] ** 2 + 1) ** 0.5


@torch.no_grad()
def denoise(
    velocity: Velocity,
    latents: Float[Tensor, "1 frames 4 h w"],
    sigmas: Float[Tensor, " steps+1"],
    *,
    step: Step | None = None,
    after_step: AfterStep | None = None,
    on_step: OnStep | None = None,
) -> Float[Tensor, "1 frames 4 h w"]:
    """Latents at ``sigmas[0]`` to latents at ``sigmas[-1]``.

    step: how one is taken, Euler's by default. after_step may change the latents after each step; on_step is told of each step and may
    leave by an exception (Cancelled). Raises EngineError when a latent is no number any more.
    """
    steps = len(sigmas) - 1
    for index in range(steps):
        output = velocity(latents, sigmas[index], index)
        latents, denoised = (step or euler_step)(latents, output, sigmas[index], sigmas[index + 1])
        if after_step is not None:
            latents = after_step(latents, index, sigmas[index + 1])
        _check_finite(latents, index, steps)
        if on_step is not None:
            on_step(StepState(index, steps, float(sigmas[index + 1]), latents, denoised))
    return latents


def euler_step(
    latents: Float[Tensor, "1 frames 4 h w"],
    output: Float[Tensor, "1 frames 4 h w"],
    sigma: Float[Tensor, ""],
    sigma_next: Float[Tensor, ""],
) -> tuple[Float[Tensor, "1 frames 4 h w"], Float[Tensor, "1 frames 4 h w"]]:
    """One step: (latents at sigma_next in the model's precision, the denoised estimate in float32). output: the model's v."""
    sample = latents.to(torch.float32)
    denoised = output * (-sigma / (sigma**2 + 1) ** 0.5) + sample / (sigma**2 + 1)
    slope = (sample - denoised) / sigma
    return (sample + slope * (sigma_next - sigma)).to(output.dtype), denoised


def _check_finite(latents: Tensor, index: int, steps: int) -> None:
    if not bool(torch.isfinite(latents).all()):
        raise EngineError(
            f"The video model gave values that are no numbers at step {index + 1} of {steps}, in {_precision(latents.dtype)}. "
            "Try another seed, or full precision (float32)."
        )


def _precision(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
