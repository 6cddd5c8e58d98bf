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
from revision_blender.motion.subjects import ANIMAL_PARTS

Array = NDArray[np.floating]

TOGETHER = Steps(50, 0.03, 0.015, 0.02)
LEGS_APART = Steps(40, 0.03, 0.01, 0.01)
ACCELERATION_SPREAD = 14.0  # m/s^2 of a joint
SMOOTH = 0.25
FLOOR, FLOOR_SPREAD, FLOOR_REACH = 3.0, 0.05, 0.25  # spread and reach: of the trunk's length
_PAWS = [ANIMAL_PARTS.index(f"{end}_{side}_paw") for end in ("front", "back") for side in ("left", "right")]
CALM = 5  # frames that the way a body goes is averaged over
LEAST_GAIT = 5  # frames that a gait can be told from


@dataclass(frozen=True, eq=False)
class ClipFit:
    """unknowns: a row a frame, one shape. roots ``(F, 3)``: joint 0 in the camera, metres. overlap ``(F,)``."""

    unknowns: Unknowns
    roots: Array
    overlap: NDArray[np.float64]


def fitted_clip(body: CoarseBody, evidence: Evidence, first: First, camera: Camera, fps: float, progress: Progress) -> ClipFit:
    """All frames of a shot, from the first one that was fitted."""
    frames = len(evidence.clicked)
    unknowns = followed(body, evidence, first, progress.part(0.0, 0.5))
    energy = AnimalEnergy(body, evidence, first.preferred, Weights())
    joining = _InWorld(body, evidence, first, camera, fps) if frames > 2 else None
    part = progress.part(0.5, 1.0)
    unknowns = descend(energy, unknowns, TOGETHER, joining, lambda share: part(0.4 * share, "Fitting the animal"))
    for turn in range(2 if frames >= LEAST_GAIT else 0):  # with better legs the trunk is better, and then legs are
        apart = with_legs_told_apart(body, evidence, unknowns, _ahead(energy, unknowns, camera), fps)
        share_of = part.part(0.4 + 0.3 * turn, 0.7 + 0.3 * turn)
        apart = descend(energy, apart, LEGS_APART, joining, lambda share, here=share_of: here(share, "Telling legs apart"))
        if _total(energy, apart, joining) >= _total(energy, unknowns, joining):
            break
        unknowns = apart
    overlap = assessed(energy, unknowns)[1] * evidence.crops.seen
    return ClipFit(unknowns, energy.roots(unknowns.place).numpy().astype(np.float64), overlap.numpy().astype(np.float64))


def _total(energy: AnimalEnergy, unknowns: Unknowns, joining: Joining | None) -> float:
    with torch.no_grad():
        joined = 0.0 if joining is None else float(joining(unknowns, energy.posed(unknowns)))
        return float(assessed(energy, unknowns)[0].sum()) + joined


def _ahead(energy: AnimalEnergy, unknowns: Unknowns, camera: Camera) -> Array:
    """``(F - 1,)`` metres that the animal goes on from frame to frame, the way that it faces, calm over a few frames."""
    R, t = camera.T_world_camera[:, :3, :3], camera.T_world_camera[:, :3, 3]
    roots = np.einsum("fab,fb->fa", R, energy.roots(unknowns.place).numpy()) + t
    facing = np.einsum("fab,fb->fa", R, unknowns.rotations()[:, 0, :, 0].numpy())
    steps = np.sum(np.diff(roots, axis=0) * 0.5 * (facing[1:] + facing[:-1]), axis=1)
    kernel = np.hanning(CALM + 2)[1:-1]
    return np.convolve(np.pad(steps, CALM // 2, mode="edge"), kernel / kernel.sum(), mode="valid")


class _InWorld:
    """What joins frames. Joints accelerate little: squared while small, so that noise goes; linear beyond. Of the front paws, and of
    the back paws, one stands on the floor, unless the animal jumps; none is under it.

    The floor goes through the lowest paws of the first frame: the animal's size, and so its place, is only that of its model.
    """

    def __init__(self, body: CoarseBody, evidence: Evidence, first: First, camera: Camera, fps: float) -> None:
        pose = torch.tensor(camera.T_world_camera, dtype=torch.float32)
        self.R, self.t = pose[:, :3, :3], pose[:, None, :3, 3]
        self.fps, self.length = fps, body.length
        energy = AnimalEnergy(body, evidence.rows(np.array([first.frame])), first.preferred, Weights())
        with torch.no_grad():
            paws = energy.posed(first.unknowns).keypoints[0, _PAWS] @ self.R[first.frame].T + self.t[first.frame]
        self.up = self.R[first.frame] @ evidence.view.up[first.frame]
        self.floor = (paws @ self.up).sort().values[:2].mean()

    def __call__(self, _unknowns: Unknowns, posed: PosedAnimal) -> Tensor:
        joints = posed.joints @ self.R.mT + self.t
        acceleration = (joints[2:] - 2.0 * joints[1:-1] + joints[:-2]) * self.fps**2
        square = (acceleration / ACCELERATION_SPREAD).square().sum(-1)
        return SMOOTH * (2.0 * (1.0 + square).sqrt() - 2.0).sum() + FLOOR * self._off_floor(posed)

    def _off_floor(self, posed: PosedAnimal) -> Tensor:
        height = ((posed.keypoints[:, _PAWS] @ self.R.mT + self.t) @ self.up - self.floor) / self.length
        lowest = height.unflatten(1, (2, 2)).amin(-1)
        above = (lowest / FLOOR_SPREAD).square() / (1.0 + (lowest / FLOOR_REACH).square())
        return above.sum() + ((-height).clamp(min=0.0) / FLOOR_SPREAD).square().sum()
