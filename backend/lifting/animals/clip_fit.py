"""From the first frame to all frames: from neighbour to neighbour, then everything at once, smooth in the world."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.coarse_body import CoarseBody, PosedAnimal
from backend.lifting.animals.descent import Joining, Steps, assessed, descend
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, Weights
from backend.lifting.animals.first_frame import First
from backend.lifting.animals.following import followed
from backend.lifting.animals.leg_swings import with_legs_told_apart
from backend.progress import Progress
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import GroundPlane

Array = NDArray[np.floating]

TOGETHER = Steps(50, 0.03, 0.015, 0.02)
LEGS_APART = Steps(40, 0.03, 0.01, 0.01)
ACCELERATION_SPREAD = 14.0  # m/s^2 of a joint
SMOOTH = 0.25
LEAST_GAIT = 5  # frames that a gait can be told from


@dataclass(frozen=True, eq=False)
class ClipFit:
    """unknowns: a row a frame, one shape. roots ``(F, 3)``: joint 0 in the camera, metres. overlap ``(F,)``."""

    unknowns: Unknowns
    roots: Array
    overlap: NDArray[np.float64]


def fitted_clip(
    body: CoarseBody, evidence: Evidence, first: First, camera: Camera, ground: GroundPlane | None, fps: float, progress: Progress
) -> ClipFit:
    frames = len(evidence.clicked)
    unknowns = followed(body, evidence, first, progress.part(0.0, 0.5))
    energy = AnimalEnergy(body, evidence, first.preferred, Weights())
    smooth = _Smoothness(camera, fps)
    joining = smooth if frames > 2 else None
    part = progress.part(0.5, 1.0)
    unknowns = descend(energy, unknowns, TOGETHER, joining, lambda share: part(0.4 * share, "Fitting the animal"))
    for turn in range(2 if frames >= LEAST_GAIT else 0):  # with better legs the trunk is better, and then legs are
        apart = with_legs_told_apart(body, evidence, unknowns, fps)
        share_of = part.part(0.4 + 0.3 * turn, 0.7 + 0.3 * turn)
        apart = descend(energy, apart, LEGS_APART, joining, lambda share, here=share_of: here(share, "Telling legs apart"))
        unknowns = min((unknowns, apart), key=lambda end: _total(energy, end, joining))
    overlap = assessed(energy, unknowns)[1] * evidence.crops.seen
    return ClipFit(unknowns, energy.roots(unknowns.place).numpy().astype(np.float64), overlap.numpy().astype(np.float64))


def _total(energy: AnimalEnergy, unknowns: Unknowns, joining: Joining | None) -> float:
    with torch.no_grad():
        joined = 0.0 if joining is None else float(joining(unknowns, energy.posed(unknowns)))
        return float(assessed(energy, unknowns)[0].sum()) + joined


class _Smoothness:
    """The energy of the joints' accelerations in the world: squared while small, so that noise goes; linear beyond."""

    def __init__(self, camera: Camera, fps: float) -> None:
        pose = torch.tensor(camera.T_world_camera, dtype=torch.float32)
        self.R, self.t = pose[:, :3, :3], pose[:, None, :3, 3]
        self.fps = fps

    def __call__(self, _unknowns: Unknowns, posed: PosedAnimal) -> Tensor:
        joints = posed.joints @ self.R.mT + self.t
        acceleration = (joints[2:] - 2.0 * joints[1:-1] + joints[:-2]) * self.fps**2
        square = (acceleration / ACCELERATION_SPREAD).square().sum(-1)
        return SMOOTH * (2.0 * (1.0 + square).sqrt() - 2.0).sum()
