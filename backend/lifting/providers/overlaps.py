"""Boxes that cover each other: how much, and which of them to keep."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray


def overlap(box: Float[NDArray[np.floating], "4"], boxes: Float[NDArray[np.floating], "N 4"]) -> Float[NDArray[np.floating], " N"]:
    """Intersection over union of one box (left, top, right, bottom) with each of others, in [0, 1]."""
    corner = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(corner.clip(0.0), axis=1)
    areas = np.prod((boxes[:, 2:] - boxes[:, :2]).clip(0.0), axis=1)
    union = np.prod((box[2:] - box[:2]).clip(0.0)) + areas - shared
    return shared / np.maximum(union, 1e-9)


def kept(
    boxes: Float[NDArray[np.floating], "N 4"],
    scores: Float[NDArray[np.floating], " N"],
    labels: Int[NDArray[np.integer], " N"],
    most: float,
) -> list[int]:
    """Which boxes stay, best first, when of two of one label that overlap by more than ``most`` the worse goes."""
    stay: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        rivals = [other for other in stay if labels[other] == labels[index]]
        if not rivals or overlap(boxes[index], boxes[rivals]).max() <= most:
            stay.append(int(index))
    return stay
