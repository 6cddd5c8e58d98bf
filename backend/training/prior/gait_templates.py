"""What the dog loops say about a gait, in a form that can be played at any phase, by any leg at its own time.

The bundled bank holds DeepMimic's loops (Peng et al. 2018) unrolled at a low rate. Unrolled, a loop is sampled at many phases, so
a Fourier series over the phase gets the whole cycle back: rotations to 0.5 degrees rms with five harmonics.

Legs are in the order left front, right front, left back, right back, everywhere.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from backend.training.renders.motions import Motion, motions_of
from revision_blender.motion.bodies.body_model import identity_of, joints_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle

Array = NDArray[np.floating]

LEGS = ((7, 8, 9, 10), (11, 12, 13, 14), (17, 18, 19, 20), (21, 22, 23, 24))  # SMAL's joints from the shoulder or hip to the paw
PHASES = 96
_HARMONICS = 5
_FOUR = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Loop:
    """name: the loop that shows how joints bend. seconds: of one cycle. touchdown: phase at which each paw lands. duty: its share of
    the cycle on the floor; both measured on the loop (paw slower than 0.6 of the body), or a walk's. cadence: cycles a second.
    stride: metres a cycle. turn: radians a cycle."""

    name: str
    seconds: float
    touchdown: _FOUR
    duty: _FOUR
    cadence: float
    stride: float
    turn: float = 0.0


_PACE = ((0.56, 0.05, 0.57, 0.05), (0.60, 0.60, 0.53, 0.54))
LOOPS = {
    "canter": _Loop("dog3d_canter", 27 / 60, (0.365, 0.53, 0.145, 0.03), (0.35, 0.30, 0.31, 0.27), 2.2, 2.0),
    "pace": _Loop("dog3d_pace", 38 / 60, *_PACE, 1.55, 0.8),
    "trot": _Loop("dog3d_trot", 31 / 60, (0.04, 0.47, 0.52, 0.04), (0.40, 0.44, 0.40, 0.40), 1.9, 1.1),
    # A walk sets its paws one after the other, left back, left front, right back, right front; joints bend as in the pace.
    "walk": _Loop("dog3d_pace", 38 / 60, *_PACE, 1.1, 0.65),
    # The turn on the spot: the spin's loop turns the joints of the back through half circles, so only its turning is taken.
    "spin": _Loop("dog3d_pace", 38 / 60, *_PACE, 1.4, 0.25, 1.4),
}
GAITS = tuple(LOOPS)
_WALK = (0.25, 0.75, 0.0, 0.5)


@dataclass(frozen=True, eq=False)
class Template:
    """One cycle. mean: ``(35, 3, 3)`` R_parent_joint. waves: ``(PHASES + 1, 35, 3)`` rotation vectors from the mean, in the joint's axes.

    bob: ``(PHASES + 1, 3)`` metres of the root about its steady way, x ahead, y up, z to the right. height: of the root over the
    paws' joints in stance. lands, duty: ``(4,)`` phases at which paws land, shares of the cycle on the floor. lands_source,
    duty_source: those of the loop that the waves are of. middle: ``(4, 2)`` where a paw is in the middle of its stance, seen from
    the root: metres ahead and to the right. turn: radians a cycle.
    """

    mean: Array
    waves: Array
    bob: Array
    height: float
    lands: Array
    duty: Array
    lands_source: Array
    duty_source: Array
    middle: Array
    cadence: float
    stride: float
    turn: float


@dataclass(frozen=True, eq=False)
class Skeleton:
    """parents: ``(35,)``. offsets: ``(35, 3)`` metres, rest (x ahead, z up). shapes: ``(35, 3, B)`` what shape components do to them.

    sole: metres from a paw's joint down to the floor.
    """

    parents: NDArray[np.integer]
    offsets: Array
    shapes: Array
    sole: float


@cache
def skeleton() -> Skeleton:
    """The bundled quadruped's, of the mean shape."""
    model = BodyShelf(None).load("open_quadruped")
    identity = identity_of(model, np.zeros(0))
    rest = identity.joints_rest
    above = np.maximum(model.parents, 0)
    shapes = model.joint_shapedirs - model.joint_shapedirs[above]
    paws = rest[[leg[-1] for leg in LEGS], 2].mean()
    return Skeleton(model.parents, rest - rest[above], shapes, float(paws - identity.v_shaped[:, 2].min()))


@cache
def template(gait: str) -> Template:
    """The gait's cycle from the bundled bank; ``KeyError`` for a gait that is not in ``GAITS``."""
    loop = LOOPS[gait]
    motion = next(motion for split in ("train", "held_out") for motion in motions_of(split, "animal") if motion.name == loop.name)
    times = np.arange(len(motion.rotations)) / motion.fps
    mean = _projected(motion.rotations.mean(axis=0))
    turned = axis_angle_from_matrix(np.swapaxes(mean, -1, -2) @ motion.rotations).reshape(len(times), -1)
    at = np.arange(PHASES + 1) / PHASES
    waves = (_series(at) @ np.linalg.lstsq(_series(times / loop.seconds), turned, rcond=None)[0]).reshape(PHASES + 1, -1, 3)
    bob, paws = _travel(motion, loop, mean @ matrix_from_axis_angle(waves))
    middle = np.array([_at(paws[:, leg], (loop.touchdown[leg] + 0.5 * loop.duty[leg]) % 1.0) for leg in range(4)])
    lands, duty = (np.array(_WALK), np.full(4, 0.66)) if gait == "walk" else (np.array(loop.touchdown), np.array(loop.duty))
    sides = np.array([-1.0, 1.0, -1.0, 1.0])
    width = (middle[:, 2] * sides).mean()
    height = float(-middle[:, 1].mean())
    ahead = middle[:, 0].reshape(2, 2).mean(axis=1).repeat(2)  # loops are not quite straight: both sides alike
    return Template(
        mean, waves, bob, height, lands, duty, np.array(loop.touchdown), np.array(loop.duty),
        np.stack([ahead, sides * width], axis=1), loop.cadence, loop.stride, loop.turn,
    )  # fmt: skip


def _travel(motion: Motion, loop: _Loop, rotations: Array) -> tuple[Array, Array]:
    """The root about its steady way ``(PHASES + 1, 3)``, and the paws seen from the root ``(PHASES + 1, 4, 3)``."""
    times = np.arange(len(motion.rotations)) / motion.fps
    straight = np.concatenate([_series(times / loop.seconds), times[:, None]], axis=1)
    found = np.linalg.lstsq(straight, motion.translation, rcond=None)[0]
    bob = _series(np.arange(PHASES + 1) / PHASES)[:, 1:] @ found[1:-1]
    identity = identity_of(BodyShelf(None).load("open_quadruped"), np.zeros(0))
    joints = joints_of(identity, rotations, np.zeros((PHASES + 1, 3)))
    return bob, joints[:, [leg[-1] for leg in LEGS]] - joints[:, :1]


def _series(phase: Array) -> Array:
    """``(N, 1 + 2 K)``: 1, and cosine and sine of each harmonic."""
    waves = [wave(2.0 * np.pi * order * phase) for order in range(1, _HARMONICS + 1) for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(phase), *waves], axis=1)


def _at(cycle: Array, phase: float) -> Array:
    return cycle[round(phase * PHASES)]


def _projected(matrices: Array) -> Array:
    """The nearest rotations."""
    left, _, right = np.linalg.svd(matrices)
    return np.matmul(left, right)
