"""Rotations of a fit: axis-angle to matrices, so that gradients pass."""

import torch
from jaxtyping import Float
from torch import Tensor

# Of the cross product: an axis times these is its skew matrix, row by row.
_SKEW = torch.tensor([[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0]], dtype=torch.float32)


def matrices(axis_angle: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3 3"]:
    """Rodrigues' formula, smooth at zero."""
    square = ((axis_angle * axis_angle).sum(-1) + 1e-12)[..., None, None]
    angle = square.sqrt()
    cosine = torch.cos(angle)
    outer = axis_angle[..., None] * axis_angle[..., None, :]
    skew = (axis_angle @ _SKEW).unflatten(-1, (3, 3))
    return cosine * torch.eye(3) + (torch.sin(angle) / angle) * skew + ((1.0 - cosine) / square) * outer
