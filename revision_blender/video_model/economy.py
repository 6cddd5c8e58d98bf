"""What S1 spares (paper, section 4): a quarter of the pixels, half the frames, 32 steps. Both sides say it before the button is pressed."""

from .facts import ModelFacts
from .presets import Preset

SMALL = 256 * 256  # pixels: a model trained at less has nothing to spare, and knows no other size
STEPS = 32


def spares(facts: ModelFacts) -> bool:
    """Whether the model is large enough to be run smaller than trained."""
    return facts.size[0] * facts.size[1] > SMALL


def coarse_pixels(facts: ModelFacts) -> int:
    """Pixels of S1's frames at most."""
    pixels = facts.size[0] * facts.size[1]
    return pixels // 4 if spares(facts) else pixels


def coarse_frames(facts: ModelFacts, frames: int, fps: float) -> tuple[int, float]:
    """Frames and rate of S1 for a clip of ``frames`` at ``fps``: every second frame, so that both last as long."""
    if not spares(facts) or frames < 4:
        return frames, fps
    return (frames + 1) // 2, fps / 2.0


def coarse_steps(facts: ModelFacts, preset: Preset) -> int:
    """Sampling steps of S1: the paper's 32 where the schedule is the model's own; a preset of few steps keeps its few."""
    return STEPS if spares(facts) and preset.schedule == "karras" else preset.steps
