"""How S3 makes the video model follow the motion."""

from dataclasses import dataclass
from typing import Literal, get_args

Mode = Literal["auto", "conditioned", "dual-clock"]
MODES: tuple[Mode, ...] = get_args(Mode)  # auto: conditioned where the weights were trained for it, else dual-clock


@dataclass(frozen=True)
class Depths:
    """Noise levels of dual-clock denoising (arXiv 2511.08633), as sigmas, so that they mean the same under every schedule.

    weak: where denoising starts; above it nothing is free. strong: down to where the bodies are held to the motion signal. weak >= strong.
    """

    weak: float
    strong: float


PUBLISHED_DEPTHS = Depths(74.5, 31.0)  # steps 16 and 21 of 50 on SVD's Karras schedule
