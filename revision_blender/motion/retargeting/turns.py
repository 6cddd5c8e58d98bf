"""Rotations that take one direction to another, by the smallest angle; in bulk."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def unit(vectors: Array) -> Array:
    """``(..., 3)`` at length 1; vectors of no length stay 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors, dtype=np.float64), where=length > 1e-12)


def smallest_turns(start: Array, end: Array) -> Array:
    """``(..., 3, 3)`` rotations that take the unit vectors ``start`` to ``end``, both ``(..., 3)``.

    Opposite directions take half a turn about some axis across; a vector of no length takes none.
    """
    start, end = np.broadcast_arrays(np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64))
    cosine = (start * end).sum(-1)[..., None, None]
    x, y, z = np.moveaxis(np.cross(start, end), -1, 0)
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    opposite = cosine < -1.0 + 1e-9
    turn = np.eye(3) + skew + (skew @ skew) / np.where(opposite, 1.0, 1.0 + cosine)
    if opposite.any():
        turn = np.where(opposite, _half_turns(start), turn)
    there = (np.abs(start).sum(-1) > 0.0) & (np.abs(end).sum(-1) > 0.0)
    return np.where(there[..., None, None], turn, np.eye(3))


def _half_turns(axis_across_of: Array) -> Array:
    across = unit(np.cross(axis_across_of, np.eye(3)[np.argmin(np.abs(axis_across_of), axis=-1)]))
    return 2.0 * across[..., :, None] * across[..., None, :] - np.eye(3)


def angles(a: Array, b: Array) -> Array:
    """``(...)`` radians between vectors ``(..., 3)`` of any length; 0 where one has none."""
    a, b = unit(a), unit(b)
    return 2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)) * ((a * a).sum(-1) * (b * b).sum(-1) > 0.5)


def frame_of(up: Array, left: Array) -> Array:
    """``(3, 3)`` rotation whose columns are left, up and forward, from an upward direction and one roughly to the left."""
    y = unit(np.asarray(up, dtype=np.float64))
    x = unit(left - y * (left @ y))
    return np.stack([x, y, np.cross(x, y)], axis=-1)
