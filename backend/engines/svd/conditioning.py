"""What the video model is told: the picture twice (embedding and latents), the motion channels, frame rate, bucket, noise augmentation.

As the stock pipeline (Blattmann et al. 2023, arXiv 2311.15127), number for number; the motion channels as in ReVision, section 3.3.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.errors import InputError
from revision_blender.masks.labels import BACKGROUND, conditioning_gray
from revision_blender.masks.latent import latent_maps

if TYPE_CHECKING:
    from backend.engines.svd.model import VideoModel


@dataclass(frozen=True, eq=False)
class Conditioning:
    """embedding: of the picture. picture_latents: posterior mode, not scaled. motion: None for weights with eight channels.

    fps: frames a second of the result. bucket: how much motion, 0 to 255. noise_aug: strength of the noise on the picture.
    """

    embedding: Float[Tensor, "1 1 c"]
    picture_latents: Float[Tensor, "1 4 h w"]
    motion: Float[Tensor, "1 frames 2 h w"] | None
    fps: float
    bucket: int
    noise_aug: float

    def channels(self, frames: int) -> Float[Tensor, "1 frames channels h w"]:
        """Everything that goes beside the noisy latents: the picture's latents on every frame, then the motion. 4 or 6 channels."""
        picture = self.picture_latents[:, None].expand(-1, frames, -1, -1, -1)
        if self.motion is None:
            return picture
        if self.motion.shape[1] != frames:
            raise InputError(f"The motion has {self.motion.shape[1]} frames, the video {frames}; both need the same number.")
        return torch.cat([picture, self.motion.to(picture)], dim=2)

    def time_ids(self, like: Tensor) -> Float[Tensor, "1 3"]:
        """SVD was trained on fps - 1, hence the difference; on the device and in the precision of ``like``."""
        return torch.tensor([[self.fps - 1, self.bucket, self.noise_aug]], dtype=like.dtype).to(like.device)

    def of_frames(self, indices: Sequence[int]) -> "Conditioning":
        """The same for a window of the clip."""
        return self if self.motion is None else replace(self, motion=self.motion[:, list(indices)])


def no_motion(frames: int, height: int, width: int) -> Float[Tensor, "frames 2 h w"]:
    """The condition that says nothing, for weights with ten channels: exactly 0. height, width: latent cells."""
    return torch.zeros(frames, 2, height, width)


def motion_channels(
    labels: UInt8[np.ndarray, "frames H W"],
    confidence: UInt8[np.ndarray, "frames H W"],
    factor: int = 8,
    size: tuple[int, int] | None = None,
) -> Float[Tensor, "frames 2 h w"]:
    """Part labels and confidence (255 is 1) at pixel resolution to the two condition channels at latent resolution, in [0, 1].

    Channel 0: conditioning gray / 255 of the label that wins the cell by priority majority; never an average of labels.
    Channel 1: that label's mean confidence in the cell times its coverage, the share of the cell's pixels that carry it.
    Background, and a part of confidence 0, is exactly 0 in both. factor: pixels a cell. size: ``(height, width)`` in cells where the
    maps have another size than the video: an integer multiple is reduced exactly, anything else by the nearest pixel first.
    Raises MaskError for a size that does not divide into cells, InputError for maps of different shapes.
    """
    if labels.ndim != 3 or labels.shape != confidence.shape:
        raise InputError(
            f"The part masks have shape {labels.shape}, their confidence {confidence.shape}; both must be (frames, height, width)."
        )
    cells = latent_maps(*_fitted(labels, confidence, factor, size))
    says = (cells.labels != BACKGROUND) & (cells.confidence > 0)
    gray = conditioning_gray(cells.labels).astype(np.float32) / 255.0
    sure = cells.confidence.astype(np.float32) / 255.0 * cells.coverage
    return torch.from_numpy(np.stack([gray * says, sure * says], axis=1))


@torch.no_grad()
def encode_picture(
    model: "VideoModel", picture: UInt8[np.ndarray, "H W 3"], noise_aug: float, generator: torch.Generator
) -> tuple[Float[Tensor, "1 1 c"], Float[Tensor, "1 4 h w"]]:
    """(embedding, latents) of the picture at the video's own size.

    The noise augmentation takes the generator's first draw, before ``initial_noise``: then a seed gives the stock pipeline's video.
    """
    pixels = _unit(picture[None])
    embedding = embedded(model.image_encoder, model.feature_extractor, pixels * 2.0 - 1.0)
    noise = torch.randn(pixels.shape, generator=generator, device=generator.device)
    device = model.device
    noisy = (pixels * 2.0 - 1.0).to(device) + noise_aug * noise.to(device)
    latents = posterior_mode(model.vae, noisy)
    return embedding, latents.to(embedding.dtype)


@torch.no_grad()
def encode_frames(model: "VideoModel", frames: UInt8[np.ndarray, "frames H W 3"], chunk: int = 1) -> Float[Tensor, "1 frames 4 h w"]:
    """A clip's latents as the sampler has them: posterior mode times the scaling factor, frame by frame, ``chunk`` at once, float32."""
    parts = [_unit(frames[start : start + chunk]) * 2.0 - 1.0 for start in range(0, len(frames), chunk)]
    modes = [posterior_mode(model.vae, part.to(model.device)).float() for part in parts]
    return torch.cat(modes)[None] * float(model.vae.config.scaling_factor)


def posterior_mode(vae: Any, pixels: Float[Tensor, "n 3 H W"]) -> Float[Tensor, "n 4 h w"]:
    """The autoencoder's best guess, not scaled; pixels in [-1, 1]. A half-precision autoencoder that needs it runs in float32 meanwhile."""
    with _upcast(vae):
        return vae.encode(pixels.to(vae.dtype)).latent_dist.mode()


def initial_noise(
    generator: torch.Generator,
    frames: int,
    height: int,
    width: int,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "1 frames 4 h w"]:
    """Unit noise, four channels whatever the U-Net takes (stock code would draw half of its channels: five of ten).

    height, width: latent cells. Drawn where the generator lives and in ``dtype``, as stock does, then moved.
    """
    return torch.randn((1, frames, 4, height, width), generator=generator, device=generator.device, dtype=dtype).to(device)


def _fitted(
    labels: NDArray[np.uint8], confidence: NDArray[np.uint8], factor: int, size: tuple[int, int] | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """The maps and the pixels a cell that give ``size`` cells."""
    if size is None:
        return labels, confidence, factor
    (height, width), (rows, columns) = labels.shape[1:], size
    if height % rows == 0 and width % columns == 0 and height // rows == width // columns:
        return labels, confidence, height // rows
    across = (np.arange(rows * factor) * height // (rows * factor))[:, None]
    along = (np.arange(columns * factor) * width // (columns * factor))[None, :]
    return labels[:, across, along], confidence[:, across, along], factor


def _unit(frames: NDArray[np.uint8]) -> Float[Tensor, "n 3 H W"]:
    # a transposed view, channels last in memory as in stock: a copy in another order rounds differently in the convolutions
    return torch.from_numpy(frames.astype(np.float32).transpose(0, 3, 1, 2)) / 255.0


def embedded(encoder: Any, extractor: Any, pixels: Float[Tensor, "n 3 H W"]) -> Float[Tensor, "n 1 c"]:
    """CLIP's picture embedding; pixels in [-1, 1], resized there with antialiasing, then normalised as the extractor's configuration says."""
    side = int(encoder.config.image_size)
    small = (resized(pixels, side) + 1.0) / 2.0
    mean, std = (torch.tensor(values)[:, None, None] for values in (extractor.image_mean, extractor.image_std))
    weight = next(encoder.parameters())
    return encoder(((small - mean) / std).to(weight)).image_embeds[:, None]


def resized(pixels: Float[Tensor, "n 3 H W"], side: int) -> Float[Tensor, "n 3 side side"]:
    """Gaussian against aliasing (sigma half of what the reduction exceeds 1 by, cut at two sigma), then bicubic, corners on corners."""
    for axis, length in ((3, pixels.shape[3]), (2, pixels.shape[2])):
        pixels = _blurred(pixels, max((length / side - 1.0) / 2.0, 0.001), axis)
    return functional.interpolate(pixels, size=(side, side), mode="bicubic", align_corners=True)


def _blurred(pixels: Float[Tensor, "n 3 H W"], sigma: float, axis: int) -> Float[Tensor, "n 3 H W"]:
    taps = int(max(4.0 * sigma, 3.0)) | 1
    reach = taps // 2
    kernel = torch.exp(-(torch.arange(-reach, reach + 1, dtype=pixels.dtype) ** 2) / (2.0 * torch.tensor(sigma) ** 2))
    shape = (1, taps) if axis == 3 else (taps, 1)
    padding = (reach, reach, 0, 0) if axis == 3 else (0, 0, reach, reach)
    weights = (kernel / kernel.sum()).reshape(1, 1, *shape).expand(pixels.shape[1], 1, *shape)
    return functional.conv2d(functional.pad(pixels, padding, mode="reflect"), weights, groups=pixels.shape[1])


@contextmanager
def _upcast(vae: Any) -> Iterator[None]:
    before = vae.dtype
    if before != torch.float16 or not vae.config.force_upcast:
        yield
        return
    vae.to(dtype=torch.float32)
    try:
        yield
    finally:
        vae.to(dtype=before)
