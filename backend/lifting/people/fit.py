"""Fits bodies to a clip: 2D and 3D landmarks, outlines, what joints can do; one shape a person for all frames.

All frames of all people are one batch, person after person. Stages: pose and place from the landmarks; then outlines too; then, from there, two endings of the
same length: ``raw`` without and ``smooth`` with a term on the accelerations of the joints in the world.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.people.fit_body import FitBody, PosedBody, matrices
from backend.lifting.people.initial_pose import initial_pose
from backend.lifting.people.landmark_names import BONES, HEAD, N_LANDMARKS, index_of
from backend.lifting.people.landmarks import Landmarks, person_height
from backend.lifting.people.pose_limits import PoseLimits
from backend.lifting.people.silhouette import RESEEK_EVERY, joined, silhouettes_of
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import BodyModel
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]

N_SURFACE = 500
INWARD, OUTWARD = 100.0, 70.0
BETA_WEIGHT = 0.15
HEAD_WEIGHT = 0.35  # eleven landmarks lie on the head: together they count like four
HAND_WEIGHT = 0.5
LANDMARK_SPREAD, LANDMARK_REACH = 0.020, 0.08  # of the person's height: noise, and beyond it an outlier
BONE_SPREAD = 0.30
ACCELERATION_SPREAD = 12.0  # m/s^2
OUTLINE_SPREAD, OUTLINE_REACH = 0.015, 0.06


@dataclass(frozen=True)
class Stage:
    """steps: Adam iterations. rate: their step. The rest: weights of the terms."""

    name: str
    steps: int
    rate: float
    bones: float
    outline: float
    smooth: float


STAGES = (Stage("landmarks", 50, 0.065, 1.0, 0.0, 0.0), Stage("outline", 65, 0.04, 0.5, 1.5, 0.0))
RAW = Stage("raw", 35, 0.015, 0.5, 1.5, 0.0)
SMOOTH = Stage("smooth", 35, 0.015, 0.5, 1.5, 0.2)


@dataclass(frozen=True, eq=False)
class Fit:
    """betas ``(B,)``, rotations ``(F, 24, 3, 3)`` R_parent_joint (entry 0 to the world), translation ``(F, 3)`` metres, world."""

    betas: Array
    rotations: Array
    translation: Array


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one person. masks: ``(F, H, W)`` 255 on the person. blocked: the same of whatever may hide the person, or nothing."""

    landmarks: Landmarks
    masks: NDArray[np.uint8]
    blocked: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class _Unknowns:
    """N = P people times F frames."""

    betas: Tensor  # (P, B)
    turn: Tensor  # (N, 3) axis-angle before root0
    root0: Tensor  # (N, 3, 3) R_world_root at the start
    pose: Tensor  # (N, 24, 3)
    translation: Tensor  # (N, 3)

    def free(self) -> "_Unknowns":
        """A copy that gradients reach."""
        copies = {name: getattr(self, name).detach().clone().requires_grad_() for name in ("betas", "turn", "pose", "translation")}
        return replace(self, **copies)

    def rotations(self) -> Tensor:
        local = matrices(self.pose[:, 1:])
        return torch.cat([(matrices(self.turn) @ self.root0)[:, None], local], dim=1)


class PeopleFit:
    """The fit of all people of one clip: the data as tensors, the energy, the stages. Every person is fitted as if alone."""

    def __init__(self, model: BodyModel, people: Sequence[Evidence], camera: Camera, fps: float) -> None:
        self.body = FitBody(model, N_SURFACE)
        self.limits = PoseLimits()
        self.fps = fps
        self.n_people = len(people)
        self.focal = float(camera.focal)
        self.center = torch.tensor(camera.center, dtype=torch.float32)
        T = torch.tensor(camera.T_world_camera, dtype=torch.float32).repeat(len(people), 1, 1)
        self.R_world_camera, self.t_world_camera = T[:, :3, :3], T[:, :3, 3]
        landmarks = [person.landmarks for person in people]
        self.height = torch.cat([torch.full((one.n_frames,), float(np.median(person_height(one.pixels)))) for one in landmarks])
        self.pixels = torch.from_numpy(np.concatenate([one.pixels for one in landmarks]))
        self.weight = torch.from_numpy(np.concatenate([_landmark_weights(one) for one in landmarks]))
        self.bones, self.bone_weight = self._bone_directions(landmarks)
        self.silhouettes = joined([silhouettes_of(person.masks, person.blocked) for person in people])
        self.start = self._start(landmarks)
        self.nearest: Tensor | None = None

    def _bone_directions(self, landmarks: list[Landmarks]) -> tuple[Tensor, Tensor]:
        """World directions ``(N, bones, 3)`` and how far to trust each ``(N, bones)``."""
        world = torch.from_numpy(np.concatenate([one.world for one in landmarks]))
        start, end = torch.tensor(BONES).T
        visibility = torch.from_numpy(np.concatenate([one.visibility for one in landmarks]))
        directions = torch.nn.functional.normalize(world[:, end] - world[:, start], dim=-1)
        trust = torch.minimum(visibility[:, start], visibility[:, end]).clamp(min=0.15)
        return torch.einsum("fab,fnb->fna", self.R_world_camera, directions), trust

    def _start(self, landmarks: list[Landmarks]) -> _Unknowns:
        firsts = [initial_pose(one) for one in landmarks]
        root0 = self.R_world_camera @ torch.from_numpy(np.concatenate([first.root for first in firsts])).float()
        pose = torch.from_numpy(np.concatenate([first.pose for first in firsts])).float()
        middle = self.limits.middle[None].expand_as(pose)
        pose = torch.where(pose.abs().sum(-1, keepdim=True) > 0, pose, middle).contiguous()
        nowhere = torch.zeros(len(pose), 3)
        unknowns = _Unknowns(torch.zeros(self.n_people, self.body.n_betas), nowhere, root0, pose, nowhere)
        posed = self.body.pose(unknowns.betas, unknowns.rotations(), unknowns.translation, surface=False)
        places = self._placed(posed.landmarks).numpy().reshape(self.n_people, -1, 3)
        bridged = [_bridged(place, one.found) for place, one in zip(places, landmarks, strict=True)]
        return replace(unknowns, translation=torch.from_numpy(np.concatenate(bridged)).float())

    def _placed(self, points: Tensor) -> Tensor:
        """Translations ``(F, 3)`` that put world points ``(F, 33, 3)`` over their pixels: linear least squares."""
        points = self._to_camera(points) - self._to_camera(torch.zeros(len(points), 1, 3))
        target = (self.pixels - self.center) / self.focal
        root_weight = self.weight.sqrt()[..., None]
        zero, one = torch.zeros_like(target[..., 0]), torch.ones_like(target[..., 0])
        rows = torch.stack([torch.stack([one, zero, -target[..., 0]], -1), torch.stack([zero, one, -target[..., 1]], -1)], -2)
        right = target * points[..., 2:] - points[..., :2]
        rows, right = rows * root_weight[..., None], right * root_weight
        place = torch.linalg.lstsq(rows.flatten(1, 2), right.flatten(1, 2)[..., None]).solution[..., 0]
        place[:, 2] = place[:, 2].clamp(min=0.5)
        return torch.einsum("fab,fb->fa", self.R_world_camera, place) + self.t_world_camera

    def _to_camera(self, points: Tensor) -> Tensor:
        return (points - self.t_world_camera[:, None]) @ self.R_world_camera

    def _project(self, points: Tensor) -> Tensor:
        camera = self._to_camera(points)
        return camera[..., :2] / camera[..., 2:].clamp(min=0.1) * self.focal + self.center

    def solve(self, progress: Progress) -> list[tuple[Fit, Fit]]:
        """(smooth, raw) of every person."""
        with _one_thread():
            return self._solve(progress)

    def _solve(self, progress: Progress) -> list[tuple[Fit, Fit]]:
        unknowns = self.start
        for place, stage in enumerate(STAGES):
            unknowns = self._descend(unknowns, stage, progress.part(0.3 * place, 0.3 * place + 0.3))
        raw = self._descend(unknowns, RAW, progress.part(0.6, 0.8))
        smooth = self._descend(unknowns, SMOOTH, progress.part(0.8, 1.0)) if len(self.pixels) > 2 * self.n_people else raw
        return list(zip(self._fits_of(smooth), self._fits_of(raw), strict=True))

    def _fits_of(self, unknowns: _Unknowns) -> list[Fit]:
        with torch.no_grad():
            rotations = unknowns.rotations().numpy().astype(np.float64).reshape(self.n_people, -1, 24, 3, 3)
        translation = unknowns.translation.detach().numpy().astype(np.float64).reshape(self.n_people, -1, 3)
        betas = unknowns.betas.detach().numpy().copy()
        return [Fit(*values) for values in zip(betas, rotations, translation, strict=True)]

    def _descend(self, unknowns: _Unknowns, stage: Stage, progress: Progress) -> _Unknowns:
        free = unknowns.free()
        groups = [{"params": [free.turn, free.pose], "lr": stage.rate}, {"params": [free.translation], "lr": 0.5 * stage.rate}]
        groups.append({"params": [free.betas], "lr": 0.8 * stage.rate})
        optimiser = torch.optim.Adam(groups, betas=(0.85, 0.99))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, stage.steps, eta_min=0.1 * stage.rate)
        for step in range(stage.steps):
            optimiser.zero_grad(set_to_none=True)
            self._energy(free, stage, step).backward()
            optimiser.step()
            schedule.step()
            if step % 10 == 0:
                progress(step / stage.steps, "Fitting the body" if self.n_people == 1 else "Fitting the bodies")
        return free

    def _energy(self, free: _Unknowns, stage: Stage, step: int) -> Tensor:
        posed = self.body.pose(free.betas, free.rotations(), free.translation, surface=stage.outline > 0.0)
        well, walls = self.limits.energy(free.pose)
        energy = self._landmark_energy(posed) + stage.bones * self._bone_energy(posed) + 0.4 * well + walls
        if posed.surface is not None:
            energy = energy + stage.outline * self._outline_energy(posed.surface, step)
        total = self.n_people * energy.mean() + BETA_WEIGHT * free.betas.square().sum()
        if stage.smooth > 0.0:
            total = total + stage.smooth * self._acceleration_energy(posed)
        return total

    def _landmark_energy(self, posed: PosedBody) -> Tensor:
        apart = (self._project(posed.landmarks) - self.pixels) / self.height[:, None, None]
        return (self.weight * _robust(apart.square().sum(-1), LANDMARK_SPREAD, LANDMARK_REACH)).sum(-1)

    def _bone_energy(self, posed: PosedBody) -> Tensor:
        start, end = torch.tensor(BONES).T
        directions = torch.nn.functional.normalize(posed.landmarks[:, end] - posed.landmarks[:, start], dim=-1)
        return (self.bone_weight * _robust((directions - self.bones).square().sum(-1), BONE_SPREAD, 0.8)).sum(-1)

    def _outline_energy(self, surface: Tensor, step: int) -> Tensor:
        pixels = self._project(surface)
        outside = self.silhouettes.outside(pixels) / self.height[:, None]
        if self.nearest is None or step % RESEEK_EVERY == 0:
            self.nearest = _nearest(self.silhouettes.outline, pixels.detach())
        reached = torch.gather(pixels, 1, self.nearest[..., None].expand(-1, -1, 2))
        gap = ((reached - self.silhouettes.outline) / self.height[:, None, None]).square().sum(-1)
        inward = INWARD * _robust(outside.square(), OUTLINE_SPREAD, OUTLINE_REACH).mean(-1)
        outward = OUTWARD * _robust(gap, OUTLINE_SPREAD, OUTLINE_REACH).mean(-1)
        return self.silhouettes.weight * (inward + outward)

    def _acceleration_energy(self, posed: PosedBody) -> Tensor:
        """Accelerations of the joints in the world: squared while small, so that noise goes; linear beyond, so that strokes stay."""
        joints = posed.joints.unflatten(0, (self.n_people, -1))
        acceleration = (joints[:, 2:] - 2.0 * joints[:, 1:-1] + joints[:, :-2]) * self.fps**2
        square = (acceleration / ACCELERATION_SPREAD).square().sum(-1)
        return (2.0 * (1.0 + square).sqrt() - 2.0).mean(1).sum()


class ClipFit:
    """The fit of one person."""

    def __init__(self, model: BodyModel, landmarks: Landmarks, masks: NDArray[np.uint8], camera: Camera, fps: float) -> None:
        self._fit = PeopleFit(model, [Evidence(landmarks, masks)], camera, fps)

    def solve(self, progress: Progress) -> tuple[Fit, Fit]:
        """(smooth, raw)."""
        return self._fit.solve(progress)[0]


def _bridged(places: Array, found: NDArray[np.bool_]) -> Array:
    """``(F, 3)`` places; where nobody was seen: on the way between those who were."""
    order = np.arange(len(places))
    return np.stack([np.interp(order, order[found], column[found]) for column in places.T], axis=1)


def _nearest(points: Tensor, among: Tensor) -> Tensor:
    """``(F, N)`` index of the nearest of ``(F, S, 2)`` to each of ``(F, N, 2)``; numpy's argmin is five times as fast as torch's."""
    square = among.square().sum(-1)[:, None] - 2.0 * points @ among.mT
    return torch.from_numpy(square.numpy().argmin(axis=-1))


@contextmanager
def _one_thread() -> Iterator[None]:
    """The fit is hundreds of small operations: more threads than one gain nothing, and wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _robust(square: Tensor, spread: float, reach: float) -> Tensor:
    """Geman-McClure: like ``square / spread^2`` near zero, level beyond ``reach``."""
    return square / (square + reach**2) * (reach / spread) ** 2


def _landmark_weights(landmarks: Landmarks) -> NDArray[np.float32]:
    """``(F, 33)``: visibility, less for the many points of the head and for the fingers, nothing where nobody was found."""
    scale = np.ones(N_LANDMARKS, np.float32)
    scale[list(HEAD)] = HEAD_WEIGHT
    for finger in ("pinky", "index", "thumb"):
        scale[[index_of(f"left_{finger}"), index_of(f"right_{finger}")]] = HAND_WEIGHT
    return np.clip(landmarks.visibility, 0.02, 1.0) ** 1.5 * scale * landmarks.found[:, None]
