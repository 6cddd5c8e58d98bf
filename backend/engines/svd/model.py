"""A loaded video model: its parts, and what it was trained for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
from transformers import CLIPImageProcessorPil, CLIPVisionModelWithProjection

from backend.engines.svd.sampling.schedule import NoiseRange
from revision_blender.video_model.facts import CONDITIONED_CHANNELS, ModelFacts


@dataclass(eq=False)
class VideoModel:
    """vae: AutoencoderKLTemporalDecoder or the patch codec, which has the same interface.

    folder: where it was read from. device, dtype: where the U-Net computes and in what.
    """

    unet: UNetSpatioTemporalConditionModel
    vae: Any
    image_encoder: CLIPVisionModelWithProjection
    feature_extractor: CLIPImageProcessorPil
    noise_range: NoiseRange
    facts: ModelFacts
    folder: Path
    device: torch.device
    dtype: torch.dtype

    @property
    def conditioned(self) -> bool:
        """Whether the weights follow part masks."""
        return self.unet.config["in_channels"] == CONDITIONED_CHANNELS

    @property
    def factor(self) -> int:
        """Pixels a latent cell, each way."""
        return self.facts.factor

    @property
    def frames(self) -> int:
        """Of one clip, as trained."""
        return self.facts.frames

    @property
    def multiple(self) -> int:
        """Of every side in pixels: the latents are halved once less than the U-Net has blocks, and come back whole."""
        return self.facts.factor * 2 ** (len(self.unet.config["block_out_channels"]) - 1)
