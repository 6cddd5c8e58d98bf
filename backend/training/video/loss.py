"""The denoising loss: how far the model's clean latents are from the true ones, weighted by noise level."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.training.video.preconditioning import coefficients

MOVED = 0.2  # of the latents' unit spread: more than the codec's own unrest, less than any figure against its background

Unet = Callable[..., tuple[Tensor, ...]]  # UNetSpatioTemporalConditionModel's call, with return_dict=False


@dataclass(frozen=True)
class Conditions:
    """What the U-Net is told of a batch besides the noisy latents.

    picture: first frame's latents, unscaled posterior mode, 0 where dropped. motion: gray and confidence, exactly 0 where there is
    nothing. embedding: the image encoder's token. ids: frames a second less one, motion bucket, noise on the picture (SVD's micro-conditioning).
    """

    picture: Float[Tensor, "batch 4 h w"]
    motion: Float[Tensor, "batch frames 2 h w"]
    embedding: Float[Tensor, "batch 1 c"]
    ids: Float[Tensor, "batch 3"]


def denoised(unet: Unet, noisy: Float[Tensor, "b f 4 h w"], sigma: Float[Tensor, " b"], given: Conditions) -> Float[Tensor, "b f 4 h w"]:
    """The model's guess of the clean latents, D(x; sigma) of arXiv 2206.00364 equation 7, in full precision outside the U-Net."""
    scale = coefficients(sigma)
    picture = given.picture[:, None].expand(-1, noisy.shape[1], -1, -1, -1)
    stacked = torch.cat([scale.into * noisy, picture, given.motion], dim=2)
    output = unet(stacked, scale.noise, given.embedding, added_time_ids=given.ids, return_dict=False)[0]
    return scale.skip * noisy + scale.out * output.float()


def losses(
    unet: Unet,
    clean: Float[Tensor, "b f 4 h w"],
    noise: Float[Tensor, "b f 4 h w"],
    sigma: Float[Tensor, " b"],
    given: Conditions,
    moving: float = 0.0,
) -> Float[Tensor, " b"]:
    """Weighted squared error of each clip, a mean over its elements; about 1 for a model that knows nothing, at every noise level.

    moving: cells that differ from the first frame's count 1 + moving times, in a mean with these weights.
    """
    noisy = clean + noise * sigma[:, None, None, None, None]
    error = (denoised(unet, noisy, sigma, given) - clean).square()
    share = 1.0 + moving * moved(clean)
    return coefficients(sigma).weight[:, 0, 0, 0, 0] * (error * share).mean(dim=(1, 2, 3, 4)) / share.mean(dim=(1, 2, 3, 4))


def moved(clean: Float[Tensor, "b f 4 h w"]) -> Float[Tensor, "b f 1 h w"]:
    """1 where a cell is not what it was in the first frame, else 0."""
    return ((clean - clean[:, :1]).abs().mean(dim=2, keepdim=True) > MOVED).float()
