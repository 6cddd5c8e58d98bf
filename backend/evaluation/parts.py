"""Part labels gathered into the few parts that a figure of thirty pixels still shows."""

import numpy as np
from numpy.typing import NDArray

from revision_blender.masks.labels import PART_LABELS

PARTS = (
    "head", "torso", "left upper arm", "right upper arm", "left forearm", "right forearm",
    "left thigh", "right thigh", "left shin", "right shin",
    "animal head", "animal torso", "animal front legs", "animal back legs", "object",
)  # fmt: skip

_HUMAN = {
    "pelvis": "torso", "spine1": "torso", "spine2": "torso", "spine3": "torso", "collar": "torso", "neck": "head", "head": "head",
    "hip": "thigh", "knee": "shin", "ankle": "shin", "foot": "shin",
    "shoulder": "upper arm", "elbow": "forearm", "wrist": "forearm", "hand": "forearm",
}  # fmt: skip
_ANIMAL = {"torso": "torso", "tail": "torso", "front": "front legs", "back": "back legs"}  # all others belong to the head


def _part_of(name: str, kind: str) -> int:
    """Place in ``PARTS`` counted from 1; 0 for the background."""
    if kind == "background":
        return 0
    own = name.rsplit(".", maxsplit=1)[-1]
    if kind == "object":
        return 1 + PARTS.index("object")
    if kind == "animal":
        return 1 + PARTS.index("animal " + _ANIMAL.get(own.split("_")[0], "head"))
    side, _, rest = own.partition("_")
    if side in ("left", "right"):
        part = _HUMAN[rest]
        return 1 + PARTS.index(part if part == "torso" else f"{side} {part}")
    return 1 + PARTS.index(_HUMAN[own])


PART_OF_LABEL: NDArray[np.uint8] = np.array([_part_of(row.name, row.kind) for row in PART_LABELS], np.uint8)


def parts_of(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label images of any shape to parts: 0 background, otherwise the place in ``PARTS`` counted from 1."""
    return PART_OF_LABEL[labels]
