"""From the first frame to all frames: from neighbour to neighbour, then everything at once, smooth in the world."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.coarse_body import CoarseBody, PosedAnimal, matrices
from backend.lifting.animals.descent import Joining, Steps, assessed, descend
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, Weights
from backend.lifting.animals.first_frame import First
from backend.lifting.animals.leg_swings import with_legs_told_apart
from backend.lifting.animals.starts import placed
from backend.progress import Progress
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import GroundPlane

Array = NDArray[np.floating]

STRIDE = Steps(14, 0.05, 0.03)
TOGETHER = Steps(50, 0.03, 0.015, 0.02)
LEGS_APART = Steps(40, 0.03, 0.01, 0.01)
TURN_SPREAD, BEND_SPREAD = 0.15, 0.25  # radians from one frame to the next
ACCELERATION_SPREAD = 14.0  # m/s^2 of a joint
SMOOTH = 0.25
TURNS = (0.0, 0.3, -0.3)  # radians
DEPTH_SPREAD = 0.03  # of the depth, from one frame to the next
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
    unknowns = _from_neighbours(body, evidence, first, progress.part(0.0, 0.5))
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


def _from_neighbours(body: CoarseBody, evidence: Evidence, first: First, progress: Progress) -> Unknowns:
    """Both ways from the first frame, each frame from the one before."""
    frames = len(evidence.clicked)
    rows: dict[int, Unknowns] = {first.frame: first.unknowns}
    farthest = max(first.frame, frames - 1 - first.frame)
    for away in progress.each(range(1, farthest + 1), farthest, "Following the animal"):
        here = [frame for frame in (first.frame + away, first.frame - away) if 0 <= frame < frames]
        before = [frame - 1 if frame > first.frame else frame + 1 for frame in here]
        reached = _stride(body, evidence, np.array(here), _stacked([rows[frame] for frame in before]), first)
        for row, frame in enumerate(here):
            rows[frame] = reached.rows(np.array([row]))
    return _stacked([rows[frame] for frame in range(frames)])


def _stride(body: CoarseBody, evidence: Evidence, frames: NDArray[np.int64], before: Unknowns, first: First) -> Unknowns:
    """One frame on, from the poses before: as they were, or turned a little to either side, whichever fits best."""
    ways = np.repeat(np.arange(len(frames)), len(TURNS))
    here = AnimalEnergy(body, evidence.rows(frames[ways]), first.preferred, Weights(well=0.3))
    if not bool(here.evidence.crops.seen.any()):
        return before
    was = before.rows(ways)
    start = _turned(placed(here, was, keep_depth=True), here.evidence.view.up, np.tile(TURNS, len(frames)))

    def held(now: Unknowns, _posed: PosedAnimal) -> Tensor:
        return _held(now, was).sum()

    reached = descend(here, start, STRIDE, held)
    cost = (assessed(here, reached)[0] + _held(reached, was)).view(len(frames), len(TURNS))
    return reached.rows(np.arange(len(frames)) * len(TURNS) + cost.argmin(dim=1).numpy())


def _held(now: Unknowns, was: Unknowns) -> Tensor:
    """``(N,)``: what it costs to have changed from one frame to the next."""
    bent = ((now.pose - was.pose)[:, 1:] / BEND_SPREAD).square().sum((1, 2))
    turn = _angle_square(matrices(now.turn) @ now.R_camera_root @ was.R_camera_root.mT)
    deeper = ((now.place[:, 2] - was.place[:, 2]) / DEPTH_SPREAD).square()
    return 0.3 * bent + turn / TURN_SPREAD**2 + deeper


def _angle_square(rotations: Tensor) -> Tensor:
    """About the square of the angle of ``(N, 3, 3)``, radians."""
    return 3.0 - rotations.diagonal(dim1=1, dim2=2).sum(-1)


def _turned(unknowns: Unknowns, up: Tensor, angles: NDArray[np.floating]) -> Unknowns:
    """The same poses turned about the vertical."""
    turn = matrices(up * torch.tensor(angles, dtype=torch.float32)[:, None])
    return replace(unknowns, R_camera_root=turn @ unknowns.R_camera_root)


def _stacked(rows: list[Unknowns]) -> Unknowns:
    """Rows of one shape after each other."""
    columns = {name: torch.cat([getattr(row, name) for row in rows]) for name in ("turn", "R_camera_root", "pose", "place")}
    return Unknowns(betas=rows[0].betas, **columns)


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
