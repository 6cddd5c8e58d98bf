"""A second-order step at the price of a first-order one: DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, algorithm 2).

In log sigma the denoised estimate moves nearly on a line. From this step's and the last one's its value halfway to the next sigma follows,
and the step is taken towards that; Euler's is taken towards this step's alone. Fewer steps then give the same video.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from backend.engines.svd.sampler import Step, euler_step
from revision_blender.video_model.presets import Preset


class Multistep:
    """The steps of one clip, in order; the first is Euler's, and so is the one to sigma 0, which both take in full."""

    def __init__(self) -> None:
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(
        self,
        latents: Float[Tensor, "1 frames 4 h w"],
        output: Float[Tensor, "1 frames 4 h w"],
        sigma: Float[Tensor, ""],
        sigma_next: Float[Tensor, ""],
    ) -> tuple[Float[Tensor, "1 frames 4 h w"], Float[Tensor, "1 frames 4 h w"]]:
        """As ``euler_step``: (latents at sigma_next in the model's precision, the denoised estimate in float32)."""
        moved, denoised = euler_step(latents, output, sigma, sigma_next)
        last, self._last = self._last, (denoised, sigma)
        if last is None or sigma_next == 0:
            return moved, denoised
        before, sigma_before = last
        reach = torch.log(sigma / sigma_next) / torch.log(sigma_before / sigma)
        halfway = denoised + 0.5 * reach * (denoised - before)
        share = sigma_next / sigma
        return (share * latents.to(torch.float32) + (1.0 - share) * halfway).to(output.dtype), denoised


def step_of(preset: Preset) -> Step:
    """How a preset steps; a new one for each clip, since it may remember."""
    return Multistep() if preset.solver == "multistep" else euler_step
