"""Logarithm, exponential and their derivatives for rotations in torch, any leading batch shape; radians."""

import torch
from torch import Tensor

_SMALL = 1e-6  # below this angle the series' first terms are exact to float64's precision of what is computed from them


def exp(vector: Tensor) -> Tensor:
    """Rotation vectors ``(..., 3)`` to matrices ``(..., 3, 3)``."""
    angle = vector.norm(dim=-1)[..., None, None]
    safe = angle.clamp_min(_SMALL)
    skew = cross_matrix(vector)
    sine = torch.where(angle < _SMALL, torch.ones_like(angle), torch.sin(safe) / safe)
    versine = torch.where(angle < _SMALL, torch.full_like(angle, 0.5), (1.0 - torch.cos(safe)) / safe**2)
    return torch.eye(3, dtype=vector.dtype) + sine * skew + versine * (skew @ skew)


def log(rotation: Tensor) -> Tensor:
    """Matrices ``(..., 3, 3)`` to rotation vectors ``(..., 3)`` of length at most pi, through quaternions."""
    w, x, y, z = _quaternion(rotation).unbind(-1)
    vector = torch.stack([x, y, z], -1)
    length = vector.norm(dim=-1)
    angle = 2.0 * torch.atan2(length, w)
    scale = torch.where(length < _SMALL, torch.full_like(length, 2.0), angle / length.clamp_min(_SMALL))
    return vector * scale[..., None]


def _quaternion(r: Tensor) -> Tensor:
    """Unit quaternions ``(..., 4)``, w x y z, w not negative: the best-conditioned row of four equivalent ones."""
    diagonal = torch.diagonal(r, dim1=-2, dim2=-1)
    trace = diagonal.sum(-1)
    squares = torch.cat([(1.0 + trace)[..., None], 1.0 + 2.0 * diagonal - trace[..., None]], -1).clamp_min(0.0)
    w = torch.stack([squares[..., 0], r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]], -1)
    x = torch.stack([w[..., 1], squares[..., 1], r[..., 1, 0] + r[..., 0, 1], r[..., 0, 2] + r[..., 2, 0]], -1)
    y = torch.stack([w[..., 2], x[..., 2], squares[..., 2], r[..., 2, 1] + r[..., 1, 2]], -1)
    z = torch.stack([w[..., 3], x[..., 3], y[..., 3], squares[..., 3]], -1)
    rows = torch.stack([w, x, y, z], -2)
    best = squares.argmax(-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    quaternion = torch.gather(rows, -2, best).squeeze(-2)
    quaternion = quaternion / quaternion.norm(dim=-1, keepdim=True)
    return torch.where(quaternion[..., :1] < 0.0, -quaternion, quaternion)


def cross_matrix(vector: Tensor) -> Tensor:
    """``(..., 3)`` to ``(..., 3, 3)`` with ``cross_matrix(a) @ b = a x b``."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)


def left_inverse(vector: Tensor) -> Tensor:
    """Inverse left Jacobian ``(..., 3, 3)``: ``log(exp(d) exp(v)) = v + left_inverse(v) d`` to first order in ``d``.

    The right one, for ``log(exp(v) exp(d))``, is ``left_inverse(-v)``.
    """
    angle = vector.norm(dim=-1)[..., None, None]
    safe = angle.clamp_min(1e-4)
    exact = 1.0 / safe**2 - 1.0 / (2.0 * safe * torch.tan(safe / 2.0))
    second = torch.where(angle < 1e-3, torch.full_like(angle, 1.0 / 12.0), exact)
    skew = cross_matrix(vector)
    return torch.eye(3, dtype=vector.dtype) - 0.5 * skew + second * (skew @ skew)
