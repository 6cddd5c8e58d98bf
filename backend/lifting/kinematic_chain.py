"""Forward kinematics of a batch of poses, one level of the skeleton at a time: as many matrix products as it is deep, not as it has joints."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor


class KinematicChain:
    """A skeleton. parents: of each joint, parents before their children; the root's is negative. Joint 0 is the root."""

    def __init__(self, parents: Sequence[int]) -> None:
        levels = levels_of(parents)
        order = [joint for level in levels for joint in level]
        self._sizes = [len(level) for level in levels]
        self._order = torch.tensor(order)
        self._back = torch.argsort(self._order)
        self._parent = torch.tensor([max(parents[joint], 0) for joint in order])
        self._above = [torch.tensor([upper.index(parents[joint]) for joint in lower]) for upper, lower in pairwise(levels)]

    def posed(
        self, rest: Float[Tensor, "m j 3"], rotations: Float[Tensor, "n j 3 3"], root: Float[Tensor, "n 3"]
    ) -> tuple[Float[Tensor, "n j 3 3"], Float[Tensor, "n j 3"]]:
        """R_world_joint and the joints' places in metres. rest: joints at rest, of each pose or of all (m is 1); rotations: R_parent_joint, entry 0 to the world;
        root: where joint 0 comes to lie.
        """
        bones = rest.index_select(1, self._order) - rest.index_select(1, self._parent)
        bones = torch.cat([root[:, None], bones[:, 1:].expand(len(root), -1, -1)], dim=1)
        affine = torch.cat([rotations.index_select(1, self._order), bones[..., None]], dim=-1)
        bottom = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=rest.dtype).expand(*affine.shape[:2], 1, 4)
        levels = torch.cat([affine, bottom], dim=-2).split(self._sizes, dim=1)  # T_parent_joint
        placed = [levels[0]]
        for above, level in zip(self._above, levels[1:], strict=True):
            placed.append(placed[-1].index_select(1, above) @ level)
        T_world_joint = torch.cat(placed, dim=1).index_select(1, self._back)
        return T_world_joint[..., :3, :3], T_world_joint[..., :3, 3]


def levels_of(parents: Sequence[int]) -> list[list[int]]:
    """Joints by their distance from the root."""
    depth: list[int] = []
    for parent in parents:
        depth.append(0 if parent < 0 else depth[parent] + 1)
    return [[j for j, d in enumerate(depth) if d == level] for level in range(max(depth) + 1)]
