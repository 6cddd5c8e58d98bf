"""What S1 and S3 will have to compute, as settings of ``prediction``: known from the scene's settings alone, before anything runs."""

import math
from dataclasses import dataclass, replace

from .canvas import canvas_for
from .economy import coarse_frames, coarse_pixels, coarse_steps
from .facts import ModelFacts
from .follow_slider import SVD_SPAN, NoiseSpan, place_of
from .following import Depths
from .prediction import Setting, setting_of
from .presets import Preset


@dataclass(frozen=True)
class Source:
    """What a clip starts from. width, height: of the picture. frames, fps: of the clip that is asked for."""

    width: int
    height: int
    frames: int
    fps: float


def coarse_run(source: Source, facts: ModelFacts, multiple: int, preset: Preset) -> Setting:
    """S1, economised. multiple: of every side, ``canvas.multiple_of``."""
    frames, _ = coarse_frames(facts, source.frames, source.fps)
    canvas = canvas_for(source.width, source.height, coarse_pixels(facts), multiple)
    return setting_of(facts, replace(preset, steps=coarse_steps(facts, preset)), frames, canvas.width, canvas.height)


def fine_run(
    source: Source, facts: ModelFacts, multiple: int, preset: Preset, depths: Depths | None = None, noise: NoiseSpan = SVD_SPAN
) -> Setting:
    """S3. depths: of dual-clock denoising, which leaves out the steps above the first; None where part masks are read."""
    canvas = canvas_for(source.width, source.height, facts.size[0] * facts.size[1], multiple)
    setting = setting_of(facts, preset, source.frames, canvas.width, canvas.height)
    if depths is None:
        return setting
    steps = steps_below(depths, preset, noise)
    full = preset.full_steps(steps)
    return replace(setting, full=full, reused=steps - full)


def steps_below(depths: Depths, preset: Preset, noise: NoiseSpan) -> int:
    """Steps from the first depth on, to one or two; the second depth is one more node. Of a schedule of few steps only the first lies above."""
    if depths.weak >= noise.largest:
        return preset.steps + (depths.strong < noise.largest)
    place = place_of(depths.weak, noise) if preset.schedule == "karras" else 0.0
    passed = math.floor(place * (preset.steps - 1)) + 1
    return preset.steps - passed + 1 + (0.0 < depths.strong < depths.weak)
