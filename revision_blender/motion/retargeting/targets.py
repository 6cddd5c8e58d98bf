"""What each joint of a body takes from a capture, for people (SMPL, SMPL-H, SMPL-X) and for animals (SMAL).

A joint ``points`` where its bone begins and ends at the same anatomical places in both skeletons: its bone's direction in the
world is the capture's. Elsewhere (trunk, collars, feet) the two skeletons' bones begin at other places and the joint ``turns``:
it is turned from its rest pose as the capture's part is turned from its own.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from ..skeletons import skeleton_of
from .roles import FINGERS, SIDES

How = Literal["points", "turns", "follows"]


@dataclass(frozen=True)
class Target:
    """One joint of a body.

    how: "points" along ``end``'s direction, "turns" with the trunk's rest pose as reference, "follows" with its parent's.
    role: what it is in ``Roles.limbs``, or "trunk", "neck", "tail", or "left_index" …; at: which joint of such a chain, as a part
    of its length (trunk, neck) or a number (fingers, tail). end: the body's joint where its bone ends.
    """

    joint: int
    how: How
    role: str
    at: float = 0.0
    end: int | None = None


@cache
def targets_of(family: str) -> tuple[Target, ...]:
    """The targets of a family's joints, parents first; joints that nothing drives are left out."""
    made = _animal() if family == "smal" else _person(family)
    return tuple(sorted(made, key=lambda target: target.joint))


def _person(family: str) -> list[Target]:
    skeleton = skeleton_of(family)
    number = skeleton.index
    made = [Target(number(name), "turns", "trunk", at / 3.0) for at, name in enumerate(("pelvis", "spine1", "spine2", "spine3"))]
    made += [Target(number("neck"), "turns", "neck", 0.0), Target(number("head"), "turns", "neck", 1.0)]
    for side in SIDES:
        bones = (("hip", "thigh", "knee"), ("knee", "shank", "ankle"), ("shoulder", "upper_arm", "elbow"), ("elbow", "forearm", "wrist"))
        made += [Target(number(f"{side}_{a}"), "points", f"{side}_{role}", end=number(f"{side}_{b}")) for a, role, b in bones]
        made.append(Target(number(f"{side}_collar"), "turns", f"{side}_clavicle"))
        made += [Target(number(f"{side}_{name}"), "follows", f"{side}_{role}") for name, role in (("ankle", "foot"), ("foot", "toe"))]
        middle = f"{side}_hand" if family == "smpl" else f"{side}_middle1"
        made.append(Target(number(f"{side}_wrist"), "points", f"{side}_hand", end=number(middle)))
        if family != "smpl":
            made += _fingers(family, side)
    return made


def _fingers(family: str, side: str) -> list[Target]:
    number = skeleton_of(family).index
    made = []
    for finger in FINGERS:
        joints = [number(f"{side}_{finger}{segment}") for segment in (1, 2, 3)]
        role = f"{side}_{finger}"
        made += [Target(joints[at], "points", role, at, joints[at + 1]) for at in (0, 1)]
        made.append(Target(joints[2], "follows", role, 2))
    return made


def _animal() -> list[Target]:
    number = skeleton_of("smal").index
    trunk = ("root", "pelvis", "spine", "spine0", "spine1", "spine2", "spine3")
    made = [Target(number(name), "turns", "trunk", at / 6.0) for at, name in enumerate(trunk)]
    made.append(Target(number("neck"), "points", "neck", 0.0, number("head")))
    made.append(Target(number("head"), "turns", "neck", 1.0))
    for side in SIDES:
        for end, roles in (("front", ("upper_arm", "forearm", "hand", "fingertip")), ("back", ("thigh", "shank", "foot", "toe"))):
            joints = [number(f"{side}_{end}_{name}") for name in ("leg1", "leg2", "leg3", "foot")]
            made += [Target(joints[at], "points", f"{side}_{roles[at]}", end=joints[at + 1]) for at in range(3)]
            made.append(Target(joints[3], "follows", f"{side}_{roles[3]}"))
    made += [Target(number(f"tail{at + 1}"), "points", "tail", at / 6.0, number(f"tail{at + 2}")) for at in range(6)]
    made.append(Target(number("tail7"), "follows", "tail", 1.0))
    return made
