"""SMPL's mathematics on a body model: shape, joints, correctives, linear blend skinning.

Follows Loper et al., "SMPL: A Skinned Multi-Person Linear Model" (2015): the mean shape plus shape components, plus pose
correctives linear in the joint rotations minus identity, skinned about the rest joints of the shaped body. The root turns
about rest joint 0 and the translation is added last. As in SMPL-X an expression is part of the shape: the rest joints are
those of the body that wears it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .body_data import BodyModel
from .body_file import load_body_model

__all__ = [
    "BodyModel",
    "Identity",
    "identity_of",
    "joints_of",
    "load_body_model",
    "open_human",
    "rest_joints_of",
    "vertices_of",
    "world_rotations",
]

Array = NDArray[np.floating]

OPEN_HUMAN = Path(__file__).parents[2] / "data" / "open_human.npz"
_FRAMES_AT_ONCE = 16  # bounds the memory of skinning: 16 frames of 7k vertices take 5 MB


@cache
def open_human() -> BodyModel:
    """The bundled body: SMPL's 24 joints, 10 shape components, y up, metres; loaded once."""
    return load_body_model(OPEN_HUMAN)


@dataclass(frozen=True, eq=False)
class Identity:
    """One person's body in the rest pose. v_shaped: ``(V, 3)`` metres. joints_rest: ``(J, 3)`` metres."""

    model: BodyModel
    v_shaped: NDArray[np.float32]
    joints_rest: NDArray[np.float64]


def identity_of(model: BodyModel, betas: Array) -> Identity:
    """The body of shape ``betas`` ``(B,)`` in standard deviations; missing components are 0, too many are refused."""
    full = model.checked_betas(betas)
    v_shaped = model.v_template + model.shapedirs @ full.astype(np.float32)
    return Identity(model, v_shaped, model.joint_template + model.joint_shapedirs @ full)


def world_rotations(parents: NDArray[np.integer], rotations: Array) -> Array:
    """``(F, J, 3, 3)`` R_parent_joint to R_world_joint, down the tree."""
    world = np.empty_like(rotations)
    for joint, parent in enumerate(parents):
        world[:, joint] = rotations[:, joint] if parent < 0 else world[:, parent] @ rotations[:, joint]
    return world


def rest_joints_of(identity: Identity, expression: Array | None = None) -> NDArray[np.float64]:
    """Rest joints ``(1, J, 3)`` metres, or ``(F, J, 3)`` under expressions ``(F, E)`` in standard deviations."""
    if expression is None:
        return identity.joints_rest[None]
    model = identity.model
    return identity.joints_rest + np.einsum("jce,fe->fjc", model.joint_expressiondirs, model.checked_expression(expression))


def joints_of(identity: Identity, rotations: Array, translation: Array, expression: Array | None = None) -> NDArray[np.float64]:
    """``(F, J, 3)`` posed joints in world coordinates, metres; no vertex is touched.

    rotations: ``(F, J, 3, 3)`` R_parent_joint, joint 0 to the world. translation: ``(F, 3)`` metres. expression: ``(F, E)``
    standard deviations, missing components are 0, too many are refused.
    """
    return _posed(identity.model.parents, rotations, rest_joints_of(identity, expression))[1] + np.asarray(translation)[:, None]


def vertices_of(
    identity: Identity, rotations: Array, translation: Array, correctives: bool = True, expression: Array | None = None
) -> NDArray[np.float32]:
    """``(F, V, 3)`` posed vertices in world coordinates, metres.

    rotations, translation, expression: as in ``joints_of``. correctives: whether the pose correctives are added before skinning.
    """
    frames = len(rotations)
    vertices = np.empty((frames, identity.model.n_vertices, 3), dtype=np.float32)
    checked = None if expression is None else identity.model.checked_expression(expression)
    for start in range(0, frames, _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        faces = None if checked is None else checked[part]
        vertices[part] = _skinned(identity, rotations[part], np.asarray(translation)[part], correctives, faces)
    return vertices


def _posed(parents: NDArray[np.integer], rotations: Array, rest: NDArray[np.float64]) -> tuple[Array, NDArray[np.float64]]:
    """World rotations ``(F, J, 3, 3)`` and joints ``(F, J, 3)`` before the translation, from rest joints ``(F or 1, J, 3)``."""
    world = world_rotations(parents, np.asarray(rotations, dtype=np.float64))
    joints = np.empty(world.shape[:-1])
    joints[:, 0] = rest[:, 0]
    for joint in range(1, len(parents)):
        parent = parents[joint]
        offset = rest[:, joint] - rest[:, parent]
        joints[:, joint] = joints[:, parent] + (world[:, parent] @ offset[..., None])[..., 0]
    return world, joints


def _skinned(identity: Identity, rotations: Array, translation: Array, correctives: bool, expression: Array | None) -> NDArray[np.float32]:
    model = identity.model
    frames, joints_n = rotations.shape[:2]
    rest_joints = rest_joints_of(identity, expression)
    world, joints = _posed(model.parents, rotations, rest_joints)
    shift = joints - (world @ rest_joints[..., None])[..., 0] + translation[:, None]
    transforms = np.concatenate([world, shift[..., None]], axis=-1).astype(np.float32)  # (F, J, 3, 4)
    blended = (model.weights @ transforms.reshape(frames, joints_n, 12)).reshape(frames, -1, 3, 4)
    rest = identity.v_shaped[None]
    if expression is not None and expression.size:
        rest = rest + (expression.astype(np.float32) @ _flat(model.expressiondirs)).reshape(frames, -1, 3)
    if correctives:
        feature = (np.asarray(rotations)[:, 1:] - np.eye(3)).reshape(frames, -1).astype(np.float32)
        rest = rest + (feature @ _flat(model.posedirs)).reshape(frames, -1, 3)
    return np.einsum("fvab,fvb->fva", blended[..., :3], rest) + blended[..., 3]


def _flat(directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(V, 3, N)`` to ``(N, 3 V)``: a view, so that the product with the coefficients is one matrix product."""
    return directions.reshape(-1, directions.shape[-1]).T
