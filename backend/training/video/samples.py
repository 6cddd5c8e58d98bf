"""Sample clips for the eye while training goes on: true frames above, then generated with all masks, with a target pose, with none."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from backend.engines.svd.conditioning import Conditioning, encode_picture, initial_noise, motion_channels
from backend.engines.svd.decoding import as_bytes, decoded
from backend.engines.svd.model import VideoModel
from backend.engines.svd.sampling.guidance import Guidance, guided, plain
from backend.engines.svd.sampling.sampler import denoise, start_latents
from backend.engines.svd.sampling.schedule import karras_sigmas
from backend.training.video.conditions import Masks, full_masks, no_masks, target_masks
from backend.training.video.dataset import ClipFolder, TrainingClip

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class SampleSettings:
    """steps: of the sampler. sigma_max: where it starts. fps, bucket: what the model is told."""

    steps: int
    sigma_max: float
    fps: float
    bucket: float
    decode_chunk: int = 4


def sample_sheet(model: VideoModel, clips: ClipFolder, index: int, settings: SampleSettings) -> Bytes:
    """``(4 height, frames width, 3)``: a row each of true frames, all masks, target pose, nothing. The seed is the clip's number."""
    rng = np.random.default_rng([99, index])
    clip = clips.clip(index, rng)
    given = (full_masks(clip.labels), target_masks(clip.labels, rng), no_masks(clip.labels))
    rows = [clip.frames, *(generated(model, clip, masks, settings, seed=index) for masks in given)]
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])


@torch.no_grad()
def generated(model: VideoModel, clip: TrainingClip, masks: Masks, settings: SampleSettings, *, seed: int) -> Bytes:
    """``(F, H, W, 3)`` from the clip's first frame and the masks, with the guidance that the model's facts name."""
    generator = torch.Generator().manual_seed(seed)
    aug = model.facts.noise_augmentation
    embedding, picture = encode_picture(model, clip.frames[0], aug, generator)
    motion = motion_channels(masks.labels, masks.confidence, model.factor)[None].to(picture)
    told = Conditioning(embedding, picture, motion, settings.fps, round(settings.bucket), aug)
    sigmas = karras_sigmas(settings.steps, model.noise_range.sigma_min, settings.sigma_max)
    noise = initial_noise(generator, len(clip.frames), *picture.shape[2:], device=model.device)
    velocity = guided(plain(model.unet), told, Guidance(*model.facts.guidance))
    latents = denoise(velocity, start_latents(noise, sigmas), sigmas)
    return np.asarray(as_bytes(decoded(model.vae, latents, settings.decode_chunk)))
