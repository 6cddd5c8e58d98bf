"""Frame-by-frame answers made calm over time: a parabola through each frame's neighbours, so that noise goes and strokes keep their height.

Local regression of second degree with a Gaussian kernel (Cleveland, "Robust Locally Weighted Regression", 1979, without its robust part).
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.lifting.providers.base import LiftedBody

Array = NDArray[np.floating]

HAND_SECONDS = 0.08  # width of the kernel: hands are quick
BODY_SECONDS = 0.12
DOUBT = 0.05  # weight of a frame that does not show the subject


def calmed_body(body: LiftedBody, fps: float) -> LiftedBody:
    """A body from a network that looks at each frame by itself, calm over time; unsure frames follow the sure ones about them."""
    sure = np.maximum(np.asarray(body.confidence, dtype=np.float64).max(axis=1), DOUBT)
    rotations = calmed_rotations(np.asarray(body.rotations, dtype=np.float64), sure, fps, BODY_SECONDS)
    places = parabolas(sure, fps, BODY_SECONDS) @ np.asarray(body.translation, dtype=np.float64)
    return LiftedBody(body.family, body.model, body.betas, rotations, places, body.confidence)


def calmed_rotations(
    rotations: Float[Array, "F *J 3 3"], weight: Float[Array, " F"], fps: float, seconds: float
) -> Float[NDArray[np.float64], "F *J 3 3"]:
    """Rotations as means of their neighbours' matrices, made square again. weight: how much each frame counts."""
    mean = np.einsum("fg,g...->f...", parabolas(weight, fps, seconds), rotations)
    u, _, vt = np.linalg.svd(mean)
    flip = np.ones(mean.shape[:-1])
    flip[..., 2] = np.linalg.det(u @ vt)
    return (u * flip[..., None, :]) @ vt


def parabolas(weight: Float[Array, " F"], fps: float, seconds: float) -> Float[NDArray[np.float64], "F F"]:
    """The filter as a matrix: the value at each frame of the parabola through its neighbours, near ones and sure ones first."""
    away = (np.arange(len(weight))[None] - np.arange(len(weight))[:, None]) / (seconds * fps)
    near = np.exp(-0.5 * away**2) * weight[None]
    powers = away[..., None] ** np.arange(3)
    normal = np.einsum("fg,fga,fgb->fab", near, powers, powers) + np.diag([0.0, 1e-3, 1e-2])  # few frames have no slope of their own
    first = np.linalg.inv(normal)[:, 0]
    return np.einsum("fa,fga,fg->fg", first, powers, near)
