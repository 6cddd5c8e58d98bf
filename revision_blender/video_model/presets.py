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
    light: the last steps, at little noise, for which guidance is kept from the step before them: they cost half.
    """

    name: str
    steps: int
    schedule: Schedule
    reuse_every: int
    words: str
    reuse_depth: int = 1
    solver: Solver = "euler"
    light: int = 0

    def is_light(self, index: int, steps: int) -> bool:
        """Whether guidance is kept at step ``index`` of ``steps``, as many as a schedule has with what was inserted or left out."""
        return index > 0 and index >= steps - self.light

    def is_full(self, index: int, steps: int) -> bool:
        """Whether nothing at all is left out."""
        return index % self.reuse_every == 0 and not self.is_light(index, steps)

    def full_steps(self, steps: int) -> int:
        """Of a schedule with ``steps``."""
        return sum(self.is_full(index, steps) for index in range(steps))


PRESETS: tuple[Preset, ...] = (
    Preset("draft", 9, "ays", 1, "Nine second-order steps, guidance kept in the last three", solver="multistep", light=3),
    Preset("balanced", 11, "ays", 1, "Eleven second-order steps, near the model's own 25", solver="multistep"),
    Preset("best", 25, "karras", 1, "The model's own mathematics, nothing left out"),
)
DEFAULT_PRESET = "balanced"


def preset_of(name: str) -> Preset:
    """Raises KeyError for a name that is not in the table."""
    return {preset.name: preset for preset in PRESETS}[name]
