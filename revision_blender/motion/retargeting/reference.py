"""The pose in which a capture and a body are held against each other: how the body stands where the capture does.

Usually the capture's rest pose, a person standing with the arms out or down. Where a file's rest pose is no pose of a body at
all (bones drawn along one axis), the frame in which the body stands straightest takes its place.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .capture import Capture
from .roles import SIDES, Roles
from .sources import Drive
from .targets import Target
from .turns import angles, frame_of, smallest_turns, unit

Array = NDArray[np.floating]

_LEVEL = np.radians(30.0)  # a trunk nearer to upright than this is upright


@dataclass(frozen=True)
class Reference:
    """places: ``(J, 3)`` of the capture. rotations: ``(J, 3, 3)`` R_world_joint there. is_rest: whether it is the rest pose."""

    places: Array
    rotations: Array
    is_rest: bool


def reference_of(capture: Capture, roles: Roles, animal: bool) -> Reference:
    """The rest pose where it is a standing body's, otherwise the straightest frame."""
    if animal or _bend(capture.rest[None], roles)[0] < np.radians(60.0):
        return Reference(capture.rest, np.tile(np.eye(3), (len(capture.names), 1, 1)), True)
    frame = int(np.argmin(_bend(capture.places, roles)))
    return Reference(capture.places[frame], capture.rotations[frame], False)


def _bend(places: Array, roles: Roles) -> Array:
    """``(F,)`` radians: how far legs are from going on straight under the trunk, the worst of hips and knees."""
    trunk = _between(places, roles, "upper_arm") - _between(places, roles, "thigh")
    worst = np.zeros(len(places))
    for side in SIDES:
        thigh = places[:, roles.limbs[f"{side}_shank"]] - places[:, roles.limbs[f"{side}_thigh"]]
        bends = [angles(-trunk, thigh)]
        if f"{side}_foot" in roles.limbs:
            bends.append(angles(thigh, places[:, roles.limbs[f"{side}_foot"]] - places[:, roles.limbs[f"{side}_shank"]]))
        worst = np.maximum(worst, np.max(bends, axis=0))
    return worst


def _between(places: Array, roles: Roles, part: str) -> Array:
    return 0.5 * (places[:, roles.limbs[f"left_{part}"]] + places[:, roles.limbs[f"right_{part}"]])


def body_frame(places: Array, roles: Roles, up: Array, animal: bool) -> Array:
    """``(3, 3)`` columns left, up and forward of a body at ``places`` ``(J, 3)``: square to ``up`` where it stands upright."""
    left = places[roles.limbs["left_thigh"]] - places[roles.limbs["right_thigh"]]
    left = left + places[roles.limbs["left_upper_arm"]] - places[roles.limbs["right_upper_arm"]]
    trunk = (_between(places[None], roles, "upper_arm") - _between(places[None], roles, "thigh"))[0]
    if animal:
        return frame_of(unit(np.cross(trunk, left)), left)
    return frame_of(up if angles(trunk, up) < _LEVEL else trunk, left)


def aligned(
    reference: Reference, frame: Array, body_frame_rest: Array, joints_rest: Array, parents: NDArray[np.integer],
    targets: tuple[Target, ...], drives: dict[int, Drive],
) -> dict[int, Array]:  # fmt: skip
    """For each driven joint the ``(3, 3)`` by which the capture's world rotation is multiplied to be the body's.

    frame, body_frame_rest: ``body_frame`` of the reference and of the body's rest pose. joints_rest: ``(J, 3)`` of the body.
    The body is posed as the capture stands: trunk upright as it is, then limb by limb the smallest turn from the parent's.
    """
    R_root = frame @ body_frame_rest.T
    posed: dict[int, Array] = {-1: R_root}
    by_joint = {target.joint: target for target in targets}
    for joint, parent in enumerate(parents):
        target = by_joint.get(joint)
        posed[joint] = posed[int(parent)]
        if target is None or joint not in drives:
            continue
        if target.how == "turns":
            posed[joint] = R_root
        elif target.how == "points" and drives[joint].bone is not None and target.end is not None:
            start, end = drives[joint].bone or (0, 0)
            ours = unit(posed[joint] @ (joints_rest[target.end] - joints_rest[joint]))
            posed[joint] = smallest_turns(ours, unit(reference.places[end] - reference.places[start])) @ posed[joint]
    return {joint: _turned_back(drive, reference) @ posed[joint] for joint, drive in drives.items()}


def _turned_back(drive: Drive, reference: Reference) -> Array:
    return drive.rotations(reference.rotations[None])[0].T
