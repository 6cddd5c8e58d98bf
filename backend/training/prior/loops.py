"""Motions whose last frame leads on to their first, said again and again."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle

Array = NDArray[np.floating]

WIDEST_SEAM = np.radians(8.0)  # mean over the joints: a loop that closes worse is said once


def unrolled(track: BodyTrack, root_rest: Array, fps: float, seconds: float) -> BodyTrack:
    """The loop as often as fits into ``seconds``, each time from where it last ended, in place and heading; y is up.

    root_rest: ``(3,)`` the rest place of joint 0, about which the root turns. What the last frame lacks to the first is made up for
    little by little over the whole loop. A loop that does not close, or is longer already, comes back as it is.
    """
    times = int(seconds * fps / max(len(track.rotations) - 1, 1))
    if times < 2:
        return track
    rotations, places = track.rotations, track.translation + root_rest
    R_turn = _yaw(rotations[-1, 0] @ rotations[0, 0].T)
    start = rotations[0].copy()
    start[0] = R_turn @ start[0]
    lacks = axis_angle_from_matrix(np.swapaxes(rotations[-1], -1, -2) @ start)
    if np.linalg.norm(lacks, axis=-1).mean() > WIDEST_SEAM:
        return track
    part = np.linspace(0.0, 1.0, len(rotations))
    rotations = rotations @ matrix_from_axis_angle(part[:, None, None] * lacks)
    places = places - part[:, None] * [0.0, places[-1, 1] - places[0, 1], 0.0]
    turned, moved = [rotations], [places]
    R_so_far = np.eye(3)
    for _ in range(times - 1):
        R_so_far = R_turn @ R_so_far
        turned.append(np.concatenate([R_so_far @ rotations[1:, :1], rotations[1:, 1:]], axis=1))
        moved.append((places[1:] - places[0]) @ R_so_far.T + moved[-1][-1])
    whole = np.concatenate(turned)
    confidence = np.repeat(track.confidence[:1], len(whole), axis=0)
    return replace(track, rotations=whole, translation=np.concatenate(moved) - root_rest, confidence=confidence)


def _yaw(rotation: Array) -> Array:
    """The turn about y that is nearest to a rotation ``(3, 3)``."""
    return matrix_from_axis_angle(np.array([0.0, np.arctan2(rotation[0, 2] - rotation[2, 0], rotation[0, 0] + rotation[2, 2]), 0.0]))
