"""Animals fitted from outlines and clicks: a walk whose truth is known, two photographs, and what can go wrong."""

from dataclasses import replace

import numpy as np
import pytest

from backend.errors import Cancelled, InputError
from backend.lifting.animals import clip_fit, first_frame, following
from backend.lifting.animals.fit_animal import fit_animal
from backend.lifting.animals.keypoints import keypoints_of
from backend.lifting.objects.following import follow
from backend.progress import Progress, silent
from revision_blender.motion.bodies.body_model import identity_of, vertices_of
from revision_blender.motion.camera import default_focal, static_camera
from revision_blender.motion.clip import Clip
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.subjects import ANIMAL_PARTS, Click, Prompt
from tests.backend.lifting_cases import procrustes_error
from tests.lifting.animal_cases import drawn, followed_of, joints_in_world, overlaps, picture, quadruped, track_of, walking

PAWS = ("front_left_paw", "front_right_paw", "back_left_paw", "back_right_paw")


@pytest.fixture
def hurried(monkeypatch):
    """A few steps each: laws hold at every step."""
    monkeypatch.setattr(clip_fit, "TOGETHER", replace(clip_fit.TOGETHER, count=5))
    monkeypatch.setattr(clip_fit, "LEGS_APART", replace(clip_fit.LEGS_APART, count=5))
    monkeypatch.setattr(first_frame, "COARSE", replace(first_frame.COARSE, count=8))
    monkeypatch.setattr(first_frame, "FINE", replace(first_frame.FINE, count=8))
    monkeypatch.setattr(following, "STRIDE", replace(following.STRIDE, count=3))
    monkeypatch.setattr(following, "RESTARTS", 0)


def keypoint_pixels(clip: Clip):
    """``(F, K, 2)`` pixels of the parts in the order of ``ANIMAL_PARTS``."""
    track = clip.bodies[0]
    vertices = vertices_of(identity_of(quadruped(), track.betas), track.rotations, track.translation)
    return clip.camera.project(keypoints_of(quadruped()).of(vertices))[0]


def clicked(clip: Clip, frame: int, noise: float = 2.0) -> Prompt:
    """Six clicks, as a user would make them."""
    pixels = keypoint_pixels(clip)[frame] + np.random.default_rng(frame).normal(0.0, noise, (len(ANIMAL_PARTS), 2))
    parts = ("nose", "tail_base", *PAWS)
    return Prompt("dog", "animal", frame, None, tuple(Click(*map(float, pixels[ANIMAL_PARTS.index(part)]), part) for part in parts), "dog")


def joint_errors(fit, clip: Clip):
    """PA joint error and that of the resting mean animal, both as shares of the trunk's length."""
    truth = joints_in_world(clip.bodies[0])
    resting = replace(clip.bodies[0], betas=np.zeros(0), rotations=np.tile(np.eye(3), (clip.n_frames, 35, 1, 1)))
    length = float(np.linalg.norm(truth[0, 15] - truth[0, 25]))
    return tuple(
        float(np.mean(procrustes_error(joints, truth))) / length for joints in (joints_in_world(track_of(fit)), joints_in_world(resting))
    )


@pytest.mark.slow
def test_a_walk_seen_by_its_outline_and_six_clicks_comes_back():
    clip = walking(10)
    masks, prompt = drawn(clip), clicked(clip, 4)
    fit = fit_animal("open_quadruped", followed_of(masks, "dog", (prompt,)), [prompt], clip.camera, clip.ground, clip.fps, silent())
    found = drawn(clip.with_tracks((track_of(fit),)))
    assert overlaps(found, masks).mean() > 0.8
    error, resting = joint_errors(fit, clip)
    assert error < 0.12 and error < 0.9 * resting
    away = fit.translation - clip.bodies[0].translation
    assert np.linalg.norm(away.mean(axis=0)) < 0.35
    assert fit.kind == "dog" and fit.betas.shape == (42,)
    assert fit.confidence.min() >= 0.0 and 0.4 < fit.confidence.mean() <= 1.0
    paws = keypoint_pixels(clip.with_tracks((track_of(fit),)))[4, [ANIMAL_PARTS.index(part) for part in PAWS]]
    shown = np.array([[click.x, click.y] for click in prompt.clicks[2:]])
    assert np.linalg.norm(paws - shown, axis=1).max() < 10.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["horse", "dog"])
def test_a_photograph_with_a_box_and_six_clicks(name):
    """The mask is what the box and the clicks cut out; it is judged against an outline drawn by hand."""
    case = picture(name)
    height, width = case.mask.shape[1:]
    camera = static_camera(width, height, default_focal(width, height), 1)
    seen = follow(case.frame, [case.prompt], None, silent())
    fit = fit_animal("open_quadruped", seen, [case.prompt], camera, None, 25.0, silent(), frames=case.frame)
    clip = Clip(25.0, camera, walking(1).ground, (track_of(fit),))
    assert overlaps(drawn(clip), case.mask)[0] > 0.7
    assert overlaps(fit.followed.masks, case.mask)[0] > overlaps(seen.masks, case.mask)[0]  # the report judges the fit by these
    pixels = keypoint_pixels(clip)[0]
    paws = np.stack([pixels[ANIMAL_PARTS.index(part)] for part in PAWS])
    shown = np.array([next([click.x, click.y] for click in case.prompt.clicks if click.part == part) for part in PAWS])
    apart = np.linalg.norm(paws[:, None] - shown[None], axis=-1)
    assert (apart.argmin(axis=1) == np.arange(4)).all()  # the legs are the right legs
    left, top, right, bottom = case.prompt.box
    assert apart.diagonal().max() < 0.1 * np.hypot(right - left, bottom - top)


def test_frames_that_do_not_show_it_are_bridged_and_not_trusted(hurried):
    clip = walking(5)
    masks = drawn(clip)
    masks[2] = 0
    fit = fit_animal("open_quadruped", followed_of(masks), [clicked(clip, 0)], clip.camera, clip.ground, clip.fps, silent())
    assert (fit.confidence[2] == 0.0).all() and fit.overlap[2] == 0.0
    assert fit.confidence[[0, 4]].max() > 0.0
    assert np.isfinite(fit.rotations).all() and np.isfinite(fit.translation).all()
    assert np.allclose(fit.rotations @ np.swapaxes(fit.rotations, -1, -2), np.eye(3), atol=1e-9)
    step = np.linalg.norm(np.diff(fit.translation, axis=0), axis=1)
    assert step.max() < 0.5


def test_a_camera_that_turns_leaves_the_world_as_it_is(hurried):
    clip = walking(3)
    turns = matrix_from_axis_angle(np.array([[0.0, angle, 0.0] for angle in (-0.05, 0.0, 0.05)]))
    poses = clip.camera.T_world_camera.copy()
    poses[:, :3, :3] = turns
    moving = replace(clip, camera=replace(clip.camera, T_world_camera=poses))
    fits = [
        fit_animal("open_quadruped", followed_of(drawn(case)), [clicked(case, 1)], case.camera, case.ground, case.fps, silent())
        for case in (clip, moving)
    ]
    assert np.linalg.norm(fits[0].translation.mean(axis=0) - fits[1].translation.mean(axis=0)) < 0.5
    ahead = [fit.rotations[1, 0, :, 0] for fit in fits]
    assert float(ahead[0] @ ahead[1]) > 0.7


def test_what_cannot_be_fitted_is_said(hurried):
    clip = walking(1)
    nothing = followed_of(np.zeros((1, 240, 320), np.uint8))
    with pytest.raises(InputError, match="seen on none of the 1 frames"):
        fit_animal("open_quadruped", nothing, [], clip.camera, clip.ground, clip.fps, silent())
    with pytest.raises(InputError, match="choose open_quadruped"):
        fit_animal("open_human", followed_of(drawn(clip)), [], clip.camera, clip.ground, clip.fps, silent())
    with pytest.raises(InputError, match="no body model"):
        fit_animal("no_such_animal", followed_of(drawn(clip)), [], clip.camera, clip.ground, clip.fps, silent())
    with pytest.raises(Cancelled):
        fit_animal(
            "open_quadruped", followed_of(drawn(clip)), [], clip.camera, clip.ground, clip.fps, Progress(lambda *_: None, lambda: True)
        )


def test_one_frame_without_a_click_or_a_floor(hurried):
    clip = walking(1)
    fit = fit_animal("open_quadruped", followed_of(drawn(clip), "animal"), [], clip.camera, None, clip.fps, silent())
    assert fit.rotations.shape == (1, 35, 3, 3) and fit.kind in ("dog", "cat", "horse", "cow", "hound", "greyhound", "bulldog", "dachshund")
    assert fit.overlap[0] > 0.4
