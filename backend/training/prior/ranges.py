"""Ranges of parameters of which a part is kept for what is never trained on."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Range:
    """Values from low to high; those between ``kept_from`` and ``kept_to`` are of held-out draws only."""

    low: float
    high: float
    kept_from: float
    kept_to: float

    def drawn(self, rng: np.random.Generator, held_out: bool) -> float:
        """One value, even over the part that may be used."""
        if held_out:
            return float(rng.uniform(self.kept_from, self.kept_to))
        below = self.kept_from - self.low
        value = self.low + rng.uniform(0.0, below + self.high - self.kept_to)
        return float(value if value < self.kept_from else value + self.kept_to - self.kept_from)
