"""How noisy a motion is, told from the motion itself: across the line of sight, which a camera sees well, and along it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

# Joints of the trunk with hips, knees left out: they move smoothly, so what their fourth differences hold is noise.
TRUNK = (0, 1, 2, 3, 6, 9, 12, 13, 14, 15, 16, 17)
_GAIN = np.sqrt(70.0)  # of fourth differences on white noise: 1 + 16 + 36 + 16 + 1
_MEDIAN_1D, _MEDIAN_2D = 0.6745, 1.1774  # median length of a Gaussian vector of unit variance an axis


@dataclass(frozen=True)
class Noise:
    """Standard deviations of single joint places in metres, an axis: across and along the line of sight."""

    across: float
    along: float


UNKNOWN = Noise(0.012, 0.04)  # where a clip is too short to tell: what MediaPipe with a fit makes


def noise_of(joints: Array, eyes: Array) -> Noise:
    """Noise of ``(F, 24, 3)`` joints in world metres, seen from camera places ``eyes`` ``(F, 3)``; ``UNKNOWN`` below 6 frames.

    Medians of fourth differences: true motion is smooth over five frames most of the time, white noise is not.
    """
    if len(joints) < 6:
        return UNKNOWN
    trunk = np.asarray(joints, dtype=np.float64)[:, TRUNK]
    ray = trunk - eyes[:, None]
    ray = ray / np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-9)
    middle = ray[2:-2]
    fourth = np.diff(trunk, n=4, axis=0)
    depth = (fourth * middle).sum(-1)
    across = np.linalg.norm(fourth - depth[..., None] * middle, axis=-1)
    return Noise(float(np.median(across) / (_GAIN * _MEDIAN_2D)), float(np.median(np.abs(depth)) / (_GAIN * _MEDIAN_1D)))
