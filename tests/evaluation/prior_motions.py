"""Motions with a known truth for the tests of the prior's evaluation: a walk in place, a dog-like body that sways, a thrown thing."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.prior.places import places_of
from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import FPS, Damaged, Take, undamaged
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.rotation import matrix_from_axis_angle

STANDING = 0.94  # metres from the floor to the pelvis, about


def person(frames: int = 60, name: str = "stepping") -> Take:
    """Arms and legs swing smoothly, the body sways; it stays over the floor and does not hold its feet."""
    model = open_human()
    rest = model.joint_template[:22]
    parents = np.array(parents_of("human"))
    offsets = np.where(parents[:, None] < 0, 0.0, rest - rest[parents])
    phase = 2.0 * np.pi * 0.8 * np.arange(frames) / FPS
    turns = np.zeros((frames, 22, 3))
    turns[:, 1, 0], turns[:, 2, 0] = 0.4 * np.sin(phase), -0.4 * np.sin(phase)
    turns[:, 4, 0], turns[:, 5, 0] = 0.3 + 0.3 * np.sin(phase), 0.3 - 0.3 * np.sin(phase)
    turns[:, 16, 2], turns[:, 17, 2] = -1.2, 1.2
    turns[:, 18, 1] = 0.5 * np.sin(phase)
    root = np.stack([0.3 * np.arange(frames) / FPS, np.full(frames, STANDING), 0.05 * np.sin(phase)], axis=1)
    return Take("human", FPS, matrix_from_axis_angle(turns), root, offsets, name=name, group=name, text="walking")


def standing(frames: int = 40) -> Take:
    """The rest pose, its lowest soles on the floor."""
    take = person(frames, "standing")
    still = replace(take, rotations=np.broadcast_to(np.eye(3), take.rotations.shape).copy(), root=np.zeros((frames, 3)))
    return replace(still, root=np.tile([0.0, -places_of(still).soles[..., 1].min(), 0.0], (frames, 1)))


def thing(frames: int = 40) -> Take:
    """A cloud of points on a parabola."""
    time = np.arange(frames) / FPS
    root = np.stack([time, 1.0 + 3.0 * time - 4.9 * time**2, 0.0 * time], axis=1)
    around = np.random.default_rng(0).normal(0.0, 0.1, (21, 3))
    return Take(
        "object",
        FPS,
        np.broadcast_to(np.eye(3), (frames, 1, 3, 3)).copy(),
        root,
        np.zeros((1, 3)),
        np.tile(around, (frames, 1, 1)),
        name="thing",
        group="thing",
    )


def noisy(take: Take, degrees: float = 5.0, seed: int = 0) -> Damaged:
    """White noise, as the protocol's."""
    rng = np.random.default_rng(seed)
    turns = matrix_from_axis_angle(np.radians(degrees) * rng.normal(size=(*take.rotations.shape[:2], 3)))
    root = take.root + 0.01 * degrees * rng.normal(size=take.root.shape)
    points = None if take.points is None else take.points + 0.002 * degrees * rng.normal(size=take.points.shape)
    return undamaged(replace(take, rotations=take.rotations @ turns, root=root, points=points))


def about(axis: NDArray[np.floating], angle: float) -> NDArray[np.floating]:
    return matrix_from_axis_angle(np.asarray(axis, dtype=np.float64) * angle)
