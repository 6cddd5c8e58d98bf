"""MediaPipe's hands on a real video, where the points were measured by hand, and what it says where there is none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.lifting.people.hand_boxes import hand_boxes
from backend.lifting.people.landmark_names import N_LANDMARKS, index_of
from backend.lifting.people.landmarks import Landmarks
from backend.lifting.providers.base import HandLifter
from backend.lifting.providers.hands_mediapipe import HandsMediapipe
from backend.progress import silent
from revision_blender.motion.camera import static_camera

VIDEO = Path(__file__).parents[3] / "shared" / "data" / "videos" / "ball_juggler.mp4"
WRIST, THUMB_TIP, MIDDLE_TIP, LITTLE_TIP = 0, 4, 12, 20
LEFT, RIGHT = 0, 1
# Frame, side, box about the hand, and points measured on enlarged pictures, pixels.
MEASURED = (
    (0, LEFT, (750, 220, 880, 350), {WRIST: (806, 268), THUMB_TIP: (815, 286), LITTLE_TIP: (809, 305)}),
    (30, RIGHT, (570, 310, 700, 440), {WRIST: (633, 355), THUMB_TIP: (648, 396), MIDDLE_TIP: (645, 402)}),
)
NEAR = 12.0  # pixels; the hands are 50 long


def _frame(number):
    if not VIDEO.is_file():
        pytest.skip("the shared video ball_juggler.mp4 is not here")
    capture = cv2.VideoCapture(str(VIDEO))
    for _ in range(number):
        capture.grab()
    shown, picture = capture.read()
    assert shown
    return np.ascontiguousarray(picture[None, :, :, ::-1])


def _hands(picture, box, side):
    boxes = np.zeros((1, 1, 2, 4), np.float32)
    boxes[0, 0, side] = box
    lifter: HandLifter = HandsMediapipe(Path("home"))
    return lifter.hands(picture, boxes, np.array([[[side == LEFT, side == RIGHT]]]), static_camera(1280, 720, 1468.0, 1), silent())


@pytest.mark.parametrize("case", MEASURED, ids=("left", "right"))
def test_points_lie_where_the_hand_is(case):
    number, side, box, points = case
    hands = _hands(_frame(number), box, side)
    assert hands.score[0, 0, side] > 0.5 and not hands.score[0, 0, 1 - side]
    for point, place in points.items():
        assert np.linalg.norm(hands.points[0, 0, side, point] - place) < NEAR, point
    assert hands.world is not None
    length = np.linalg.norm(hands.world[0, 0, side, 9])  # wrist to the middle finger's first joint: a palm
    assert 0.06 < length < 0.13


def test_the_other_side_is_believed_less():
    number, side, box, _ = MEASURED[0]
    picture = _frame(number)
    assert _hands(picture, box, 1 - side).score.max() < 0.6 * _hands(picture, box, side).score.max()


def test_no_hand_no_score():
    grey = np.full((1, 720, 1280, 3), 120, np.uint8)
    assert not _hands(grey, (100, 100, 300, 300), LEFT).score.any()
    assert not _hands(grey, (100, 100, 104, 104), RIGHT).score.any()


def test_boxes_lie_about_the_hands_that_can_be_seen():
    pixels = np.zeros((2, N_LANDMARKS, 2), np.float32)
    pixels[:, index_of("nose")] = 300, 100
    pixels[:, index_of("left_ankle")] = 300, 500
    for name, place in {"wrist": (400, 300), "index": (410, 320), "pinky": (390, 320)}.items():
        pixels[:, index_of(f"left_{name}")] = place
        pixels[:, index_of(f"right_{name}")] = 600 - place[0], place[1]
    visibility = np.ones((2, N_LANDMARKS), np.float32)
    visibility[1, index_of("right_wrist")] = 0.1
    landmarks = Landmarks(pixels, visibility, np.zeros((2, N_LANDMARKS, 3), np.float32), np.zeros((2, 0, 0), np.float32), np.ones(2, bool))
    boxes, seen = hand_boxes(landmarks)
    assert seen.tolist() == [[True, True], [True, False]]
    np.testing.assert_allclose(0.5 * (boxes[0, 0, :2] + boxes[0, 0, 2:]), [400, 322])  # a tenth beyond the knuckles
    np.testing.assert_allclose(boxes[0, 0, 2:] - boxes[0, 0, :2], 0.25 * 500)  # a quarter of the person, whose landmarks begin at (0, 0)
