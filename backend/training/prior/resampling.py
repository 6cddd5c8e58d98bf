"""A motion at other times, smooth through its frames: cubic in place, cubic in the rotations' quaternions."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from revision_blender.motion.rotation import continuous_quaternions, matrix_from_quaternion, quaternion_from_matrix

Array = NDArray[np.floating]


def sampled(rotations: Array, places: Array, at: Array) -> tuple[Array, Array]:
    """The motion at fractional frames ``at`` ``(N,)`` within it.

    rotations: ``(F, J, 3, 3)``. places: ``(F, ..., 3)`` metres. Where all of ``at`` are whole numbers the frames come back as they are.
    A straight line between frames would put a corner, hence an acceleration, on every one of them; a cubic has none.
    """
    whole = np.round(at).astype(np.int64)
    if len(rotations) < 3 or np.abs(at - whole).max() < 1e-6:
        whole = np.clip(whole, 0, len(rotations) - 1)
        return rotations[whole].copy(), places[whole].copy()
    times = np.arange(len(rotations), dtype=np.float64)
    quaternions = continuous_quaternions(quaternion_from_matrix(rotations))
    return matrix_from_quaternion(CubicSpline(times, quaternions)(at)), CubicSpline(times, places)(at)


def resampled(rotations: Array, places: Array, fps: float, wanted_fps: float) -> tuple[Array, Array]:
    """The same seconds at ``wanted_fps`` frames a second; the first frame is kept, the last where it falls on a frame."""
    count = int(np.floor((len(rotations) - 1) / fps * wanted_fps + 1e-6)) + 1
    return sampled(rotations, places, np.arange(count) * (fps / wanted_fps))
