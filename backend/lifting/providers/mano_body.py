"""A hand as bones: where the 21 points of a hand are when its joints turn, in MANO's order.

Romero et al., "Embodied Hands" (MANO), arXiv 2201.02610. The right hand's bones come from a MANO file or from what HaMeR's checkpoint holds
of one, else from the bundled body's right hand, whose rest pose is laid out alike (fingers towards -x, palm down). Finger tips ride on
the last joints; correctives, which move a tip by a few millimetres, are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import shelf
from revision_blender.motion.bodies.body_model import BodyModel, identity_of, world_rotations
from revision_blender.motion.skeletons import SMPLX

Array = NDArray[np.floating]

N_JOINTS, N_POINTS = 16, 21
# Wrist, then index, middle, little, ring, thumb, three joints each.
PARENTS = np.array([-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14])
# The 21 points (wrist, thumb, index, middle, ring, little; four each) among the 16 joints and then the tips of thumb, index, middle, ring, little.
POINTS = np.array([0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20])
_TIP_OF = np.array([15, 3, 6, 12, 9])  # the joint on which each tip rides
_TIP_VERTICES = (744, 320, 443, 554, 671)  # of MANO's 778, as smplx names them
_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class HandBones:
    """The right hand's rest pose. joints: ``(16, 3)``. tips: ``(5, 3)``. shape: ``(21, 3, B)`` how shape components move both; metres."""

    joints: Float[NDArray[np.float64], "16 3"]
    tips: Float[NDArray[np.float64], "5 3"]
    shape: Float[NDArray[np.float64], "21 3 B"]

    def points(
        self, rotations: Float[Array, "F 16 3 3"], left: bool, betas: Float[Array, " B"] | None = None
    ) -> Float[NDArray[np.float64], "F 21 3"]:
        """The 21 points about the wrist, metres, in the frame of reference that entry 0 turns the wrist to."""
        rest = np.concatenate([self.joints, self.tips])
        if betas is not None:
            rest = rest + self.shape @ betas[: self.shape.shape[-1]]
        rest = rest * _MIRROR if left else rest
        turned = world_rotations(PARENTS, np.asarray(rotations, dtype=np.float64))
        found = np.zeros((len(turned), N_POINTS, 3))
        for joint in range(1, N_JOINTS):
            found[:, joint] = found[:, PARENTS[joint]] + turned[:, PARENTS[joint]] @ (rest[joint] - rest[PARENTS[joint]])
        for tip, joint in enumerate(_TIP_OF, start=N_JOINTS):
            found[:, tip] = found[:, joint] + turned[:, joint] @ (rest[tip] - rest[joint])
        return found[:, POINTS]


def wrist_of(bones: HandBones, left: bool) -> Float[NDArray[np.float64], "3"]:
    """The wrist in the rest pose, about which the hand turns before it is put in place, metres."""
    return bones.joints[0] * _MIRROR if left else bones.joints[0]


def bones_of_arrays(arrays: Mapping[str, Array]) -> HandBones | None:
    """From MANO's ``v_template``, ``J_regressor`` and ``shapedirs`` (right hand); nothing where they are not there."""
    if not {"v_template", "J_regressor", "shapedirs"} <= set(arrays):
        return None
    template, regressor, shape = (np.asarray(arrays[name], dtype=np.float64) for name in ("v_template", "J_regressor", "shapedirs"))
    if template.shape != (778, 3) or regressor.shape != (N_JOINTS, 778) or shape.shape[:2] != (778, 3):
        return None
    tips = list(_TIP_VERTICES)
    moved = np.concatenate([np.einsum("jv,vcb->jcb", regressor, shape), shape[tips]])
    return HandBones(regressor @ template, template[tips], moved)


def open_hand() -> HandBones:
    """The bundled body's right hand, without shape components."""
    return hand_of(shelf().load("open_human_x"))


def hand_of(model: BodyModel, betas: Float[Array, " B"] | None = None) -> HandBones:
    """The right hand of an SMPL-X body of that shape, without shape components of its own."""
    identity = identity_of(model, np.zeros(0) if betas is None else betas)
    places = hand_joints("right")
    tips = np.stack([_tip(identity.v_shaped, model.weights, places[joint], identity.joints_rest) for joint in _TIP_OF])
    return HandBones(identity.joints_rest[places], tips, np.zeros((N_POINTS, 3, 0)))


def hand_joints(side: str) -> list[int]:
    """SMPL-X's joints of one hand ("left", "right") in MANO's order, wrist first."""
    fingers = [f"{side}_{finger}{number}" for finger in ("index", "middle", "pinky", "ring", "thumb") for number in (1, 2, 3)]
    return [SMPLX.index(f"{side}_wrist"), *(SMPLX.index(name) for name in fingers)]


def _tip(vertices: Array, weights: Array, joint: int, joints: Array) -> Float[NDArray[np.float64], "3"]:
    """The skin of a finger's last joint that is farthest from the wrist along the finger."""
    own = vertices[weights[:, joint] > 0.5].astype(np.float64)
    along = joints[joint] - joints[int(SMPLX.parents[joint])]
    return own[np.argmax(own @ (along / np.linalg.norm(along)))]
