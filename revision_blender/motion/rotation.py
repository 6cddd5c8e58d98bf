"""Rotations as 3x3 matrices, and their conversions at the borders.

Inside the project a rotation is a matrix. Axis-angle (SMPL files) and quaternions (Blender, order w x y z) exist only at
the borders, and this module holds the conversions. All functions take any leading batch shape.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_SMALL = 1e-8  # below this angle (rad) the series expansion is exact to float64


def matrix_from_axis_angle(axis_angle: Array) -> Array:
    """Rodrigues' formula: ``(..., 3)`` axis times angle in radians to ``(..., 3, 3)``."""
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(axis_angle, -1, 0)
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    safe = np.where(angle < _SMALL, 1.0, angle)
    sine = np.where(angle < _SMALL, 1.0, np.sin(safe) / safe)
    versine = np.where(angle < _SMALL, 0.5, 2.0 * np.sin(0.5 * safe) ** 2 / safe**2)  # (1 - cos) cancels at small angles
    return np.add(np.eye(3, dtype=skew.dtype) + sine * skew, versine * (skew @ skew), dtype=skew.dtype)


def axis_angle_from_matrix(rotation: Array) -> Array:
    """``(..., 3, 3)`` to ``(..., 3)`` axis times angle, angle in ``[0, pi]``."""
    quaternion = quaternion_from_matrix(rotation)
    quaternion = np.where(quaternion[..., :1] < 0.0, -quaternion, quaternion)
    vector = quaternion[..., 1:]
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(length, quaternion[..., :1])
    scale = np.where(length < _SMALL, 2.0, angle / np.where(length < _SMALL, 1.0, length))
    return np.multiply(vector, scale)


def quaternion_from_matrix(rotation: Array) -> Array:
    """``(..., 3, 3)`` to unit quaternions ``(..., 4)``, order w x y z (Bar-Itzhack's eigen-free branch form)."""
    r = np.asarray(rotation)
    trace = np.trace(r, axis1=-2, axis2=-1)
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    squares = np.concatenate([(1.0 + trace)[..., None], 1.0 + 2.0 * diagonal - trace[..., None]], axis=-1)
    squares = np.maximum(squares, 0.0)  # 4 w^2, 4 x^2, 4 y^2, 4 z^2
    w_row = np.stack([squares[..., 0], r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]], -1)
    x_row = np.stack([w_row[..., 1], squares[..., 1], r[..., 1, 0] + r[..., 0, 1], r[..., 0, 2] + r[..., 2, 0]], -1)
    y_row = np.stack([w_row[..., 2], x_row[..., 2], squares[..., 2], r[..., 2, 1] + r[..., 1, 2]], -1)
    z_row = np.stack([w_row[..., 3], x_row[..., 3], y_row[..., 3], squares[..., 3]], -1)
    rows = np.stack([w_row, x_row, y_row, z_row], axis=-2)
    best = np.argmax(squares, axis=-1)[..., None, None]
    quaternion = np.take_along_axis(rows, best, axis=-2)[..., 0, :]
    return quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True)


def matrix_from_quaternion(quaternion: Array) -> Array:
    """Quaternions ``(..., 4)``, order w x y z, of any non-zero length, to ``(..., 3, 3)``."""
    q = np.asarray(quaternion) / np.linalg.norm(quaternion, axis=-1, keepdims=True)
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return np.stack(rows, axis=-1).reshape(*w.shape, 3, 3)


def continuous_quaternions(quaternion: Array) -> Array:
    """Flips signs along axis 0 so that neighbours never jump to the antipode: ``(F, ..., 4)`` in and out."""
    q = np.array(quaternion, copy=True)
    if len(q) > 1:
        flips = np.where(np.sum(q[1:] * q[:-1], axis=-1) < 0.0, -1.0, 1.0)
        q[1:] *= np.cumprod(flips, axis=0)[..., None]
    return q


def slerp(start: Array, end: Array, fraction: Array | float) -> Array:
    """Geodesic between rotations: ``start @ exp(fraction * log(start^T end))``; shapes ``(..., 3, 3)`` and ``(...)``."""
    relative = axis_angle_from_matrix(np.swapaxes(start, -1, -2) @ end)
    return start @ matrix_from_axis_angle(relative * np.asarray(fraction)[..., None])


def angle_between(a: Array, b: Array) -> Array:
    """Geodesic distance in radians, ``(..., 3, 3)`` twice to ``(...)``."""
    return np.linalg.norm(axis_angle_from_matrix(np.swapaxes(a, -1, -2) @ b), axis=-1)
