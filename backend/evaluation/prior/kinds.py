"""Animals and objects of the evaluation: drawn with parameters that no training has, by number."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.evaluation.prior.bars import Bar
from backend.evaluation.prior.protocol import Case
from backend.evaluation.prior.results import Results
from backend.evaluation.prior.rigid_fit import RIGID
from backend.training.prior import gaits, rigid_simulation

ANIMAL_FRAMES = 90
ANIMAL_ROWS = ("clean", "white 5", "ar 5", "mix 3", "mix 5", "legs missing + 5", "frames missing + 3", "depth drift", "decimate 2")
OBJECT_ROWS = ("clean", "white 3", "white 5", "ar 5", "mix 3", "mix 5", "frames missing + 3", "decimate 2")


def animals(count: int) -> list[Case]:
    """``count`` of each gait; the gait is the group."""
    cases = []
    for gait in gaits.GAITS:
        rng = np.random.default_rng((11, gaits.GAITS.index(gait)))
        for number in range(count):
            take = gaits.drawn(rng, held_out=True, gaits=(gait,), n_frames=ANIMAL_FRAMES)
            cases.append(Case("animals", replace(take, name=f"{gait} {number}", group=gait)))
    return cases


def objects(count: int) -> list[Case]:
    """``4 count`` of them; each is its own group."""
    rng = np.random.default_rng(12)
    takes = [rigid_simulation.drawn(rng, held_out=True) for _ in range(4 * count)]
    return [Case("objects", replace(take, name=f"object {number}", group=f"object {number}")) for number, take in enumerate(takes)]


def kind_bars(results: Results, filters: Sequence[str], method: str) -> list[Bar]:
    """Animals at mix 5 against the best filter; objects in every row against filters, and against the rigid and ballistic fit."""
    bars = []
    name, least = results.best("animals", "mix 5", filters, "mpjpe")
    value = results.mean("animals", "mix 5", method, "mpjpe")
    bars.append(Bar(f"animals, mix 5: share of {name}'s mpjpe", value / least, 0.7, note=f"{value:.1f} against {least:.1f}"))
    for row in results.rows("objects"):
        name, least = results.best("objects", row, [*filters, RIGID], "world")
        value = results.mean("objects", row, method, "world")
        if row != "clean":
            bars.append(Bar(f"objects, {row}: share of {name}'s error", value / least, 1.0, note=f"{value:.1f} against {least:.1f}"))
    return [bar for bar in bars if np.isfinite(bar.value)]
