"""SMPL's mathematics on a body model: shape, joints, correctives, linear blend skinning.

Follows Loper et al., "SMPL: A Skinned Multi-Person Linear Model" (2015): the mean shape plus shape components, plus pose
correctives linear in the joint rotations minus identity, skinned about the rest joints of the shaped body. The root turns
about rest joint 0 and the translation is added last.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .body_data import BodyModel
from .body_file import load_body_model

__all__ = ["BodyModel", "Identity", "identity_of", "joints_of", "load_body_model", "open_human", "vertices_of", "world_rotations"]

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


def joints_of(identity: Identity, rotations: Array, translation: Array) -> NDArray[np.float64]:
    """``(F, J, 3)`` posed joints in world coordinates, metres; no vertex is touched.

    rotations: ``(F, J, 3, 3)`` R_parent_joint, joint 0 to the world. translation: ``(F, 3)`` metres.
    """
    return _posed(identity, rotations)[1] + np.asarray(translation)[:, None]


def vertices_of(identity: Identity, rotations: Array, translation: Array, correctives: bool = True) -> NDArray[np.float32]:
    """``(F, V, 3)`` posed vertices in world coordinates, metres.

    rotations, translation: as in ``joints_of``. correctives: whether the pose correctives are added before skinning.
    """
    frames = len(rotations)
    vertices = np.empty((frames, identity.model.n_vertices, 3), dtype=np.float32)
    for start in range(0, frames, _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        vertices[part] = _skinned(identity, rotations[part], np.asarray(translation)[part], correctives)
    return vertices


def _posed(identity: Identity, rotations: Array) -> tuple[Array, NDArray[np.float64]]:
    """World rotations ``(F, J, 3, 3)`` and joints ``(F, J, 3)`` before the translation."""
    model = identity.model
    world = world_rotations(model.parents, np.asarray(rotations, dtype=np.float64))
    joints = np.empty(world.shape[:-1])
    joints[:, 0] = identity.joints_rest[0]
    for joint in range(1, model.n_joints):
        parent = model.parents[joint]
        offset = identity.joints_rest[joint] - identity.joints_rest[parent]
        joints[:, joint] = joints[:, parent] + world[:, parent] @ offset
    return world, joints


def _skinned(identity: Identity, rotations: Array, translation: Array, correctives: bool) -> NDArray[np.float32]:
    model = identity.model
    frames, joints_n = rotations.shape[:2]
    world, joints = _posed(identity, rotations)
    shift = joints - np.einsum("fjab,jb->fja", world, identity.joints_rest) + translation[:, None]
    transforms = np.concatenate([world, shift[..., None]], axis=-1).astype(np.float32)  # (F, J, 3, 4)
    blended = (model.weights @ transforms.reshape(frames, joints_n, 12)).reshape(frames, -1, 3, 4)
    rest = identity.v_shaped[None]
    if correctives:
        feature = (np.asarray(rotations)[:, 1:] - np.eye(3)).reshape(frames, -1).astype(np.float32)
        rest = rest + (feature @ _flat_posedirs(model)).reshape(frames, -1, 3)
    return np.einsum("fvab,fvb->fva", blended[..., :3], rest) + blended[..., 3]


def _flat_posedirs(model: BodyModel) -> NDArray[np.float32]:
    """``(9 (J - 1), 3 V)``: a view, so that the product with the pose feature is one matrix product."""
    return model.posedirs.reshape(3 * model.n_vertices, -1).T
