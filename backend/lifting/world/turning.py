"""Rays of a pinhole camera, and the turn that takes one bundle of rays to another."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[np.floating]


def rays_of(pixels: Float[Array, "N 2"], focal: float) -> Float[NDArray[np.float64], "N 3"]:
    """Unit rays in camera axes. pixels: from the picture's middle. focal: pixels."""
    flat = np.column_stack([np.asarray(pixels, np.float64) / focal, np.ones(len(pixels))])
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def pixels_of(rays: Float[Array, "N 3"], focal: float) -> Float[NDArray[np.float64], "N 2"]:
    """From the picture's middle; rays that do not look ahead end far outside."""
    return rays[:, :2] / np.maximum(rays[:, 2:], 1e-6) * focal


def aligning(a: Float[Array, "*H N 3"], b: Float[Array, "*H N 3"]) -> Float[NDArray[np.float64], "*H 3 3"]:
    """The rotations with ``a ~ R b`` in least squares (Kabsch, 1976)."""
    u, _, vt = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)
    u[..., 2] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    return np.asarray(u @ vt, np.float64)
