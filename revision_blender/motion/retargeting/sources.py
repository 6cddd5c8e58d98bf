"""Which rotation and which bone of a capture drives a joint of a body."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..rotation import slerp
from .capture import Capture
from .roles import Roles
from .targets import Target

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Drive:
    """One joint's source. joint, other, part: the capture's rotation is that of ``joint``, or ``part`` of the way to ``other``'s.

    bone: the two joints of the capture between which the bone lies, where it is to be kept.
    """

    joint: int
    other: int
    part: float
    bone: tuple[int, int] | None

    def rotations(self, world: Array) -> Array:
        """``(F, 3, 3)`` of ``(F, J, 3, 3)``."""
        if self.part <= 0.0 or self.joint == self.other:
            return world[:, self.joint]
        return slerp(world[:, self.joint], world[:, self.other], self.part)


def drive_of(capture: Capture, roles: Roles, target: Target) -> Drive | None:
    """What drives a target; None where the capture has nothing for it, so that it goes with its parent."""
    if target.role == "trunk":
        return _along(roles.trunk, target.at)
    if target.role == "neck":
        return _neck(roles, target)
    if target.role == "tail":
        return _tail(roles, target)
    if target.role in roles.fingers:
        return _finger(capture, roles, target)
    return _limb(roles, target)


def _along(chain: tuple[int, ...], at: float) -> Drive:
    place = at * (len(chain) - 1)
    lower = min(int(place + 1e-9), len(chain) - 1)
    part = place - lower if place - lower > 1e-6 else 0.0
    return Drive(chain[lower], chain[min(lower + 1, len(chain) - 1)], part, None)


def _neck(roles: Roles, target: Target) -> Drive | None:
    moving = roles.neck
    if not moving:
        return None
    bone = (moving[0], moving[len(moving) - 1]) if len(moving) > 1 and target.how == "points" else None
    head = moving[len(moving) - 1]
    if target.at >= 1.0:
        return Drive(head, head, 0.0, None)
    if len(moving) == 1:  # one joint for both: the neck goes half the way
        return Drive(roles.trunk[len(roles.spine)], moving[0], 0.5, None)
    middle = moving[(len(moving) - 1) // 2]
    return Drive(middle, middle, 0.0, bone)


def _tail(roles: Roles, target: Target) -> Drive | None:
    if not roles.tail:
        return None
    drive = _along(roles.tail, target.at)
    at = roles.tail.index(drive.joint)
    bone = (roles.tail[at], roles.tail[at + 1]) if target.how == "points" and at + 1 < len(roles.tail) and drive.part == 0.0 else None
    return Drive(drive.joint, drive.other, drive.part, bone)


def _finger(capture: Capture, roles: Roles, target: Target) -> Drive | None:
    joints = roles.fingers[target.role]
    at = int(target.at)
    if at >= len(joints):
        return None
    below = joints[at + 1] if at + 1 < len(joints) else next(iter(capture.children[joints[at]]), None)
    bone = None if below is None or capture.lengths[below] <= 0.0 or target.how != "points" else (joints[at], below)
    return Drive(joints[at], joints[at], 0.0, bone)


def _limb(roles: Roles, target: Target) -> Drive | None:
    side, part = target.role.split("_", maxsplit=1)
    if part == "fingertip":
        end = roles.ends.get(f"{side}_hand")
        return None if end is None else Drive(end, end, 0.0, None)
    if target.role not in roles.limbs:
        if part == "clavicle":
            return Drive(roles.trunk[len(roles.spine)], roles.trunk[len(roles.spine)], 0.0, None)
        return None
    joint = roles.limbs[target.role]
    end = roles.ends.get(target.role)
    bone = None if end is None or target.how != "points" else (joint, end)
    return Drive(joint, joint, 0.0, bone)
