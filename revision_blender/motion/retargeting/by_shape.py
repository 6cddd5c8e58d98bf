"""The roles of joints by the skeleton's shape alone: for names that say nothing.

Two pairs of branches mirror each other: the pair that ends lower is the legs, the other the arms. Where the legs meet are the
hips, where the arms meet is the chest, what rises between the arms is neck and head. In a branch the last two neighbouring long
bones are thigh and shank, or upper arm and forearm. Feet and knees point forward, and so tell left from right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .capture import Capture
from .roles import Roles, is_above, meeting

Array = NDArray[np.floating]

_ALIKE = 0.12  # relative difference of length up to which two branches may mirror each other
_LONG = 0.6  # of the longest bone in a branch: thigh, shank, upper arm and forearm are longer
_MIN_BRANCH = 0.15  # of the skeleton's size: shorter pairs are fingers, eyes or ears
_FRAMES_LOOKED_AT = 64


@dataclass(frozen=True)
class _Branch:
    """One way from a child of ``start`` to the leaf farthest along it."""

    start: int
    joints: tuple[int, ...]
    length: float

    @property
    def end(self) -> int:
        return self.joints[-1]


def roles_by_shape(capture: Capture) -> Roles | None:
    """The roles that the shape tells; None where there are no two mirrored pairs of limbs."""
    look = np.unique(np.linspace(0, capture.n_frames - 1, _FRAMES_LOOKED_AT).astype(int))
    pairs = _mirrored_pairs(capture)
    chosen = _legs_and_arms(capture, pairs, look)
    if chosen is None:
        return None
    legs, arms = chosen
    parts = [_two_bones(capture, branch) for branch in (*legs, *arms)]
    if any(part is None for part in parts):
        return None
    joints = [part for part in parts if part is not None]
    hips = meeting(capture, legs[0].end, legs[1].end)
    chest = meeting(capture, arms[0].end, arms[1].end)
    if chest != hips and not is_above(capture, hips, chest):
        return None
    ahead = _ahead(capture, joints[:2], (legs[0].end, legs[1].end), look)
    left = _left_first(capture, joints[:2], ahead, look), _left_first(capture, joints[2:], ahead, look)
    limbs: dict[str, int] = {}
    for first, (a, b), names in zip(
        left, (joints[:2], joints[2:]), (("thigh", "shank", "foot"), ("upper_arm", "forearm", "hand")), strict=True
    ):
        ordered = (a, b) if first else (b, a)
        for side, limb in zip(("left", "right"), ordered, strict=True):
            limbs |= {f"{side}_{name}": joint for name, joint in zip(names, limb, strict=True)}
    neck = _neck(capture, chest, {arm.joints[0] for arm in arms} | {leg.joints[0] for leg in legs}, look)
    limbs |= _beyond(capture, limbs, chest)
    return Roles(hips, capture.path(chest, hips) if chest != hips else (), neck, limbs, by_name=False)


def _farthest(capture: Capture) -> tuple[Array, NDArray[np.int64]]:
    """For each joint: the longest way down from it, and the child that it begins with (-1 for a leaf)."""
    depth, first = np.zeros(len(capture.names)), np.full(len(capture.names), -1)
    for joint in range(len(capture.names) - 1, 0, -1):
        parent = int(capture.parents[joint])
        reach = depth[joint] + capture.lengths[joint]
        if reach > depth[parent] or first[parent] < 0:
            depth[parent], first[parent] = max(reach, depth[parent]), joint
    return depth, first


def _mirrored_pairs(capture: Capture) -> list[tuple[_Branch, _Branch]]:
    """Pairs of branches of one joint that are equally long, bone by bone as far as the long ones go; the longest pairs first."""
    depth, first = _farthest(capture)
    pairs = []
    for joint, children in enumerate(capture.children):
        branches = [_branch(capture, joint, child, first, depth) for child in children]
        for at, a in enumerate(branches):
            pairs += [(a, b) for b in branches[at + 1 :] if _mirror(capture, a, b)]
    return sorted(pairs, key=lambda pair: -pair[0].length)


def _branch(capture: Capture, start: int, child: int, first: NDArray[np.int64], depth: Array) -> _Branch:
    joints = [child]
    while first[joints[-1]] >= 0:
        joints.append(int(first[joints[-1]]))
    return _Branch(start, tuple(joints), float(depth[child] + capture.lengths[child]))


def _mirror(capture: Capture, a: _Branch, b: _Branch) -> bool:
    if min(a.length, b.length) < _MIN_BRANCH * capture.size or abs(a.length - b.length) > _ALIKE * max(a.length, b.length):
        return False
    longest = [sorted(capture.lengths[list(branch.joints)])[::-1][:3] for branch in (a, b)]
    if len(longest[0]) < 2 or len(longest[0]) != len(longest[1]):
        return False
    return bool(np.allclose(longest[0], longest[1], atol=2.0 * _ALIKE * max(a.length, b.length) / 3.0))


def _legs_and_arms(
    capture: Capture, pairs: list[tuple[_Branch, _Branch]], look: NDArray[np.integer]
) -> tuple[tuple[_Branch, _Branch], tuple[_Branch, _Branch]] | None:
    """The two longest pairs with separate branches; the lower one is the legs."""
    for at, first in enumerate(pairs):
        for second in pairs[at + 1 :]:
            if _apart(capture, first, second):
                heights = [np.mean([_height(capture, branch.end, look) for branch in pair]) for pair in (first, second)]
                if first[0].start == second[0].start or not _on_one_level(capture, first, second, look):
                    return (first, second) if heights[0] < heights[1] else (second, first)
                hind_first = is_above(capture, first[0].start, second[0].start)  # four legs: the tree begins behind
                return (first, second) if hind_first else (second, first)
    return None


def _on_one_level(capture: Capture, a: tuple[_Branch, _Branch], b: tuple[_Branch, _Branch], look: NDArray[np.integer]) -> bool:
    heights = [np.mean([_height(capture, branch.end, look) for branch in pair]) for pair in (a, b)]
    return bool(abs(heights[0] - heights[1]) < 0.15 * min(a[0].length, b[0].length))


def _apart(capture: Capture, a: tuple[_Branch, _Branch], b: tuple[_Branch, _Branch]) -> bool:
    """Whether no branch of one pair lies in a branch of the other."""
    used = {joint for branch in a for joint in branch.joints}
    return all(not used & set(branch.joints) and branch.start not in used for branch in b) and all(
        branch.start not in {joint for other in b for joint in other.joints} for branch in a
    )


def _height(capture: Capture, joint: int, look: NDArray[np.integer]) -> float:
    return float((capture.places[look, joint] @ capture.up_world).mean())


def _two_bones(capture: Capture, branch: _Branch) -> tuple[int, int, int] | None:
    """Start, middle and end joint of the last two neighbouring long bones; joints at one place count as one."""
    places = [branch.start]  # the last joint of each place
    bones: list[float] = []
    for joint in branch.joints:
        if capture.is_at_parents_place(joint):
            places[-1] = joint
        else:
            places.append(joint)
            bones.append(float(capture.lengths[joint]))
    long = [length > _LONG * max(bones) for length in bones] if bones else []
    for at in range(len(bones) - 2, -1, -1):
        if long[at] and long[at + 1]:
            return _names_at(capture, branch, places, at)
    return None


def _names_at(capture: Capture, branch: _Branch, places: list[int], at: int) -> tuple[int, int, int]:
    if places[at] == branch.start:
        return branch.joints[0], places[at + 1], places[at + 2]  # the bone hangs on the meeting joint itself
    return places[at], places[at + 1], places[at + 2]


def _left_first(capture: Capture, pair: list[tuple[int, int, int]], ahead: Array, look: NDArray[np.integer]) -> bool:
    """Whether the first limb of the pair is the left one; ahead: ``(frames, 3)``."""
    across = capture.places[look, pair[0][0]] - capture.places[look, pair[1][0]]
    return bool((np.cross(capture.up_world, ahead) * across).sum() > 0.0)


def _ahead(capture: Capture, legs: list[tuple[int, int, int]], ends: tuple[int, ...], look: NDArray[np.integer]) -> Array:
    """``(frames, 3)`` where the body faces: where knees bend to, and along the feet; its length says how sure it is."""
    forward = np.zeros((len(look), 3))
    for (hip, knee, ankle), end in zip(legs, ends, strict=True):
        leg = capture.places[look, ankle] - capture.places[look, hip]
        straight = leg / np.maximum(np.linalg.norm(leg, axis=-1, keepdims=True), 1e-9)
        bent = capture.places[look, knee] - capture.places[look, hip]
        forward += bent - straight * (bent * straight).sum(-1, keepdims=True)
        forward += capture.places[look, end] - capture.places[look, ankle]
    return forward - np.outer(forward @ capture.up_world, capture.up_world)


def _neck(capture: Capture, chest: int, taken: set[int], look: NDArray[np.integer]) -> tuple[int, ...]:
    """The way to the highest leaf that hangs on the chest and is no limb, without end sites."""
    depth, first = _farthest(capture)
    free = [child for child in capture.children[chest] if child not in taken and depth[child] + capture.lengths[child] > 0.0]
    if not free:
        return ()
    child = max(free, key=lambda joint: depth[joint] + capture.lengths[joint])
    joints = _branch(capture, chest, child, first, depth).joints
    moving = [joint for joint in joints if depth[joint] > 0.0]  # the last place is the crown, not the head's joint
    return tuple(moving) if moving else joints[:1]


def _beyond(capture: Capture, limbs: dict[str, int], chest: int) -> dict[str, int]:
    """Toes and collars, where there are joints for them."""
    depth, first = _farthest(capture)
    more = {}
    for side in ("left", "right"):
        toe = int(first[limbs[f"{side}_foot"]])
        while toe >= 0 and capture.is_at_parents_place(toe):
            toe = int(first[toe])
        if toe >= 0 and depth[toe] > 0.0:
            more[f"{side}_toe"] = toe
        way = capture.path(limbs[f"{side}_upper_arm"], chest)[:-1]
        if way:
            more[f"{side}_clavicle"] = way[0]
    return more
