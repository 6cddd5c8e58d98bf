"""The animal as the fit needs it: joints, keypoints and a coarse closed-enough mesh, differentiable, many poses at once.

The mesh keeps every eighth vertex or so, denser where the animal is thin, so that legs and tail keep their outline; a vertex stays
what it is in the full model (shape components, weights), only the faces between are redrawn. Pose correctives are left out: they
move the outline by millimetres. So is the body's size: one picture does not tell it (``size``).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int32
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.keypoints import keypoints_of
from backend.lifting.kinematic_chain import KinematicChain
from revision_blender.masks.labels import ANIMAL_PART_NAMES, FIRST_ANIMAL
from revision_blender.motion.bodies.body_model import BodyModel
from revision_blender.motion.bodies.body_size import n_proportions

N_VERTICES = 800
_DENSER = 1.7  # distances on legs, tail, ears and mouth count so many times
_THICK = frozenset(FIRST_ANIMAL + ANIMAL_PART_NAMES.index(part) for part in ("torso", "neck"))
_LOWER_LEGS = frozenset(FIRST_ANIMAL + row for row, part in enumerate(ANIMAL_PART_NAMES) if part.endswith("lower"))
_TAIL_OR_EARS = frozenset(FIRST_ANIMAL + row for row, part in enumerate(ANIMAL_PART_NAMES) if part.endswith(("tail", "ear")))


@dataclass(frozen=True, eq=False)
class PosedAnimal:
    """In the frame of the root's rotation and translation, metres. joints ``(N, 35, 3)``, vertices ``(N, V, 3)``, keypoints ``(N, K, 3)``."""

    joints: Tensor
    vertices: Tensor
    keypoints: Tensor


class CoarseBody:
    """Evaluates one animal's body; float32 on the CPU. faces: ``(T, 3)`` of the coarse mesh, labels: its vertices' part labels.

    lower_legs, tail_or_ears ``(V,)``: which vertices are of these.
    """

    def __init__(self, model: BodyModel) -> None:
        chosen, faces = coarse_mesh(model)
        groups = [np.array([vertex]) for vertex in chosen] + list(keypoints_of(model).vertices)
        self.model = model
        self.faces: NDArray[np.int32] = faces
        self.n_vertices = len(chosen)
        self.labels = model.part_labels[chosen]
        self.lower_legs, self.tail_or_ears = (np.isin(self.labels, list(parts)) for parts in (_LOWER_LEGS, _TAIL_OR_EARS))
        self.n_betas = n_proportions(model)
        self.parents = [int(parent) for parent in model.parents]
        self._chain = KinematicChain(self.parents)
        self._template = _mean(model.v_template, groups)
        self._shapedirs = _mean(model.shapedirs[..., : self.n_betas], groups)
        self._weights = _mean(model.weights, groups)
        self._joints = torch.from_numpy(np.asarray(model.joint_template, np.float32))
        self._jointdirs = torch.from_numpy(np.asarray(model.joint_shapedirs[..., : self.n_betas], np.float32))
        self.length = float(np.linalg.norm(model.joint_template[15] - model.joint_template[25]))  # neck to tail, metres

    def rest_joints(self, betas: Float[Tensor, "n B"]) -> Float[Tensor, "n 35 3"]:
        return self._joints + torch.einsum("jcb,nb->njc", self._jointdirs, betas)

    def pose(self, betas: Tensor, rotations: Tensor, root: Tensor) -> PosedAnimal:
        """betas ``(N or 1, B)``, rotations ``(N, 35, 3, 3)`` R_parent_joint, root ``(N, 3)``: where joint 0 comes to lie."""
        rest = self.rest_joints(betas)
        world, joints = self._chain.posed(rest, rotations, root)
        shift = joints - (world @ rest[..., None])[..., 0]
        points = self._template + (betas @ self._shapedirs.flatten(0, 1).T).unflatten(-1, (-1, 3))
        skinned = (
            _of_one_shape(self._weights, points[0], world, shift) if len(betas) == 1 else _of_each(self._weights, points, world, shift)
        )
        return PosedAnimal(joints, skinned[:, : self.n_vertices], skinned[:, self.n_vertices :])


def _of_one_shape(weights: Tensor, points: Float[Tensor, "V 3"], world: Tensor, shift: Tensor) -> Float[Tensor, "N V 3"]:
    """Linear blend skinning as one product: weighted points ``(V, J 4)`` times what the joints do to them ``(J 4, N 3)``."""
    weighted = weights[..., None] * torch.cat([points, torch.ones_like(points[:, :1])], dim=-1)[:, None]
    moves = torch.cat([world.mT, shift[..., None, :]], dim=-2).flatten(1, 2)
    return (weighted.flatten(1) @ moves.transpose(0, 1).flatten(1)).unflatten(-1, (-1, 3)).transpose(0, 1).contiguous()


def _of_each(weights: Tensor, points: Float[Tensor, "N V 3"], world: Tensor, shift: Tensor) -> Float[Tensor, "N V 3"]:
    """The same where every pose has its own shape: the joints' transforms are blended first."""
    blended = weights @ torch.cat([world.flatten(-2), shift], dim=-1)  # (N, V, 12)
    return (blended[..., :9].unflatten(-1, (3, 3)) * points[:, :, None]).sum(-1) + blended[..., 9:]


@lru_cache(maxsize=4)
def coarse_mesh(model: BodyModel, count: int = N_VERTICES) -> tuple[NDArray[np.int64], Int32[NDArray[np.int32], "T 3"]]:
    """Indices of the kept vertices, and the faces between them (numbered by the kept).

    Farthest-point sampling; every other vertex belongs to the nearest kept one of its own part, and faces that span three kept
    vertices remain (vertex clustering).
    """
    thin = ~np.isin(model.part_labels, list(_THICK))
    points = model.v_template.astype(np.float64) * np.where(thin, _DENSER, 1.0)[:, None]
    points = np.concatenate([points, 10.0 * np.unique(model.part_labels, return_inverse=True)[1][:, None]], axis=1)  # parts stay apart
    chosen = np.zeros(min(count, len(points)), np.int64)
    distance, owner = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    for place in range(len(chosen)):
        chosen[place] = 0 if place == 0 else np.argmax(distance)
        apart = np.sum((points - points[chosen[place]]) ** 2, axis=1)
        owner[apart < distance] = place
        distance = np.minimum(distance, apart)
    faces = owner[model.faces]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return chosen, np.ascontiguousarray(faces[whole], np.int32)


def _mean(values: NDArray[np.floating], groups: list[NDArray[np.int64]]) -> Tensor:
    return torch.from_numpy(np.stack([values[rows].mean(axis=0) for rows in groups]).astype(np.float32))
