"""The frame that a fit begins with: many headings, then the best of them, then the kind of animal."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.coarse_body import CoarseBody
from backend.lifting.animals.descent import Steps, assessed, descend
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, Weights
from backend.lifting.animals.starts import kind_named, same_shape, started, starting_rotations
from backend.progress import Progress

Array = NDArray[np.floating]

COARSE, FINE = Steps(35, 0.08, 0.05), Steps(60, 0.05, 0.02, 0.04)
KEPT, KEPT_TILTED = 4, 6  # starts that are followed to the end
TILTS, TILT_SPREAD = (0.1, 0.5, 0.95), 0.6  # radians that a camera looks down


@dataclass(frozen=True, eq=False)
class First:
    """frame: which. unknowns: one row. preferred ``(1, B)``: the shape that its kind has. kind: its name, or empty.

    tilt: radians that the camera looks further down than the evidence says.
    """

    frame: int
    unknowns: Unknowns
    preferred: Tensor
    kind: str
    tilt: float


def first_of(evidence: Evidence) -> int:
    """The frame with most parts clicked; among equals the one where the animal is seen largest."""
    clicked = evidence.clicked.sum(dim=1).numpy()
    area = evidence.crops.masks.float().mean(dim=(1, 2)).numpy() * evidence.crops.seen.numpy()
    pixels = area / evidence.crops.scale.numpy() ** 2
    return int(np.argmax(clicked * 10.0 + pixels / max(float(pixels.max()), 1e-9) + 5.0 * evidence.crops.seen.numpy()))


def fitted_first(body: CoarseBody, evidence: Evidence, level: bool, presets: dict[str, Array], words: str, progress: Progress) -> First:
    """level: whether the vertical is known; where it is not, cameras that look down more or less are tried.

    words: the animal's label and name; where they name no kind the best of the presets is taken.
    """
    frame = first_of(evidence)
    kind = kind_named(words, presets)
    preferred = same_shape(body, presets, kind)
    best, _, tilt = _best_tilted(body, evidence, (0.0,) if level else TILTS, frame, preferred, progress, True)
    if kind is None and presets:
        best, preferred, kind = _best_kind(body, evidence.tilted(tilt), frame, presets, best)
    return First(frame, best, preferred, kind or "", tilt)


def best_heading(
    body: CoarseBody, evidence: Evidence, frame: int, preferred: Tensor, progress: Progress, shape: bool = True
) -> tuple[Unknowns, float]:
    """The animal on one frame, a row, and its energy. preferred ``(1, B)``: its shape, kept as it is without ``shape``."""
    best, cost, _ = _best_tilted(body, evidence, (0.0,), frame, preferred, progress, shape)
    return best, cost


def _best_tilted(
    body: CoarseBody, evidence: Evidence, tilts: tuple[float, ...], frame: int, preferred: Tensor, progress: Progress, shape: bool
) -> tuple[Unknowns, float, float]:
    """The best of all headings before cameras that look further down by ``tilts``, its energy, and its tilt."""
    progress(0.0, "Turning the animal about")
    rotations = [starting_rotations(evidence.tilted(tilt).view.up[frame].numpy().astype(np.float64)) for tilt in tilts]
    tilt_of = np.repeat(tilts, len(rotations[0]))
    coarse = AnimalEnergy(body, _tilted_rows(evidence, frame, tilt_of), preferred, Weights(outline=25.0, outside=15.0))
    reached = descend(coarse, started(coarse, preferred, np.concatenate(rotations)), COARSE)
    odd = (tilt_of / TILT_SPREAD) ** 2
    kept = np.argsort(assessed(coarse, reached)[0].numpy() + odd)[: KEPT if len(tilts) == 1 else KEPT_TILTED]
    reached = replace(reached, betas=preferred.repeat(len(tilt_of), 1))
    fine = AnimalEnergy(body, _tilted_rows(evidence, frame, tilt_of[kept]), preferred, Weights())
    steps = FINE if shape else replace(FINE, betas=0.0)
    reached = descend(fine, reached.rows(kept), steps, report=lambda share: progress(0.4 + 0.6 * share, "Turning the animal about"))
    cost = assessed(fine, reached)[0].numpy() + odd[kept]
    best = int(cost.argmin())
    return reached.rows(np.array([best])), float(cost[best] - odd[kept][best]), float(tilt_of[kept][best])


def _tilted_rows(evidence: Evidence, frame: int, tilts: NDArray[np.floating]) -> Evidence:
    """One frame's evidence, a row for each tilt."""
    rows = evidence.rows(np.full(len(tilts), frame))
    up = torch.stack([evidence.tilted(float(tilt)).view.up[frame] for tilt in tilts])
    return replace(rows, view=replace(rows.view, up=up))


def _best_kind(
    body: CoarseBody, evidence: Evidence, frame: int, presets: dict[str, Array], start: Unknowns
) -> tuple[Unknowns, Tensor, str]:
    names = list(presets)
    preferred = torch.from_numpy(np.stack([presets[name] for name in names]).astype(np.float32))
    rows = start.rows(np.zeros(len(names), np.int64))
    rows = Unknowns(preferred.clone(), rows.turn, rows.R_camera_root, rows.pose, rows.place)
    energy = AnimalEnergy(body, evidence.rows(np.full(len(names), frame)), preferred, Weights())
    reached = descend(energy, rows, FINE)
    best = int(assessed(energy, reached)[0].argmin())
    return reached.rows(np.array([best])), preferred[best : best + 1], names[best]
