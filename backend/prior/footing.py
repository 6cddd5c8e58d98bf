"""The points of a body that meet the floor, and when they rest on it: what polish holds still."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import Take
from revision_blender.motion.bodies.body_model import identity_of, open_human
from revision_blender.motion.bodies.soles import ANKLES, FEET, sole_points
from revision_blender.motion.skeletons import SMAL

Array = NDArray[np.floating]

_PAWS = tuple(SMAL.index(f"{side}_{end}_foot") for end in ("front", "back") for side in ("left", "right"))  # as contacts are told
_PAW_SOLE = 0.274  # of the bone above the paw's: how high the paw's joint stands over the floor, as recorded dogs stand


@dataclass(frozen=True, eq=False)
class Footing:
    """``P`` points that ride rigidly on joints.

    owner: ``(P,)`` joint that carries each; offset: ``(P, 3)`` metres from it in its frame; rest: ``(P,)`` metres over the floor where
    it stands with the whole foot; least: ``(P,)`` metres, under which it is in the floor; touch: ``(P,)`` which of the four contacts of
    ``motions.Predicted`` says that it stands, -1 for none.
    """

    owner: NDArray[np.int64]
    offset: Array
    rest: Array
    least: Array
    touch: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pose:
    """world: ``(F, J, 3, 3)`` R_world_joint; joints: ``(F, J, 3)`` and points: ``(F, P, 3)`` metres in the prior's world."""

    world: Array
    joints: Array
    points: Array


def footing_of(take: Take) -> Footing:
    """Heel, ball and toe of each human foot, an animal's paws, all points of an object."""
    if take.kind == "human":
        soles = human_soles()
        size = np.linalg.norm(take.offsets[soles.owner], axis=-1) / soles.length
        return Footing(soles.owner, soles.offset * size[:, None], soles.rest * size, np.zeros(len(size)), soles.touch)
    if take.kind == "animal":
        shank = float(np.linalg.norm(take.offsets[[SMAL.parents[paw] for paw in _PAWS]], axis=-1).mean())
        sole = np.full(4, _PAW_SOLE * shank)
        return Footing(np.array(_PAWS), np.zeros((4, 3)), sole, sole, np.arange(4))
    return Footing(np.zeros(1, dtype=np.int64), np.zeros((1, 3)), np.zeros(1), np.zeros(1), np.full(1, -1))


def pose_of(take: Take, footing: Footing) -> Pose:
    """Forward kinematics in double precision; an object's points ride on its centre."""
    rotations = np.asarray(take.rotations, dtype=np.float64)
    world, joints = np.empty_like(rotations), np.empty((*rotations.shape[:2], 3))
    world[:, 0], joints[:, 0] = rotations[:, 0], take.root
    for joint, parent in enumerate(parents_of(take.kind)[1:], start=1):
        world[:, joint] = world[:, parent] @ rotations[:, joint]
        joints[:, joint] = joints[:, parent] + world[:, parent] @ take.offsets[joint]
    if take.points is not None:
        return Pose(world, joints, joints[:, :1] + take.points)
    carried = (world[:, footing.owner] @ footing.offset[:, :, None])[..., 0]
    return Pose(world, joints, joints[:, footing.owner] + carried)


@dataclass(frozen=True, eq=False)
class HumanSoles:
    """Points that ride on the bundled body's feet. owner: ``(P,)`` joint; offset: ``(P, 3)`` metres from it; rest: ``(P,)`` height over the
    lowest of them as the body rests; touch: as in ``Footing``; length: ``(P,)`` metres of the owner's bone, by which other bodies' are scaled."""

    owner: NDArray[np.int64]
    offset: Array
    rest: Array
    touch: NDArray[np.int64]
    length: Array


@cache
def human_soles() -> HumanSoles:
    """Heel and ball ride on the ankle, the toe on the foot joint: the points by which motions and lifts are put on their floor."""
    model = open_human()
    identity = identity_of(model, np.zeros(0))
    rest = identity.joints_rest
    still = np.broadcast_to(np.eye(3), (1, model.n_joints, 3, 3))
    points = sole_points(identity, still, np.zeros((1, 3)))[0].reshape(-1, 3)
    owner = np.array([joint for ankle, foot in zip(ANKLES, FEET, strict=True) for joint in (ankle, ankle, foot)])
    heel = np.arange(len(owner)) % 3 == 0
    length = np.linalg.norm(rest[owner] - rest[np.asarray(model.parents)[owner]], axis=-1)
    touch = 2 * (np.arange(len(owner)) // 3) + heel
    return HumanSoles(owner, points - rest[owner], points[:, 1] - points[:, 1].min(), touch, length)
