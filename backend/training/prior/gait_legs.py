"""Where paws land under a body that travels, and how legs reach them: no paw slides, however the body turns.

World: y up, the floor at 0. A body's plane: x ahead, z to its right. Legs in the order of ``gait_templates.LEGS``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.training.prior.gait_templates import LEGS
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

# Cosines of the angle at a knee: beyond the first it would snap straight, beyond the second the paw would touch the shoulder.
_STRAIGHT = 0.97
_BENT = -0.55


@dataclass(frozen=True, eq=False)
class Way:
    """Where a body goes. phase: ``(N,)`` cycles done. place: ``(N, 2)`` x and z of the world, metres. heading: ``(N,)`` radians about y."""

    phase: Array
    place: Array
    heading: Array


@dataclass(frozen=True, eq=False)
class Steps:
    """The paws of ``F`` frames. place: ``(F, 4, 3)`` metres. heading: ``(F, 4)`` radians. swing: ``(F, 4)``, 0 to 1 through the air, 0
    on the floor. source: ``(F, 4)`` phase of the loop at which the leg bends like this."""

    place: Array
    heading: Array
    swing: Array
    source: Array


def steps(way: Way, frames: slice, lands: Array, duty: Array, middle: Array, lift: float) -> Steps:
    """The paws on their way; ``way`` must go on for one and a half cycles on both sides of ``frames``.

    lands, duty: ``(4,)`` phases. middle: ``(4, 2)`` metres ahead and to the right, of a paw in the middle of its stance. lift:
    metres. ``source`` counts from 0 at landing to 1 where the paw leaves the floor, then to 2 at the next landing.
    """
    done = way.phase[frames, None] - lands
    count = np.floor(done)
    along = done - count
    swing = np.clip((along - duty) / (1.0 - duty), 0.0, 1.0)
    here, here_heading = _footfall(way, count + 0.5 * duty + lands, middle)
    there, there_heading = _footfall(way, count + 1.0 + 0.5 * duty + lands, middle)
    part = swing**3 * (10.0 - 15.0 * swing + 6.0 * swing**2)  # the least jerk from rest to rest
    flat = here + (there - here) * part[..., None]
    height = lift * 16.0 * (swing * (1.0 - swing)) ** 2
    place = np.stack([flat[..., 0], height, flat[..., 1]], axis=-1)
    return Steps(place, here_heading + (there_heading - here_heading) * part, swing, np.minimum(along / duty, 1.0) + swing)


def _footfall(way: Way, phase: Array, middle: Array) -> tuple[Array, Array]:
    """Where and how a paw stands whose stance is half over at ``phase``: under the body of that moment."""
    at = np.interp(phase, way.phase, np.arange(len(way.phase)))
    heading = np.interp(at, np.arange(len(way.phase)), way.heading)
    place = np.stack([np.interp(at, np.arange(len(way.phase)), way.place[:, axis]) for axis in range(2)], axis=-1)
    cosine, sine = np.cos(heading), np.sin(heading)
    ahead, right = middle[:, 0], middle[:, 1]
    return place + np.stack([cosine * ahead + sine * right, -sine * ahead + cosine * right], axis=-1), heading


def loop_phase(source: Array, lands: Array, duty: Array) -> Array:
    """``Steps.source`` as phase of a loop in which paws land at ``lands`` and stand for ``duty``."""
    return lands + np.where(source < 1.0, source * duty, duty + (source - 1.0) * (1.0 - duty))


def reached(rotations: Array, upper: Array, hips: Array, offsets: Array, paws: Steps, sole: float) -> tuple[Array, Array]:
    """Rotations whose paws are where they should be, and by how much legs are too short (below 0: too long) ``(F, 4)``, metres.

    Each leg bends at its second joint until it is as long as it must be, then turns at its first. rotations: ``(F, 35, 3, 3)`` as
    the loop has them. upper: ``(F, 4, 3, 3)`` R_world of what legs hang on. hips: ``(F, 4, 3)`` their first joints in the world.
    """
    first, second, third, paw = (np.array([leg[row] for leg in LEGS]) for row in range(4))
    target = paws.place + np.array([0.0, sole, 0.0]) - hips
    wanted = np.swapaxes(upper, -1, -2) @ target[..., None]
    thigh = np.broadcast_to(offsets[second], target.shape)
    shin = offsets[third] + _apply(rotations[:, third], offsets[paw])
    shin_turned = _apply(rotations[:, second], shin)
    bend, missed = _bend(thigh, shin_turned, _length(wanted[..., 0]), _hinge(offsets, second, third, paw))
    result = rotations.copy()
    result[:, second] = bend @ rotations[:, second]
    leg = _apply(rotations[:, first], thigh + _apply(bend, shin_turned))
    result[:, first] = _between(leg, wanted[..., 0]) @ rotations[:, first]
    result[:, paw] = _flat_paw(upper @ result[:, first] @ result[:, second] @ result[:, third], paws)
    return result, missed


def _hinge(offsets: Array, second: NDArray[np.integer], third: NDArray[np.integer], paw: NDArray[np.integer]) -> Array:
    """``(4, 3)`` the axis about which each shin bends at rest, at a right angle to its thigh."""
    axis = np.cross(offsets[second], offsets[third] + offsets[paw])
    return axis / _length(axis)[:, None]


def _bend(thigh: Array, shin: Array, distance: Array, hinge: Array) -> tuple[Array, Array]:
    """The turn of the shin about its hinge after which the leg measures ``distance``, and by how much it cannot.

    Law of cosines in the plane of the hinge; knees and elbows keep bending the way that they bend at rest.
    """
    a = _length(thigh)
    ahead = thigh / a[..., None]
    aside = np.cross(hinge, ahead)
    along, across, out = (np.sum(shin * axis, axis=-1) for axis in (ahead, aside, hinge))
    b = np.hypot(along, across)
    cosine = np.clip((distance**2 - a**2 - b**2 - out**2) / (2.0 * a * b), _BENT, _STRAIGHT)
    turn = np.arccos(cosine) - np.arctan2(across, along)
    reach = np.sqrt(a**2 + b**2 + out**2 + 2.0 * a * b * cosine)
    return matrix_from_axis_angle(hinge * turn[..., None]), distance - reach


def _between(start: Array, end: Array) -> Array:
    """The least turn that takes one direction to another."""
    axis = np.cross(start, end)
    size = _length(axis)
    angle = np.arctan2(size, np.sum(start * end, axis=-1))
    return matrix_from_axis_angle(axis * (angle / np.maximum(size, 1e-12))[..., None])


def _flat_paw(R_world_leg: Array, paws: Steps) -> Array:
    """R_leg_paw of a paw that lies flat on the floor, its toes hanging while it is in the air."""
    upright = matrix_from_axis_angle(np.array([-0.5 * np.pi, 0.0, 0.0]))  # rest: x ahead, z up
    zero = np.zeros_like(paws.heading)
    turned = matrix_from_axis_angle(np.stack([zero, paws.heading, zero], axis=-1))
    hang = matrix_from_axis_angle(np.stack([zero, 0.9 * np.sin(np.pi * paws.swing) ** 2, zero], axis=-1))
    return np.swapaxes(R_world_leg, -1, -2) @ turned @ upright @ hang


def _apply(matrices: Array, vectors: Array) -> Array:
    return (matrices @ vectors[..., None])[..., 0]


def _length(vectors: Array) -> Array:
    return np.linalg.norm(vectors, axis=-1)
