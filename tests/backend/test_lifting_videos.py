"""The lift of real videos, where ../shared/data is there: bars on landmarks and outlines, and what is refused."""

import socket
import urllib.request

import numpy as np
import pytest

from backend.errors import BackendError, InputError
from backend.lifting.people import landmarks as landmarks_module
from backend.lifting.people.landmarks import detect_landmarks
from backend.lifting.people.measures import lift_report
from backend.progress import Progress, silent
from backend.stages.lift import lift_picture, run
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.wire.requests import LiftRequest
from tests.backend.lifting_cases import SHARED_DATA, WINDOWS, frames_of

pytestmark = pytest.mark.slow

needs_videos = pytest.mark.skipif(
    not (SHARED_DATA / "videos").exists(), reason="../shared/data/videos is not there: real videos are not tried"
)


@needs_videos
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_the_body_lies_over_the_person(lifted, window):
    result = lifted(window)
    raw = lift_report(open_human(), result.raw, result.landmarks, result.people)
    for report in (result.report, raw):
        assert report["landmark_error_median"] <= 0.02
        assert report["landmark_error_p95"] <= 0.06
        assert report["silhouette_iou_median"] >= 0.80
        assert report["silhouette_iou_min"] >= 0.70


@needs_videos
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_the_world_is_the_ground_and_the_camera_stands_on_it(lifted, window):
    clip = lifted(window).clip
    assert np.array_equal(clip.camera.T_world_camera[0], np.eye(4))
    assert 0.3 < clip.ground.height(np.zeros(3)) < 3.0
    assert clip.ground.normal[1] < -0.9
    heights = clip.ground.height(clip.bodies[0].translation)
    assert heights.min() > 0.4 and heights.max() < 1.6


@needs_videos
def test_a_camera_on_a_tripod_is_static_and_a_hand_held_one_turns(lifted):
    assert np.array_equal(lifted(WINDOWS[3]).clip.camera.T_world_camera, np.tile(np.eye(4), (24, 1, 1)))
    turned = lifted(WINDOWS[1]).clip.camera.T_world_camera[-1, :3, :3]
    assert np.abs(turned - np.eye(3)).max() > 1e-4


@needs_videos
def test_raw_shakes_more_and_shares_shape_floor_and_camera(lifted):
    result = lifted(WINDOWS[3])
    shake = [np.abs(np.diff(clip.bodies[0].translation, n=2, axis=0)).mean() for clip in (result.clip, result.raw)]
    assert shake[0] < shake[1]
    assert result.clip.ground is result.raw.ground and result.clip.camera is result.raw.camera


@needs_videos
def test_one_picture_is_lifted_and_progress_never_goes_back():
    fractions: list[float] = []
    picture = frames_of(WINDOWS[3], 1)[0]
    result = lift_picture(picture, Progress(lambda fraction, _words: fractions.append(fraction)), focal=1400.0)
    assert result.clip.n_frames == 1 and result.clip.camera.focal == 1400.0
    assert result.people.shape == (1, *picture.shape[:2]) and set(np.unique(result.people)) == {0, 255}
    assert result.report["silhouette_iou_min"] > 0.75
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


@needs_videos
def test_a_clip_that_shows_a_person_too_rarely_is_refused():
    frames = np.full((6, 720, 1280, 3), 127, np.uint8)
    frames[0] = frames_of(WINDOWS[3], 1)[0]
    with pytest.raises(InputError, match="1 of 6 frames"):
        run(LiftRequest(frames=frames), silent())


@needs_videos
def test_two_blind_frames_are_bridged():
    frames = frames_of(WINDOWS[3], 8)
    frames[3:5] = 127
    result = run(LiftRequest(frames=frames), silent())
    assert (result.landmarks[3:5, :, 2] == 0.0).all() and not result.people[3:5].any()
    assert result.clip.bodies[0].confidence[3].max() < result.clip.bodies[0].confidence[0].min()
    assert np.linalg.norm(np.diff(result.clip.bodies[0].translation, axis=0), axis=1).max() < 0.3


@pytest.mark.parametrize("size", [(64, 64), (200, 300)])
def test_no_person_is_said_in_one_sentence(size):
    noise = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="No person was found in the picture"):
        lift_picture(noise, silent())
    with pytest.raises(InputError, match="any of the 3 frames"):
        run(LiftRequest(frames=np.tile(noise, (3, 1, 1, 1))), silent())


def test_nothing_is_ever_downloaded(monkeypatch):
    def forbidden(*_args, **_keywords):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(urllib.request, "urlopen", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    with pytest.raises(InputError):
        detect_landmarks(np.zeros((1, 96, 96, 3), np.uint8), silent())
    with pytest.raises(BackendError, match="wants to download pose_landmark_heavy"):
        landmarks_module.refuse_download("pose_landmark_heavy.tflite")
