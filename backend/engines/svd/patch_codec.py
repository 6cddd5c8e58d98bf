"""A fixed linear codec in the VAE's place, for the small video model: 4 x 4 pixels become one latent cell of 4 numbers.

Encoding is one strided convolution, decoding one transposed convolution whose kernel reaches into the neighbouring cells, so that
patches have no edges. Both are fitted to pictures in closed form. The interface is that of diffusers'
``AutoencoderKLTemporalDecoder`` as far as Stable Video Diffusion uses it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

LATENT_CHANNELS = 4


class Certain:
    """A posterior without spread: its mode, mean and every sample are the same."""

    def __init__(self, latents: Float[Tensor, "n 4 h w"]) -> None:
        self._latents = latents

    def mode(self) -> Float[Tensor, "n 4 h w"]:
        return self._latents

    def sample(self, generator: torch.Generator | None = None) -> Float[Tensor, "n 4 h w"]:
        return self._latents


class Encoded(NamedTuple):
    latent_dist: Certain


class Decoded(NamedTuple):
    sample: Float[Tensor, "n 3 height width"]


class PatchCodec(ModelMixin, ConfigMixin):
    """patch: pixels of a cell's side. reach: pixels by which a cell's decoded patch extends into its neighbours.

    Latents have about unit spread, so the scaling factor is 1. block_out_channels: nothing here; the stock pipeline takes the
    pixels a cell from its length (2 to the power of the length less one).
    """

    @register_to_config
    def __init__(
        self,
        patch: int = 4,
        reach: int = 4,
        scaling_factor: float = 1.0,
        force_upcast: bool = False,
        block_out_channels: tuple[int, ...] = (4, 4, 4),
    ) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, LATENT_CHANNELS, patch, stride=patch)
        self.decoder = nn.ConvTranspose2d(LATENT_CHANNELS, 3, patch + 2 * reach, stride=patch, padding=reach)

    def encode(self, x: Float[Tensor, "n 3 height width"], return_dict: bool = True) -> Encoded:
        """Pixels in [-1, 1]; height and width are multiples of the patch. ``latent_dist`` has no spread."""
        return Encoded(Certain(self.encoder(x)))

    def decode(self, z: Float[Tensor, "n 4 h w"], num_frames: int = 1, return_dict: bool = True) -> Decoded:
        """Pixels, about in [-1, 1]. num_frames: means nothing here, frames are decoded one by one.

        The border repeats its cells outward: decoded patches overlap there as everywhere.
        """
        reach = self.config["reach"]
        cells = -(-reach // self.config["patch"])
        wide = functional.pad(z, (cells,) * 4, mode="replicate")
        cut = cells * self.config["patch"]
        return Decoded(self.decoder(wide)[..., cut:-cut, cut:-cut] if cut else self.decoder(wide))

    def forward(self, sample: Float[Tensor, "n 3 height width"], num_frames: int = 1) -> Decoded:
        """There and back again. That it takes ``num_frames`` tells the stock pipeline to name them to ``decode``."""
        return self.decode(self.encode(sample).latent_dist.mode(), num_frames)


@dataclass(frozen=True, eq=False)
class Samples:
    """What a codec is fitted to. pixels: in [-1, 1]. weight: how much an error counts at each pixel."""

    pixels: Float[Tensor, "n 3 height width"]
    weight: Float[Tensor, "n 1 height width"]

    def patches(self, side: int) -> tuple[Float[Tensor, "rows values"], Float[Tensor, "rows 1"]]:
        """Every patch as a row, and its mean weight; in double precision, for the normal equations."""
        rows = functional.unfold(self.pixels, side, stride=side).transpose(1, 2).flatten(0, 1).double()
        weight = functional.avg_pool2d(self.weight, side).flatten(1).reshape(-1, 1).double()
        return rows, weight / weight.mean()


def fitted(samples: Samples, patch: int = 4, reach: int = 4) -> PatchCodec:
    """Weighted principal components of the patches, then the overlapping decoder by weighted least squares."""
    codec = PatchCodec(patch, reach, block_out_channels=(patch,) * patch.bit_length())
    with torch.no_grad():
        _fit_encoder(codec, samples)
        _fit_decoder(codec, samples)
    return codec.eval().requires_grad_(False)


def psnr(codec: PatchCodec, samples: Samples) -> float:
    """Of pictures sent through the codec, dB, weighted."""
    with torch.no_grad():
        back = codec.decode(codec.encode(samples.pixels).latent_dist.mode()).sample.clamp(-1.0, 1.0)
    error = ((back - samples.pixels).square() * samples.weight).mean() / samples.weight.mean()
    return float(-10.0 * torch.log10(error / 4.0))


def _fit_encoder(codec: PatchCodec, samples: Samples) -> None:
    """Latents are centred and of unit spread over the pictures as they are; the weights choose the directions only."""
    rows, weight = samples.patches(codec.config["patch"])
    mean = rows.mean(0)
    away = rows - mean
    _, vectors = torch.linalg.eigh((away * weight).T @ away / len(rows))
    directions = vectors[:, -LATENT_CHANNELS:].flip(1)
    weights = (directions / (away @ directions).square().mean(0).sqrt()).T
    codec.encoder.weight.copy_(weights.reshape(codec.encoder.weight.shape))
    _bias(codec.encoder).copy_(-(weights @ mean))


def _fit_decoder(codec: PatchCodec, samples: Samples, ridge: float = 1e-3) -> None:
    """Each pixel of a cell as a linear function of the latents of the cells that reach it."""
    patch, reach = codec.config["patch"], codec.config["reach"]
    cells = -(-reach // patch)
    latents = functional.pad(codec.encode(samples.pixels).latent_dist.mode(), (cells,) * 4, mode="replicate")
    side = 2 * cells + 1
    inputs = functional.unfold(latents, side).transpose(1, 2).flatten(0, 1).double()  # rows of (4, side, side)
    targets, weight = samples.patches(patch)  # rows of (3, patch, patch)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], dim=1)
    gram = (inputs * weight).T @ inputs / len(inputs) + ridge * torch.eye(inputs.shape[1], dtype=torch.float64)
    solved = torch.linalg.solve(gram, (inputs * weight).T @ targets / len(inputs))
    _put_decoder(codec, solved[:-1].reshape(LATENT_CHANNELS, side, side, 3, patch, patch), solved[-1].reshape(3, patch, patch))


def _put_decoder(codec: PatchCodec, solved: Tensor, bias: Tensor) -> None:
    """A cell's patch from its neighbours, turned round: what each cell gives to the pixels around it."""
    patch, reach = codec.config["patch"], codec.config["reach"]
    side, cells = solved.shape[1], solved.shape[1] // 2
    kernel = torch.zeros(LATENT_CHANNELS, 3, side * patch, side * patch, dtype=torch.float64)
    for row in range(side):
        for column in range(side):  # the neighbour at (row, column) of a pixel's cell sees that pixel's cell on the other side
            down, right = (side - 1 - row) * patch, (side - 1 - column) * patch
            kernel[:, :, down : down + patch, right : right + patch] = solved[:, row, column]
    spare = cells * patch - reach
    codec.decoder.weight.copy_(kernel[:, :, spare : side * patch - spare, spare : side * patch - spare])
    _bias(codec.decoder).copy_(bias.mean(dim=(1, 2)))


def _bias(layer: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    if layer.bias is None:
        raise ValueError("the codec's layers are made with a bias")
    return layer.bias
