"""Second-order steps at the price of first-order ones: a predictor and a corrector that call the model once a step.

In lambda = -log sigma the probability flow is d(x / sigma) = exp(lambda) D dlambda, whose linear part is solved exactly; what is left is how
the denoised estimate D moves. The predictor lets it go on as it went between the last two steps (DPM-Solver++ 2M, Lu et al. 2022,
arXiv 2211.01095). When the model has answered at the place it led to, the corrector walks the same stretch again with D known at both ends
(UniPC, Zhao et al. 2023, arXiv 2302.04867), and the next step begins there. Fewer steps then give the same video.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.engines.svd.sampling.sampler import Step, euler_step
from revision_blender.video_model.presets import Preset

KNOWN = 3  # denoised estimates that a stretch is corrected with; a parabola through them


@dataclass(frozen=True, eq=False)
class _Before:
    """Where the last step began (place, latents), and where it led (result, as it was handed out)."""

    place: float
    latents: Tensor
    result: Tensor


class Multistep:
    """The steps of one clip, in order. The first is Euler's, and so is the one to sigma 0, which both take in full."""

    def __init__(self) -> None:
        self._known: list[tuple[float, Tensor]] = []  # (lambda, denoised), the newest first
        self._before: _Before | None = None

    def __call__(
        self,
        latents: Float[Tensor, "1 frames 4 h w"],
        output: Float[Tensor, "1 frames 4 h w"],
        sigma: Float[Tensor, ""],
        sigma_next: Float[Tensor, ""],
    ) -> tuple[Float[Tensor, "1 frames 4 h w"], Float[Tensor, "1 frames 4 h w"]]:
        """As ``euler_step``: (latents at sigma_next in the model's precision, the denoised estimate in float32)."""
        moved, denoised = euler_step(latents, output, sigma, sigma_next)
        if sigma_next == 0:
            return moved, denoised
        place, goal = -math.log(float(sigma)), -math.log(float(sigma_next))
        self._known = [(place, denoised), *self._known[: KNOWN - 1]]
        began = self._corrected(latents, place)
        result = moved if len(self._known) == 1 else walked(began, place, goal, self._known[:2]).to(output.dtype)
        self._before = _Before(place, began, result)
        return result, denoised

    def _corrected(self, latents: Tensor, place: float) -> Float[Tensor, "1 frames 4 h w"]:
        """Where the last step should have led. What was changed since, as dual-clock denoising does inside the bodies, stays as it was made."""
        if self._before is None:
            return latents.to(torch.float32)
        again = walked(self._before.latents, self._before.place, place, self._known)
        return torch.where(latents == self._before.result, again, latents.to(torch.float32))


def walked(
    latents: Float[Tensor, "1 frames 4 h w"], place: float, goal: float, known: list[tuple[float, Tensor]]
) -> Float[Tensor, "1 frames 4 h w"]:
    """From one lambda to a later one, with D the polynomial through the one to three known estimates; exact for such a D."""
    length = goal - place
    weights = _weights(length)
    coefficients = _polynomial([at - place for at, _ in known], [denoised for _, denoised in known])
    result = math.exp(-length) * latents
    for weight, coefficient in zip(weights, coefficients, strict=False):
        result = result + weight * coefficient
    return result


def _weights(length: float) -> tuple[float, float, float]:
    """The integrals over t in [0, length] of exp(t - length) times 1, t and t squared."""
    constant = -math.expm1(-length)
    linear = length - constant
    return constant, linear, length * length - 2.0 * linear


def _polynomial(places: list[float], values: list[Tensor]) -> list[Tensor]:
    """Coefficients of 1, t, t squared of the interpolating polynomial (Newton's divided differences)."""
    if len(values) == 1:
        return values
    first = (values[1] - values[0]) / (places[1] - places[0])
    if len(values) == 2:
        return [values[0] - first * places[0], first]
    second = ((values[2] - values[1]) / (places[2] - places[1]) - first) / (places[2] - places[0])
    slope = first - second * (places[0] + places[1])
    return [values[0] - first * places[0] + second * places[0] * places[1], slope, second]


def step_of(preset: Preset) -> Step:
    """How a preset steps; a new one for each clip, since it remembers."""
    return Multistep() if preset.solver == "multistep" else euler_step
