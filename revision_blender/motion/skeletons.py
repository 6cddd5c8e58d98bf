"""The skeletons of the SMPL family and of SMAL: joint names in the order of the files, and who hangs on whom.

Sources: SMPL-H's and SMPL-X's order is that of the smplx package (root, 21 body joints, then for SMPL-X jaw and eyes, then 15
joints of the left hand and 15 of the right, fingers in the order index, middle, little, ring, thumb). SMAL's tree and names
are those of SMALST and AniMer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..masks.labels import ANIMAL_PART_NAMES, FIRST_ANIMAL, FIRST_HUMAN, SMPL_JOINT_NAMES
from .errors import BodyModelError

Family = Literal["smpl", "smplh", "smplx", "smal"]
FAMILIES: tuple[Family, ...] = ("smpl", "smplh", "smplx", "smal")

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_BODY = SMPL_JOINT_NAMES[:22]
_BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)


def _hand(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{finger}{segment}" for finger in _FINGERS for segment in (1, 2, 3))


def _hand_parents(first: int, wrist: int) -> tuple[int, ...]:
    return tuple(wrist if number % 3 == 0 else first + number - 1 for number in range(15))


_SMAL_NAMES = (
    "root", "pelvis", "spine", "spine0", "spine1", "spine2", "spine3",
    "left_front_leg1", "left_front_leg2", "left_front_leg3", "left_front_foot",
    "right_front_leg1", "right_front_leg2", "right_front_leg3", "right_front_foot", "neck", "head",
    "left_back_leg1", "left_back_leg2", "left_back_leg3", "left_back_foot",
    "right_back_leg1", "right_back_leg2", "right_back_leg3", "right_back_foot",
    "tail1", "tail2", "tail3", "tail4", "tail5", "tail6", "tail7", "mouth", "left_ear", "right_ear",
)  # fmt: skip
_SMAL_PARENTS = (
    -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 11, 12, 13, 6, 15, 0, 17, 18, 19, 0, 21, 22, 23, 0, 25, 26, 27, 28, 29, 30, 16, 16, 16,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Skeleton:
    """One family's joints. parents: ``(J,)``, the root's is -1. part_labels: ``(J,)`` the part label a joint's skin carries."""

    family: Family
    names: tuple[str, ...]
    parents: NDArray[np.int64]
    part_labels: NDArray[np.uint8]

    @property
    def n_joints(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Number of the joint of that name; ``BodyModelError`` where the skeleton has none."""
        if name not in self.names:
            raise BodyModelError(f"the {self.family} skeleton has no joint {name!r}; its joints are {', '.join(self.names[:6])} …")
        return self.names.index(name)


def _human_part(name: str) -> int:
    if name in SMPL_JOINT_NAMES:
        return FIRST_HUMAN + SMPL_JOINT_NAMES.index(name)
    part = f"{name.split('_', maxsplit=1)[0]}_hand" if name.startswith(("left_", "right_")) and "eye" not in name else "head"
    return FIRST_HUMAN + SMPL_JOINT_NAMES.index(part)


def _animal_part(name: str) -> int:
    if name.startswith(("root", "pelvis", "spine")):
        part = "torso"
    elif name.startswith("tail"):
        part = "tail"
    elif "_leg" in name or "_foot" in name:
        side, end, which = name.split("_")
        part = f"{end}_{side}_{'upper' if which in ('leg1', 'leg2') else 'lower'}"
    else:
        part = name
    return FIRST_ANIMAL + ANIMAL_PART_NAMES.index(part)


def _skeleton(family: Family, names: tuple[str, ...], parents: tuple[int, ...]) -> Skeleton:
    part = _animal_part if family == "smal" else _human_part
    return Skeleton(family, names, np.array(parents, dtype=np.int64), np.array([part(name) for name in names], dtype=np.uint8))


_SMPLH_HANDS = _hand("left") + _hand("right")
SMPL = _skeleton("smpl", SMPL_JOINT_NAMES, (*_BODY_PARENTS, 20, 21))
SMPLH = _skeleton("smplh", _BODY + _SMPLH_HANDS, _BODY_PARENTS + _hand_parents(22, 20) + _hand_parents(37, 21))
SMPLX = _skeleton(
    "smplx",
    (*_BODY, "jaw", "left_eye", "right_eye", *_SMPLH_HANDS),
    (*_BODY_PARENTS, 15, 15, 15, *_hand_parents(25, 20), *_hand_parents(40, 21)),
)
SMAL = _skeleton("smal", _SMAL_NAMES, _SMAL_PARENTS)

SKELETONS: dict[str, Skeleton] = {skeleton.family: skeleton for skeleton in (SMPL, SMPLH, SMPLX, SMAL)}


def skeleton_of(family: str) -> Skeleton:
    """The skeleton of a family by name; ``BodyModelError`` for one that is not known."""
    if family not in SKELETONS:
        raise BodyModelError(f"the body family {family!r} is not known; known are {', '.join(FAMILIES)}")
    return SKELETONS[family]
