"""Feet lifted out of the floor by their legs: knees bend by the few millimetres that a heel or ball would be under it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from revision_blender.motion.bodies.body_model import Identity, joints_of, world_rotations
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.retargeting.held_feet import LEGS
from revision_blender.motion.retargeting.turns import smallest_turns, unit

Array = NDArray[np.floating]

DEEPEST = 0.08  # metres at which nothing is lifted any more, and from half of which on less is: what is deeper was not meant to be a foot on this floor
_SECONDS = 0.06  # over which lifting comes and goes
_HEEL_AND_BALL = slice(0, 2)
_STRAIGHT = 0.02  # metres of the knee off the line from hip to ankle, below which a leg is straight
_UP = np.array([0.0, 1.0, 0.0])


def with_lifted_feet(track: BodyTrack, identity: Identity, fps: float) -> BodyTrack:
    """A person's track over the floor y = 0 whose heels and balls are not under it, feet keeping their direction in the world."""
    soles = sole_points(identity, track.rotations, track.translation)
    depth = np.maximum(-soles[:, :, _HEEL_AND_BALL, 1].min(axis=2), 0.0)
    depth = depth * np.clip(2.0 - 2.0 * depth / DEEPEST, 0.0, 1.0)
    joints = joints_of(identity, track.rotations, track.translation)
    world = world_rotations(identity.model.parents, track.rotations)
    rotations = track.rotations.copy()
    for foot, (hip, knee, ankle) in enumerate(LEGS):
        lift = gaussian_filter1d(depth[:, foot], _SECONDS * fps)
        turns = _knee_bent(joints[:, hip], joints[:, knee], joints[:, ankle], joints[:, ankle] + lift[:, None] * _UP, world[:, hip, :, 2])
        R_hip, R_knee = turns[0] @ world[:, hip], turns[1] @ world[:, knee]
        rotations[:, hip] = np.swapaxes(world[:, 0], -1, -2) @ R_hip
        rotations[:, knee] = np.swapaxes(R_hip, -1, -2) @ R_knee
        rotations[:, ankle] = np.swapaxes(R_knee, -1, -2) @ world[:, ankle]
    return replace(track, rotations=rotations)


def _knee_bent(hip: Array, knee: Array, ankle: Array, goal: Array, ahead: Array) -> tuple[Array, Array]:
    """World turns ``(F, 3, 3)`` of thigh and shank that bring the ankle to ``goal``.

    The knee stays in the plane that it is in; that of a straight leg is where the thigh's front, ``ahead`` ``(F, 3)``, points.
    """
    upper, lower = np.linalg.norm(knee - hip, axis=-1), np.linalg.norm(ankle - knee, axis=-1)
    before = np.linalg.norm(ankle - hip, axis=-1)
    along = smallest_turns(unit(ankle - hip), unit(goal - hip))
    wanted = np.linalg.norm(goal - hip, axis=-1)
    distance = np.clip(wanted, np.abs(upper - lower) * 1.001, np.maximum(before, 0.999 * (upper + lower)))
    toward = unit(goal - hip)
    bent = np.einsum("fij,fj->fi", along, knee - hip)
    side = bent + _STRAIGHT * np.einsum("fij,fj->fi", along, ahead)
    side = unit(side - toward * (side * toward).sum(-1, keepdims=True))
    cosine = np.clip((upper**2 + distance**2 - lower**2) / (2.0 * upper * distance), -1.0, 1.0)[:, None]
    new_knee = upper[:, None] * (cosine * toward + np.sqrt(1.0 - cosine**2) * side)
    thigh = smallest_turns(unit(bent), unit(new_knee)) @ along
    shank_before = np.einsum("fij,fj->fi", along, ankle - knee)
    shank = smallest_turns(unit(shank_before), unit(toward * distance[:, None] - new_knee)) @ along
    return thigh, shank
