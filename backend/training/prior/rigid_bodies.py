"""Rigid bodies over a floor, many at once: they fall, bounce, slide, tumble, roll, are pushed, kicked or carried and let go.

A body is the hull of eight balls of one radius: a ball has all eight at its centre, a box has none to speak of. Contacts are
impulses with restitution and Coulomb's friction at the ball that sinks fastest, a few times a step. World: y up, floor at y = 0,
metres, seconds, mass 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.rotation import matrix_from_axis_angle, matrix_from_quaternion

Array = NDArray[np.floating]

GRAVITY = np.array([0.0, -9.81, 0.0])
_STEPS = 8  # a frame
_CONTACTS = 4  # impulses a step
_SOFT = 0.25  # m/s: slower contacts do not bounce
_ASLEEP = (0.06, 0.5)  # m/s and rad/s: slower bodies on the floor come to rest


@dataclass(frozen=True, eq=False)
class Bodies:
    """``N`` bodies. corners: ``(N, 8, 3)`` about the centre. radius, restitution, friction, drag: ``(N,)``; drag is the share of speed lost
    a second on the floor. inertia: ``(N, 3)`` about the body's axes."""

    corners: Array
    radius: Array
    restitution: Array
    friction: Array
    drag: Array
    inertia: Array


@dataclass(frozen=True, eq=False)
class Start:
    """place, velocity, spin: ``(N, 3)``, m, m/s, rad/s. turn: ``(N, 4)`` quaternions. kicks: ``(N, F, 3)`` m/s given at frames.

    held: ``(N, F)`` bool, while a hand carries it; hand: ``(N, F, 3)`` where to.
    """

    place: Array
    velocity: Array
    spin: Array
    turn: Array
    kicks: Array
    held: NDArray[np.bool_]
    hand: Array


def simulated(bodies: Bodies, start: Start, fps: float) -> tuple[Array, Array]:
    """Centres ``(N, F, 3)`` and rotations ``(N, F, 3, 3)`` of the bodies."""
    state = _State(bodies, start)
    frames = start.kicks.shape[1]
    places, turns = [], []
    for frame in range(frames):
        state.velocity += start.kicks[:, frame]
        state.spin += np.cross([0.0, 1.0, 0.0], start.kicks[:, frame]) * (np.abs(start.kicks[:, frame]).sum(axis=1) > 0.0)[:, None]
        following = start.hand[:, min(frame + 1, frames - 1)]
        for step in range(_STEPS):
            hand = start.hand[:, frame] + (following - start.hand[:, frame]) * (step / _STEPS)
            state.step(1.0 / (fps * _STEPS), start.held[:, frame], hand)
        places.append(state.place.copy())
        turns.append(state.R.copy())
    return np.stack(places, axis=1), np.stack(turns, axis=1)


class _State:
    """Where all bodies are now; stepped in place."""

    def __init__(self, bodies: Bodies, start: Start) -> None:
        self.bodies = bodies
        self.place, self.velocity, self.spin = start.place.copy(), start.velocity.copy(), start.spin.copy()
        self.R = matrix_from_quaternion(start.turn)
        self.rows = np.arange(len(self.place))

    def step(self, seconds: float, held: NDArray[np.bool_], hand: Array) -> None:
        """A little on: forces, then motion, then contacts."""
        pull = 120.0 * (hand - self.place) - 20.0 * self.velocity
        self.velocity += seconds * np.where(held[:, None], np.clip(pull, -60.0, 60.0), GRAVITY)
        self.spin *= np.where(held, 1.0 - 3.0 * seconds, 1.0)[:, None]
        self.place += seconds * self.velocity
        self.R = matrix_from_axis_angle(self.spin * seconds) @ self.R
        arms = np.einsum("nij,nvj->nvi", self.R, self.bodies.corners)
        arms[..., 1] -= self.bodies.radius[:, None]
        below = self.place[:, None, 1] + arms[..., 1] < 1e-4
        touching = below.any(axis=1)
        if not touching.any():
            return
        for _ in range(_CONTACTS):
            self._impulse(arms, below)
        self.place[:, 1] += np.maximum(-(self.place[:, None, 1] + arms[..., 1]).min(axis=1), 0.0)
        self._slowed(seconds, touching)

    def _impulse(self, arms: Array, below: NDArray[np.bool_]) -> None:
        """One impulse for each body, at the ball of those on the floor that goes down fastest."""
        sinking = self.velocity[:, None, 1] + self.spin[:, None, 2] * arms[..., 0] - self.spin[:, None, 0] * arms[..., 2]
        ball = np.argmin(np.where(below, sinking, np.inf), axis=1)
        arm = arms[self.rows, ball]
        speed = self.velocity + np.cross(self.spin, arm)
        hit = below[self.rows, ball] & (speed[:, 1] < 0.0)
        restitution = np.where(speed[:, 1] < -_SOFT, self.bodies.restitution, 0.0)
        normal = np.broadcast_to([0.0, 1.0, 0.0], arm.shape)
        push = np.where(hit, -(1.0 + restitution) * speed[:, 1] / self._lightness(arm, normal), 0.0)
        slide = speed * [1.0, 0.0, 1.0]
        size = np.linalg.norm(slide, axis=1)
        along = slide / np.maximum(size, 1e-9)[:, None]
        grip = np.where(hit, np.minimum(size / self._lightness(arm, along), self.bodies.friction * push), 0.0)
        impulse = push[:, None] * normal - grip[:, None] * along
        self.velocity += impulse
        self.spin += self._turned(np.cross(arm, impulse))

    def _lightness(self, arm: Array, axis: Array) -> Array:
        """Speed gained along ``axis`` at ``arm`` for a unit impulse along it: ``(N,)``."""
        return 1.0 + np.sum(np.cross(self._turned(np.cross(arm, axis)), arm) * axis, axis=1)

    def _turned(self, torque: Array) -> Array:
        """The change of spin that an impulse of torque gives."""
        own = np.einsum("nji,nj->ni", self.R, torque) / self.bodies.inertia
        return np.einsum("nij,nj->ni", self.R, own)

    def _slowed(self, seconds: float, touching: NDArray[np.bool_]) -> None:
        """Rolling resistance, and rest for what has all but stopped."""
        left = np.where(touching, 1.0 - self.bodies.drag * seconds, 1.0)[:, None]
        self.velocity *= np.where([True, False, True], left, 1.0)
        self.spin *= left
        slow = np.linalg.norm(self.velocity, axis=1) < _ASLEEP[0]
        still = touching & slow & (np.linalg.norm(self.spin, axis=1) < _ASLEEP[1])
        self.velocity[still] = 0.0
        self.spin[still] = 0.0
