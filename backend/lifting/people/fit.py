"""Fits bodies to a clip: 2D and 3D landmarks, outlines, what joints can do; one shape a person for all frames.

All frames of all people are one batch, person after person. Stages: pose and place from the landmarks; then outlines too; then, from there
and in one batch again, two endings of the same length: ``raw`` without and ``smooth`` with a term on the accelerations of the joints in
the world.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.one_thread import one_thread
from backend.lifting.people.fit_body import FitBody
from backend.lifting.people.fit_energy import Energy, Stage, Unknowns
from backend.lifting.people.fit_evidence import Evidence, Seen, placed_over, seen_of
from backend.lifting.people.initial_pose import initial_pose
from backend.lifting.people.pose_limits import PoseLimits
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import BodyModel
from revision_blender.motion.camera import Camera

__all__ = ["Evidence", "Fit", "PeopleFit"]

Array = NDArray[np.floating]

N_SURFACE = 500
STAGES = (Stage("landmarks", 50, 0.065, 1.0, 0.0), Stage("outline", 65, 0.04, 0.5, 1.5))
ENDING = Stage("ending", 35, 0.015, 0.5, 1.5)
SMOOTH = 0.2  # what accelerations count in the smooth ending
LAST_RATE = 0.1  # of a stage's rate, at its end
PLACE_RATE, SHAPE_RATE = 0.5, 0.8  # of a stage's rate: steps of places and betas


@dataclass(frozen=True, eq=False)
class Fit:
    """translation: metres, world. rotations: R_parent_joint (entry 0 to the world)."""

    betas: Float[Array, " B"]
    rotations: Float[Array, "F 24 3 3"]
    translation: Float[Array, "F 3"]


class PeopleFit:
    """The fit of all people of one clip: the data as tensors, the stages. Every person is fitted as if alone."""

    def __init__(self, model: BodyModel, people: Sequence[Evidence], camera: Camera, fps: float) -> None:
        self._body, self._limits, self._fps = FitBody(model, N_SURFACE), PoseLimits(), fps
        self._landmarks = [person.landmarks for person in people]
        self._seen = seen_of(people, camera)

    def solve(self, progress: Progress) -> list[tuple[Fit, Fit]]:
        """(smooth, raw) of every person."""
        with one_thread():
            unknowns = self._start()
            for place, stage in enumerate(STAGES):
                unknowns = self._descend(self._seen, unknowns, stage, None, progress.part(0.3 * place, 0.3 * place + 0.3))
            return self._endings(unknowns, progress.part(0.6, 1.0))

    def _endings(self, unknowns: Unknowns, progress: Progress) -> list[tuple[Fit, Fit]]:
        people = self._seen.n_people
        if len(self._seen.pixels) <= 2 * people:  # two frames have no acceleration
            raw = _fits_of(self._descend(self._seen, unknowns, ENDING, None, progress), people)
            return list(zip(raw, raw, strict=True))
        smooth = torch.tensor([SMOOTH] * people + [0.0] * people)
        both = _fits_of(self._descend(self._seen.twice(), unknowns.twice(), ENDING, smooth, progress), 2 * people)
        return list(zip(both[:people], both[people:], strict=True))

    def _start(self) -> Unknowns:
        """From MediaPipe's points in space, each body put over its pixels."""
        firsts = [initial_pose(one) for one in self._landmarks]
        root0 = self._seen.R_world_camera @ torch.tensor(np.concatenate([first.root for first in firsts])).float()
        pose = torch.tensor(np.concatenate([first.pose for first in firsts])).float()
        middle = self._limits.middle[None].expand_as(pose)
        pose = torch.where(pose.abs().sum(-1, keepdim=True) > 0, pose, middle).contiguous()
        nowhere = torch.zeros(len(pose), 3)
        unknowns = Unknowns(torch.zeros(self._seen.n_people, self._body.n_betas), root0, pose, nowhere)
        posed = self._body.pose(unknowns.betas, unknowns.rotations(), unknowns.translation, surface=False)
        places = placed_over(posed.landmarks, self._seen).numpy().reshape(self._seen.n_people, -1, 3)
        bridged = [_bridged(place, one.found) for place, one in zip(places, self._landmarks, strict=True)]
        return replace(unknowns, translation=torch.tensor(np.concatenate(bridged)).float())

    def _descend(self, seen: Seen, unknowns: Unknowns, stage: Stage, smooth: Tensor | None, progress: Progress) -> Unknowns:
        free, energy = unknowns.free(), Energy(self._body, self._limits, seen, self._fps)
        rates = [(stage.rate, [free.pose]), (PLACE_RATE * stage.rate, [free.translation]), (SHAPE_RATE * stage.rate, [free.betas])]
        optimiser = torch.optim.Adam([{"params": params, "lr": rate} for rate, params in rates], betas=(0.85, 0.99), fused=True)
        for step in range(stage.steps):
            fallen, last = 0.5 * (1.0 + math.cos(math.pi * step / stage.steps)), LAST_RATE * stage.rate
            for group, (rate, _) in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = last + fallen * (rate - last)
            optimiser.zero_grad(set_to_none=True)
            energy.total(free, stage, smooth, step).backward()
            optimiser.step()
            if step % 10 == 0:
                progress(step / stage.steps, "Fitting the body" if self._seen.n_people == 1 else "Fitting the bodies")
        return free


def _fits_of(unknowns: Unknowns, people: int) -> list[Fit]:
    with torch.no_grad():
        rotations = unknowns.rotations().numpy().astype(np.float64).reshape(people, -1, 24, 3, 3)
    translation = unknowns.translation.detach().numpy().astype(np.float64).reshape(people, -1, 3)
    betas = unknowns.betas.detach().numpy().copy()
    return [Fit(*values) for values in zip(betas, rotations, translation, strict=True)]


def _bridged(places: Array, found: NDArray[np.bool_]) -> Array:
    """``(F, 3)`` places; where nobody was seen: on the way between those who were."""
    order = np.arange(len(places))
    return np.stack([np.interp(order, order[found], column[found]) for column in places.T], axis=1)
