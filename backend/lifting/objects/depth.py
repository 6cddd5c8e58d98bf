"""How far from the camera a followed thing is: from the size that such things have, from the floor, and from what else is known.

All in logarithms: a thing of size S metres that looks a pixels large is f S / a metres away. One S for the whole shot, which
follows from the usual size of its label, from the floor (it is never under it, and at its lowest it mostly touches it) and
from depths that somebody else knows; then a depth a frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from backend.lifting.objects.sizes import CommonSize
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import GroundPlane

Array = NDArray[np.floating]

TOUCH_SPREAD = 0.12  # of the log depth that the floor's contact tells: the floor's own error
STAND_SPREAD = 0.3 * TOUCH_SPREAD  # what of that differs from frame to frame, where a thing stands
KNOWN_SPREAD = 0.15  # of one frame's depth from a depth map or from what the thing touches
TURN_SPREAD = 0.25  # of the apparent size of a thing that is not round: it turns
ROUND_SPREAD = 0.03
MASK_PIXELS = 1.5  # of the apparent size: how well a mask tells it
HIDDEN_SPREAD = 0.5  # of the apparent size, times the share of the thing that is hidden
HALF_DEPTH = 0.5  # of the width that one sees; turned any way, a thing is on average as deep as wide
AGREE = 2.5  # spreads within which the floor is believed to be touched
SUDDEN = 0.02  # a frame and frame: how suddenly the log depth sets off
FADE = 8.0  # frames after the last sight (or before the first) in which motion dies away
CLEAR = 0.85  # of what the frame that shows most shows
FAR, NEAR = 300.0, 0.1  # metres


@dataclass(frozen=True, eq=False)
class Looks:
    """How a whole thing looks. side, width: ``(F,)`` apparent size and width, pixels. lowest: ``(F, 2)`` its lowest pixel. shown: ``(F,)``
    the share of it that one sees; the rest is known from other frames. standing: frames on which nothing hides its lowest edge.
    behind: frames on which others hide it all."""

    side: Float64[NDArray[np.float64], " F"]
    width: Float64[NDArray[np.float64], " F"]
    lowest: Float64[NDArray[np.float64], "F 2"]
    shown: Float64[NDArray[np.float64], " F"]
    standing: Bool[NDArray[np.bool_], " F"]
    behind: Bool[NDArray[np.bool_], " F"]

    @property
    def clear(self) -> Bool[NDArray[np.bool_], " F"]:
        """Frames that show most of it, as far as any do."""
        return (self.shown > 0.0) & (self.shown >= CLEAR * self.shown.max())


@dataclass(frozen=True, eq=False)
class Distance:
    """depth: ``(F,)`` metres along the camera's axis. size: metres that ``Looks.side`` stands for. spread: of the logarithm of both.
    touching: frames on which it rests on the floor."""

    depth: Float64[NDArray[np.float64], " F"]
    size: float
    spread: float
    touching: Bool[NDArray[np.bool_], " F"]


def distance_of(looks: Looks, usual: CommonSize | None, camera: Camera, ground: GroundPlane | None, known: Array | None) -> Distance:
    """known: ``(F,)`` metres along the camera's axis, NaN where nothing is known."""
    apparent = np.log(camera.focal / looks.side)  # log depth of a thing of one metre
    floor = np.full(len(apparent), np.inf) if ground is None else _log_floor(looks.lowest, camera, ground)
    floor = np.where(looks.standing, floor, np.inf).astype(np.float64)
    is_round = usual is not None and usual.round
    if not is_round:
        floor = floor + np.log1p(HALF_DEPTH * looks.width / camera.focal)  # its nearest edge stands there, its middle behind it
    size, spread, touches = _log_size(apparent, floor, looks, usual, known)
    jitter = np.sqrt(
        (ROUND_SPREAD if is_round else TURN_SPREAD) ** 2 + (MASK_PIXELS / looks.side) ** 2 + np.square(HIDDEN_SPREAD * (1.0 - looks.shown))
    )
    evidence, weight = [apparent + size], [np.where(looks.shown > 0.0, jitter**-2.0, 0.0)]
    touching = np.zeros(len(apparent), bool)
    if touches:
        above = np.where(np.isfinite(floor), floor - apparent - size, np.inf) / np.maximum(jitter, 0.5 * TOUCH_SPREAD)
        touching = np.abs(above) < AGREE
        evidence.append(np.where(touching, floor, 0.0))
        weight.append(np.where(touching, np.exp(-0.5 * np.square(above)) * (TOUCH_SPREAD if is_round else STAND_SPREAD) ** -2.0, 0.0))
    if known is not None:
        there = np.isfinite(known) & (known > 0)
        evidence.append(np.where(there, np.log(np.where(there, known, 1.0)), 0.0))
        weight.append(np.where(there, KNOWN_SPREAD**-2.0, 0.0))
    total = np.sum(weight, axis=0)
    log_depth = _smoothed(np.sum(np.array(evidence) * weight, axis=0) / np.maximum(total, 1e-9), total)
    log_depth = np.minimum(log_depth, np.where(np.isfinite(floor), floor + 0.02, np.inf))  # never under the floor
    return Distance(np.clip(np.exp(log_depth), NEAR, FAR), float(np.exp(size)), spread, touching)


def _log_size(apparent: Array, floor: Array, looks: Looks, usual: CommonSize | None, known: Array | None) -> tuple[float, float, bool]:
    """log metres of the thing, its spread, and whether it touches the floor at its lowest."""
    clear = looks.clear
    hidden = HIDDEN_SPREAD * (1.0 - float(looks.shown.max()))
    evidence: list[tuple[float, float]] = []
    if usual is not None:
        evidence.append((np.log(usual.extents[0] if usual.round else _looked(usual)), usual.spread if usual.round else usual.spread + 0.15))
    if known is not None and np.any(np.isfinite(known) & (known > 0) & clear):
        there = np.isfinite(known) & (known > 0) & clear
        evidence.append((float(np.median(np.log(known[there]) - apparent[there])), float(np.hypot(KNOWN_SPREAD, hidden))))
    on_floor = np.isfinite(floor) & clear
    if not on_floor.any():
        mean, spread = _pooled(evidence) if evidence else (np.log(0.4), 0.8)
        return mean, spread, (usual is None or not usual.round) and bool(np.isfinite(floor).any())  # it stands, though hardly seen
    largest = float(np.percentile((floor - apparent)[on_floor], 8))  # larger things would reach under the floor
    touch = float(np.hypot(TOUCH_SPREAD, hidden))
    if not evidence:
        return largest, float(np.hypot(0.3, hidden)), True
    mean, spread = _pooled(evidence)
    if abs(largest - mean) < AGREE * float(np.hypot(spread, touch)):
        mean, spread = _pooled([(mean, spread), (largest, touch)])
        return mean, spread, True
    return min(mean, largest), spread, mean > largest


def _looked(usual: CommonSize) -> float:
    """The side that a thing shows on average: the root of its apparent area over the ways it can be turned (Cauchy: a quarter of its surface)."""
    a, b, c = usual.extents
    return float(np.sqrt((a * b + b * c + c * a) / 2.0))


def _pooled(evidence: list[tuple[float, float]]) -> tuple[float, float]:
    weights = np.array([spread**-2.0 for _, spread in evidence])
    return float(np.dot(weights, [mean for mean, _ in evidence]) / weights.sum()), float(weights.sum() ** -0.5)


def _log_floor(lowest: Array, camera: Camera, ground: GroundPlane) -> Array:
    """``(F,)`` log depth at which the ray of a pixel meets the floor; infinite above the horizon."""
    rays_camera = np.concatenate([(lowest - camera.center) / camera.focal, np.ones((len(lowest), 1))], axis=1)
    rays = np.einsum("fij,fj->fi", camera.T_world_camera[:, :3, :3], rays_camera)
    height = ground.height(camera.T_world_camera[:, :3, 3])
    sinking = -(rays @ ground.normal)
    depth = np.where(sinking > 1e-4, height / np.maximum(sinking, 1e-4), np.inf)
    return np.where((depth > NEAR) & (depth < FAR), np.log(np.clip(depth, NEAR, FAR)), np.inf)


def _smoothed(values: Array, weight: Array) -> Array:
    """Least squares against the evidence and the second differences (Whittaker's smoother with weights); without evidence at the ends
    it goes on and comes to rest."""
    frames, known = len(values), np.flatnonzero(weight > 0.0)
    if frames < 3 or not len(known):
        return values
    step, second = np.diff(np.eye(frames), axis=0), np.diff(np.eye(frames), n=2, axis=0)
    beyond = (np.arange(frames - 1) < known[0]) | (np.arange(frames - 1) >= known[-1])
    fade = np.where(beyond, (FADE * SUDDEN) ** -2.0, 0.0)
    normal = np.diag(weight + 1e-9) + SUDDEN**-2.0 * second.T @ second + step.T @ (step * fade[:, None])
    return np.linalg.solve(normal, weight * values)
