"""Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598) with a scale that grows along the clip, as SVD has it.

The unconditional half sees no picture (embedding and latents 0) and no motion (both channels 0); frame rate, bucket and noise
augmentation stay. Frame 0 has scale 1 by default: it is the picture.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from backend.engines.svd.conditioning import Conditioning

Half = Literal["both", "empty", "given"]
Velocity = Callable[[Tensor, Tensor, int], Tensor]  # (latents, sigma, step's index) -> v, both (1, F, 4, h, w)


@dataclass(frozen=True)
class Place:
    """Which call of the U-Net this is, for what keeps features between calls: one memory for each (half, window).

    index: the step, from 0. half: of guidance; "both" is one batch of two, the empty half first. window: of a long clip, from 0.
    """

    index: int = 0
    half: Half = "both"
    window: int = 0


class ModelCall(Protocol):
    """The U-Net, however it is run. sample: scaled noisy latents, picture latents and, when conditioned, the motion channels.

    Returns v. timestep: 0.25 ln sigma, no dimensions. embedding: ``(B, 1, c)``. time_ids: ``(B, 3)``.
    """

    def __call__(
        self,
        sample: Float[Tensor, "batch frames channels h w"],
        timestep: Float[Tensor, ""],
        embedding: Float[Tensor, "batch 1 c"],
        time_ids: Float[Tensor, "batch 3"],
        place: Place,
    ) -> Float[Tensor, "batch frames 4 h w"]: ...


@dataclass(frozen=True)
class Guidance:
    """The scale of the first and of the last frame. A last scale of 1 or less means none: the U-Net runs on one half only, as in stock."""

    first: float = 1.0
    last: float = 3.0

    @property
    def needed(self) -> bool:
        return self.last > 1.0

    def scales(self, latents: Float[Tensor, "1 frames 4 h w"]) -> Float[Tensor, "1 frames 1 1 1"]:
        """Linear over the frames, on the latents' device and in their precision."""
        line = torch.linspace(self.first, self.last, latents.shape[1])
        return line.to(latents.device, latents.dtype)[None, :, None, None, None]


def plain(unet: Any) -> ModelCall:
    """The U-Net as diffusers runs it."""

    def call(sample: Tensor, timestep: Tensor, embedding: Tensor, time_ids: Tensor, place: Place) -> Tensor:
        del place
        return unet(sample, timestep, encoder_hidden_states=embedding, added_time_ids=time_ids, return_dict=False)[0]

    return call


def guided(
    model_call: ModelCall, conditioning: Conditioning, guidance: Guidance | None = None, *, split: bool = False, window: int = 0
) -> Velocity:
    """The guided velocity of one clip.

    split: the two halves one after the other, for small memory (same mathematics, not the same bits). window: handed to the model.
    """
    guidance = guidance or Guidance()

    def given(latents: Tensor, sigma: Tensor, index: int) -> Tensor:
        return model_call(*inputs(conditioning, latents, sigma, "given"), Place(index, "given", window))

    def halves(latents: Tensor, sigma: Tensor, index: int) -> Tensor:
        if split:
            empty = model_call(*inputs(conditioning, latents, sigma, "empty"), Place(index, "empty", window))
            full = given(latents, sigma, index)
        else:
            empty, full = model_call(*inputs(conditioning, latents, sigma, "both"), Place(index, "both", window)).chunk(2)
        return empty + guidance.scales(empty) * (full - empty)

    return halves if guidance.needed else given


def inputs(
    conditioning: Conditioning, latents: Float[Tensor, "1 frames 4 h w"], sigma: Tensor, half: Half
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the U-Net is called with: (sample, timestep, embedding, time_ids), for one half of guidance or both, the empty one first."""
    scaled = latents / (sigma**2 + 1) ** 0.5
    condition = conditioning.channels(latents.shape[1]).to(latents)
    embedding, time_ids = conditioning.embedding.to(latents), conditioning.time_ids(latents)
    timestep = 0.25 * sigma.to(latents.device).log()
    if half == "both":
        sample = torch.cat([torch.cat([scaled, scaled]), torch.cat([torch.zeros_like(condition), condition])], dim=2)
        return sample, timestep, torch.cat([torch.zeros_like(embedding), embedding]), torch.cat([time_ids, time_ids])
    if half == "empty":
        condition, embedding = torch.zeros_like(condition), torch.zeros_like(embedding)
    return torch.cat([scaled, condition], dim=2), timestep, embedding, time_ids
