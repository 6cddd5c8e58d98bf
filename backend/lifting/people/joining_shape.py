"""An SMPL body as an SMPL-X body: the same pose, the shape and place at which their joints agree, hands at rest."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import shelf
from backend.errors import InputError
from backend.lifting.providers.base import LiftedBody
from backend.lifting.providers.mano_body import hand_joints
from revision_blender.motion.bodies.body_model import BodyModel, identity_of
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.skeletons import SMPLX, skeleton_of

Array = NDArray[np.floating]

N_BODY = 22  # joints that the families share, in one order
RELAXED = 0.25  # radians that each finger joint bends in a hand at rest, where the model does not say
SHAPE_COST = 2e-4  # metres that a component of one deviation must be worth
_TORSO_AND_LIMBS = (1, 2, 4, 5, 7, 8, 12, 15, 16, 17, 18, 19, 20, 21)


def as_smplx(body: LiftedBody) -> LiftedBody:
    """SMPL-X of the same pose; what is SMPL-X already comes back as it is. Raises ``InputError`` for an animal."""
    if body.family == "smplx":
        return body
    if body.family not in ("smpl", "smplh"):
        raise InputError(f"Hands can be joined to a person only, not to the family {body.family!r}; leave the hands out for it.")
    model = shelf().load(_target(body.model))
    own = identity_of(shelf().load(body.model), np.asarray(body.betas)).joints_rest
    betas = fitted_betas(model, own[:N_BODY])
    root = identity_of(model, betas).joints_rest[0]
    rotations = np.tile(_relaxed(model.name), (len(body.rotations), 1, 1, 1))
    rotations[:, :N_BODY] = body.rotations[:, :N_BODY]
    confidence = np.zeros((len(rotations), SMPLX.n_joints))
    confidence[:, :N_BODY] = body.confidence[:, :N_BODY]
    confidence[:, [SMPLX.index(name) for name in ("jaw", "left_eye", "right_eye")]] = body.confidence[:, [15]]
    names = skeleton_of(body.family).names
    for joint, name in enumerate(SMPLX.names[N_BODY:], start=N_BODY):
        if name in names:  # SMPL-H has fingers of its own
            rotations[:, joint], confidence[:, joint] = body.rotations[:, names.index(name)], body.confidence[:, names.index(name)]
    return LiftedBody("smplx", model.name, betas, rotations, body.translation + own[0] - root, confidence)


def fitted_betas(model: BodyModel, joints: Float[Array, "22 3"]) -> Float[NDArray[np.float64], " B"]:
    """The shape whose rest joints lie about its pelvis as these do about theirs: least squares, cheap shapes first."""
    places = list(_TORSO_AND_LIMBS)
    wanted = (joints - joints[0])[places] - (model.joint_template - model.joint_template[0])[places]
    moved = (model.joint_shapedirs - model.joint_shapedirs[:1])[places].reshape(3 * len(places), -1)
    cost = SHAPE_COST * np.sqrt(len(places)) * np.eye(moved.shape[1])
    return np.linalg.lstsq(np.concatenate([moved, cost]), np.concatenate([wanted.reshape(-1), np.zeros(moved.shape[1])]), rcond=None)[0]


def _target(model: str) -> str:
    """The user's own SMPL-X where the body is one of the user's, else the bundled one."""
    own = model.replace("smplh", "smplx").replace("smpl_", "smplx_")
    return own if own != model and shelf().has(own) and shelf().load(own).family == "smplx" else "open_human_x"


@lru_cache(maxsize=4)
def _relaxed(name: str) -> Float[NDArray[np.float64], "55 3 3"]:
    """R_parent_joint of a hand at rest, identity elsewhere."""
    model = shelf().load(name)
    pose = np.zeros((SMPLX.n_joints, 3))
    for place, side in enumerate(("left", "right")):
        fingers = hand_joints(side)[1:]
        bend = np.array([0.0, 0.0, -RELAXED if side == "left" else RELAXED])
        pose[fingers] = model.hands.mean[place].reshape(15, 3) if model.hands is not None else bend
    return matrix_from_axis_angle(pose)
