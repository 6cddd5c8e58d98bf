"""Hands on any machine: MediaPipe Hands on crops about the wrists, with the models inside its wheel.

Zhang et al., "MediaPipe Hands", arXiv 2006.10214. Each crop is looked at by itself: its tracking would lose a hand that moves a box's
width in a frame. Which side a hand is on is known from the body; a hand that MediaPipe calls the other side is trusted less, as it may
be the other hand in the same crop.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.lifting.providers.base import Ability, Frames, HandBoxes, Hands, HandsSeen, Kind
from backend.lifting.rays import ray_turns
from backend.progress import Progress
from revision_blender.motion.camera import Camera

N_POINTS = 21
SIDE = 224  # pixels at which a crop is looked at
SMALLEST = 12.0  # pixels: a hand below this shows nothing
OTHER_SIDE = 0.25  # of the score where MediaPipe takes it for the other hand: too little for a wrist to follow
NAMES = ("Left", "Right")

Array = NDArray[np.floating]


@contextmanager
def _solution() -> Iterator[Any]:
    os.environ.setdefault("GLOG_minloglevel", "2")
    from mediapipe.python.solutions import hands  # late: a second of imports that only a lift needs

    with hands.Hands(static_image_mode=True, max_num_hands=2, model_complexity=1, min_detection_confidence=0.4) as solution:
        yield solution


class HandsMediapipe:
    """21 points a hand in pixels and metres; no rotations."""

    kind: Kind = "hands"
    name = "mediapipe"

    def __init__(self, home: Path) -> None:
        self.home = home

    def ability(self) -> Ability:
        from importlib.util import find_spec

        missing = "" if find_spec("mediapipe") is not None else "Install mediapipe 0.10.21, which holds the model."
        return Ability(self.kind, self.name, not missing, missing, "", "Apache-2.0", 0.0, automatic=False)

    def forget(self) -> None:
        pass

    def hands(self, frames: Frames, boxes: HandBoxes, seen: HandsSeen, camera: Camera, progress: Progress) -> Hands:
        """Points and metres of each hand that is seen and found in its box."""
        shape = seen.shape
        points, score = np.zeros((*shape, N_POINTS, 2), np.float32), np.zeros(shape, np.float32)
        world = np.zeros((*shape, N_POINTS, 3))
        places = [tuple(place) for place in np.argwhere(seen)]
        with _solution() as solution:
            for place in progress.each(places, len(places), "Looking at the hands"):
                found = _hand(solution, frames[place[1]], boxes[place], int(place[2]))
                if found is not None:
                    points[place], along_ray, score[place] = found
                    world[place] = along_ray @ ray_turns(points[place].mean(axis=0, keepdims=True), camera)[0].T
        return Hands(points, score, None, world)


def _hand(solution: Any, frame: NDArray[np.uint8], box: Array, side: int) -> tuple[Array, Array, float] | None:
    """Pixels ``(21, 2)``, metres about the wrist ``(21, 3)`` as the crop sees them, and score of the hand in a box, nothing where there is none."""
    width = float(max(box[2] - box[0], box[3] - box[1]))
    if width < SMALLEST:
        return None
    scale = SIDE / width
    corner = 0.5 * (box[:2] + box[2:]) - 0.5 * width
    to_crop = np.array([[scale, 0.0, scale * (0.5 - corner[0]) - 0.5], [0.0, scale, scale * (0.5 - corner[1]) - 0.5]])
    crop = cv2.warpAffine(frame, to_crop, (SIDE, SIDE), flags=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR)
    result = solution.process(crop)
    if not result.multi_hand_landmarks:
        return None
    scores = [_score(kind.classification[0], side) for kind in result.multi_handedness]
    flats = [np.array([(point.x, point.y) for point in hand.landmark]) for hand in result.multi_hand_landmarks]
    place = max(
        range(len(scores)), key=lambda one: scores[one] - float(np.linalg.norm(flats[one].mean(axis=0) - 0.5))
    )  # sure, and in the middle
    flat, score = flats[place] * width + corner, scores[place]
    deep = np.array([(point.x, point.y, point.z) for point in result.multi_hand_world_landmarks[place].landmark])
    return flat, deep - deep[0], score


def _score(kind: Any, side: int) -> float:
    """MediaPipe names hands as in a mirror: what it calls left is a right hand in a picture that is not mirrored."""
    return float(kind.score) * (1.0 if kind.label == NAMES[1 - side] else OTHER_SIDE)


PROVIDERS = (HandsMediapipe,)
