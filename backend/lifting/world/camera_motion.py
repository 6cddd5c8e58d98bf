"""How the camera turned, from what stands still behind the person.

A hand-held or panning camera turns far more than it travels at the distance of a background, so the model is a pure
rotation: ``pixel ~ K R K^-1 pixel_0``. Translation is not estimated: from a background of unknown depth it cannot be told
apart from a turn without a robust reconstruction. A camera that did not move comes out exactly as the identity.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from backend.lifting.world.background_points import background, corners, followed, small_gray
from backend.lifting.world.turning import aligning, pixels_of, rays_of
from backend.progress import Progress

Array = NDArray[np.floating]

WORK_SIDE = 640  # features are tracked at this many pixels on the longer side
MAX_FEATURES = 250
MIN_INLIERS = 25
MIN_INLIER_SHARE = 0.35
INLIER_PIXELS = 1.5  # at working size
STILL_PIXELS = 0.6  # at working size; a camera that never moves the picture's corners by more is a camera that stands still
N_HYPOTHESES = 120


@dataclass(frozen=True, eq=False)
class _Key:
    """The frame that others are compared with. R: its ``R_world_camera``. points: ``(N, 2)`` working pixels."""

    gray: NDArray[np.uint8]
    points: NDArray[np.float32]
    R: Array


@dataclass(frozen=True)
class _Lens:
    focal: float
    center: tuple[float, float]

    def rays(self, pixels: Array) -> Array:
        """``(N, 2)`` to unit ``(N, 3)``."""
        return rays_of(pixels - np.asarray(self.center), self.focal)

    def pixels(self, rays: Array) -> Array:
        return pixels_of(rays, self.focal) + np.asarray(self.center)


def camera_rotations(
    frames: NDArray[np.uint8], people: NDArray[np.uint8], focal: float, center: Array, progress: Progress
) -> Float64[NDArray[np.float64], "F 3 3"]:
    """``R_world_camera`` ``(F, 3, 3)`` with frame 0 as the world.

    frames: ``(F, H, W, 3)``. people: ``(F, H, W)`` 255 on what moves by itself and must be ignored. focal, center: pixels.
    Where the background shows too little to follow, the last known direction is kept.
    """
    scale = min(1.0, WORK_SIDE / max(frames.shape[1:3]))
    lens = _Lens(focal * scale, (float(center[0]) * scale, float(center[1]) * scale))
    grays = [small_gray(frame, scale) for frame in frames]
    free = [background(mask, gray.shape) for mask, gray in zip(people, grays, strict=True)]
    rotations = np.tile(np.eye(3), (len(frames), 1, 1))
    key = _key_of(grays[0], free[0], rotations[0])
    for index in progress.each(range(1, len(frames)), len(frames), "Following the camera"):
        relative = _turn_since(key, grays[index], free[index], rotations[index - 1], lens)
        if relative is None:
            key = _key_of(grays[index - 1], free[index - 1], rotations[index - 1])
            relative = _turn_since(key, grays[index], free[index], rotations[index - 1], lens)
        rotations[index] = rotations[index - 1] if relative is None else key.R @ relative
    if _largest_shift(rotations, lens, grays[0].shape) < STILL_PIXELS:
        rotations[:] = np.eye(3)
    return rotations


def _key_of(gray: NDArray[np.uint8], free: NDArray[np.uint8], R: Array) -> _Key:
    return _Key(gray, corners(gray, free, MAX_FEATURES), R)


def _turn_since(key: _Key, gray: NDArray[np.uint8], free: NDArray[np.uint8], R_guess: Array, lens: _Lens) -> Array | None:
    """``R_key_camera`` of a frame, or nothing where too few features agree."""
    if len(key.points) < MIN_INLIERS:
        return None
    guess = lens.pixels(lens.rays(key.points) @ (key.R.T @ R_guess)).astype(np.float32)
    found, good = followed(key.gray, gray, key.points, guess, free)
    if good.sum() < MIN_INLIERS:
        return None
    return _robust_rotation(lens.rays(key.points[good]), lens.rays(found[good]), INLIER_PIXELS / lens.focal)


def _robust_rotation(a: Array, b: Array, tolerance: float) -> Array | None:
    """``R`` with ``a ~ R b`` for unit rays ``(N, 3)``, by pairs drawn at random, then least squares over those that agree."""
    draw = np.random.default_rng(0).integers(0, len(a), (N_HYPOTHESES, 2))
    hypotheses = aligning(a[draw], b[draw])
    errors = np.linalg.norm(a - b @ np.swapaxes(hypotheses, 1, 2), axis=-1)
    inliers = errors[np.argmin(np.minimum(errors, tolerance).sum(axis=1))] < tolerance
    R = np.eye(3)
    for _ in range(3):
        if inliers.sum() < max(MIN_INLIERS, MIN_INLIER_SHARE * len(a)):
            return None
        R = aligning(a[None, inliers], b[None, inliers])[0]
        inliers = np.linalg.norm(a - b @ R.T, axis=1) < tolerance
    return R


def _largest_shift(rotations: Array, lens: _Lens, shape: tuple[int, ...]) -> float:
    """How far the corners of the picture ever move, in working pixels."""
    height, width = shape[:2]
    corners = np.array([[0.0, 0.0], [width, 0.0], [0.0, height], [width, height]])
    rays = lens.rays(corners)
    return max(float(np.linalg.norm(lens.pixels(rays @ R) - corners, axis=1).max()) for R in rotations)
