"""Where joints and sole points are, and how they move with each joint's rotation: positions and Jacobians, batched over frames.

A pose is ``rotations`` ``(F, J, 3, 3)`` (R_parent_joint) and ``translation`` ``(F, 3)``. A small change of it is ``delta`` ``(F, 3 + 3 J)``:
first metres of translation in the world, then for each joint a rotation vector in its parent's frame,
``R_j -> exp(delta_j) R_j``. Vectors in the parent's frame keep the whole calculation independent of the world's axes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from revision_blender.motion.bodies.body_model import Identity


@dataclass(frozen=True, eq=False)
class Skeleton:
    """What kinematics needs of one person: ``J`` joints and ``P`` skinned sole points.

    parents: root -1. joints_rest: ``(J, 3)``. ancestry: ``(J, J)``, 1 where row joint turns column joint (itself included).
    points_rest: ``(P, 3)`` in the rest pose. weights: ``(P, J)``. posedirs: ``(P, 3, 9 (J - 1))`` pose correctives.
    """

    parents: tuple[int, ...]
    joints_rest: Tensor
    ancestry: Tensor
    points_rest: Tensor
    weights: Tensor
    posedirs: Tensor


@dataclass(frozen=True, eq=False)
class Posed:
    """world: ``(F, J, 3, 3)`` R_world_joint. places: ``(F, J + P, 3)`` joints, then sole points, metres in the world.

    carried: ``(F, P, J, 3)`` each sole point as each joint alone would carry it, before the blend.
    """

    world: Tensor
    places: Tensor
    carried: Tensor


def skeleton_of(identity: Identity, point_index: NDArray[np.integer]) -> Skeleton:
    """The skeleton of one person; ``point_index`` ``(P,)`` names the vertices taken as sole points."""
    parents = tuple(int(parent) for parent in identity.model.parents)
    ancestry = np.eye(len(parents))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            ancestry[:, joint] += ancestry[:, parent]
    model = identity.model
    return Skeleton(
        parents,
        _tensor(identity.joints_rest),
        _tensor(ancestry),
        _tensor(identity.v_shaped[point_index]),
        _tensor(model.weights[point_index]),
        _tensor(model.posedirs[point_index]),
    )


def _tensor(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64))


def pose(skeleton: Skeleton, rotations: Tensor, translation: Tensor) -> Posed:
    """Forward kinematics of ``(F, J, 3, 3)`` and ``(F, 3)``, the sole points skinned with their correctives."""
    world = [rotations[:, 0]]
    joints = [skeleton.joints_rest[0] + translation]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        bone = skeleton.joints_rest[joint] - skeleton.joints_rest[parent]
        joints.append(joints[parent] + world[parent] @ bone)
        world.append(world[parent] @ rotations[:, joint])
    turned, placed = torch.stack(world, 1), torch.stack(joints, 1)
    feature = (rotations[:, 1:] - torch.eye(3, dtype=rotations.dtype)).flatten(1)
    rest = skeleton.points_rest + torch.einsum("pik,fk->fpi", skeleton.posedirs, feature)
    offset = rest[:, :, None] - skeleton.joints_rest
    carried = placed[:, None] + torch.einsum("fjik,fpjk->fpji", turned, offset)
    points = torch.einsum("pj,fpji->fpi", skeleton.weights, carried)
    return Posed(turned, torch.cat([placed, points], 1), carried)


def jacobian(skeleton: Skeleton, posed: Posed) -> Tensor:
    """``(F, J + P, 3, 3 + 3 J)``: how every place moves with ``delta``; the correctives are held (they move soles by millimetres)."""
    n_joints = len(skeleton.parents)
    joints = posed.places[:, :n_joints]
    frames, n_places = posed.places.shape[:2]
    parent_world = torch.eye(3, dtype=joints.dtype).repeat(frames, n_joints, 1, 1)
    parent_world[:, 1:] = posed.world[:, list(skeleton.parents[1:])]
    lever_joints = (joints[:, :, None] - joints[:, None]) * skeleton.ancestry.T[:, :, None]
    share = skeleton.weights @ skeleton.ancestry.T
    blended = torch.einsum("pk,ak,fpki->fpai", skeleton.weights, skeleton.ancestry, posed.carried)
    lever_points = blended - share[None, :, :, None] * joints[:, None]
    lever = torch.cat([lever_joints, lever_points], 1)
    turn = torch.linalg.cross(parent_world[:, None], lever[..., None].expand(-1, -1, -1, -1, 3), dim=3)
    result = torch.zeros(frames, n_places, 3, 3 + 3 * n_joints, dtype=joints.dtype)
    result[..., :3] = torch.eye(3, dtype=joints.dtype)
    result[..., 3:] = turn.permute(0, 1, 3, 2, 4).flatten(3)
    return result
