"""What a fit of people costs: landmarks, directions of bones, joints beyond what they can do, outlines, accelerations."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.lifting.axis_angle import matrices
from backend.lifting.people.fit_body import FitBody, PosedBody
from backend.lifting.people.fit_evidence import BONE_END, BONE_START, Seen
from backend.lifting.people.pose_limits import PoseLimits
from backend.lifting.people.silhouette import RESEEK_EVERY

INWARD, OUTWARD = 100.0, 70.0
BETA_WEIGHT = 0.15
WELL_WEIGHT = 0.4
LANDMARK_SPREAD, LANDMARK_REACH = 0.020, 0.08  # of the person's height: noise, and beyond it an outlier
BONE_SPREAD, BONE_REACH = 0.30, 0.8
ACCELERATION_SPREAD, ROOT_SPREAD = 12.0, 2.0  # m/s^2: of any joint, and of the root, on which the whole body hangs
OUTLINE_SPREAD, OUTLINE_REACH = 0.015, 0.06


@dataclass(frozen=True)
class Stage:
    """steps: Adam iterations. rate: their step. The rest: weights of the terms."""

    name: str
    steps: int
    rate: float
    bones: float
    outline: float


@dataclass(frozen=True, eq=False)
class Unknowns:
    """Of P people over F frames, N = P F. root0: R_world_root at the start. pose: axis-angle; row 0 turns root0, in the world."""

    betas: Float[Tensor, "P B"]
    root0: Float[Tensor, "N 3 3"]
    pose: Float[Tensor, "N 24 3"]
    translation: Float[Tensor, "N 3"]

    def free(self) -> "Unknowns":
        """A copy that gradients reach."""
        betas, pose, translation = (value.detach().clone().requires_grad_() for value in (self.betas, self.pose, self.translation))
        return Unknowns(betas, self.root0, pose, translation)

    def twice(self) -> "Unknowns":
        """The same people once more, after themselves."""
        rows = (self.betas, self.root0, self.pose, self.translation)
        return Unknowns(*(torch.cat([row, row]).detach() for row in rows))

    def rotations(self) -> Float[Tensor, "N 24 3 3"]:
        """R_parent_joint; entry 0 to the world."""
        local = matrices(self.pose)
        return torch.cat([local[:, :1] @ self.root0[:, None], local[:, 1:]], dim=1)


class Energy:
    """The energy of one descent; it remembers which surface point each outline point belongs to between its searches."""

    def __init__(self, body: FitBody, limits: PoseLimits, seen: Seen, fps: float) -> None:
        self._body, self._limits, self._seen, self._fps = body, limits, seen, fps
        self._nearest: Tensor | None = None

    def total(self, free: Unknowns, stage: Stage, smooth: Float[Tensor, " P"] | None, step: int) -> Float[Tensor, ""]:
        """smooth: what accelerations of each person count; nothing: they count for nobody."""
        posed = self._body.pose(free.betas, free.rotations(), free.translation, surface=stage.outline > 0.0)
        well, walls = self._limits.energy(free.pose)
        energy = self._landmarks(posed) + stage.bones * self._bones(posed) + WELL_WEIGHT * well + walls
        if posed.surface is not None:
            energy = energy + stage.outline * self._outline(posed.surface, step)
        total = self._seen.n_people * energy.mean() + BETA_WEIGHT * free.betas.square().sum()
        return total if smooth is None else total + (smooth * self._accelerations(posed.joints)).sum()

    def _landmarks(self, posed: PosedBody) -> Tensor:
        apart = (self._seen.project(posed.landmarks) - self._seen.pixels) / self._seen.height[:, None, None]
        return (self._seen.weight * robust(apart.square().sum(-1), LANDMARK_SPREAD, LANDMARK_REACH)).sum(-1)

    def _bones(self, posed: PosedBody) -> Tensor:
        directions = torch.nn.functional.normalize(posed.landmarks[:, BONE_END] - posed.landmarks[:, BONE_START], dim=-1)
        apart = (directions - self._seen.bones).square().sum(-1)
        return (self._seen.bone_weight * robust(apart, BONE_SPREAD, BONE_REACH)).sum(-1)

    def _outline(self, surface: Tensor, step: int) -> Tensor:
        """Surface points outside the mask, and outline points that no surface point reaches."""
        silhouettes, height = self._seen.silhouettes, self._seen.height
        pixels = self._seen.project(surface)
        outside = silhouettes.outside(pixels) / height[:, None]
        if self._nearest is None or step % RESEEK_EVERY == 0:
            self._nearest = nearest(silhouettes.outline, pixels.detach())
        reached = torch.gather(pixels, 1, self._nearest[..., None].expand(-1, -1, 2))
        gap = ((reached - silhouettes.outline) / height[:, None, None]).square().sum(-1)
        inward = INWARD * robust(outside.square(), OUTLINE_SPREAD, OUTLINE_REACH).mean(-1)
        outward = OUTWARD * robust(gap, OUTLINE_SPREAD, OUTLINE_REACH).mean(-1)
        return silhouettes.weight * (inward + outward)

    def _accelerations(self, joints: Float[Tensor, "N 24 3"]) -> Float[Tensor, " P"]:
        """Of the joints in the world: squared while small, so that noise goes; linear beyond, so that strokes stay. The root's: squared."""
        joints = joints.unflatten(0, (self._seen.n_people, -1))
        acceleration = (joints[:, 2:] - 2.0 * joints[:, 1:-1] + joints[:, :-2]) * self._fps**2
        square = (acceleration / ACCELERATION_SPREAD).square().sum(-1)
        of_root = (acceleration[:, :, 0] / ROOT_SPREAD).square().sum(-1)
        return (2.0 * (1.0 + square).sqrt() - 2.0).mean(1).sum(-1) + of_root.mean(1)


def robust(square: Tensor, spread: float, reach: float) -> Tensor:
    """Geman-McClure: like ``square / spread^2`` near zero, level beyond ``reach``."""
    return square / (square + reach**2) * (reach / spread) ** 2


def nearest(points: Float[Tensor, "N n 2"], among: Float[Tensor, "N s 2"]) -> Tensor:
    """``(N, n)`` index of the nearest of ``among`` to each point; numpy's argmin is five times as fast as torch's."""
    square = among.square().sum(-1)[:, None] - 2.0 * points @ among.mT
    return torch.from_numpy(square.numpy().argmin(axis=-1))
