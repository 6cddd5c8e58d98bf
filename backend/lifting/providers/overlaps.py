"""Boxes that cover each other: how much, and which of them to keep."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

MOST = 300  # things on a frame; ultralytics stops there too


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
    count: int = MOST,
) -> list[int]:
    """Which boxes stay, best first and ``count`` at most, when of two of one label that overlap by more than ``most`` the worse goes."""
    waiting = np.argsort(-scores, kind="stable")
    stay: list[int] = []
    while len(waiting) and len(stay) < count:
        best, waiting = waiting[0], waiting[1:]
        stay.append(int(best))
        waiting = waiting[(labels[waiting] != labels[best]) | (overlap(boxes[best], boxes[waiting]) <= most)]
    return stay
