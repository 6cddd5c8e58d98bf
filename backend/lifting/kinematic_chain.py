"""Forward kinematics of a batch of poses, one level of the skeleton at a time: as many matrix products as it is deep, not as it has joints."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def posed_chain(
    rest: Float[Tensor, "n j 3"],
    rotations: Float[Tensor, "n j 3 3"],
    root: Float[Tensor, "n 3"],
    parents: Sequence[int],
    levels: Sequence[Sequence[int]],
) -> tuple[Float[Tensor, "n j 3 3"], Float[Tensor, "n j 3"]]:
    """R_world_joint and the joints' places in metres. rest: joints at rest; rotations: R_parent_joint, entry 0 to the world; root: where
    joint 0 comes to lie; levels: joints by their distance from the root, the root's level first."""
    world: list[Tensor] = [rotations[:, 0]] * len(parents)
    joints: list[Tensor] = [root] * len(parents)
    for level in levels[1:]:
        above = [parents[joint] for joint in level]
        parent = torch.stack([world[joint] for joint in above], dim=1)
        turned = parent @ rotations[:, level]
        bones = rest[:, level] - rest[:, above]
        placed = torch.stack([joints[joint] for joint in above], dim=1) + (parent @ bones[..., None])[..., 0]
        for place, joint in enumerate(level):
            world[joint], joints[joint] = turned[:, place], placed[:, place]
    return torch.stack(world, dim=1), torch.stack(joints, dim=1)


def levels_of(parents: list[int]) -> list[list[int]]:
    """Joints by their distance from the root; parents come before their children, the root's is negative."""
    depth: list[int] = []
    for parent in parents:
        depth.append(0 if parent < 0 else depth[parent] + 1)
    return [[j for j, d in enumerate(depth) if d == level] for level in range(max(depth) + 1)]
