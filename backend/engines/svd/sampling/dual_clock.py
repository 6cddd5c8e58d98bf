"""Motion without training: two clocks of denoising, one inside the bodies' masks, one outside (Time-to-Move, arXiv 2511.08633).

A crude clip that moves as wanted is noised to ``weak`` and denoised from there: what moves is given, how it looks is the model's.
Inside the masks it is put back after every step until ``strong``, so that the bodies keep to it longer than their surroundings.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from backend.engines.svd.sampling.sampler import AfterStep, start_latents
from backend.engines.svd.sampling.schedule import from_depth
from backend.errors import InputError
from revision_blender.video_model.following import Depths


@dataclass(frozen=True, eq=False)
class Signal:
    """latents: of the clip that shows the motion, scaled (posterior mode times the scaling factor). region: the bodies, in cells.

    noise: unit noise; the same noises the signal at every step.
    """

    latents: Float[Tensor, "1 frames 4 h w"]
    region: Bool[Tensor, "frames h w"]
    noise: Float[Tensor, "1 frames 4 h w"]

    def __post_init__(self) -> None:
        frames, _, height, width = self.latents.shape[1:]
        if self.noise.shape != self.latents.shape or self.region.shape != (frames, height, width):
            raise InputError(
                f"The motion signal has latents {tuple(self.latents.shape)}, noise {tuple(self.noise.shape)} and a region "
                f"{tuple(self.region.shape)}; they must be of one clip."
            )

    def at(self, sigma: Float[Tensor, ""], like: Tensor) -> Float[Tensor, "1 frames 4 h w"]:
        """The signal at a noise level, on the device and in the precision of ``like``; at sigma 0 it is the signal itself."""
        return (self.latents.float() + sigma * self.noise.float()).to(like)


@dataclass(frozen=True, eq=False)
class DualClock:
    """What ``denoise`` is called with. sigmas: the schedule from ``weak`` on. latents: where it starts. after_step: holds the bodies."""

    sigmas: Float[Tensor, " steps+1"]
    latents: Float[Tensor, "1 frames 4 h w"]
    after_step: AfterStep


def dual_clock(signal: Signal, sigmas: Float[Tensor, " n"], depths: Depths, dtype: torch.dtype | None = None) -> DualClock:
    """sigmas: the whole schedule, which is taken as ``schedule.from_depth`` says.

    A weak depth at or above the schedule's first sigma starts from pure noise, as the stock call does; a strong depth of 0 holds to
    the end. dtype: the model's precision. Raises InputError unless weak >= strong >= 0.
    """
    if not depths.weak >= depths.strong >= 0.0:
        raise InputError(
            f"The noise levels of following are {depths.weak} (surroundings) and {depths.strong} (bodies); the first must not lie below "
            "the second, and neither below 0."
        )
    noise = signal.noise if dtype is None else signal.noise.to(dtype)
    rest = from_depth(sigmas, depths)
    start = start_latents(noise, rest) if depths.weak >= float(sigmas[0]) else signal.at(rest[0], noise)
    return DualClock(rest, start, _holding(signal, rest, depths.strong))


def latent_region(mask: Bool[np.ndarray, "frames H W"], size: tuple[int, int]) -> Bool[Tensor, "frames h w"]:
    """The bodies' pixels to latent cells (height, width): the nearest pixel decides, as published."""
    small = functional.interpolate(torch.from_numpy(mask.astype(np.float32))[:, None], size=size, mode="nearest")
    return small[:, 0] > 0.5


def _holding(signal: Signal, sigmas: Float[Tensor, " n"], strong: float) -> AfterStep:
    depth = torch.tensor(strong, dtype=sigmas.dtype)

    def hold(latents: Tensor, index: int, sigma_next: Tensor) -> Tensor:
        if not bool(sigmas[index] > depth):
            return latents
        return torch.where(signal.region.to(latents.device)[None, :, None], signal.at(sigma_next, latents), latents)

    return hold
