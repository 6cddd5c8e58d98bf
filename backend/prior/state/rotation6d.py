"""Rotations as their first two columns: six numbers without jumps (Zhou et al., arXiv 1812.07035, section 4.2)."""

import torch
from jaxtyping import Float
from torch import Tensor

SIZE = 6
_SHORT = 1e-6  # columns shorter than this say nothing; the length is held there so that gradients stay finite


def to6d(rotations: Float[Tensor, "... 3 3"]) -> Float[Tensor, "... 6"]:
    """The first column, then the second."""
    return torch.cat([rotations[..., 0], rotations[..., 1]], -1)


def from6d(columns: Float[Tensor, "... 6"]) -> Float[Tensor, "... 3 3"]:
    """The rotation whose first two columns are nearest in Gram and Schmidt's order; lengths do not matter, as long as none is 0."""
    first = _unit(columns[..., :3])
    second = columns[..., 3:]
    second = _unit(second - (first * second).sum(-1, keepdim=True) * first)
    return torch.stack([first, second, _cross(first, second)], -1)


def small_rotation(change: Float[Tensor, "... 6"]) -> Float[Tensor, "... 3 3"]:
    """The rotation that ``change`` of the identity's six numbers gives; zeros give the identity itself."""
    return from6d(change + change.new_tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.square().sum(-1, keepdim=True).clamp_min(_SHORT**2).sqrt()


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """torch.linalg.cross, three times as fast on small batches of small vectors."""
    ax, ay, az = a.unbind(-1)
    bx, by, bz = b.unbind(-1)
    return torch.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)
