"""The one table of part labels: name, integer label and conditioning gray value for people, animals and objects.

A label image is ``uint8``, exact, never anti-aliased; 0 is background. The gray value is what the video model sees
(one gray level a part on black, as in the paper's figure 3).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["background", "human", "animal", "object"]

SMPL_JOINT_NAMES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip

ANIMAL_PART_NAMES = (
    "torso", "neck", "head", "mouth", "left_ear", "right_ear", "tail", "front_left_upper", "front_left_lower",
    "front_right_upper", "front_right_lower", "back_left_upper", "back_left_lower", "back_right_upper", "back_right_lower",
)  # fmt: skip

N_OBJECT_LABELS = 8  # objects beyond eight reuse the labels in turn


@dataclass(frozen=True)
class PartLabel:
    """label: value in the label image. gray: value in the conditioning image, 0 to 255."""

    label: int
    name: str
    kind: Kind
    gray: int


def _gray(label: int) -> int:
    return 10 + 5 * label  # 15 .. 250: every label apart by at least 5 levels, none as dark as the background


def _table() -> tuple[PartLabel, ...]:
    objects = tuple(str(index) for index in range(N_OBJECT_LABELS))
    kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (("human", SMPL_JOINT_NAMES), ("animal", ANIMAL_PART_NAMES), ("object", objects))
    names: list[tuple[str, Kind]] = [(f"{kind}.{name}", kind) for kind, members in kinds for name in members]
    rows = [PartLabel(0, "background", "background", 0)]
    rows += [PartLabel(label, name, kind, _gray(label)) for label, (name, kind) in enumerate(names, start=1)]
    return tuple(rows)


PART_LABELS: tuple[PartLabel, ...] = _table()
BACKGROUND = 0
FIRST_HUMAN = 1
FIRST_ANIMAL = FIRST_HUMAN + len(SMPL_JOINT_NAMES)
FIRST_OBJECT = FIRST_ANIMAL + len(ANIMAL_PART_NAMES)

GRAY_OF_LABEL: NDArray[np.uint8] = np.array([row.gray for row in PART_LABELS], dtype=np.uint8)


def conditioning_gray(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label image of any shape to the gray image that conditions the video model."""
    return GRAY_OF_LABEL[labels]
