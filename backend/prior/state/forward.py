"""Where joints are: forward kinematics of whole batches, one depth of the tree at a time."""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from backend.prior.state.motions import Motions
from backend.prior.state.skeletons import parents_of, touches_of
from backend.prior.state.take import Kind


def places(motions: Motions) -> Float[Tensor, "b t j 3"]:
    """The joints' places in metres in the prior's world; of an object its centre."""
    return posed(motions)[1]


def world_rotations(motions: Motions) -> Float[Tensor, "b t j 3 3"]:
    """R_world_joint of every joint."""
    return posed(motions)[0]


def posed(motions: Motions) -> tuple[Float[Tensor, "b t j 3 3"], Float[Tensor, "b t j 3"]]:
    """Both at once: R_world_joint and the joints' places."""
    turned = [motions.rotations[:, :, :1]]
    placed = [motions.root[:, :, None]]
    order = [0]
    for members, above in _levels(motions.kind):
        held = turned[-1][:, :, above]
        turned.append(held @ motions.rotations[:, :, members])
        moved = (held @ motions.offsets[:, None, members, :, None])[..., 0]
        placed.append(placed[-1][:, :, above] + moved)
        order += members
    back = sorted(range(len(order)), key=order.__getitem__)
    return torch.cat(turned, 2)[:, :, back], torch.cat(placed, 2)[:, :, back]


def touch_places(motions: Motions, world: Tensor, joints: Tensor) -> Float[Tensor, "b t 4 3"]:
    """The four points that may touch the floor, from ``posed``'s answer; metres in the prior's world."""
    result = []
    for touch in touches_of(motions.kind):
        place = joints[:, :, touch.joint]
        if touch.toward is not None:
            local = motions.offsets[:, None, touch.toward] * motions.offsets.new_tensor(touch.along)
            place = place + (world[:, :, touch.joint] @ local[..., None])[..., 0]
        result.append(place)
    return torch.stack(result, 2)


@cache
def _levels(kind: Kind) -> list[tuple[list[int], list[int]]]:
    """The joints below the root by depth, each depth rising, and where in the depth before their parents stand."""
    parents = parents_of(kind)
    levels, before = [], [0]
    while members := [joint for joint, parent in enumerate(parents) if parent in before]:
        levels.append((members, [before.index(parents[joint]) for joint in members]))
        before = members
    return levels
