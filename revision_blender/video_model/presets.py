"""Draft, balanced and best: what each gives up for speed."""

from dataclasses import dataclass
from typing import Literal

Schedule = Literal["karras", "ays"]
Solver = Literal["euler", "multistep"]


@dataclass(frozen=True)
class Preset:
    """steps: of the sampler. schedule: Karras' sigmas or Align Your Steps' ten. reuse_every: the deep half of the U-Net is computed
    at every n-th step and reused between (DeepCache); 1 computes it always. reuse_depth: layers of the last block that run on every step.
    solver: the model's own, or the second-order one that needs fewer steps. words: for the menu.
    """

    name: str
    steps: int
    schedule: Schedule
    reuse_every: int
    words: str
    reuse_depth: int = 1
    solver: Solver = "euler"


PRESETS: tuple[Preset, ...] = (
    Preset("draft", 8, "ays", 1, "Eight second-order steps", solver="multistep"),
    Preset("balanced", 10, "ays", 1, "Ten second-order steps, as near to the end as the model's own 25", solver="multistep"),
    Preset("best", 25, "karras", 1, "The model's own mathematics, nothing left out"),
)
DEFAULT_PRESET = "balanced"


def preset_of(name: str) -> Preset:
    """Raises KeyError for a name that is not in the table."""
    return {preset.name: preset for preset in PRESETS}[name]
