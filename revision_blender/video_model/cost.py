"""What a video model's networks cost by their shape: operations, and bytes of activations.

The factors are counts for the published networks (UNetSpatioTemporalConditionModel 320-640-1280-1280 with two layers a block,
AutoencoderKLTemporalDecoder 128-256-512-512): every tensor that the layers make was followed from birth to death at several sizes, and
every multiplication counted; attention is the fused kind that stores no weights. Other networks of these classes are scaled by width and depth.
"""

from dataclasses import dataclass
from pathlib import Path

from .errors import ModelFileError
from .facts import read_facts
from .parsing import Fields, fields_of
from .safetensors_file import numbers_in

GIB = 1 << 30
HALF = ".fp16.safetensors"  # how weights in half precision end where the full ones lie beside them
# bytes at the U-Net's peak, per cell and channel of its first block and byte of a number
UNET_PEAK = {(False, 1): 27.1, (False, 2): 28.3, (True, 1): 15.1, (True, 2): 16.3}  # (feed-forward in chunks, guidance halves at once)
KEPT_FOR_REUSE = 2.0  # the deep half's last features
DECODER_PEAK = {2: 5.25, 4: 4.0}  # by bytes a number: per pixel, channel of the decoder's second block and byte of a number
ENCODER_PEAK = 5.0  # per pixel, channel of the encoder's first block and byte of a number
UNET_OPERATIONS = 0.2797e9 / (320**2 * 5)  # per cell, squared channel and layer at full resolution: convolutions and linear layers
UNET_ATTENTION = 7334.0 / (320 * 5)  # per pair of cells, channel and layer
DECODER_OPERATIONS = 0.7345e9 / (64 * 256**2)  # per pixel and squared channel of the second block
DECODER_ATTENTION = 4.0  # per pair of cells and channel of the last block


@dataclass(frozen=True)
class ModelShape:
    """channels, layers: of the U-Net's first block; layers of its down and up blocks together. coder: the autoencoder's channels, first,
    second and last block. factor: pixels a latent cell. unet_bytes, coder_bytes, encoder_bytes: of the weights in ``item`` bytes a number.
    """

    channels: int = 320
    layers: int = 5
    coder: tuple[int, int, int] = (128, 256, 512)
    factor: int = 8
    unet_bytes: float = 3.05e9
    coder_bytes: float = 0.196e9
    encoder_bytes: float = 1.264e9
    item: int = 2

    @property
    def weight_bytes(self) -> float:
        return self.unet_bytes + self.coder_bytes + self.encoder_bytes

    def in_items(self, item: int) -> "ModelShape":
        """The same networks with ``item`` bytes a number."""
        scale = item / self.item
        weights = (self.unet_bytes * scale, self.coder_bytes * scale, self.encoder_bytes * scale)
        return ModelShape(self.channels, self.layers, self.coder, self.factor, *weights, item)

    def unet_peak(self, cells: float, *, halves: int, chunked: bool, reuse: bool) -> float:
        """Bytes of activations of one call. cells: of all frames of one guidance half. halves: 1 or 2 computed at once."""
        factor = UNET_PEAK[chunked, halves] * halves + (KEPT_FOR_REUSE * 2 if reuse else 0.0)
        return factor * self.channels * self.item * cells

    def decoder_peak(self, cells: float) -> float:
        """Bytes of activations. cells: of all frames decoded together."""
        return DECODER_PEAK[self.item] * self.coder[1] * self.factor**2 * self.item * cells

    def encoder_peak(self, cells: float) -> float:
        """Bytes of activations for one picture, encoded in float32; cells: of the picture."""
        return ENCODER_PEAK * self.coder[0] * self.factor**2 * 4 * cells

    def unet_operations(self, cells: float, pairs: float) -> float:
        """Of one call for one guidance half. pairs: of cells within a frame, over all frames."""
        return self.layers * self.channels * (UNET_OPERATIONS * self.channels * cells + UNET_ATTENTION * pairs)

    def decoder_operations(self, cells: float, pairs: float) -> float:
        return DECODER_OPERATIONS * self.factor**2 * self.coder[1] ** 2 * cells + DECODER_ATTENTION * self.coder[2] * pairs


SVD_SHAPE = ModelShape()


def shape_of(folder: Path, *, item: int = 2) -> ModelShape:
    """Read from a folder's configurations, facts and weight files' headers. item: bytes a number in memory (2 on CUDA, 4 on the CPU).

    Raises ModelFileError for configurations or weights that are missing or odd.
    """
    unet = fields_of(folder / "unet" / "config.json")
    coder = fields_of(folder / "vae" / "config.json")
    widths = _widths(coder) if "block_out_channels" in coder.values else [4]  # the linear patch codec: next to nothing
    return ModelShape(
        channels=_widths(unet)[0],
        layers=2 * unet.whole("layers_per_block", 1, 64, 2) + 1,
        coder=(widths[0], widths[min(1, len(widths) - 1)], widths[-1]),
        factor=read_facts(folder).factor,
        unet_bytes=_weights(folder / "unet", item),
        coder_bytes=_weights(folder / "vae", item),
        encoder_bytes=_weights(folder / "image_encoder", item),
        item=item,
    )


def _widths(fields: Fields) -> list[int]:
    found = fields.values.get("block_out_channels")
    if isinstance(found, list) and found and all(type(width) is int and 0 < width <= 65536 for width in found):
        return found
    raise ModelFileError(f"{fields.file}: 'block_out_channels' is {found!r:.60}; it must be a list of widths. Get the model again.")


def _weights(folder: Path, item: int) -> float:
    """Bytes in memory of a part's weights, counted once where they are there in two precisions."""
    files = sorted(folder.glob("*.safetensors"))
    half = [file for file in files if file.name.endswith(HALF)]
    return float(item * sum(numbers_in(file) for file in half or files))
