"""SMPL's mathematics in torch: batched over frames, differentiable, joints without vertices, some vertices without the rest.

Equal to ``revision_blender.motion.body_model`` (where the mathematics is explained); the joint template and its shape basis
are multiplied out once, so that joints never touch a vertex.
"""

import torch
from torch import Tensor

from revision_blender.motion.body_data import BodyModel


class TorchBody:
    """One body model on one device; build it once and keep it.

    All results are metres in world coordinates; ``B`` betas are one person's, ``F`` frames are posed together.
    """

    def __init__(self, model: BodyModel, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> None:
        def tensor(array: object) -> Tensor:
            return torch.as_tensor(array, dtype=dtype, device=device)

        self.model = model
        self.dtype = dtype
        self.parents = [int(parent) for parent in model.parents]
        self.levels = _levels(self.parents, torch.device(device))
        self.v_template = tensor(model.v_template)
        self.shapedirs = tensor(model.shapedirs)
        self.posedirs = tensor(model.posedirs).reshape(3 * model.n_vertices, -1)
        self.weights = tensor(model.weights)
        self.joint_template = tensor(model.joint_template)
        self.joint_shapedirs = tensor(model.joint_shapedirs)
        self._identity = torch.eye(3, dtype=dtype, device=device)

    def rest_joints(self, betas: Tensor) -> Tensor:
        """``(B,)`` betas, at most the model's, to rest joints ``(J, 3)``."""
        return self.joint_template + self.joint_shapedirs[..., : len(betas)] @ betas

    def joints(self, betas: Tensor, rotations: Tensor, translation: Tensor) -> Tensor:
        """``(F, J, 3)`` posed joints from R_parent_joint ``(F, J, 3, 3)`` and translation ``(F, 3)``."""
        return self.posed(betas, rotations)[1] + translation[:, None]

    def posed(self, betas: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
        """World rotations ``(F, J, 3, 3)`` and joints ``(F, J, 3)`` before the translation."""
        return self._posed(self.rest_joints(betas), rotations)

    def vertices(self, betas: Tensor, rotations: Tensor, translation: Tensor, index: Tensor | None = None) -> Tensor:
        """``(F, V, 3)`` posed vertices, or ``(F, len(index), 3)``: only those of ``index`` are computed."""
        rest_joints = self.rest_joints(betas)
        world, joints = self._posed(rest_joints, rotations)
        shift = joints - torch.einsum("fjab,jb->fja", world, rest_joints) + translation[:, None]
        template, shapedirs, posedirs, weights = self._rows(index)
        frames, n = len(rotations), len(template)
        feature = (rotations[:, 1:] - self._identity).reshape(frames, -1)
        rest = torch.addmm((template + shapedirs[..., : len(betas)] @ betas).reshape(1, -1), feature, posedirs.T).reshape(frames, n, 3)
        transforms = torch.cat([world, shift[..., None]], dim=-1).reshape(frames, -1, 12)
        blended = (weights @ transforms).reshape(frames, n, 3, 4)
        # Three columns by hand: a batched 3x3 product a vertex costs several times as much on a CPU.
        x, y, z = rest.unsqueeze(-2).unbind(-1)
        return blended[..., 0] * x + blended[..., 1] * y + blended[..., 2] * z + blended[..., 3]

    def _rows(self, index: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if index is None:
            return self.v_template, self.shapedirs, self.posedirs, self.weights
        posedirs = self.posedirs.reshape(len(self.v_template), 3, -1)[index].reshape(3 * len(index), -1)
        return self.v_template[index], self.shapedirs[index], posedirs, self.weights[index]

    def _posed(self, rest_joints: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
        """Down the tree one depth at a time: nine products instead of twenty-three."""
        frames, count = rotations.shape[:2]
        world: list[Tensor] = [rotations[:, 0]] * count
        joints: list[Tensor] = [rest_joints[0].expand(frames, 3)] * count
        offsets = rest_joints[1:] - rest_joints[self.parents[1:]]
        for members, index in self.levels:
            above = torch.stack([world[self.parents[joint]] for joint in members], dim=1)
            turned = above @ rotations[:, index]
            moved = (above @ offsets[index - 1].unsqueeze(-1)).squeeze(-1)
            for place, joint in enumerate(members):
                world[joint] = turned[:, place]
                joints[joint] = joints[self.parents[joint]] + moved[:, place]
        return torch.stack(world, dim=1), torch.stack(joints, dim=1)


def _levels(parents: list[int], device: torch.device) -> list[tuple[list[int], Tensor]]:
    """The joints below the root by depth, each depth as a list and as an index."""
    depth = [0] * len(parents)
    for joint in range(1, len(parents)):
        depth[joint] = depth[parents[joint]] + 1
    levels = [[joint for joint in range(1, len(parents)) if depth[joint] == level] for level in range(1, max(depth) + 1)]
    return [(members, torch.tensor(members, device=device)) for members in levels]


def rotations_from_axis_angle(axis_angle: Tensor) -> Tensor:
    """``(..., 3)`` axis times angle in radians to ``(..., 3, 3)``; the gradient is finite at zero too."""
    squared = (axis_angle * axis_angle).sum(dim=-1)
    tiny = squared < 1e-8
    safe = torch.where(tiny, torch.ones_like(squared), squared)
    angle = safe.sqrt()
    sine = torch.where(tiny, 1.0 - squared / 6.0, angle.sin() / angle)[..., None, None]
    versine = torch.where(tiny, 0.5 - squared / 24.0, (1.0 - angle.cos()) / safe)[..., None, None]
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*axis_angle.shape[:-1], 3, 3)
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return identity + sine * skew + versine * (skew @ skew)
