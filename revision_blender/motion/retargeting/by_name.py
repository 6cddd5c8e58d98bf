"""The roles of joints by what they are called: CMU, Biovision, HumanIK and MotionBuilder, Mixamo, 3ds Max's biped, Xsens,
Rokoko, Poser and Daz, Unreal, VRM, SMPL, DeepMimic.

Names are taken apart into words ("mixamorig:LeftUpLeg", "Bip01 L Thigh", "thigh_l", "lThigh", "lfemur"), the side is found among
them, and what is left is looked up.
"""

import re
from itertools import pairwise

from .capture import Capture
from .roles import FINGERS, NEEDED_PARTS, SIDES, Roles, is_above, meeting

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SIDE = {"left": "left", "l": "left", "lft": "left", "lt": "left", "right": "right", "r": "right", "rgt": "right", "rt": "right"}
_NO_JOINT = {"end", "site", "nub", "tip", "twist", "roll", "metacarpal", "carpal", "ik", "pole", "target", "eff", "effector", "helper"}
_NOISE = {
    "mixamorig",
    "bip",
    "biped",
    "character",
    "def",
    "jnt",
    "bone",
    "rig",
    "skel",
    "skeleton",
    "j",
    "c",
    "b",
    "bn",
    "m",
    "ctrl",
    "org",
}

# what is left of a name -> parts, the likeliest first; "shoulder" is the collar where another joint is the arm
_PARTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("clavicle", "collar", "clav", "scapula"), ("clavicle",)),
    "shoulder": ("clavicle", "upper_arm"),
    **dict.fromkeys(("upperarm", "arm", "uparm", "humerus", "shldr", "shldrbend", "bicep", "armupper", "armup"), ("upper_arm",)),
    **dict.fromkeys(("forearm", "lowerarm", "loarm", "elbow", "radius", "forearmbend", "armlower", "armlow", "lowarm"), ("forearm",)),
    **dict.fromkeys(("wrist", "hand", "palm"), ("hand",)),
    **dict.fromkeys(("thigh", "upleg", "upperleg", "femur", "thighbend", "hip", "legupper", "legup"), ("thigh",)),
    **dict.fromkeys(("shank", "shin", "calf", "leg", "lowerleg", "loleg", "lowleg", "knee", "tibia", "leglower", "leglow"), ("shank",)),
    "ankle": ("foot",),
    "foot": ("foot", "toe"),
    **dict.fromkeys(("toe", "toes", "toebase", "ball", "metatarsals", "football"), ("toe",)),
}
_MIDDLE = {
    **dict.fromkeys(("hips", "hip", "pelvis"), "hips"),
    "head": "head",
    **dict.fromkeys(("neck", "lowerneck", "upperneck", "necklower", "neckupper"), "neck"),
    "tail": "tail",
}  # fmt: skip
_FINGER_WORDS = {name: name for name in FINGERS} | {"mid": "middle", "little": "pinky", "pinkie": "pinky"}
_KNOWN = set(_PARTS) | set(_MIDDLE) | set(_FINGER_WORDS) | {"fingers", "finger"}


def words_of(name: str) -> list[str]:
    """A joint's name as small words, without its namespace: "mixamorig:LeftUpLeg" gives left, up, leg."""
    found = [word.lower() for word in _WORD.findall(name.rsplit(":", maxsplit=1)[-1])]
    whole = [word for word in found if not word.isdigit()]
    if len(whole) == 1 and whole[0][0] in "lr" and whole[0][1:] in _KNOWN:  # "lfemur", "rhand"
        at = found.index(whole[0])
        found[at : at + 1] = [whole[0][0], whole[0][1:]]
    return found


def _plain(words: list[str]) -> tuple[str | None, str, str]:
    """Side, the remaining words joined, and the digits after a finger's."""
    sides = [_SIDE[word] for word in words if word in _SIDE]
    rest = [word for word in words if word not in _SIDE and word not in _NOISE and not word.isdigit()]
    digits = next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "finger" and words[at + 1].isdigit()), "")
    return (sides[0] if sides else None), "".join(rest), digits


class _Found:
    """What the names say, before it is held against the tree."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.limbs: dict[tuple[str, str], list[int]] = {}  # (side, word) to joints, in the file's order
        self.middle: dict[str, list[int]] = {}
        self.fingers: dict[str, list[int]] = {}
        for joint, name in enumerate(capture.names):
            words = words_of(name)
            if not _NO_JOINT & set(words):
                self._add(joint, *_plain(words))

    def _add(self, joint: int, side: str | None, word: str, digits: str) -> None:
        finger = next((finger for key, finger in _FINGER_WORDS.items() if key in word), None)
        if word == "finger" and digits:  # the biped counts fingers from the thumb, then their segments: Finger0, Finger01, Finger1 …
            finger = FINGERS[int(digits[0])] if int(digits[0]) < len(FINGERS) else None
        if side is None:
            if word in _MIDDLE:
                self.middle.setdefault(_MIDDLE[word], []).append(joint)
        elif finger is not None and "toe" not in word and "inhand" not in word:
            self.fingers.setdefault(f"{side}_{finger}", []).append(joint)
        elif word in _PARTS:
            self.limbs.setdefault((side, word), []).append(joint)

    def parts(self, side: str) -> dict[str, int]:
        """Part to joint on one side; of several the one nearest to the root."""
        chosen: dict[str, list[int]] = {}
        arms = any(self.limbs.get((side, word)) for word, parts in _PARTS.items() if parts == ("upper_arm",))
        for (of, word), joints in self.limbs.items():
            if of == side:
                part = _PARTS[word][0]
                if word == "shoulder" and not arms:
                    part = "upper_arm"
                elif word == "foot" and (side, "ankle") in self.limbs:
                    part = "toe"
                chosen.setdefault(part, []).extend(joints)
        return {part: min(joints) for part, joints in chosen.items()}


def roles_by_name(capture: Capture) -> Roles | None:
    """The roles that the names tell; None where they do not tell all that is needed, or the tree contradicts them."""
    found = _Found(capture)
    sides = {side: found.parts(side) for side in SIDES}
    if any(part not in sides[side] for side in SIDES for part in NEEDED_PARTS):
        return None
    if not all(_is_a_limb(capture, parts) for parts in sides.values()):
        return None
    hips = meeting(capture, sides["left"]["thigh"], sides["right"]["thigh"])
    named = [joint for joint in found.middle.get("hips", ()) if is_above(capture, joint, hips)]
    if named and capture.lengths[hips] > 0.0 and hips not in found.middle.get("hips", ()):
        hips = named[-1]  # the biped of 3ds Max hangs the thighs on the spine
    starts = [sides[side].get("clavicle", sides[side]["upper_arm"]) for side in SIDES]
    chest = meeting(capture, *starts)
    while chest in found.middle.get("neck", ()):  # ... and the collars on the neck
        chest = int(capture.parents[chest])
    if chest != hips and not is_above(capture, hips, chest):
        return None
    heads = [joint for joint in found.middle.get("head", ()) if is_above(capture, chest, joint)]
    heads = heads or [joint for joint in found.middle.get("neck", ()) if is_above(capture, chest, joint)][-1:]
    return Roles(
        hips=hips,
        spine=capture.path(chest, hips) if chest != hips else (),
        neck=capture.path(heads[0], chest) if heads else (),
        limbs={f"{side}_{part}": joint for side in SIDES for part, joint in sides[side].items()},
        fingers={name: _one_below_another(capture, joints) for name, joints in found.fingers.items()},
        tail=_one_below_another(capture, found.middle.get("tail", [])),
    )


def _is_a_limb(capture: Capture, parts: dict[str, int]) -> bool:
    for order in (("clavicle", "upper_arm", "forearm", "hand"), ("thigh", "shank", "foot", "toe")):
        there = [parts[part] for part in order if part in parts]
        if not all(is_above(capture, upper, lower) for upper, lower in pairwise(there)):
            return False
    return True


def _one_below_another(capture: Capture, joints: list[int]) -> tuple[int, ...]:
    kept: list[int] = []
    for joint in joints:
        if not kept or is_above(capture, kept[-1], joint):
            kept.append(joint)
    return tuple(kept)
