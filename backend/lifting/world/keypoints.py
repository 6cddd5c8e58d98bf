"""A provider's keypoints in the place of MediaPipe's landmarks, where they are points of the same name."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.finding import Person
from backend.lifting.people.landmark_names import LANDMARK_NAMES
from backend.lifting.providers.base import Keypoints
from backend.lifting.world.wish import Wish
from backend.progress import Progress

LEAST_SCORE = 0.4  # a keypoint less sure than this says nothing
# Points of other data sets by the landmark that lies there.
SAME = {
    "nose": "nose", "left_eye": "left_eye", "right_eye": "right_eye", "left_ear": "left_ear", "right_ear": "right_ear",
    "left_big_toe": "left_foot_index", "right_big_toe": "right_foot_index", "left_heel": "left_heel", "right_heel": "right_heel",
    **{f"{side}_{name}": f"{side}_{name}" for side in ("left", "right") for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")},
}  # fmt: skip


def with_keypoints(frames: NDArray[np.uint8], people: list[Person], wish: Wish, progress: Progress) -> list[Person]:
    """The people with landmarks where a keypoint provider saw them; as they are where none runs."""
    if not people:
        return people
    boxes, seen = np.stack([person.boxes for person in people]), np.stack([person.seen for person in people])
    found = wish.choices.attempt("keypoints", lambda provider: provider.keypoints(frames, boxes, seen, progress), lambda: None)
    return people if found is None else [replaced_landmarks(person, found, place) for place, person in enumerate(people)]


def replaced_landmarks(person: Person, found: Keypoints, place: int) -> Person:
    """One person's landmarks, moved to the ``place``-th person's keypoints where these are sure."""
    pixels, visibility = person.landmarks.pixels.copy(), person.landmarks.visibility.copy()
    for column, name in enumerate(found.names):
        landmark = SAME.get(name)
        if landmark is None:
            continue
        index = LANDMARK_NAMES.index(landmark)
        sure = (found.score[place, :, column] >= LEAST_SCORE) & person.seen
        pixels[sure, index] = found.pixels[place, sure, column]
        visibility[sure, index] = np.maximum(visibility[sure, index], found.score[place, sure, column])
    return replace(person, landmarks=replace(person.landmarks, pixels=pixels, visibility=np.clip(visibility, 0.0, 1.0)))
