"""The floor, from the feet that stand on it and from how people and cameras are held.

Least squares over the plane's normal with three kinds of evidence: feet that hardly move lie on it, a person is upright on
average, a camera is held level (its roll is small; its pitch is anyone's guess).
"""

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.clip import GroundPlane

Array = NDArray[np.floating]

STILL_SPEED = 0.35  # m/s: slower feet may stand
FOOT_SPREAD = 0.05  # metres
ROLL_SPREAD = 0.05  # radians
UPRIGHT_SPREAD = 0.15  # radians


def ground_plane(feet: Array, trunk_up: Array, R_world_camera: Array, fps: float) -> GroundPlane:
    """The floor in world coordinates.

    feet: ``(F, N, 3)`` points under the soles, world metres. trunk_up: ``(F, 3)`` unit vectors from the hips to the head.
    R_world_camera: ``(F, 3, 3)``.
    """
    standing = _standing(feet, fps)
    up = _upright(trunk_up, R_world_camera)
    normal = up
    for _ in range(4):
        low = _lowest(standing, normal)
        normal = _normal(low, up, R_world_camera[0])
    return GroundPlane(normal=normal, point=_point(_lowest(standing, normal), normal))


def _standing(feet: Array, fps: float) -> Array:
    """``(M, 3)`` feet that hardly move; all of them where none rests or the clip is one frame."""
    if len(feet) < 2:
        return feet.reshape(-1, 3)
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
    speed = np.minimum(np.concatenate([speed[:1], speed]), np.concatenate([speed, speed[-1:]]))
    still = speed < STILL_SPEED
    return feet[still] if still.sum() >= 3 else feet.reshape(-1, 3)


def _upright(trunk_up: Array, R_world_camera: Array) -> Array:
    """The mean of the trunk's directions, its sideways part (seen from the camera) held small."""
    mean = np.median(trunk_up, axis=0)
    sideways = R_world_camera[0][:, 0]
    mean = mean - 0.9 * (mean @ sideways) * sideways
    return mean / np.linalg.norm(mean)


def _lowest(points: Array, normal: Array) -> Array:
    """Those within reach of the floor: not the foot that is up on the other leg's knee."""
    height = points @ normal
    return points[height < np.percentile(height, 20) + 0.10]


def _normal(points: Array, up: Array, R_world_camera: Array) -> Array:
    """Small tilts a, b about two axes across ``up`` that best agree with all evidence; solved linearly."""
    side = np.cross(up, R_world_camera[:, 2])
    side = side / np.linalg.norm(side)
    ahead = np.cross(side, up)
    middle = points - points.mean(axis=0)
    # n = up + a side + b ahead; a point's height over the mean is n . middle
    rows = np.column_stack([middle @ side, middle @ ahead]) / FOOT_SPREAD
    right = -(middle @ up) / FOOT_SPREAD
    # a standing foot is seen many times: its frames are not independent evidence
    share = min(1.0, 6.0 / max(len(points), 1)) ** 0.5
    rows, right = rows * share, right * share
    roll = np.array([side @ R_world_camera[:, 0], ahead @ R_world_camera[:, 0]]) / ROLL_SPREAD
    rows = np.vstack([rows, roll, np.eye(2) / UPRIGHT_SPREAD])
    right = np.concatenate([right, [-(up @ R_world_camera[:, 0]) / ROLL_SPREAD], np.zeros(2)])
    tilt = np.linalg.lstsq(rows, right, rcond=None)[0]
    normal = up + tilt[0] * side + tilt[1] * ahead
    return normal / np.linalg.norm(normal)


def _point(points: Array, normal: Array) -> Array:
    height = float(np.median(points @ normal))
    middle = points.mean(axis=0)
    return middle + (height - middle @ normal) * normal
