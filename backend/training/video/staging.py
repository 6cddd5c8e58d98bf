"""From a batch of pixels to what the loss takes: clean latents, noise levels, conditions. The autoencoder and image encoder stay frozen."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from backend.engines.svd.conditioning import embedded, posterior_mode
from backend.engines.svd.model import VideoModel
from backend.training.video.config import NoiseConfig
from backend.training.video.examples import Batch
from backend.training.video.loss import Conditions
from backend.training.video.preconditioning import NoiseLaw

_CHUNK = 8  # pictures the autoencoder takes at once
_MAX_REMEMBERED = 50_000  # embeddings of first frames: 200 MB at SVD's width


@dataclass(frozen=True)
class Staged:
    """Everything random of a step is in here: the loss is a function of this and the weights."""

    clean: Float[Tensor, "batch frames 4 h w"]
    noise: Float[Tensor, "batch frames 4 h w"]
    sigma: Float[Tensor, " batch"]
    given: Conditions


class Stage:
    """Encodes batches with the model's frozen parts; embeddings of pictures seen before are remembered."""

    def __init__(self, model: VideoModel, noise: NoiseConfig, fps: float, bucket: float) -> None:
        self.model, self.fps, self.bucket = model, fps, bucket
        self.law = NoiseLaw(noise.mean, noise.std)
        self.picture_law = NoiseLaw(noise.picture_mean, noise.picture_std)
        self._embeddings: dict[bytes, Tensor] = {}

    @torch.no_grad()
    def __call__(self, batch: Batch, generator: torch.Generator) -> Staged:
        """generator: the CPU's; draws noise levels, noise and the noise on the first frames, in this order."""
        sigma = self.law.draw(len(batch.names), generator)
        clean = self.latents(batch.frames)
        noise = torch.randn(clean.shape, generator=generator).to(clean.device)
        return Staged(clean, noise, sigma.to(clean.device), self.conditions(batch, generator))

    @torch.no_grad()
    def latents(self, frames: UInt8[Tensor, "b f 3 height width"]) -> Float[Tensor, "b f 4 h w"]:
        """Posterior mode times the scaling factor, in full precision."""
        modes = [self._encoded(_signed(part)) for part in frames.flatten(0, 1).split(_CHUNK)]
        return torch.cat(modes).unflatten(0, frames.shape[:2]) * float(self.model.vae.config.scaling_factor)

    @torch.no_grad()
    def conditions(self, batch: Batch, generator: torch.Generator) -> Conditions:
        """The picture with noise on it, its embedding without, the motion channels; zeros where dropped."""
        pictures = batch.frames[:, 0]
        level = self.picture_law.draw(len(pictures), generator)
        noisy = _signed(pictures) + level[:, None, None, None] * torch.randn(pictures.shape, generator=generator)
        device = self.model.device
        latents = torch.cat([self._encoded(part) for part in noisy.split(_CHUNK)])
        ids = torch.stack([torch.full_like(level, self.fps - 1.0), torch.full_like(level, self.bucket), level], dim=1)
        return Conditions(
            latents * batch.keep_picture.to(device)[:, None, None, None],
            batch.motion.to(device),
            self.embeddings(pictures) * batch.keep_all.to(device)[:, None, None],
            ids.to(device),
        )

    @torch.no_grad()
    def embeddings(self, pictures: UInt8[Tensor, "b 3 height width"]) -> Float[Tensor, "b 1 c"]:
        """The image encoder's token of each picture, as the sampler has it."""
        keys = [np.ascontiguousarray(picture.numpy()).tobytes() for picture in pictures]
        new = [index for index, key in enumerate(keys) if key not in self._embeddings]
        if len(self._embeddings) + len(new) > _MAX_REMEMBERED:
            self._embeddings.clear()
            new = list(range(len(keys)))
        if new:
            # one by one: in batches a picture's last bits would depend on its neighbours, and a resumed run would differ
            self._embeddings.update({keys[index]: self._embedded(pictures[index : index + 1])[0] for index in new})
        return torch.stack([self._embeddings[key] for key in keys])

    def _embedded(self, pictures: UInt8[Tensor, "b 3 height width"]) -> Float[Tensor, "b 1 c"]:
        return embedded(self.model.image_encoder, self.model.feature_extractor, _signed(pictures)).float()

    def _encoded(self, pixels: Float[Tensor, "n 3 height width"]) -> Float[Tensor, "n 4 h w"]:
        return posterior_mode(self.model.vae, pixels.to(self.model.device)).float()


def _signed(pixels: UInt8[Tensor, "*n 3 height width"]) -> Float[Tensor, "*n 3 height width"]:
    return pixels.float() / 127.5 - 1.0
