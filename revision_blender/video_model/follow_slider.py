"""One slider for how closely S3 follows the motion signal, and the two depths of dual-clock denoising behind it."""

from dataclasses import dataclass
from pathlib import Path

from .following import PUBLISHED_DEPTHS, Depths
from .parsing import fields_of

RHO = 7.0  # of the Karras schedule, along which the slider moves at an even pace
SVD_NOISE = (0.002, 700.0)
HALF_FOLLOW = 0.5  # where the slider stands at the published depths
_ABOVE = 1.0001  # a hair over the largest noise, so that rounding to single precision does not bring it under
_FULL_WEAK = 0.5  # along the schedule: what is outside the bodies keeps some freedom even at the end of the slider


@dataclass(frozen=True)
class NoiseSpan:
    """Least and largest noise of a model's sampler, as sigmas."""

    least: float = SVD_NOISE[0]
    largest: float = SVD_NOISE[1]


SVD_SPAN = NoiseSpan()


def noise_of(folder: Path) -> NoiseSpan:
    """From the scheduler's configuration in a model's folder. Raises ModelFileError."""
    fields = fields_of(folder / "scheduler" / "scheduler_config.json")
    return NoiseSpan(*(fields.number(key, 1e-9, 1e9, usual) for key, usual in zip(("sigma_min", "sigma_max"), SVD_NOISE, strict=True)))


def depths_of(follow: float, noise: NoiseSpan = SVD_SPAN) -> Depths:
    """follow in [0, 1]: 0 is the model left to itself, 1 holds the bodies to the signal until the last step.

    Half way are the published depths (arXiv 2511.08633), for a model whose largest noise is SVD's; other models get the depths at the
    same place of their own schedule, sigma(u) = (largest^(1/7) + u (least^(1/7) - largest^(1/7)))^7.
    """
    weak, strong = (place_of(depth, SVD_SPAN) for depth in (PUBLISHED_DEPTHS.weak, PUBLISHED_DEPTHS.strong))
    share = min(max(follow, 0.0), 1.0) / HALF_FOLLOW
    if share == 0.0:
        return Depths(noise.largest * _ABOVE, noise.largest * _ABOVE)
    if share <= 1.0:
        return Depths(_sigma(share * weak, noise), _sigma(share * strong, noise))
    beyond = share - 1.0
    held = 0.0 if beyond >= 1.0 else _sigma(strong + beyond * (1.0 - strong), noise)
    return Depths(_sigma(weak + beyond * (_FULL_WEAK - weak), noise), held)


def place_of(sigma: float, noise: NoiseSpan) -> float:
    """How far along the schedule a sigma lies: 0 at the largest noise, 1 at the least."""
    top, bottom = noise.largest ** (1 / RHO), noise.least ** (1 / RHO)
    return (top - sigma ** (1 / RHO)) / (top - bottom)


def _sigma(place: float, noise: NoiseSpan) -> float:
    top, bottom = noise.largest ** (1 / RHO), noise.least ** (1 / RHO)
    return (top + place * (bottom - top)) ** RHO
