"""Where a video is cut: rendered pans, flashes and fades are none, other pictures are."""

import cv2
import numpy as np
import pytest

from backend.lifting.world.cuts import CUT, changes, shot_starts, shots_of
from backend.progress import silent
from tests.backend.lifting_cases import SHARED_DATA

WIDTH, HEIGHT = 320, 180


def _place(seed: int, width: int = 3 * WIDTH, height: int = 2 * HEIGHT) -> np.ndarray:
    """A wide picture of many things in colours of its own."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), random.integers(40, 200, 3), np.uint8)
    for _ in range(260):
        colour = tuple(int(value) for value in np.clip(random.normal(picture[0, 0], 60), 0, 255))
        middle = (int(random.integers(width)), int(random.integers(height)))
        size = (int(random.integers(6, 60)), int(random.integers(6, 40)))
        cv2.ellipse(picture, middle, size, float(random.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return picture


def _view(place: np.ndarray, left: int = WIDTH, top: int = 60) -> np.ndarray:
    return place[top : top + HEIGHT, left : left + WIDTH].copy()


A, B, C = (_place(seed) for seed in (1, 2, 3))


def _starts(frames: list[np.ndarray]) -> list[int]:
    return shot_starts(np.stack(frames), silent())


@pytest.mark.parametrize(("step", "blur"), [(4, 1), (40, 1), (100, 61)])
def test_a_pan_is_no_cut_however_fast(step, blur):
    frames = [cv2.blur(_view(A, left), (blur, 1)) for left in range(0, 2 * WIDTH, step)]
    assert _starts(frames) == [0]


def test_every_other_place_begins_a_shot_even_for_one_frame():
    assert _starts([_view(A), _view(A, WIDTH + 5), _view(B), _view(C), _view(C, WIDTH + 9)]) == [0, 2, 3]
    assert _starts([_view(A), _view(B)]) == [0, 1]
    assert _starts([_view(A)]) == [0]


def test_a_flash_and_a_lamp_are_no_cuts():
    frames = [_view(A, WIDTH + 3 * step) for step in range(8)]
    frames[3] = np.full_like(frames[3], 255)
    frames[4] = np.clip(frames[4].astype(int) * 2 + 60, 0, 255).astype(np.uint8)
    assert _starts(frames) == [0]
    burnt = [_view(A, WIDTH + 3 * step) for step in range(8)]  # two frames of which hardly anything is left
    burnt[3:5] = [np.clip(frame.astype(int) * 4 + 160, 0, 255).astype(np.uint8) for frame in burnt[3:5]]
    assert changes(np.stack(burnt)).max() > CUT and _starts(burnt) == [0]
    assert _starts([*burnt[:5], _view(B), _view(B)]) != [0]
    dimmed = [np.clip(_view(A) * level, 0, 255).astype(np.uint8) for level in (1.0, 0.95, 0.6, 0.62, 0.61)]
    assert _starts(dimmed) == [0]


def test_black_between_belongs_to_the_shot_before_and_hides_no_cut():
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert _starts([_view(A), black, black, _view(A)]) == [0]
    assert _starts([_view(A), black, black, _view(B), _view(B)]) == [0, 3]
    assert _starts([black, black, black]) == [0]


def test_somebody_running_past_close_by_is_no_cut():
    frames = []
    for step in range(6):
        frame = _view(A)
        cv2.rectangle(frame, (60 * step - 40, 20), (60 * step + 60, HEIGHT), (200, 30, 30), -1)
        frames.append(frame)
    assert _starts(frames) == [0]


def test_shots_cover_all_frames_once():
    shots = shots_of([0, 4, 5], 9)
    assert [index for shot in shots for index in range(9)[shot]] == list(range(9))


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED_DATA / "videos").exists(), reason="../shared/data/videos is not there: real videos are not tried")
def test_real_videos_are_cut_where_they_were_spliced_and_nowhere_else():
    parts = []
    for name in ("tennis.mp4", "dog_and_person.mp4", "ball_juggler.mp4"):
        video = cv2.VideoCapture(str(SHARED_DATA / "videos" / name))
        frames = [cv2.cvtColor(cv2.resize(video.read()[1], (320, 180)), cv2.COLOR_BGR2RGB) for _ in range(60)]
        video.release()
        parts.append(np.stack(frames[::3]))
    spliced = np.concatenate(parts)
    assert shot_starts(spliced, silent()) == [0, 20, 40]
    difference = changes(spliced)
    inside = np.delete(difference, [20, 40])
    assert difference[[20, 40]].min() > 0.5 and inside.max() < 0.2
