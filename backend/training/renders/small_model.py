"""The small video model before its first step: Stable Video Diffusion's classes, a fitted patch codec, everything else at random.

python -m backend train small --data DIR --out DIR
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

from backend.engines.svd.patch_codec import PatchCodec, Samples, fitted
from backend.engines.svd.weights.facts import save_facts
from backend.errors import InputError
from backend.training.video.dataset import ClipFolder
from revision_blender.video_model.facts import CONDITIONED_CHANNELS, ModelFacts

EMBEDDING = 64
ENCODER_SIDE = 224  # px, to which the stock pipeline resizes
SIGMA_MIN = 0.002
FIGURE_WEIGHT = 6.0  # how much more an error counts on and beside the figure than on the background, in fitting the codec


@dataclass(frozen=True)
class SmallModel:
    """widths: channels of the U-Net's levels. heads: of their attention. sigma_max: where the sampler starts. pictures: that the codec is fitted to."""

    widths: tuple[int, ...] = (32, 64, 96)
    heads: tuple[int, ...] = (2, 4, 6)
    sigma_max: float = 40.0
    pictures: int = 1500
    seed: int = 0
    name: str = "the bundled small model"


def write_start(data: Path, out: Path, wanted: SmallModel = SmallModel()) -> None:
    """Writes a folder that ``python -m backend train video`` starts from. Raises InputError for a dataset that cannot be read."""
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty; name a new folder for the model.")
    clips = ClipFolder(data)
    samples = samples_of(clips, wanted.pictures, np.random.default_rng(wanted.seed))
    torch.manual_seed(wanted.seed)
    codec = fitted(samples)
    _unet(wanted, clips).save_pretrained(out / "unet")
    codec.save_pretrained(out / "vae")
    _image_encoder(samples.pixels).save_pretrained(out / "image_encoder")
    _image_processor().save_pretrained(out / "feature_extractor")
    _write_json(out / "scheduler" / "scheduler_config.json", _scheduler(wanted.sigma_max))
    _write_json(out / "model_index.json", _index())
    facts = ModelFacts(
        clips.facts.frames, clips.facts.size, clips.facts.fps, factor=codec.config["patch"], buckets=(127, 127), name=wanted.name
    )
    save_facts(out, facts)


def samples_of(clips: ClipFolder, count: int, rng: np.random.Generator) -> Samples:
    """Random frames of a dataset; figures and what is beside them weigh more."""
    frames, weights = [], []
    for index in rng.integers(len(clips), size=count):
        clip = clips.clip(int(index), rng)
        at = int(rng.integers(len(clip.frames)))
        frames.append(clip.frames[at])
        weights.append(clip.labels[at] > 0)
    pixels = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    figure = functional.max_pool2d(torch.from_numpy(np.stack(weights)).float()[:, None], 5, 1, 2)
    return Samples(pixels, 1.0 + (FIGURE_WEIGHT - 1.0) * figure)


def _unet(wanted: SmallModel, clips: ClipFolder) -> UNetSpatioTemporalConditionModel:
    levels = len(wanted.widths)
    unet = UNetSpatioTemporalConditionModel(
        sample_size=clips.facts.size[0] // PatchCodec().config["patch"],
        in_channels=CONDITIONED_CHANNELS,
        down_block_types=("CrossAttnDownBlockSpatioTemporal",) * (levels - 1) + ("DownBlockSpatioTemporal",),
        up_block_types=("UpBlockSpatioTemporal",) + ("CrossAttnUpBlockSpatioTemporal",) * (levels - 1),
        block_out_channels=wanted.widths,
        layers_per_block=1,
        cross_attention_dim=EMBEDDING,
        num_attention_heads=wanted.heads,
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=96,
        num_frames=clips.facts.frames,
    )
    nn.init.zeros_(unet.conv_out.weight)  # starts at the denoiser that the preconditioning alone makes
    return unet


def _image_encoder(pixels: Float[Tensor, "n 3 height width"]) -> CLIPVisionModelWithProjection:
    """One random layer that never learns; its embeddings are centred and of unit spread over the pictures."""
    config = CLIPVisionConfig(
        hidden_size=EMBEDDING, projection_dim=EMBEDDING, num_hidden_layers=1, num_attention_heads=4, image_size=ENCODER_SIDE, intermediate_size=128,
        patch_size=32, initializer_factor=8.0,
    )  # fmt: skip
    encoder = CLIPVisionModelWithProjection(config).eval().requires_grad_(False)
    mean, std = (torch.tensor(values)[:, None, None] for values in (_image_processor().image_mean, _image_processor().image_std))
    large = functional.interpolate((pixels[:256] + 1.0) / 2.0, ENCODER_SIDE, mode="bilinear", antialias=True)
    pooled = encoder.vision_model((large - mean) / std).pooler_output
    encoder.vision_model.post_layernorm.bias -= pooled.mean(0)
    spread = encoder.visual_projection(pooled - pooled.mean(0)).std()
    encoder.visual_projection.weight /= spread
    return encoder


def _image_processor() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(crop_size=ENCODER_SIDE, size={"shortest_edge": ENCODER_SIDE})


def _scheduler(sigma_max: float) -> dict[str, object]:
    """Stable Video Diffusion's settings with another range of noise."""
    return {
        "_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "interpolation_type": "linear", "num_train_timesteps": 1000, "prediction_type": "v_prediction", "sigma_min": SIGMA_MIN,
        "sigma_max": sigma_max, "steps_offset": 1, "timestep_spacing": "leading", "timestep_type": "continuous", "use_karras_sigmas": True,
    }  # fmt: skip


def _index() -> dict[str, object]:
    return {
        "_class_name": "StableVideoDiffusionPipeline",
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
        "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "unet": ["diffusers", "UNetSpatioTemporalConditionModel"],
        "vae": ["backend.engines.svd.patch_codec", "PatchCodec"],
    }


def _write_json(file: Path, values: dict[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
