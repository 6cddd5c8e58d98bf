"""Random video models for the benchmark: SVD's full size, or a small one of the same classes. Speed and memory do not depend on the values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from backend.engines.svd.model import VideoModel
from backend.engines.svd.sampling.schedule import noise_range_of
from revision_blender.video_model.facts import ModelFacts


@dataclass(frozen=True)
class Shape:
    """Of the networks and of the clip; size is (width, height) in pixels."""

    unet: tuple[int, ...]
    layers: int
    heads: tuple[int, ...]
    coder: tuple[int, ...]
    encoder: dict[str, int]
    context: int
    frames: int
    size: tuple[int, int]
    dtype: torch.dtype


FULL = Shape(
    (320, 640, 1280, 1280), 2, (5, 10, 20, 20), (128, 256, 512, 512),
    {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16, "patch_size": 14},
    1024, 25, (1024, 576), torch.float16,
)  # fmt: skip
SMALL = Shape(
    (32, 64, 96), 1, (2, 4, 6), (32, 32, 32, 32),
    {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "patch_size": 32},
    64, 8, (192, 128), torch.float32,
)  # fmt: skip


def random_pipeline(shape: Shape, device: torch.device) -> Any:
    """A StableVideoDiffusionPipeline with the scheduler that SVD ships."""
    from diffusers import AutoencoderKLTemporalDecoder, StableVideoDiffusionPipeline, UNetSpatioTemporalConditionModel
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    from tests.backend.svd_samples import svd_scheduler

    torch.manual_seed(0)
    deep = len(shape.unet) - 1
    with device:
        unet = UNetSpatioTemporalConditionModel(
            block_out_channels=shape.unet, layers_per_block=shape.layers, num_attention_heads=shape.heads, cross_attention_dim=shape.context,
            down_block_types=(*("CrossAttnDownBlockSpatioTemporal",) * deep, "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", *("CrossAttnUpBlockSpatioTemporal",) * deep), num_frames=shape.frames,
        )  # fmt: skip
        vae = AutoencoderKLTemporalDecoder(
            block_out_channels=shape.coder, down_block_types=("DownEncoderBlock2D",) * len(shape.coder), layers_per_block=2,
            latent_channels=4, sample_size=768,
        )  # fmt: skip
        encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(image_size=224, projection_dim=shape.context, **shape.encoder))
    pipeline = StableVideoDiffusionPipeline(
        vae=vae, image_encoder=encoder, unet=unet, scheduler=svd_scheduler(), feature_extractor=CLIPImageProcessor()
    ).to(device, shape.dtype)
    for part in (unet, vae, encoder):
        part.eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def as_model(pipeline: Any, shape: Shape, device: torch.device, folder: Path) -> VideoModel:
    """The same weights, not a copy. folder: where they were saved."""
    facts = ModelFacts(shape.frames, shape.size)
    return VideoModel(
        pipeline.unet, pipeline.vae, pipeline.image_encoder, pipeline.feature_extractor, noise_range_of(pipeline.scheduler.config),
        facts, folder, device, shape.dtype,
    )  # fmt: skip
