"""Depth maps of a provider in the metres of the bodies that were lifted."""

import cv2
import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from backend.lifting.providers.base import Depths
from backend.lifting.world.drawn import drawn_tracks, small_camera
from backend.lifting.world.lifted import LiftedTrack
from revision_blender.motion.camera import Camera

LEAST_PIXELS = 200
NEAREST, FARTHEST = 0.2, 200.0  # metres
ROUNDS = 5
OUTLIER = 0.15  # of the inverse depth


def metric_depths(found: Depths, bodies: list[LiftedTrack], camera: Camera) -> Float32[NDArray[np.float32], "F h w"] | None:
    """Metres along the camera's axis, small pictures. The map's inverse depth times a plus b is the bodies' where these are seen; nothing
    where a relative map has no body to be measured by.

    One a and b for the clip: a map whose scale wanders from frame to frame is no better than no map.
    """
    small = small_camera(camera)
    size = (small.width, small.height)
    values = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in found.values]).astype(np.float64)
    inverse = 1.0 / np.clip(values, NEAREST, FARTHEST) if found.metric else values
    a, b = _line(inverse, bodies, small, found.metric) or ((1.0, 0.0) if found.metric else (0.0, 0.0))
    if a <= 0.0:
        return None
    return (1.0 / np.clip(a * inverse + b, 1.0 / FARTHEST, 1.0 / NEAREST)).astype(np.float32)


def _line(inverse: NDArray[np.floating], bodies: list[LiftedTrack], camera: Camera, metric: bool) -> tuple[float, float] | None:
    """Robust least squares ``a x + b = 1/z``; b is 0 for metric maps, and where all bodies are as far."""
    x, y = _samples(inverse, bodies, camera)
    if len(x) < LEAST_PIXELS:
        return None
    a, b, weights = 1.0, 0.0, np.ones(len(x))
    for _ in range(ROUNDS):
        if metric:
            a = float((weights * x * y).sum() / (weights * x * x).sum())
        else:
            rows = np.column_stack([x, np.ones(len(x))]) * weights[:, None] ** 0.5
            ridge = np.array([[0.0, 0.01 * float(weights.sum()) ** 0.5]])
            a, b = np.linalg.lstsq(np.vstack([rows, ridge]), np.append(y * weights**0.5, 0.0), rcond=None)[0]
        weights = 1.0 / (1.0 + ((a * x + b - y) / (OUTLIER * y)) ** 2) ** 2
    return float(a), float(b)


def _samples(inverse: NDArray[np.floating], bodies: list[LiftedTrack], camera: Camera) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """What the map says, and what the bodies say, on pixels where a body is drawn and seen."""
    theirs, ours = [np.zeros(0)], [np.zeros(0)]
    for body, drawn in zip(bodies, drawn_tracks(tuple(body.track for body in bodies), camera), strict=True):
        for frame in np.flatnonzero(body.seen):
            mask = cv2.resize(body.mask[frame], (camera.width, camera.height), interpolation=cv2.INTER_AREA) > 200
            both = mask & (drawn.inverse_depth[frame] > 0)
            theirs.append(inverse[frame][both][::5])
            ours.append(drawn.inverse_depth[frame][both][::5].astype(np.float64))
    return np.concatenate(theirs), np.concatenate(ours)
