"""What a video model was trained for: its frames, size, rate and guidance; from the folder's ``revision.json`` or its configurations."""

from dataclasses import dataclass
from pathlib import Path

from .parsing import Fields, fields_of

FACTS_FILE = "revision.json"
VERSION = 1
MAX_FRAMES = 256
SVD_SIZE = (1024, 576)
STOCK_CHANNELS = 8  # that the U-Net takes: 4 noisy latents, 4 of the picture
MOTION_CHANNELS = 2  # part mask and confidence
CONDITIONED_CHANNELS = STOCK_CHANNELS + MOTION_CHANNELS


@dataclass(frozen=True)
class ModelFacts:
    """frames: of one clip. size: width and height in pixels. fps: the rate it was trained at. factor: pixels a latent cell, each way.

    guidance: scale at the first and the last frame. noise_augmentation: noise on the first frame, in units of its own [-1, 1].
    buckets: motion bucket at strength 0 and 1; two equal numbers where the weights know one bucket only.
    window_stride: for clips longer than ``frames``, in weights trained for such windows; 0 where they were not.
    noise: mean and spread of the logarithm of the training's sigmas. name: for people.
    """

    frames: int
    size: tuple[int, int]
    fps: float = 7.0
    factor: int = 8
    guidance: tuple[float, float] = (1.0, 3.0)
    noise_augmentation: float = 0.02
    buckets: tuple[int, int] = (30, 220)
    window_stride: int = 0
    noise: tuple[float, float] = (0.7, 1.6)
    name: str = "Stable Video Diffusion"

    @property
    def fixed_bucket(self) -> bool:
        """Whether motion strength means nothing to these weights."""
        return self.buckets[0] == self.buckets[1]

    def bucket(self, strength: float) -> int:
        """Motion strength in [0, 1] as motion bucket."""
        low, high = self.buckets
        return round(low + (high - low) * strength)


def read_facts(folder: Path) -> ModelFacts:
    """The facts of a folder in diffusers layout. Raises ModelFileError.

    Without ``revision.json`` the model is Stable Video Diffusion (arXiv 2311.15127): frames from ``unet/config.json``, the factor
    from the number of the autoencoder's blocks, everything else as published.
    """
    if (folder / FACTS_FILE).is_file():
        return _own(fields_of(folder / FACTS_FILE))
    frames = fields_of(folder / "unet" / "config.json").whole("num_frames", 1, MAX_FRAMES, 25)
    blocks = fields_of(folder / "vae" / "config.json").values.get("block_out_channels")
    depth = len(blocks) - 1 if isinstance(blocks, list) and blocks else 3
    return ModelFacts(frames, SVD_SIZE, factor=2**depth)


def facts_values(facts: ModelFacts) -> dict[str, object]:
    """The facts as the members of ``revision.json``; ``read_facts`` reads them back equal."""
    return {
        "version": VERSION,
        "name": facts.name,
        "frames": facts.frames,
        "size": list(facts.size),
        "fps": facts.fps,
        "factor": facts.factor,
        "guidance": list(facts.guidance),
        "noise_augmentation": facts.noise_augmentation,
        "buckets": list(facts.buckets),
        "window_stride": facts.window_stride,
        "noise": list(facts.noise),
    }


def _own(fields: Fields) -> ModelFacts:
    fields.whole("version", VERSION, VERSION)
    width, height = fields.pair("size", 8, 8192)
    low, high = fields.pair("buckets", 0, 1023, (30, 220))
    frames = fields.whole("frames", 1, MAX_FRAMES)
    return ModelFacts(
        frames=frames,
        size=(int(width), int(height)),
        fps=fields.number("fps", 0.1, 240.0),
        factor=fields.whole("factor", 1, 64),
        guidance=fields.pair("guidance", 0.0, 50.0, (1.0, 3.0)),
        noise_augmentation=fields.number("noise_augmentation", 0.0, 10.0, 0.02),
        buckets=(int(low), int(high)),
        window_stride=fields.whole("window_stride", 0, frames, 0),
        noise=fields.pair("noise", -20.0, 20.0, (0.7, 1.6)),
        name=fields.text("name", "video model"),
    )
