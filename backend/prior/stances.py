"""How surely each point of a foot rests on the floor in each frame: the network's contacts, checked against the motion itself."""

import numpy as np
import torch
from numpy.typing import NDArray

from backend.prior.footing import Footing
from backend.prior.state.filters import gaussian

Array = NDArray[np.floating]

_SMOOTHING = 0.05  # seconds: noise of single frames must not end a stance, nor a step be smoothed into one
_LOW, _FAR = 0.04, 0.12  # metres over its resting height: below the first a point may well rest, above the second it does not
_SLOW, _FAST = 0.25, 1.0  # metres a second, in the same way
_LENIENT = 1.3  # how much wider both are where the network says that it rests
_STRICT = 0.75  # how much narrower where the motion alone has to say it
_UNSURE, _SURE = 0.35, 0.65  # probabilities between which holding fades in


def stances(points: Array, footing: Footing, contacts: Array | None, fps: float) -> Array:
    """``(F, P)`` in [0, 1]: how firmly each point is to be held.

    points: ``(F, P, 3)`` metres in the prior's world. contacts: ``(F, 4)`` probabilities as ``motions.Predicted`` orders them; None to
    judge by height and speed alone.
    """
    if contacts is None:
        return _risen(_by_motion(points, footing, fps, _STRICT)) * (footing.touch >= 0)
    told = np.asarray(contacts, dtype=np.float64)[:, np.maximum(footing.touch, 0)]
    return _risen(told) * (_by_motion(points, footing, fps, _LENIENT) > 0.0) * (footing.touch >= 0)


def _risen(probability: Array) -> Array:
    return np.clip((probability - _UNSURE) / (_SURE - _UNSURE), 0.0, 1.0)


def _by_motion(points: Array, footing: Footing, fps: float, wider: float) -> Array:
    """``(F, P)``: 1 where a point is low and slow, 0 where it is far from that; all limits times ``wider``."""
    smooth = smoothed(points, _SMOOTHING * fps)
    speed = np.linalg.norm(np.gradient(smooth, axis=0), axis=-1) * fps if len(points) > 1 else np.zeros(points.shape[:2])
    height = np.abs(smooth[..., 1] - footing.rest)
    return _fallen(height, wider * _LOW, wider * _FAR) * _fallen(speed, wider * _SLOW, wider * _FAST)


def smoothed(values: Array, sigma: float) -> Array:
    """``(F, ...)`` through a Gaussian of ``sigma`` frames."""
    flat = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64)).reshape(1, len(values), -1)
    return gaussian(flat, sigma, torch.ones(1, len(values), dtype=torch.float64)).numpy().reshape(values.shape)


def _fallen(values: Array, near: float, far: float) -> Array:
    return np.clip((far - values) / (far - near), 0.0, 1.0)
