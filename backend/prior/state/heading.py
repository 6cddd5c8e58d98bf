"""The way a body faces: the yaw of its root, smoothed over time, and vectors told in that frame.

The twist of a rotation about the vertical is the angle of the complex number ``(R00 + R22) + i (R02 - R20)``. Its length is 0 only
upside down; smoothing the number, not the angle, lets such frames borrow the heading of their neighbours.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from backend.prior.state.filters import gaussian
from backend.prior.state.motions import Observed
from backend.prior.state.skeletons import upright

_SIGMA = 4.0  # frames
_WIDE = 16.0
_WIDE_SHARE = 0.03  # enough where the near frames say nothing, too little to matter where they do


def heading_of(observed: Observed) -> Float[Tensor, "b t 3 3"]:
    """R_world_heading, a turn about y alone: z of the heading frame is ahead, x to the left."""
    motions = observed.motions
    if motions.points is not None:
        direction = _object_direction(motions.points)
    else:
        stands = motions.rotations[:, :, 0] @ upright(motions.kind, motions.root)
        direction = torch.stack([stands[..., 0, 0] + stands[..., 2, 2], stands[..., 0, 2] - stands[..., 2, 0]], -1)
    weight = observed.valid * (observed.trust[:, :, 0] + 0.02)
    smooth = gaussian(direction, _SIGMA, weight) + _WIDE_SHARE * gaussian(direction, _WIDE, weight)
    ahead = torch.nn.functional.normalize(smooth, dim=-1, eps=1e-6)
    ahead = torch.where((smooth.abs().sum(-1, keepdim=True) < 1e-6), ahead.new_tensor([1.0, 0.0]), ahead)
    return turns(ahead)


def turns(direction: Float[Tensor, "... 2"]) -> Float[Tensor, "... 3 3"]:
    """Turns about y from the cosine and sine of their angles."""
    cosine, sine = direction.unbind(-1)
    zero, one = torch.zeros_like(sine), torch.ones_like(sine)
    return torch.stack([cosine, zero, sine, zero, one, zero, -sine, zero, cosine], -1).unflatten(-1, (3, 3))


def inward(heading: Float[Tensor, "b t 3 3"], vectors: Float[Tensor, "b t *n 3"]) -> Float[Tensor, "b t *n 3"]:
    """World vectors as the heading frame sees them."""
    return (vectors.flatten(2).unflatten(2, (-1, 3)) @ heading).reshape(vectors.shape)


def outward(heading: Float[Tensor, "b t 3 3"], vectors: Float[Tensor, "b t *n 3"]) -> Float[Tensor, "b t *n 3"]:
    """Vectors of the heading frame in the world."""
    return (vectors.flatten(2).unflatten(2, (-1, 3)) @ heading.mT).reshape(vectors.shape)


def yaw_rate(heading: Float[Tensor, "b t 3 3"]) -> Float[Tensor, "b t"]:
    """Sine of the turn from each frame to the next, that of the last frame repeated."""
    step = heading[:, :-1].mT @ heading[:, 1:]
    sine = step[..., 0, 2]
    return torch.cat([sine, sine[:, -1:]], 1) if sine.shape[1] else heading.new_zeros(heading.shape[:2])


def _object_direction(points: Float[Tensor, "b t 21 3"]) -> Float[Tensor, "b t 2"]:
    """An object shows no front, but its contour starts at the image's +x: x of its frame is the camera's right along the floor."""
    contour = points[:, :, :16]
    angle = torch.arange(16, dtype=points.dtype, device=points.device) * (torch.pi / 8.0)
    right = (contour * torch.cos(angle)[:, None]).sum(2)
    # The same for the whole clip: the camera does not turn with the object.
    total = right.mean(1, keepdim=True).expand_as(right)
    return torch.stack([total[..., 0], -total[..., 2]], -1)
