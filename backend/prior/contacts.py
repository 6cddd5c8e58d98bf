"""When sole points rest on the floor, told from the motion itself, in the world frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.clip import GroundPlane

Array = NDArray[np.floating]

NEAR_FLOOR = 0.10  # metres; a lifted sole wanders by some centimetres, and so does the estimated floor under it
SLOW_ACROSS = 0.15  # metres a second across the line of sight, after smoothing; a walking foot swings at 2 to 4
SLOW_ALONG = 0.50  # the same along it, where a lift is several times as noisy
SMOOTHING = 0.10  # seconds, standard deviation of the smoothing before speed and height are judged
SHORTEST = 0.12  # seconds; shorter rests are taken for noise


@dataclass(frozen=True, eq=False)
class Contacts:
    """resting: ``(F, P)`` bool, point p is on the floor in frame f."""

    resting: NDArray[np.bool_]

    @property
    def steps(self) -> NDArray[np.bool_]:
        """``(F - 1, P)``: the point rests in frame f and in frame f + 1."""
        return self.resting[1:] & self.resting[:-1]

    @property
    def count(self) -> int:
        """How many steps from one frame to the next are made in contact, over all points."""
        return int(self.steps.sum())


def find_contacts(points: Array, eyes: Array, ground: GroundPlane, fps: float, rest: Array | float = 0.0, wider: float = 1.0) -> Contacts:
    """Contacts of ``(F, P, 3)`` sole points in world metres, seen from camera places ``eyes`` ``(F, 3)``.

    rest: ``(P,)`` height of each point when its foot stands flat. A point rests where, after smoothing over time, it is near the
    floor (or under it) and slow. The filters look forward and backward alike: a motion played backwards has the same contacts. A
    clip of one frame has only heights to judge by. wider: all limits are multiplied by it.
    """
    smooth = smoothed(np.asarray(points, dtype=np.float64), SMOOTHING * fps)
    low = ground.height(smooth) - rest < wider * NEAR_FLOOR
    resting = low & _slow(smooth, smooth - eyes[:, None], fps / wider)
    shortest = max(2, round(SHORTEST * fps)) if len(points) > 1 else 1
    return Contacts(_without_short_runs(~_without_short_runs(~resting, 2), shortest))


def smoothed(values: Array, sigma: float) -> Array:
    """``(F, ...)`` filtered over frames by a Gaussian of ``sigma`` frames, renormalised where it leaves the clip."""
    frames = np.arange(len(values))
    kernel = np.exp(-0.5 * ((frames[:, None] - frames) / max(sigma, 1e-6)) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    return np.tensordot(kernel, values, axes=1)


def _slow(points: Array, sight: Array, fps: float) -> NDArray[np.bool_]:
    """``(F, P)``: the mean of the steps before and after is short, across and along the lines of sight ``(F, P, 3)``."""
    if len(points) < 2:
        return np.ones(points.shape[:2], dtype=bool)
    ray = sight / np.maximum(np.linalg.norm(sight, axis=-1, keepdims=True), 1e-9)
    velocity = np.gradient(points, axis=0) * fps
    along = (velocity * ray).sum(-1)
    across = np.linalg.norm(velocity - along[..., None] * ray, axis=-1)
    return (across < SLOW_ACROSS) & (np.abs(along) < SLOW_ALONG)


def _without_short_runs(flags: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """Clears runs of True along axis 0 that are shorter than ``shortest`` and touch neither end of the clip."""
    result = flags.copy()
    for column in range(flags.shape[1]):
        edges = np.flatnonzero(np.diff(flags[:, column].astype(np.int8), prepend=0, append=0))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - start < shortest and start > 0 and stop < len(flags):
                result[start:stop, column] = False
    return result
