"""The roles of a capture's joints: by name where the names tell, by shape where not; its unit and its up axis."""

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from ..files.motion_file import Up
from .by_name import roles_by_name
from .by_shape import roles_by_shape
from .capture import Capture
from .roles import SIDES, Roles, carrier

Array = NDArray[np.floating]

HUMAN_LEG = 0.82  # metres hip to ankle: mean of adults
ANIMAL_LEG = 0.40  # metres, of a dog
UNITS = {
    "metres": 1.0, "feet": 0.3048, "CMU's unit": 0.0254 / 0.45, "inches": 0.0254, "centimetres": 0.01, "millimetres": 0.001,
}  # fmt: skip
_NEXT = {"clavicle": "upper_arm", "upper_arm": "forearm", "forearm": "hand", "thigh": "shank", "shank": "foot", "foot": "toe"}


def roles_of(capture: Capture) -> Roles:
    """Which joint is what; ``MotionFileError`` where neither names nor shape show two arms and two legs."""
    found = roles_by_name(capture) or roles_by_shape(capture)
    if found is None:
        raise MotionFileError(
            f"the skeleton's {len(capture.names)} joints ({', '.join(capture.names[:6])} …) show no two arms and two legs; "
            "rename them as in CMU's, Mixamo's or SMPL's skeletons and try again"
        )
    return _completed(capture, found)


def _completed(capture: Capture, found: Roles) -> Roles:
    """Every part with the joint where it ends, and carried by the deepest joint at its place."""
    limbs, ends = dict(found.limbs), {}
    for side in SIDES:
        if f"{side}_hand" not in limbs:
            limbs |= _given(f"{side}_hand", _onward(capture, limbs[f"{side}_forearm"]))
        if f"{side}_foot" not in limbs:
            limbs |= _given(f"{side}_foot", _onward(capture, limbs[f"{side}_shank"]))
    for role, joint in limbs.items():
        side, part = role.split("_", maxsplit=1)
        end = limbs.get(f"{side}_{_NEXT.get(part, '')}")
        if part == "hand":
            end = next(iter(found.fingers.get(f"{side}_middle", ())), None)
        if end is None:
            end = _onward(capture, joint)
        if end is not None:
            ends[role] = end
    carried = {role: carrier(capture, joint, ends.get(role)) for role, joint in limbs.items()}
    deepest = {joint: carried[role] for role, joint in limbs.items()}
    return replace(found, limbs=carried, ends={role: deepest.get(end, end) for role, end in ends.items()})


def _given(role: str, joint: int | None) -> dict[str, int]:
    return {} if joint is None else {role: joint}


def _onward(capture: Capture, joint: int) -> int | None:
    """The next place on the longest way down from a joint; None where there is none."""
    ways = {child: _reach(capture, child) for child in capture.children[joint]}
    if not ways or max(ways.values()) <= 1e-3 * capture.size:
        return None
    child = max(ways, key=lambda below: ways[below])
    return _onward(capture, child) if capture.is_at_parents_place(child) else child


def _reach(capture: Capture, joint: int) -> float:
    """Length of the longest way from the parent through a joint to a leaf; the tree's depth is bounded by the readers."""
    farthest = {joint: float(capture.lengths[joint])}
    for below in range(joint + 1, len(capture.names)):
        parent = int(capture.parents[below])
        if parent in farthest:
            farthest[below] = farthest[parent] + float(capture.lengths[below])
    return max(farthest.values())


def leg_length(capture: Capture, roles: Roles) -> float:
    """Hip to knee to ankle at rest, mean of both legs, in the capture's unit."""
    total = 0.0
    for side in SIDES:
        joints = [roles.limbs[f"{side}_{part}"] for part in ("thigh", "shank", "foot") if f"{side}_{part}" in roles.limbs]
        total += float(np.linalg.norm(np.diff(capture.rest[joints], axis=0), axis=-1).sum())
    if not total > 0.0:
        raise MotionFileError("the skeleton's legs have no length; its offsets are damaged, or it is no body")
    return total / 2.0


def unit_of(capture: Capture, roles: Roles) -> str:
    """The unit in which the legs are nearest to a body's."""
    wanted = ANIMAL_LEG if is_animal(capture, roles) else HUMAN_LEG
    length = leg_length(capture, roles)
    return min(UNITS, key=lambda unit: abs(np.log(length * UNITS[unit] / wanted)))


def is_animal(capture: Capture, roles: Roles) -> bool:
    """Whether it goes on four legs: it has a tail, or its trunk lies level and its front legs reach down at rest."""
    if roles.tail:
        return True
    trunk = _middle(capture.rest, roles, "upper_arm") - _middle(capture.rest, roles, "thigh")
    arms, legs = (
        _middle(capture.rest, roles, a) - _middle(capture.rest, roles, b) for a, b in (("forearm", "upper_arm"), ("shank", "thigh"))
    )
    if min(np.linalg.norm(v) for v in (trunk, arms, legs)) < 1e-9 * capture.size:
        return False
    trunk, arms, legs = (v / np.linalg.norm(v) for v in (trunk, arms, legs))
    return bool(arms @ legs > 0.8 and abs(trunk @ legs) < 0.5)


def _middle(places: Array, roles: Roles, part: str) -> Array:
    """The point between the left and the right joint; places ``(..., J, 3)``."""
    return 0.5 * (places[..., roles.limbs[f"left_{part}"], :] + places[..., roles.limbs[f"right_{part}"], :])


def up_of(capture: Capture, roles: Roles) -> Up:
    """The world's axis that points up: the one along which hips are above ankles, over all frames and at rest."""
    foot = "foot" if "left_foot" in roles.limbs and "right_foot" in roles.limbs else "shank"
    over = (_middle(capture.places, roles, "thigh") - _middle(capture.places, roles, foot)).mean(axis=0)
    at_rest = _middle(capture.rest, roles, "thigh") - _middle(capture.rest, roles, foot)
    length = max(float(np.linalg.norm(at_rest)), 1e-9)
    over = over / length
    if np.abs(over).max() < 0.6:  # nobody stands long enough to say
        over = at_rest / length
    return cast(Up, "y" if abs(over[1]) >= abs(over[2]) else "z")
