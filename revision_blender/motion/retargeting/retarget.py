"""Any captured skeleton's motion on a body: bone directions kept, the root carried by the legs' length.

With ``W`` the capture's world rotation of the part that drives a joint and ``A`` how the body stands in the reference pose, the
body's world rotation is ``W A``, turned by the smallest angle so that a bone between equal places points exactly where the
captured one points. A joint that a person cannot turn so far stops where it can; the bones below still find their direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import Identity
from ..errors import MotionFileError
from ..rotation import matrix_from_axis_angle, quaternion_from_matrix
from ..skeletons import skeleton_of
from .capture import UP, Capture
from .limits import within_limits
from .match import leg_length
from .reference import aligned, body_frame, reference_of
from .roles import SIDES, Roles
from .sources import Drive, drive_of
from .targets import Target, targets_of
from .turns import frame_of, smallest_turns, unit

Array = NDArray[np.floating]

_FOREARM_PART = 0.6  # of a hand's turn about the forearm that is made by the forearm


@dataclass(frozen=True, eq=False)
class Retargeted:
    """rotations: ``(F, J, 3, 3)`` R_parent_joint, joint 0 to the world. translation: ``(F, 3)`` metres, SMPL's way.

    driven: ``(J,)`` which joints the capture moves. stopped: ``(F, J)`` where a joint was brought back into a person's limits.
    """

    rotations: Array
    translation: Array
    driven: NDArray[np.bool_]
    stopped: NDArray[np.bool_]


def retarget(capture: Capture, roles: Roles, identity: Identity) -> Retargeted:
    """The capture, in metres, on a body of any family.

    The world stays the capture's. Joints that the capture lacks go with their parents (hands hang relaxed where the body knows
    how). The hips' height and path are scaled by the legs' length, so that the floor stays where it is.
    """
    family = identity.model.family
    targets = targets_of(family)
    drives = {target.joint: drive for target in targets if (drive := drive_of(capture, roles, target)) is not None}
    wanted = _wanted(capture, roles, identity, targets, drives)
    ends = {target.joint: target.end for target in targets}
    bones = {joint: drive.bone for joint, drive in drives.items()}
    rotations, world_root, stopped = _solved(capture, identity, wanted, bones, ends)
    translation = _translation(capture, roles, identity, world_root)
    if not (np.isfinite(rotations).all() and np.isfinite(translation).all()):
        raise MotionFileError("the skeleton's bones have no direction in some frames; its offsets are damaged")
    driven = np.zeros(len(identity.joints_rest), dtype=bool)
    driven[list(drives)] = True
    return Retargeted(rotations, translation, driven, stopped)


def _wanted(
    capture: Capture, roles: Roles, identity: Identity, targets: tuple[Target, ...], drives: Mapping[int, Drive]
) -> dict[int, Array]:
    """World rotations ``(F, 3, 3)`` of the driven joints before bones are pointed."""
    animal = identity.model.family == "smal"
    reference = reference_of(capture, roles, animal)
    frame = body_frame(reference.places, roles, capture.up_world, animal)
    # SMAL's animals are z up and face +x, people y up and face +z: columns are left, up, forward
    rest_frame = frame_of(UP["z"], np.array([0.0, 1.0, 0.0])) if animal else np.eye(3)
    A = aligned(reference, frame, rest_frame, identity.joints_rest, identity.model.parents, targets, dict(drives))
    wanted = {joint: drive.rotations(capture.rotations) @ A[joint] for joint, drive in drives.items()}
    return wanted if animal else _forearms_turned(wanted, identity)


def _forearms_turned(wanted: dict[int, Array], identity: Identity) -> dict[int, Array]:
    """Part of each hand's turn about its forearm given to the forearm, whose two bones make it; many captures leave it to the wrist."""
    number = skeleton_of(identity.model.family).index
    shared = dict(wanted)
    for side in SIDES:
        elbow, wrist = number(f"{side}_elbow"), number(f"{side}_wrist")
        if elbow in wanted and wrist in wanted:
            axis = unit(identity.joints_rest[wrist] - identity.joints_rest[elbow])
            quaternion = quaternion_from_matrix(np.swapaxes(wanted[elbow], -1, -2) @ wanted[wrist])
            turn = 2.0 * np.arctan2(quaternion[:, 1:] @ axis, quaternion[:, 0])
            turn = np.unwrap((turn + np.pi) % (2.0 * np.pi) - np.pi)
            turn = turn - 2.0 * np.pi * np.round(np.median(turn) / (2.0 * np.pi))
            shared[elbow] = wanted[elbow] @ matrix_from_axis_angle(_FOREARM_PART * turn[:, None] * axis)
    return shared


def _solved(
    capture: Capture, identity: Identity, wanted: Mapping[int, Array],
    bones: Mapping[int, tuple[int, int] | None], ends: Mapping[int, int | None],
) -> tuple[Array, Array, NDArray[np.bool_]]:  # fmt: skip
    """Rotations ``(F, J, 3, 3)`` to the parents, the root's ``(F, 3, 3)``, and where limits stopped joints ``(F, J)``."""
    parents, rest = identity.model.parents, identity.joints_rest
    names = skeleton_of(identity.model.family).names
    relaxed = _relaxed(identity)
    n_frames = capture.n_frames
    rotations = np.tile(np.eye(3), (n_frames, len(parents), 1, 1))
    world = np.empty_like(rotations)
    stopped = np.zeros((n_frames, len(parents)), dtype=bool)
    for joint, parent in enumerate(parents):
        above = world[:, parent] if parent >= 0 else np.eye(3)
        if joint in wanted:
            target, bone, end = wanted[joint], bones[joint], ends[joint]
            if bone is not None and end is not None:
                theirs = unit(capture.places[:, bone[1]] - capture.places[:, bone[0]])
                target = smallest_turns(target @ unit(rest[end] - rest[joint]), theirs) @ target
            rotations[:, joint] = np.swapaxes(above, -1, -2) @ target
            if parent >= 0 and identity.model.family != "smal":
                rotations[:, joint], stopped[:, joint] = within_limits(names[joint], rotations[:, joint])
        elif joint in relaxed:
            rotations[:, joint] = relaxed[joint]
        world[:, joint] = above @ rotations[:, joint]
    return rotations, world[:, 0], stopped


def _relaxed(identity: Identity) -> dict[int, Array]:
    """The hands' mean pose, where the body has one."""
    hands = identity.model.hands
    if hands is None:
        return {}
    first = {"smplh": 22, "smplx": 25}.get(identity.model.family)
    if first is None:
        return {}
    pose = matrix_from_axis_angle(np.asarray(hands.mean, dtype=np.float64).reshape(30, 3))
    return {first + number: pose[number] for number in range(30)}


def _legs(family: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    number = skeleton_of(family).index
    names = ("back_leg1", "back_leg2", "back_leg3") if family == "smal" else ("hip", "knee", "ankle")
    left, right = (tuple(number(f"{side}_{name}") for name in names) for side in SIDES)
    return left, right


def body_leg_length(identity: Identity) -> float:
    """Hip to knee to ankle (hock) in metres, mean of both legs."""
    legs = [np.linalg.norm(np.diff(identity.joints_rest[list(leg)], axis=0), axis=-1).sum() for leg in _legs(identity.model.family)]
    return float(np.mean(legs))


def _translation(capture: Capture, roles: Roles, identity: Identity, root: Array) -> Array:
    thighs = [roles.limbs[f"{side}_thigh"] for side in SIDES]
    scale = body_leg_length(identity) / leg_length(capture, roles)
    rest = identity.joints_rest
    hips = [leg[0] for leg in _legs(identity.model.family)]
    middle = rest[hips].mean(axis=0) - rest[0]
    return capture.places[:, thighs].mean(axis=1) * scale - root @ middle - rest[0]
