"""Clips from the video model, several at once, through the engine's own pieces: the same conditioning, sampler and decoder as a job."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from backend.engines.svd.conditioning import Conditioning, encode_picture, initial_noise, motion_channels, no_motion
from backend.engines.svd.decoding import as_bytes, decoded
from backend.engines.svd.model import VideoModel
from backend.engines.svd.sampling.guidance import Guidance, ModelCall, guided
from backend.engines.svd.sampling.multistep import step_of
from backend.engines.svd.sampling.sampler import denoise, start_latents
from backend.engines.svd.sampling.schedule import sigmas_for
from backend.engines.svd.unet.execution import prepared
from backend.progress import Progress
from revision_blender.video_model.presets import Preset

STRENGTH = 0.5  # motion strength wherever the weights know one


@dataclass(frozen=True, eq=False)
class Wish:
    """What one clip is made from. picture: ``(H, W, 3)``. labels, confidence: ``(F, H, W)``, or None for the empty mask. seed: of its noise."""

    picture: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None
    confidence: NDArray[np.uint8] | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Together(Conditioning):
    """Conditions of several clips as one batch: every tensor's first axis is as long as there are clips."""

    def time_ids(self, like: Tensor) -> Float[Tensor, "batch 3"]:
        """The same row for every clip."""
        return super().time_ids(like).expand(len(self.embedding), -1)


def made(model: VideoModel, wishes: Sequence[Wish], preset: Preset, batch: int, progress: Progress) -> tuple[NDArray[np.uint8], ...]:
    """One clip ``(F, H, W, 3)`` a wish, ``batch`` at a time; a clip does not depend on those beside it but for rounding."""
    clips: list[NDArray[np.uint8]] = []
    with prepared(model.unet, preset) as model_call:
        for start in range(0, len(wishes), batch):
            progress(start / len(wishes), f"Clip {start + 1} of {len(wishes)}")
            some = wishes[start : start + batch]
            latents = _latents(model, some, preset, model_call)
            clips += [as_bytes(decoded(model.vae, one[None], model.frames)) for one in latents]
    return tuple(clips)


def _latents(model: VideoModel, wishes: Sequence[Wish], preset: Preset, model_call: ModelCall) -> Float[Tensor, "batch frames 4 h w"]:
    drawn = [_drawn(model, wish) for wish in wishes]
    motion = [_motion(model, wish) for wish in wishes]
    facts = model.facts
    conditioning = Together(
        embedding=torch.cat([embedding for embedding, _, _ in drawn]),
        picture_latents=torch.cat([picture for _, picture, _ in drawn]),
        motion=torch.stack(motion).to(model.device, model.dtype) if model.conditioned else None,
        fps=facts.fps, bucket=facts.bucket(STRENGTH), noise_aug=facts.noise_augmentation,
    )  # fmt: skip
    sigmas = sigmas_for(preset, model.noise_range)
    start = start_latents(torch.cat([noise for _, _, noise in drawn]), sigmas)
    return denoise(guided(model_call, conditioning, Guidance(*facts.guidance)), start, sigmas, step=step_of(preset))


def _drawn(model: VideoModel, wish: Wish) -> tuple[Tensor, Tensor, Tensor]:
    """Embedding, latents and noise; drawn from the seed in the engine's order."""
    generator = torch.Generator("cpu").manual_seed(wish.seed)
    embedding, picture = encode_picture(model, wish.picture, model.facts.noise_augmentation, generator)
    noise = initial_noise(generator, model.frames, *picture.shape[-2:], device=model.device, dtype=model.dtype)
    return embedding, picture, noise


def _motion(model: VideoModel, wish: Wish) -> Float[Tensor, "frames 2 h w"]:
    height, width = (side // model.factor for side in wish.picture.shape[:2])
    if wish.labels is None:
        return no_motion(model.frames, height, width)
    full = np.where(wish.labels > 0, np.uint8(255), np.uint8(0))
    return motion_channels(wish.labels, full if wish.confidence is None else wish.confidence, model.factor)
