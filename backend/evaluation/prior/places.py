"""Where joints and soles of a take are, in the prior's world: what every measure of the protocol is computed from."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import Kind, Take
from revision_blender.motion.bodies.body_model import identity_of, open_human, world_rotations
from revision_blender.motion.bodies.soles import ANKLES, FEET, sole_points

Array = NDArray[np.floating]

HANDS: dict[Kind, tuple[int, ...]] = {"human": (20, 21), "animal": (16,), "object": ()}  # of animals the head: it moves most freely
PAWS = (10, 14, 20, 24)


@dataclass(frozen=True, eq=False)
class Places:
    """joints: ``(F, J, 3)`` metres (of an object: its points and its centre last). soles: ``(F, P, 3)`` the points that meet the floor.

    root: ``(F, 3)``. ends: ``(F, E, 3)`` hands and feet, whose speed must survive.
    """

    joints: Array
    soles: Array
    root: Array
    ends: Array


@dataclass(frozen=True, eq=False)
class _Soles:
    """owner: ``(P,)`` the joint that carries each point; offset: ``(P, 3)`` from it, in its frame; length: of the owner's bone."""

    owner: NDArray[np.int64]
    offset: Array
    length: Array


def places_of(take: Take) -> Places:
    """Forward kinematics; soles ride rigidly on ankle and foot joints, as large as the take's bones are."""
    if take.kind == "object":
        return _object_places(take)
    world, joints = _posed(take)
    if take.kind == "animal":
        return Places(joints, joints[:, PAWS], joints[:, 0], joints[:, PAWS + HANDS["animal"]])
    soles = _human_soles()
    scale = np.linalg.norm(take.offsets[soles.owner], axis=-1) / soles.length
    points = joints[:, soles.owner] + np.einsum("fpij,pj->fpi", world[:, soles.owner], soles.offset * scale[:, None])
    return Places(joints, points, joints[:, 0], joints[:, HANDS["human"] + FEET])


def _posed(take: Take) -> tuple[Array, Array]:
    parents = parents_of(take.kind)
    world = world_rotations(np.asarray(parents), np.asarray(take.rotations, dtype=np.float64))
    joints = np.empty((*world.shape[:2], 3))
    joints[:, 0] = take.root
    for joint, parent in enumerate(parents[1:], start=1):
        joints[:, joint] = joints[:, parent] + world[:, parent] @ take.offsets[joint]
    return world, joints


def _object_places(take: Take) -> Places:
    root = np.asarray(take.root, dtype=np.float64)
    points = root[:, None] if take.points is None else root[:, None] + take.points
    return Places(points, points, root, root[:, None])


@cache
def _human_soles() -> _Soles:
    """Heel and ball ride on the ankle, the toe on the foot joint: the points by which the targets' contacts were made."""
    model = open_human()
    identity = identity_of(model, np.zeros(0))
    rest = identity.joints_rest
    points = sole_points(identity, np.broadcast_to(np.eye(3), (1, model.n_joints, 3, 3)), np.zeros((1, 3)))[0].reshape(-1, 3)
    owner = np.array([side for ankle, foot in zip(ANKLES, FEET, strict=True) for side in (ankle, ankle, foot)])
    length = np.linalg.norm(rest[owner] - rest[np.asarray(model.parents)[owner]], axis=-1)
    return _Soles(owner, points - rest[owner], length)
