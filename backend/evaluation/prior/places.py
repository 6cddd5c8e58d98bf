"""Where joints and soles of a take are, in the prior's world: what every measure of the protocol is computed from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.prior.footing import footing_of, pose_of
from backend.prior.state.take import Kind, Take
from revision_blender.motion.bodies.soles import FEET

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


def places_of(take: Take) -> Places:
    """Forward kinematics; soles ride rigidly on ankle and foot joints, as large as the take's bones are."""
    if take.kind == "object":
        return _object_places(take)
    pose = pose_of(take, footing_of(take))
    ends = PAWS + HANDS["animal"] if take.kind == "animal" else HANDS["human"] + FEET
    soles = pose.joints[:, PAWS] if take.kind == "animal" else pose.points
    return Places(pose.joints, soles, pose.joints[:, 0], pose.joints[:, ends])


def _object_places(take: Take) -> Places:
    root = np.asarray(take.root, dtype=np.float64)
    points = root[:, None] if take.points is None else root[:, None] + take.points
    return Places(points, points, root, root[:, None])
