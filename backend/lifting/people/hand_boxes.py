"""Boxes about a person's hands from the body's landmarks: where a hand provider looks."""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import index_of
from backend.lifting.people.landmarks import Landmarks, person_height

SIDE = 0.25  # of the person's height; a hand is a ninth of it, and the box must hold it however the wrist is bent
LEAST = 0.3  # visibility of a wrist below which nobody looks for its hand


def hand_boxes(landmarks: Landmarks) -> tuple[Float[NDArray[np.float32], "F 2 4"], Bool[NDArray[np.bool_], "F 2"]]:
    """Left, top, right, bottom in pixels about the left and the right hand, and on which frames they may be seen."""
    height = float(np.median(person_height(landmarks.pixels[landmarks.found]))) if landmarks.found.any() else 1.0
    boxes = np.zeros((landmarks.n_frames, 2, 4), np.float32)
    seen = np.zeros((landmarks.n_frames, 2), np.bool_)
    for place, side in enumerate(("left", "right")):
        wrist, index, little = (index_of(f"{side}_{name}") for name in ("wrist", "index", "pinky"))
        knuckles = 0.5 * (landmarks.pixels[:, index] + landmarks.pixels[:, little])
        middle = landmarks.pixels[:, wrist] + 1.1 * (knuckles - landmarks.pixels[:, wrist])
        boxes[:, place] = np.concatenate([middle - 0.5 * SIDE * height, middle + 0.5 * SIDE * height], axis=1)
        seen[:, place] = landmarks.found & (landmarks.visibility[:, wrist] >= LEAST)
    return boxes, seen
