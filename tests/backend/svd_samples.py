"""Small random video models in the real folder layout: a few hundred thousand weights, the stock classes, every path of the real code."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

FRAMES = 4
SIDE = 64  # px; 8 latent cells each way under the autoencoder's factor of 8
EMBEDDING = 32


def tiny_unet(in_channels: int = 8, seed: int = 0) -> Any:
    """A UNetSpatioTemporalConditionModel of two levels; with 10 channels the first eight have the weights of the 8-channel one."""
    from diffusers import UNetSpatioTemporalConditionModel

    torch.manual_seed(seed)
    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=8, out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=EMBEDDING, num_attention_heads=2, projection_class_embeddings_input_dim=96,
        addition_time_embed_dim=32, num_frames=FRAMES,
    )  # fmt: skip
    if in_channels != 8:
        from backend.engines.svd.weights.widening import widened

        widened(unet)
        with torch.no_grad():
            unet.conv_in.weight[:, 8:].normal_(std=0.2)
    return unet.eval()


def tiny_vae(seed: int = 1) -> Any:
    """An AutoencoderKLTemporalDecoder with the real factor of 8."""
    from diffusers import AutoencoderKLTemporalDecoder

    torch.manual_seed(seed)
    return AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32), down_block_types=("DownEncoderBlock2D",) * 4, latent_channels=4, layers_per_block=1,
        sample_size=32,
    ).eval()  # fmt: skip


def tiny_image_encoder(seed: int = 2) -> Any:
    """A CLIPVisionModelWithProjection of one layer on pictures of 224 px, as the stock pipeline resizes them."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    config = CLIPVisionConfig(
        hidden_size=32, projection_dim=EMBEDDING, num_hidden_layers=1, num_attention_heads=4, image_size=224, intermediate_size=37,
        patch_size=32,
    )  # fmt: skip
    return CLIPVisionModelWithProjection(config).eval()


def svd_scheduler(sigma_min: float = 0.002, sigma_max: float = 700.0) -> Any:
    """The scheduler with the configuration that SVD ships."""
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction", interpolation_type="linear",
        use_karras_sigmas=True, sigma_min=sigma_min, sigma_max=sigma_max, timestep_spacing="leading", timestep_type="continuous",
        steps_offset=1,
    )  # fmt: skip


def tiny_pipeline(in_channels: int = 8, seed: int = 0) -> Any:
    """The stock StableVideoDiffusionPipeline around the small nets. With 10 channels it can be saved, not called."""
    from diffusers import StableVideoDiffusionPipeline
    from transformers import CLIPImageProcessor

    torch.set_num_threads(1)
    pipeline = StableVideoDiffusionPipeline(
        vae=tiny_vae(seed + 1),
        image_encoder=tiny_image_encoder(seed + 2),
        unet=tiny_unet(in_channels, seed),
        scheduler=svd_scheduler(),
        feature_extractor=CLIPImageProcessor(crop_size=224, size={"shortest_edge": 224}),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def tiny_folder(where: Path, in_channels: int = 8, seed: int = 0) -> Path:
    """Saves the small pipeline as ``save_pretrained`` does and returns the folder."""
    tiny_pipeline(in_channels, seed).save_pretrained(where, safe_serialization=True)
    return where


def picture(width: int = SIDE, height: int = SIDE, seed: int = 0) -> NDArray[np.uint8]:
    """``(height, width, 3)`` soft noise: random, but with structure larger than a latent cell."""
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 256, (max(2, height // 16), max(2, width // 16), 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).copy()


def part_labels(frames: int = FRAMES, width: int = SIDE, height: int = SIDE) -> NDArray[np.uint8]:
    """``(frames, height, width)`` a body of three parts that walks to the right."""
    labels = np.zeros((frames, height, width), np.uint8)
    for frame in range(frames):
        left = 4 + frame * max(1, width // (2 * frames))
        labels[frame, height // 4 : height // 2, left : left + width // 4] = 4
        labels[frame, height // 2 : 3 * height // 4, left : left + width // 8] = 2
        labels[frame, height // 4 : height // 4 + 6, left + width // 4 : left + width // 4 + 6] = 23
    return labels
