"""SMPL's mathematics in torch: batched over frames, differentiable, joints without vertices, some vertices without the rest.

Equal to ``revision_blender.motion.bodies.body_model`` (where the mathematics is explained). What makes it fast: the joint template
and its shape basis are multiplied out once, so that joints never touch a vertex; sparse correctives are stored by joint and only
for the vertices they move; vertices come first and frames last, so that blending is one matrix product.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from revision_blender.motion.bodies.body_data import BodyModel

_DENSE = 0.3  # share of vertices and joints with a corrective from which on one large product beats many small ones


@dataclass(frozen=True, eq=False)
class _Part:
    """Some vertices' arrays: template ``(n, 3)``, shape ``(n, 3, B)``, expression ``(n, 3, E)``, weights ``(n, J)``, correctives.

    For each joint in ``joints``: ``blocks`` ``(3 k, 9)`` offsets of the k vertices it moves; ``rows`` all those vertices in turn.
    Where most joints move most vertices, as in the official bodies, ``dense`` ``(3 n, 9 (J - 1))`` is there and they are empty.
    """

    template: Tensor
    shapedirs: Tensor
    expressiondirs: Tensor
    weights: Tensor
    joints: tuple[int, ...]
    blocks: tuple[Tensor, ...]
    rows: Tensor
    dense: Tensor | None


class TorchBody:
    """One body model on one device; build it once and keep it.

    All results are metres in world coordinates; ``B`` betas are one person's, ``F`` frames are posed together. An expression
    ``(F, E)``, at most the model's components, moves the face and, as in SMPL-X, the rest joints with it.
    """

    def __init__(self, model: BodyModel, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> None:
        def tensor(array: object) -> Tensor:
            return torch.as_tensor(array, dtype=dtype, device=device)

        self.model = model
        self.dtype = dtype
        self.parents = [int(parent) for parent in model.parents]
        self.v_template = tensor(model.v_template)
        self.shapedirs = tensor(model.shapedirs)
        self.expressiondirs = tensor(model.expressiondirs) if model.n_expressions else self.v_template.new_zeros(model.n_vertices, 3, 0)
        self.weights = tensor(model.weights)
        self.joint_template = tensor(model.joint_template)
        self.joint_shapedirs = tensor(model.joint_shapedirs)
        self.joint_expressiondirs = tensor(model.joint_expressiondirs)
        self._levels = _levels(self.parents, torch.device(device))
        self._identity = torch.eye(3, dtype=dtype, device=device)
        self._posedirs = tensor(model.posedirs).reshape(model.n_vertices, 3, model.n_joints - 1, 9)
        self._whole = self._part(torch.arange(model.n_vertices, device=device))
        self._some = (torch.empty(0, dtype=torch.long, device=device), self._whole)

    def rest_joints(self, betas: Tensor) -> Tensor:
        """``(B,)`` betas, at most the model's, to rest joints ``(J, 3)``."""
        return self.joint_template + self.joint_shapedirs[..., : len(betas)] @ betas

    def joints(self, betas: Tensor, rotations: Tensor, translation: Tensor, expression: Tensor | None = None) -> Tensor:
        """``(F, J, 3)`` posed joints from R_parent_joint ``(F, J, 3, 3)`` and translation ``(F, 3)``."""
        return self.posed(betas, rotations, expression)[1] + translation[:, None]

    def posed(self, betas: Tensor, rotations: Tensor, expression: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """World rotations ``(F, J, 3, 3)`` and joints ``(F, J, 3)`` before the translation."""
        return self._posed(self._rest(betas, expression), rotations)

    def vertices(
        self, betas: Tensor, rotations: Tensor, translation: Tensor, index: Tensor | None = None, expression: Tensor | None = None
    ) -> Tensor:
        """``(F, V, 3)`` posed vertices, or ``(F, len(index), 3)``: only those of ``index`` are computed.

        The arrays of the last ``index`` are kept: ask for the same vertices again and again rather than for others each time.
        """
        part = self._whole if index is None else self._part_of(index)
        rest_joints = self._rest(betas, expression)
        world, joints = self._posed(rest_joints, rotations)
        shift = joints - (world @ rest_joints[..., None])[..., 0] + translation[:, None]
        frames, n = len(rotations), len(part.template)
        shaped = (part.template + part.shapedirs[..., : len(betas)] @ betas)[..., None]
        if expression is not None:
            shaped = shaped + part.expressiondirs[..., : expression.shape[1]] @ expression.T
        x, y, z = self._corrected(part, shaped, rotations).unsqueeze(1).unbind(2)  # (n, 1, F) each
        transforms = torch.cat([world, shift[..., None]], dim=-1).permute(1, 3, 2, 0).reshape(len(self.parents), -1)  # (J, 4 3 F)
        columns = (part.weights @ transforms).reshape(n, 4, 3, frames).unbind(1)
        posed = torch.addcmul(torch.addcmul(torch.addcmul(columns[3], columns[0], x), columns[1], y), columns[2], z)
        return posed.permute(2, 0, 1).contiguous()

    def _rest(self, betas: Tensor, expression: Tensor | None) -> Tensor:
        """Rest joints ``(1, J, 3)``, or ``(F, J, 3)`` under an expression."""
        rest = self.rest_joints(betas)[None]
        if expression is None:
            return rest
        return rest + torch.einsum("jce,fe->fjc", self.joint_expressiondirs[..., : expression.shape[1]], expression)

    def _corrected(self, part: _Part, shaped: Tensor, rotations: Tensor) -> Tensor:
        """``(n, 3, F)``: the shaped vertices ``(n, 3, 1 or F)`` with their pose correctives."""
        frames = len(rotations)
        rest = shaped.expand(-1, -1, frames)
        if part.dense is None and not part.joints:
            return rest
        feature = (rotations[:, 1:] - self._identity).reshape(frames, -1, 9).permute(1, 2, 0)  # (J - 1, 9, F)
        if part.dense is not None:
            return rest + (part.dense @ feature.reshape(-1, frames)).reshape(-1, 3, frames)
        offsets = [block @ feature[joint - 1] for joint, block in zip(part.joints, part.blocks, strict=True)]
        return rest.index_add(0, part.rows, torch.cat(offsets).reshape(-1, 3, frames))

    def _part_of(self, index: Tensor) -> _Part:
        if not torch.equal(index, self._some[0]):
            self._some = (index.clone(), self._part(index))
        return self._some[1]

    def _part(self, index: Tensor) -> _Part:
        posedirs = self._posedirs[index]
        used = posedirs.abs().amax(dim=(1, 3)) > 0.0  # (n, J - 1)
        few = float(used.float().mean()) < _DENSE if used.numel() else True
        rows = [torch.nonzero(column)[:, 0] for column in used.unbind(1)] if few else []
        busy = [joint for joint, row in enumerate(rows, start=1) if len(row)]
        blocks = tuple(posedirs[rows[joint - 1], :, joint - 1].reshape(-1, 9).contiguous() for joint in busy)
        arrays = (self.v_template[index], self.shapedirs[index], self.expressiondirs[index], self.weights[index])
        moved = torch.cat(rows) if rows else index[:0]
        return _Part(*arrays, tuple(busy), blocks, moved, None if few else posedirs.reshape(3 * len(index), -1))

    def _posed(self, rest_joints: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
        """Down the tree one depth at a time, from rest joints ``(1 or F, J, 3)``: eight products instead of twenty-three."""
        frames, count = rotations.shape[:2]
        world: list[Tensor] = [rotations[:, 0]] * count
        joints: list[Tensor] = [rest_joints[:, 0].expand(frames, 3)] * count
        offsets = rest_joints[:, 1:] - rest_joints[:, self.parents[1:]]
        for members, index in self._levels:
            above = torch.stack([world[self.parents[joint]] for joint in members], dim=1)
            turned = above @ rotations[:, index]
            moved = (above @ offsets[:, index - 1].unsqueeze(-1)).squeeze(-1)
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
