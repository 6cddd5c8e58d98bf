"""Rotations of a hand's joints from its 21 points: a fit with what fingers can do, all frames at once.

The points' pixels are what a finder sees best; its metres about the wrist tell near from far, but it takes hands to face the camera. So
the fit also asks what is known of the body: how large the hand must look, and from where the forearm comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from backend.bodies.torch_body import rotations_from_axis_angle
from backend.lifting.one_thread import one_thread
from backend.lifting.people.finger_limits import FingerLimits, finger_limits
from backend.lifting.providers.mano_body import POINTS, HandBones
from backend.progress import Progress

Array = NDArray[np.floating]

STEPS, RATE = 100, 0.08
DEPTH_WEIGHT = (0.5, 0.2)  # at the start, so that no finger is bent the wrong way around, and at the end
PICTURE_WEIGHT, SIZE_WEIGHT = 1.0, 0.1
WRIST_WEIGHT, WRIST = 2.5, (0.6, 0.3)  # sines of what a wrist does easily: bending, and tilting towards thumb or little finger
SPREAD, REACH = 0.04, 0.25  # of the hand's length: noise of a point, and beyond it an outlier
WELL, WALL, COUPLED, CALM = 0.02, 4.0, 0.05, 0.6
_PALM = np.array([0, 1, 5, 9, 13, 17])  # points that no finger moves: wrist and the five first joints
_FINGERS = [4, 0, 1, 3, 2]  # thumb, index, middle, ring, little among MANO's index, middle, little, ring, thumb
_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class HandPoints:
    """One hand on N frames in order. pixels: ``(N, 21, 2)``. world: ``(N, 21, 3)`` metres about the wrist, camera axes. score: ``(N,)``.

    frames: ``(N,)`` numbers of the frames. left: the side. size: ``(N,)`` pixels that a metre takes at the wrist. forearm: ``(N, 3)``
    unit, from elbow to wrist, camera axes. Both come from the body: a finder takes hands to face the camera, and only their size in the
    picture and what a wrist can do tell how far they are turned away.
    """

    pixels: Float[Array, "N 21 2"]
    world: Float[Array, "N 21 3"]
    score: Float[Array, " N"]
    frames: Int[NDArray[np.integer], " N"]
    left: bool
    size: Float[Array, " N"]
    forearm: Float[Array, "N 3"]

    def as_right(self) -> "HandPoints":
        """A left hand as it looks in a mirror."""
        if not self.left:
            return self
        return replace(self, pixels=self.pixels * _MIRROR[:2], world=self.world * _MIRROR, forearm=self.forearm * _MIRROR, left=False)


def fit_hands(bones: HandBones, hands: Sequence[HandPoints], progress: Progress) -> list[Float[NDArray[np.float64], "N 16 3 3"]]:
    """R_camera_wrist and then R_parent_joint of joints 1 to 15 in MANO's order, for each hand. bones: of the right hand."""
    if not hands:
        return []
    with one_thread():
        rotations = _HandFit(bones, [hand.as_right() for hand in hands]).solve(progress).numpy().astype(np.float64)
    parts = np.split(rotations, np.cumsum([len(hand.score) for hand in hands])[:-1])
    mirror = np.diag(_MIRROR)
    return [mirror @ part @ mirror if hand.left else part for hand, part in zip(hands, parts, strict=True)]


class _HandFit:
    """All frames of all hands as one batch."""

    def __init__(self, bones: HandBones, hands: Sequence[HandPoints]) -> None:
        limits: FingerLimits = finger_limits(bones)
        self.bones = torch.tensor(_bones(bones), dtype=torch.float32)
        self.length = float(np.linalg.norm(bones.joints[4] - bones.joints[0]))
        self.axes, self.low, self.high, self.middle, self.ease = (
            torch.tensor(values, dtype=torch.float32) for values in (limits.axes, limits.low, limits.high, limits.middle, limits.ease)
        )
        world = np.concatenate([self._of_own_size(hand.world) for hand in hands])
        self.world = torch.tensor(world, dtype=torch.float32)
        pixels = np.concatenate([hand.pixels for hand in hands])
        self.flat = torch.tensor(pixels - pixels.mean(axis=1, keepdims=True), dtype=torch.float32)
        self.score = torch.tensor(np.concatenate([hand.score for hand in hands]), dtype=torch.float32)
        self.size = torch.tensor(np.concatenate([hand.size for hand in hands]), dtype=torch.float32).clamp(min=1e-3)
        self.forearm = torch.tensor(np.concatenate([hand.forearm for hand in hands]), dtype=torch.float32)
        starts = np.cumsum([0, *(len(hand.score) for hand in hands)])
        runs = [start + _triples(hand.frames) for start, hand in zip(starts, hands, strict=False)]
        self.triples = torch.tensor(np.concatenate(runs).astype(np.int64))
        self.root = torch.tensor(_turns(bones, world), dtype=torch.float32)

    def _of_own_size(self, world: Float[Array, "N 21 3"]) -> Float[Array, "N 21 3"]:
        """The finder's hand may be larger or smaller than the body's."""
        length = np.linalg.norm(world[:, 9] - world[:, 0], axis=-1)
        return world * (self.length / max(float(np.median(length)), 1e-4))

    def rotations(self, turn: Tensor, angles: Tensor) -> Tensor:
        """``(N, 16, 3, 3)`` from the wrist's turn ``(N, 3)`` and the angles ``(N, 15, 3)``."""
        bent = rotations_from_axis_angle((self.axes @ angles[..., None])[..., 0])
        return torch.cat([(rotations_from_axis_angle(turn) @ self.root)[:, None], bent], dim=1)

    def points(self, rotations: Tensor) -> Tensor:
        """``(N, 21, 3)`` metres about the wrist: the five fingers at once, a bone at a time."""
        world = rotations[:, :1]
        bent = rotations[:, 1:].unflatten(1, (5, 3))
        place = (world @ self.bones[:, 0, :, None])[..., 0]
        places = [place]
        for segment in range(3):
            world = world @ bent[:, :, segment]
            place = place + (world @ self.bones[:, segment + 1, :, None])[..., 0]
            places.append(place)
        fingers = torch.stack(places, dim=2)[:, _FINGERS].flatten(1, 2)  # from MANO's order of fingers to that of the points
        return torch.cat([torch.zeros_like(fingers[:, :1]), fingers], dim=1)

    def solve(self, progress: Progress) -> Float[Tensor, "N 16 3 3"]:
        turn = torch.zeros(len(self.world), 3, requires_grad=True)
        angles = self.middle.expand(len(self.world), -1, -1).clone().requires_grad_()
        optimiser = torch.optim.Adam([turn, angles], lr=RATE, betas=(0.85, 0.99))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, eta_min=0.05 * RATE)
        for step in range(STEPS):
            optimiser.zero_grad(set_to_none=True)
            self._energy(turn, angles, step / STEPS).backward()
            optimiser.step()
            schedule.step()
            if step % 20 == 0:
                progress(step / STEPS, "Fitting the fingers")
        return self.rotations(turn, angles).detach()

    def _energy(self, turn: Tensor, angles: Tensor, part: float) -> Tensor:
        rotations = self.rotations(turn, angles)
        points = self.points(rotations)
        deep = _robust((points - self.world).square().sum(-1) / self.length**2)
        seen = points[..., :2] - points[..., :2].mean(1, keepdim=True)
        scale = (seen * self.flat).sum((1, 2)) / seen.square().sum((1, 2)).clamp(min=1e-9)
        apart = (seen * scale[:, None, None].clamp(min=1e-3) - self.flat).square().sum(-1)
        near = _robust(apart / (scale.detach() * self.length)[:, None].clamp(min=1e-3).square())
        depth = DEPTH_WEIGHT[0] + (DEPTH_WEIGHT[1] - DEPTH_WEIGHT[0]) * min(2.0 * part, 1.0)
        large = _robust((scale.clamp(min=1e-3) / self.size).log().square())
        data = self.score * (depth * deep.mean(-1) + PICTURE_WEIGHT * near.mean(-1) + SIZE_WEIGHT * large)
        return (data + self._posture(angles) + self._wrist(rotations[:, 0])).mean() + self._unrest(points)

    def _wrist(self, hand: Float[Tensor, "N 3 3"]) -> Float[Tensor, " N"]:
        """The forearm as the hand sees it: in the rest pose it comes in along -x; up or down when the wrist bends, sideways when it tilts."""
        along = (hand.mT @ self.forearm[..., None])[..., 0]
        back = (along[:, 0] + 1.0).square() / 4.0  # a hand that points at the elbow
        return WRIST_WEIGHT * ((along[:, 1] / WRIST[0]).square() + (along[:, 2] / WRIST[1]).square() + back / WRIST[1] ** 2)

    def _posture(self, angles: Tensor) -> Tensor:
        """``(N,)``: wells about the middle, walls at the limits, and last joints that bend with the ones before."""
        well = ((angles - self.middle) / self.ease).square().sum((-1, -2))
        beyond = (angles - self.high).clamp(min=0.0) + (self.low - angles).clamp(min=0.0)
        last, before = angles[:, 2:12:3, 0], angles[:, 1:12:3, 0]
        return WELL * well + WALL * (beyond / 0.1).square().sum((-1, -2)) + COUPLED * (last - 0.6 * before).square().sum(-1)

    def _unrest(self, points: Tensor) -> Tensor:
        if not len(self.triples):
            return points.new_zeros(())
        second = points[self.triples + 2] - 2.0 * points[self.triples + 1] + points[self.triples]
        return CALM * (second / self.length).square().sum(-1).mean() / SPREAD**2 * 0.1


def _triples(frames: Int[NDArray[np.integer], " N"]) -> Int[NDArray[np.integer], " T"]:
    """Where three entries in a row are three frames in a row."""
    after = np.diff(frames) == 1
    return np.flatnonzero(after[:-1] & after[1:]) if len(frames) > 2 else np.zeros(0, np.int64)


def _robust(square: Tensor) -> Tensor:
    return square / (square + REACH**2) * (REACH / SPREAD) ** 2


def _bones(bones: HandBones) -> Float[NDArray[np.float64], "5 4 3"]:
    """From the wrist to each finger's first joint, along its two bones, and to its tip, in MANO's order of fingers, rest pose."""
    joints = bones.joints[1:].reshape(5, 3, 3)
    tips = bones.tips[[1, 2, 4, 3, 0]]
    places = np.concatenate([np.tile(bones.joints[0], (5, 1, 1)), joints, tips[:, None]], axis=1)
    return np.diff(places, axis=1)


def _turns(bones: HandBones, world: Float[Array, "N 21 3"]) -> Float[NDArray[np.float64], "N 3 3"]:
    """R_camera_wrist that lays the palm's rest points best on the seen ones (Kabsch)."""
    rest = np.concatenate([bones.joints, bones.tips])[POINTS][_PALM] - bones.joints[0]
    u, _, vt = np.linalg.svd(np.einsum("npa,pb->nab", world[:, _PALM], rest))
    flip = np.ones((len(world), 3))
    flip[:, 2] = np.linalg.det(u @ vt)
    return (u * flip[:, None]) @ vt
