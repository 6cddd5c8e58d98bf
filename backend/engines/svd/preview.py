"""What latents roughly look like, without the decoder: a linear map from latent channels to colours, fitted to the clip's own picture."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

RIDGE = 1e-3  # of a channel's mean variance: keeps the map small where the picture says nothing about a channel


@dataclass(frozen=True, eq=False)
class LatentColours:
    """colour = weights @ (latent - centre) + colour_of_centre; colours in [-1, 1]. On the CPU, float32."""

    weights: Float[Tensor, "3 4"]
    centre: Float[Tensor, " 4"]
    colour_of_centre: Float[Tensor, " 3"]


def fitted_colours(latents: Float[Tensor, "1 4 h w"], picture: UInt8[np.ndarray, "height width 3"]) -> LatentColours:
    """The map that gives the picture's latents its own colours, by ridge regression over the cells.

    latents: of the picture, scaled as the sampler's are. picture: of any size with the latents' shape; its cells' mean colours count.
    There is always an answer: of a picture in one colour every latent gets that colour.
    """
    cells = latents[0].detach().float().cpu().flatten(1).T
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1.0
    colours = functional.adaptive_avg_pool2d(pixels, (latents.shape[2], latents.shape[3]))[0].flatten(1).T
    centre, colour = cells.mean(0), colours.mean(0)
    centred = cells - centre
    spread = centred.T @ centred
    ridge = torch.eye(len(centre)) * (RIDGE * spread.diagonal().mean() + 1e-6)
    weights = torch.linalg.solve(spread + ridge, centred.T @ (colours - colour)).T
    return LatentColours(weights, centre, colour)


def preview(latents: Float[Tensor, "1 frames 4 h w"], colours: LatentColours) -> UInt8[np.ndarray, "frames h w 3"]:
    """One pixel a cell. latents: best the sampler's estimate of the end (``StepState.denoised``), since noise has no colours."""
    cells = latents[0].detach().float().cpu().movedim(1, -1) - colours.centre
    seen = cells @ colours.weights.T + colours.colour_of_centre
    return ((torch.nan_to_num(seen) / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
