"""The path of the root over the floor from two accounts of it: places, good over long times, and velocities, good over short ones.

The path is the least-squares compromise, solved in closed form. With ``d`` the correction of the observed places and ``c`` a constant
drift of them in metres a frame, it minimises over ``d`` and ``c``

    sum_t speed_t |d[t+1] - d[t] - r[t]|² + drifting_t |d[t+1] - d[t] + c|² + place_t |d[t] + time_t c|², and stiff |c|²

where ``r`` is what the velocities say beyond the differences of the observed places, and ``drifting`` weighs those differences
themselves. A drift that ``r`` shows throughout costs less as ``c`` than as a fight of every place against every velocity. One
symmetric system a clip; its solution is differentiable.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True, eq=False)
class Accounts:
    """What is known of the path.

    places: observed, metres. beyond: velocities minus the differences of ``places``, metres a frame; the last frame's is not used.
    place_weight, speed_weight, drifting: of the squares above; the last frame's speeds do not count. time: frames since the drift began,
    0 where a place does not drift. stiffness: of the drift.
    """

    places: Float[Tensor, "b t 2"]
    beyond: Float[Tensor, "b t 2"]
    place_weight: Float[Tensor, "b t"]
    speed_weight: Float[Tensor, "b t"]
    drifting: Float[Tensor, "b t"]
    time: Float[Tensor, "b t"]
    stiffness: Float[Tensor, " b"]


def fused(accounts: Accounts) -> Float[Tensor, "b t 2"]:
    """The path, metres; the places themselves where the velocities say nothing beyond them."""
    frames = accounts.places.shape[1]
    if frames < 2:
        return accounts.places
    # A long clip's system has a condition number of thousands; it is small beside the network, so it gets double precision.
    speed, drifting = accounts.speed_weight[:, :-1].double(), accounts.drifting[:, :-1].double()
    place, time = accounts.place_weight.double(), accounts.time.double() / frames  # the drift is told in metres a clip
    push = _ends(speed[..., None] * accounts.beyond[:, :-1].double())
    right = torch.cat([push, torch.zeros_like(push[:, :1])], 1)
    both = speed + drifting
    main = place + pad(both, (1, 0)) + pad(both, (0, 1))
    border = place * time + _ends(drifting[..., None])[..., 0] / frames
    corner = (place * time.square()).sum(1) + (drifting.sum(1) + accounts.stiffness.double()) / frames**2
    beside = pad(torch.diag_embed(-both, offset=1), (0, 1, 0, 1))
    edge = pad(border[..., None], (frames, 0, 0, 1))
    system = torch.diag_embed(torch.cat([main, corner[:, None]], 1)) + beside + beside.mT + edge + edge.mT
    solution = torch.cholesky_solve(right, torch.linalg.cholesky(system))
    return accounts.places + solution[:, :frames].to(accounts.places.dtype)


def _ends(steps: Float[Tensor, "b s n"]) -> Float[Tensor, "b t n"]:
    """What pushes each frame: the step that ends there, less the one that starts there."""
    return pad(steps, (0, 0, 1, 0)) - pad(steps, (0, 0, 0, 1))
