"""The focal length that a camera's turn tells: right where it turns, none where it does not, and in a whole lift."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from backend.evaluation.lifting.measures import depths, turning_errors
from backend.evaluation.lifting.scenes import SCENES, TruthScene, drawn_scene
from backend.lifting.providers.registry import Choices
from backend.lifting.world.camera_step import followed_camera
from backend.lifting.world.focal import SURE, FocalEstimate, agreed_focal, focal_from_turn
from backend.lifting.world.report import focal_spread
from backend.lifting.world.shot import SeenShot, through_one_lens
from backend.lifting.world.sightings import Sightings
from backend.lifting.world.wish import Wish
from backend.progress import silent
from backend.stages.lift import run
from revision_blender.motion.camera import default_focal
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.wire.requests import LiftRequest, LiftResult

WIDTH, HEIGHT, FRAMES = 384, 288, 8


@cache
def _wall(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 256, (height // 6, width // 6, 3), dtype=np.uint8)
    return cv2.GaussianBlur(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), (5, 5), 0)


def _seen(focals: np.ndarray, turn: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """What a camera with a focal length a frame sees of a far wall while it turns to ``turn`` (axis and angle, radians) at an even speed,
    with somebody who runs past; and where that is."""
    high, wide = 3 * HEIGHT, 3 * WIDTH
    K_wall = np.array([[focals[0], 0.0, wide / 2], [0.0, focals[0], high / 2], [0.0, 0.0, 1.0]])
    frames, moving = [], np.zeros((len(focals), HEIGHT, WIDTH), np.uint8)
    for index, (focal, share) in enumerate(zip(focals, np.linspace(0.0, 1.0, len(focals)), strict=True)):
        K = np.array([[focal, 0.0, WIDTH / 2], [0.0, focal, HEIGHT / 2], [0.0, 0.0, 1.0]])
        R = matrix_from_axis_angle(share * np.array(turn))
        frame = cv2.warpPerspective(_wall(high, wide), K @ R.T @ np.linalg.inv(K_wall), (WIDTH, HEIGHT))
        person = (index, slice(60, 200), slice(40 + 14 * index, 100 + 14 * index))
        moving[person] = 255
        frame[person[1:]] = _wall(140, 60)
        frames.append(frame)
    return np.stack(frames), moving


@pytest.mark.parametrize("focal", [300.0, 480.0, 900.0])
@pytest.mark.parametrize("turn", [(0.0, 0.16, 0.0), (0.1, -0.06, 0.05)])
def test_a_turn_tells_the_focal_length(focal, turn):
    found = focal_from_turn(*_seen(np.full(FRAMES, focal), turn), silent())
    assert found is not None
    assert abs(np.log(found.focal / focal)) < 0.02 < found.spread < SURE
    assert found.turn == pytest.approx(np.hypot(*turn[:2]), abs=0.01)


@pytest.mark.parametrize(
    ("turn", "zoom"),
    [((0.0, 0.0, 0.0), 1.0), ((0.0, 0.02, 0.0), 1.0), ((0.0, 0.0, 0.3), 1.0), ((0.0, 0.0, 0.0), 1.3)],
    ids=["still", "hardly turned", "rolled", "zoomed"],
)
def test_what_is_no_turn_tells_nothing(turn, zoom):
    assert focal_from_turn(*_seen(np.geomspace(480.0, 480.0 * zoom, FRAMES), turn), silent()) is None


def test_a_background_that_shows_nothing_tells_nothing():
    frames, moving = _seen(np.full(FRAMES, 480.0), (0.0, 0.16, 0.0))
    assert focal_from_turn(np.full_like(frames, 90), moving, silent()) is None
    assert focal_from_turn(frames, np.full_like(moving, 255), silent()) is None
    assert focal_from_turn(frames[:1], moving[:1], silent()) is None


def test_shots_agree_on_one_lens_or_on_none():
    near, far = FocalEstimate(500.0, 0.05, 0.2), FocalEstimate(520.0, 0.10, 0.1)
    both = agreed_focal([near, far])
    assert both is not None and 500.0 < both.focal < 510.0 and both.spread == 0.05 and both.turn == 0.2
    alone = agreed_focal([near])
    assert alone is not None and alone.focal == pytest.approx(500.0) and agreed_focal([]) is None
    assert agreed_focal([near, FocalEstimate(1500.0, 0.05, 0.2)]) is None  # another lens: one video's camera holds one


def test_what_somebody_says_of_the_lens_stands():
    frames, moving = _seen(np.full(FRAMES, 480.0), (0.0, 0.16, 0.0))
    wish = Wish(12.0, 700.0, (), True, 8, Choices({}, ()))
    said = followed_camera(frames, moving, wish, silent())
    assert said.given and said.told is None and said.camera.focal == 700.0
    unsaid = followed_camera(frames, moving, replace(wish, focal=0.0), silent())
    assert not unsaid.given and unsaid.told is not None and unsaid.camera.focal == default_focal(WIDTH, HEIGHT)
    assert focal_spread(None, given=True) == 0.0 and np.isnan(focal_spread(None, given=False))
    assert focal_spread(unsaid.told, given=False) == unsaid.told.spread


def test_all_shots_of_a_video_are_seen_through_the_lens_that_one_of_them_tells():
    wish = Wish(12.0, 0.0, (), True, 8, Choices({}, ()))
    shots = []
    for turn in ((0.0, 0.0, 0.0), (0.0, 0.16, 0.0)):
        frames, moving = _seen(np.full(FRAMES, 300.0), turn)
        seen = Sightings((), moving[None], ())
        shots.append(SeenShot(frames, wish, seen, followed_camera(frames, moving, wish, silent())))
    still, panned = shots
    (first, second), told = through_one_lens(shots, silent())
    assert told is not None and first.camera.camera.focal == second.camera.camera.focal == told.focal
    assert told.focal == pytest.approx(300.0, rel=0.02)
    assert np.array_equal(first.camera.camera.T_world_camera, np.tile(np.eye(4), (FRAMES, 1, 1)))
    turn = np.arccos(second.camera.camera.T_world_camera[-1, 2, 2])
    assert turn == pytest.approx(0.16, abs=0.002) != pytest.approx(np.arccos(panned.camera.camera.T_world_camera[-1, 2, 2]), abs=0.02)
    said = replace(still, camera=replace(still.camera, given=True))
    assert through_one_lens([said], silent()) == ([said], None)
    assert through_one_lens([said, panned], silent())[0][0].camera is said.camera


def test_the_same_frames_tell_the_same_to_the_last_bit():
    frames, moving = _seen(np.full(FRAMES, 480.0), (0.1, -0.06, 0.05))
    assert focal_from_turn(frames, moving, silent()) == focal_from_turn(frames.copy(), moving, silent())


@cache
def _panned() -> TruthScene:
    """Somebody before a camera that pans, seen through a lens that nobody would assume."""
    found = next(one for one in SCENES if one.name == "walk")
    return drawn_scene(replace(found, shot=replace(found.shot, focal=1150.0, pan=9.0, distance=6.0)), 4)


@cache
def _lifted() -> LiftResult:
    return run(LiftRequest(frames=_panned().frames, fps=12.0), silent())


def test_a_lift_finds_its_lens_and_stands_people_where_they_are():
    result, clip, truth = _lifted(), _lifted().clip, _panned().clip
    assert clip.camera.focal == pytest.approx(1150.0, rel=0.03) and 0.0 < result.report["focal_spread"] < SURE
    assert f"{clip.camera.focal:.0f} pixels at 640 x 480, give or take" in result.notes
    assert turning_errors(clip.camera, truth.camera).max() < 0.1
    off = np.log(depths(clip.tracks[0], clip.camera).mean() / depths(truth.tracks[0], truth.camera).mean())
    assert abs(off) < 0.15 < np.log(1150.0 / default_focal(640, 480))  # by which it stood too near before its lens was looked for


def test_the_steps_of_a_lift_are_timed():
    report = _lifted().report
    steps = {key.removeprefix("seconds_"): value for key, value in report.items() if key.startswith("seconds_")}
    assert set(steps) == {"seeing", "camera", "people", "animals", "objects", "order", "hands"}
    assert 0.5 * report["seconds"] < sum(steps.values()) <= report["seconds"] and min(steps.values()) >= 0.0
