"""The focal length of a camera that turns, from how the picture of what stands still changes its shape.

A camera that turns by R sees ``pixel_b ~ K R K^-1 pixel_a`` (Hartley, "Self-calibration from multiple views with a rotating camera",
ECCV 1994). The shift of the picture's middle fixes the product of turn and focal length; how the shift grows towards the edges fixes
the focal length itself. For each focal length the best turn of each pair of frames leaves a residual; the focal length is where their
robust sum is least, and how sharp that least is, against what remains there, says how far it can be wrong.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray
from scipy.optimize import fminbound

from backend.lifting.world.background_points import background, corners, followed, small_gray
from backend.lifting.world.turning import aligning, pixels_of, rays_of
from backend.progress import Progress

Array = NDArray[np.floating]
Pair = tuple[Float64[NDArray[np.float64], "N 2"], Float64[NDArray[np.float64], "N 2"]]

WORK_SIDE = 480  # points are followed at this many pixels on the longer side
MOST_PAIRS = 16
MOST_POINTS = 400
LEAST_POINTS, LEAST_SHARE = 40, 0.4  # that move as one picture, of those that are followed
APART = 1.5  # pixels: points that are farther from where the picture's change takes them are not of the background
SHORTEST, LONGEST = 0.45, 8.0  # of the picture's longer side
SOFT = 0.5  # pixels: residuals beyond count less and less
ROUNDS = 4
STEP = 0.05  # of the logarithm: how far about the least its sharpness is measured
INDEPENDENT = 12.0  # so many points of a shot err by themselves, however many are seen: they share a lens and a shutter
TRAVEL = 0.01  # of the distance to the background: nobody turns a camera just about its lens, and travel looks like more or less turn
SURE = 0.15  # an estimate that may be wrong by more is none; what is assumed without any is wrong by about twice this


@dataclass(frozen=True)
class FocalEstimate:
    """focal: pixels of the frames handed in. spread: standard deviation as a share of it. turn: radians, the largest between two frames."""

    focal: float
    spread: float
    turn: float


def focal_from_turn(
    frames: UInt8[NDArray[np.uint8], "F H W 3"], moving: UInt8[NDArray[np.uint8], "F H W"], progress: Progress
) -> FocalEstimate | None:
    """Nothing where the camera turns too little, or the background shows too little, for a focal length within ``SURE``.

    moving: 255 on what moves by itself. The principal point is the picture's middle.
    """
    scale = min(1.0, WORK_SIDE / max(frames.shape[1:3]))
    pairs = _pairs(frames, moving, scale, progress)
    if not pairs:
        return None
    pairs = [pairs[place] for place in np.unique(np.linspace(0, len(pairs) - 1, MOST_PAIRS).round().astype(int))]
    side = max(frames.shape[1:3]) * scale
    low, high = np.log(SHORTEST * side), np.log(LONGEST * side)
    log_focal = float(np.asarray(fminbound(lambda log_focal: _residual(pairs, log_focal), low, high, xtol=1e-4)))
    turn = max(_turn(a, b, np.exp(log_focal)) for a, b in pairs)
    spread = float(np.hypot(_sharpness(pairs, log_focal), TRAVEL / max(turn, 1e-6)))
    at_end = min(log_focal - low, high - log_focal) < STEP
    return None if at_end or not spread <= SURE else FocalEstimate(float(np.exp(log_focal)) / scale, spread, turn)


def agreed_focal(found: list[FocalEstimate]) -> FocalEstimate | None:
    """One lens for several shots: the mean of the logarithms, the surer ones counting more; nothing where shots contradict each other."""
    if not found:
        return None
    weights = np.array([one.spread**-2.0 for one in found])
    logs = np.log([one.focal for one in found])
    mean = float(weights @ logs / weights.sum())
    if float(np.abs(logs - mean).max()) > 2.0 * SURE:
        return None
    return FocalEstimate(float(np.exp(mean)), float(min(one.spread for one in found)), max(one.turn for one in found))


@dataclass(frozen=True, eq=False)
class _Matched:
    """a, b: ``(N, 2)`` pixels of points that move as one picture. H: ``(3, 3)`` takes the one to the other."""

    a: NDArray[np.float32]
    b: NDArray[np.float32]
    H: Array


def _pairs(frames: NDArray[np.uint8], moving: NDArray[np.uint8], scale: float, progress: Progress) -> list[Pair]:
    """Points of the background on a frame and where they are on a later one, from the picture's middle; of each pair those that agree.

    The earlier frame stays as long as enough of its points are found.
    """
    grays = [small_gray(frame, scale) for frame in frames]
    free = [background(mask, gray.shape) for mask, gray in zip(moving, grays, strict=True)]
    middle = np.array([grays[0].shape[1], grays[0].shape[0]]) / 2.0
    key, H, pairs = 0, np.eye(3), []
    points = corners(grays[0], free[0], MOST_POINTS)
    for index in progress.each(range(1, len(frames)), len(frames), "Measuring the lens"):
        matched = _matched(grays[key], grays[index], points, H, free[index])
        if matched is None:
            key, H, points = index - 1, np.eye(3), corners(grays[index - 1], free[index - 1], MOST_POINTS)
            matched = _matched(grays[key], grays[index], points, H, free[index])
        if matched is not None:
            H = matched.H
            pairs.append((matched.a - middle, matched.b - middle))
    return pairs


def _matched(
    a: NDArray[np.uint8], b: NDArray[np.uint8], points: NDArray[np.float32], H_guess: Array, free: NDArray[np.uint8]
) -> _Matched | None:
    """The points of ``a`` in ``b``, near where ``H_guess`` takes them; nothing where too few move as one picture."""
    if len(points) < LEAST_POINTS:
        return None
    guess = cv2.perspectiveTransform(points[:, None], H_guess)[:, 0].astype(np.float32)
    found, good = followed(a, b, points, guess, free)
    if good.sum() < LEAST_POINTS:
        return None
    H, agree = cv2.findHomography(points[good], found[good], cv2.RANSAC, APART)
    if H is None or agree.sum() < max(LEAST_POINTS, LEAST_SHARE * good.sum()):
        return None
    inside = agree.ravel() > 0
    return _Matched(points[good][inside], found[good][inside], np.asarray(H, np.float64))


def _turned(a: Array, b: Array, focal: float) -> tuple[Array, Array]:
    """``R_a_b`` of one pair for a focal length, robust, and each point's residual in pixels ``(N,)``."""
    rays_a, rays_b = rays_of(a, focal), rays_of(b, focal)
    weights, R, apart = np.ones(len(a)), np.eye(3), np.zeros(len(a))
    for _ in range(ROUNDS):
        R = aligning(rays_a * weights[:, None], rays_b)
        apart = np.linalg.norm(pixels_of(rays_b @ R.T, focal) - a, axis=1)
        weights = 1.0 / (1.0 + (apart / SOFT) ** 2) ** 2
    return R, apart


def _turn(a: Array, b: Array, focal: float) -> float:
    """Between the two viewing axes, radians: a roll about them tells nothing of the focal length."""
    return float(np.arccos(np.clip(_turned(a, b, focal)[0][2, 2], -1.0, 1.0)))


def _residual(pairs: list[Pair], log_focal: float) -> float:
    """The robust sum of squares over all pairs, pixels squared (Geman and McClure's)."""
    squares = np.concatenate([_turned(a, b, float(np.exp(log_focal)))[1] for a, b in pairs]) ** 2
    return float((squares / (1.0 + squares / SOFT**2)).sum())


def _sharpness(pairs: list[Pair], log_focal: float) -> float:
    """The standard deviation of the logarithm that the residual's curvature tells, infinite where it has none."""
    least, below, above = (_residual(pairs, log_focal + step) for step in (0.0, -STEP, STEP))
    curvature = (below + above - 2.0 * least) / (2.0 * STEP**2)
    return (least / INDEPENDENT / curvature) ** 0.5 if curvature > 0.0 else float("inf")
