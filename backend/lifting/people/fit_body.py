"""The body as the fit needs it: joints, landmark anchors and a few hundred surface points, differentiable, over all frames.

Pose correctives are left out: they move the outline by millimetres and cost most of the time.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.lifting.kinematic_chain import KinematicChain
from backend.lifting.people.landmark_anchors import anchors_of
from revision_blender.motion.bodies.body_model import BodyModel


@dataclass(frozen=True, eq=False)
class PosedBody:
    """World metres. joints ``(F, J, 3)``, rotations ``(F, J, 3, 3)`` R_world_joint, landmarks ``(F, 33, 3)``, surface ``(F, S, 3)``."""

    joints: Tensor
    rotations: Tensor
    landmarks: Tensor
    surface: Tensor | None


class FitBody:
    """Evaluates one body model; everything in float32 on the CPU."""

    def __init__(self, model: BodyModel, n_surface: int, seed: int = 0) -> None:
        anchors = anchors_of(model)
        v_template = torch.from_numpy(np.ascontiguousarray(model.v_template, np.float32))
        shapedirs = torch.from_numpy(np.ascontiguousarray(model.shapedirs, np.float32))
        regressor = torch.from_numpy(np.ascontiguousarray(model.J_regressor, np.float32))
        self.chain = KinematicChain([int(parent) for parent in model.parents])
        self.n_betas = int(shapedirs.shape[-1])
        self.joint_template = regressor @ v_template
        self.joint_shapedirs = torch.einsum("jv,vcb->jcb", regressor, shapedirs)
        self.anchor_joint = torch.from_numpy(anchors.joint)
        at_vertex = torch.from_numpy(anchors.vertex >= 0)[:, None]
        vertex = torch.from_numpy(np.maximum(anchors.vertex, 0))
        self.anchor_template = torch.where(at_vertex, v_template[vertex], self.joint_template[self.anchor_joint])
        self.anchor_template = self.anchor_template + torch.from_numpy(anchors.offset)
        self.anchor_shapedirs = torch.where(at_vertex[..., None], shapedirs[vertex], self.joint_shapedirs[self.anchor_joint])
        chosen = torch.from_numpy(_spread(model.v_template, n_surface, seed))
        self.surface_template, self.surface_shapedirs = v_template[chosen], shapedirs[chosen]
        self.surface_weights = torch.from_numpy(np.ascontiguousarray(model.weights, np.float32))[chosen]

    def pose(self, betas: Tensor, rotations: Tensor, translation: Tensor, surface: bool) -> PosedBody:
        """betas ``(P, B)`` of P people, or ``(B,)`` of one; rotations ``(P F, J, 3, 3)`` R_parent_joint, translation ``(P F, 3)``,
        person after person.
        """
        betas = betas.reshape(-1, self.n_betas)
        each = len(rotations) // len(betas)
        rest = self.joint_template + torch.einsum("jcb,pb->pjc", self.joint_shapedirs, betas)
        local = self.anchor_template + torch.einsum("ncb,pb->pnc", self.anchor_shapedirs, betas) - rest[:, self.anchor_joint]
        of_frame = rest.repeat_interleave(each, dim=0)
        world, joints = self.chain.posed(of_frame, rotations, of_frame[:, 0] + translation)
        turned = world[:, self.anchor_joint] @ local.repeat_interleave(each, dim=0)[..., None]
        landmarks = joints[:, self.anchor_joint] + turned[..., 0]
        return PosedBody(joints, world, landmarks, self._surface(betas, of_frame, world, joints) if surface else None)

    def _surface(self, betas: Tensor, rest: Tensor, world: Tensor, joints: Tensor) -> Tensor:
        """Linear blend skinning as one product a person: weighted points ``(P, S, J 4)`` times what the joints do to them ``(P, J 4, F 3)``."""
        points = self.surface_template + torch.einsum("scb,pb->psc", self.surface_shapedirs, betas)
        ones = torch.ones_like(points[..., :1])
        weighted = (self.surface_weights[..., None] * torch.cat([points, ones], dim=-1)[:, :, None]).flatten(2)
        shift = joints - (world @ rest[..., None])[..., 0]
        moves = torch.cat([world.mT, shift[..., None, :]], dim=-2).flatten(1, 2).unflatten(0, (len(betas), -1))  # (P, F, J 4, 3)
        placed = weighted @ moves.transpose(1, 2).flatten(2)
        return placed.unflatten(-1, (-1, 3)).transpose(1, 2).flatten(0, 1)


def _spread(vertices: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of ``count`` vertices spread over the surface (farthest-point sampling of a random tenth-fold candidate set)."""
    candidates = np.random.default_rng(seed).permutation(len(vertices))[: 6 * count]
    points = vertices[candidates].astype(np.float64)
    chosen = np.zeros(min(count, len(points)), np.int64)
    distance = np.full(len(points), np.inf)
    for place in range(1, len(chosen)):
        distance = np.minimum(distance, np.sum((points - points[chosen[place - 1]]) ** 2, axis=1))
        chosen[place] = np.argmax(distance)
    return candidates[chosen]
