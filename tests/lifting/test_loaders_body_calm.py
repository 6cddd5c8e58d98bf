"""Calm over time: what a parabola is stays as it is, noise goes, unsure frames follow the sure."""

import numpy as np
import pytest

from backend.lifting.calm import calmed_body, calmed_rotations, parabolas
from backend.lifting.providers.base import LiftedBody
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle

F, FPS = 40, 24.0


def _swing(times):
    """An arm that swings by 0.8 radians, once in 1.2 seconds, as ``(F, 2, 3, 3)``."""
    angle = 0.8 * np.sin(2.0 * np.pi * times / 1.2)
    return matrix_from_axis_angle(np.stack([np.outer(angle, [0, 0, 1.0]), np.outer(0.5 * angle, [1.0, 0, 0])], axis=1))


def _body(rotations, places, sure=None):
    confidence = np.ones(rotations.shape[:2]) if sure is None else np.repeat(sure[:, None], rotations.shape[1], axis=1)
    return LiftedBody("smpl", "open_human", np.zeros(10), rotations, places, confidence)


def test_rows_sum_to_one_and_lines_stay_lines():
    filtered = parabolas(np.ones(F), FPS, 0.12)
    np.testing.assert_allclose(filtered.sum(axis=1), 1.0, atol=1e-12)
    line = np.arange(F) * 0.03 - 1.0
    np.testing.assert_allclose(filtered @ line, line, atol=2e-3)


def test_noise_goes_and_the_swing_keeps_its_height():
    rng, times = np.random.default_rng(4), np.arange(F) / FPS
    truth = _swing(times)
    noisy = truth @ matrix_from_axis_angle(rng.normal(0.0, 0.06, (F, 2, 3)))
    calm = calmed_body(_body(noisy, np.zeros((F, 3))), FPS).rotations
    before, after = angle_between(noisy, truth), angle_between(calm, truth)
    assert after.mean() < 0.7 * before.mean()
    jitter = [np.abs(np.diff(each, n=2, axis=0)).mean() for each in (noisy, calm)]
    assert jitter[1] < 0.35 * jitter[0]
    assert angle_between(calmed_body(_body(truth, np.zeros((F, 3))), FPS).rotations, truth).max() < 0.03


def test_what_comes_out_are_rotations():
    calm = calmed_rotations(matrix_from_axis_angle(np.random.default_rng(0).normal(size=(F, 5, 3))), np.ones(F), FPS, 0.12)
    np.testing.assert_allclose(calm @ np.swapaxes(calm, -1, -2), np.broadcast_to(np.eye(3), calm.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(calm), 1.0, atol=1e-9)


def test_a_frame_that_does_not_show_the_subject_follows_its_neighbours():
    times = np.arange(F) / FPS
    rotations, places = _swing(times), np.stack([times, 0 * times, 3.0 + 0 * times], axis=1)
    sure = np.ones(F)
    sure[20] = 0.0
    held, moved = rotations.copy(), places.copy()
    held[20], moved[20] = rotations[12], places[12]
    calm = calmed_body(_body(held, moved, sure), FPS)
    assert angle_between(calm.rotations[20], rotations[20]).max() < 0.05
    np.testing.assert_allclose(calm.translation[20], places[20], atol=0.02)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_few_frames_are_enough(frames):
    rotations, places = _swing(np.arange(frames) / FPS), np.ones((frames, 3))
    calm = calmed_body(_body(rotations, places), FPS)
    assert angle_between(calm.rotations, rotations).max() < 0.1
    np.testing.assert_allclose(calm.translation, places, atol=1e-9)
