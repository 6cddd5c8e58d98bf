"""The size at which a video model makes a picture move: scaled down to what it was made for, padded to whole cells, never stretched."""

from dataclasses import dataclass
from pathlib import Path

from .facts import ModelFacts
from .files import UNET
from .parsing import fields_of

SPARE = (
    1.12  # a canvas may exceed the wanted number of pixels by what the padding adds, up to this factor: 512 x 288 lies whole on 512 x 320
)


@dataclass(frozen=True)
class Canvas:
    """width, height: what the model computes, in pixels. content: (left, top, width, height) of the picture on it. picture: its own size."""

    width: int
    height: int
    content: tuple[int, int, int, int]
    picture: tuple[int, int]


def canvas_for(width: int, height: int, pixels: int, multiple: int) -> Canvas:
    """The canvas of a picture: about ``pixels`` at most, sides multiples of ``multiple``; a smaller picture stays as large as it is."""
    scale = min(1.0, (pixels / (width * height)) ** 0.5)
    while True:
        inner = [max(1, round(side * scale)) for side in (width, height)]
        outer = [-(-side // multiple) * multiple for side in inner]
        if outer[0] * outer[1] <= pixels * SPARE or max(outer) == multiple or min(inner) == 1:
            break
        scale *= 0.98
    left, top = ((whole - part) // 2 for whole, part in zip(outer, inner, strict=True))
    return Canvas(outer[0], outer[1], (left, top, inner[0], inner[1]), (width, height))


def multiple_of(folder: Path, facts: ModelFacts) -> int:
    """Of every side in pixels: the U-Net halves the latents once less than it has blocks. Raises ModelFileError."""
    blocks = fields_of(folder / UNET.folder / UNET.config).values.get("block_out_channels")
    return facts.factor * 2 ** (len(blocks) - 1 if isinstance(blocks, list) and blocks else 3)
