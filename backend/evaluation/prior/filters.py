"""Filters over time, the rivals that know nothing about bodies: Gaussian, Savitzky-Golay, one-euro.

Rotations are filtered as quaternions without jumps of sign and made unit again, which for the angles between neighbouring frames is
as good as filtering in the tangent space. What is missing is filled between its neighbours first. Each filter has one number for rotations and one
for the root's place (of objects: for points and centre), tuned on training clips row by row: the filters are told what they are up against, the prior is not.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from backend.prior.state.fill import filled
from backend.prior.state.take import Damaged, Take
from revision_blender.motion.rotation import continuous_quaternions, matrix_from_quaternion, quaternion_from_matrix

Array = NDArray[np.floating]

EURO_RESPONSE = 1.0  # Hz, of the speed that a one-euro filter opens by


@dataclass(frozen=True)
class Filter:
    """smooth: takes values ``(F, ...)`` and one of ``grid``'s numbers. The grid's first number changes nothing."""

    name: str
    smooth: Callable[[Array, float], Array]
    grid: tuple[float, ...]


@dataclass(frozen=True)
class Setting:
    """turns: the number for rotations (of objects: points). places: for the root."""

    turns: float
    places: float


def filtered(damaged: Damaged, chosen: Filter, setting: Setting) -> Take:
    """What a filter makes of a damaged take; nothing is held for pins."""
    take = filled(damaged).take
    quaternions = continuous_quaternions(quaternion_from_matrix(take.rotations))
    points = None if take.points is None else chosen.smooth(np.asarray(take.points, dtype=np.float64), setting.turns)
    turned = chosen.smooth(quaternions, setting.turns)
    return replace(take, rotations=matrix_from_quaternion(turned), root=chosen.smooth(take.root, setting.places), points=points)


def gaussian(values: Array, sigma: float) -> Array:
    """sigma: in frames; ends are held."""
    return values if sigma <= 0.0 else gaussian_filter1d(values, sigma, axis=0, mode="nearest")


def savitzky_golay(values: Array, window: float) -> Array:
    """Cubic over ``window`` frames, or over as many as there are."""
    frames = min(int(window), (len(values) - 1) // 2 * 2 + 1)
    return values if frames <= 4 else np.asarray(savgol_filter(values, frames, 3, axis=0, mode="interp"))


def one_euro(values: Array, cutoff: float) -> Array:
    """Casiez, Roussel and Vogel's filter (CHI 2012) at 30 frames a second; cutoff: Hz at rest, 0 for no filter.

    It opens by one tenth of the cutoff for every tenth of a unit of speed: fast motion lags less.
    """
    if cutoff <= 0.0:
        return values
    rate, slope = 30.0, cutoff
    result, speed = np.array(values, dtype=np.float64), np.zeros(values.shape[1:])
    for frame in range(1, len(values)):
        speed += _share(EURO_RESPONSE, rate) * ((values[frame] - values[frame - 1]) * rate - speed)
        share = _share(cutoff + slope * np.abs(speed), rate)
        result[frame] = result[frame - 1] + share * (values[frame] - result[frame - 1])
    return result


GAUSSIAN = Filter("Gaussian", gaussian, (0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0))
SAVITZKY_GOLAY = Filter("Savitzky-Golay", savitzky_golay, (1.0, 5.0, 7.0, 9.0, 13.0, 17.0, 23.0, 31.0, 45.0))
ONE_EURO = Filter("one-euro", one_euro, (0.0, 12.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.6))
FILTERS = (GAUSSIAN, SAVITZKY_GOLAY, ONE_EURO)


def cubic(damaged: Damaged) -> Take:
    """Cubic splines through the frames that are trusted whole, the others in between: what upsampling is compared with."""
    take = filled(damaged).take
    known = np.flatnonzero((damaged.trust > 0.0).all(axis=1) & (damaged.root_trust > 0.0))
    if len(known) < 4:
        return take
    frames = np.clip(np.arange(take.n_frames), known[0], known[-1])

    def through(values: Array) -> Array:
        return CubicSpline(known, values[known], axis=0)(frames)

    quaternions = continuous_quaternions(quaternion_from_matrix(take.rotations))
    points = None if take.points is None else through(take.points)
    return replace(take, rotations=matrix_from_quaternion(through(quaternions)), root=through(take.root), points=points)


def _share(cutoff: Array | float, rate: float) -> Array | float:
    """Of a first-order low-pass in one frame."""
    turn = 2.0 * np.pi * np.asarray(cutoff) / rate
    return turn / (1.0 + turn)
