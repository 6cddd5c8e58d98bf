"""Laws of resampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.clip_resample import confidence_between
from revision_blender.motion.errors import ClipError
from revision_blender.motion.resample import resample, sampled
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle


def _random_motion(seed: int, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return matrix_from_axis_angle(rng.normal(size=(n_frames, 24, 3)) * 0.5), rng.normal(size=(n_frames, 3))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.integers(1, 12), st.floats(1.0, 120.0))
def test_its_own_rate_changes_nothing(seed: int, n_frames: int, fps: float) -> None:
    rotations, translation = _random_motion(seed, n_frames)
    turned, moved = resample(rotations, translation, fps, fps)
    np.testing.assert_array_equal(turned, rotations)
    np.testing.assert_array_equal(moved, translation)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.integers(2, 12), st.sampled_from([2, 3, 4, 5]))
def test_a_multiple_of_the_rate_keeps_every_frame(seed: int, n_frames: int, times: int) -> None:
    rotations, translation = _random_motion(seed, n_frames)
    turned, moved = resample(rotations, translation, 12.0, 12.0 * times)
    assert len(turned) == (n_frames - 1) * times + 1
    np.testing.assert_allclose(turned[::times], rotations, atol=1e-9)
    np.testing.assert_allclose(moved[::times], translation, atol=1e-9)


def test_half_way_lies_on_the_geodesic() -> None:
    rotations, translation = _random_motion(3, 2)
    turned, moved = sampled(rotations, translation, np.array([0.5]))
    whole = angle_between(rotations[0], rotations[1])
    np.testing.assert_allclose(angle_between(rotations[0], turned[0]), whole / 2.0, atol=1e-9)
    np.testing.assert_allclose(moved[0], translation.mean(axis=0))


def test_beyond_the_ends_the_ends_are_held() -> None:
    rotations, translation = _random_motion(4, 3)
    turned, moved = sampled(rotations, translation, np.array([-1.0, 9.0]))
    np.testing.assert_array_equal(turned, rotations[[0, -1]])
    np.testing.assert_array_equal(moved, translation[[0, -1]])


@pytest.mark.parametrize(("fps", "wanted"), [(0.0, 12.0), (12.0, -1.0), (float("nan"), 12.0), (12.0, float("inf"))])
def test_impossible_rates_are_refused(fps: float, wanted: float) -> None:
    with pytest.raises(ClipError, match="must be positive"):
        resample(*_random_motion(0, 2), fps, wanted)


def test_a_motion_without_frames_is_refused() -> None:
    with pytest.raises(ClipError, match="without frames"):
        sampled(np.zeros((0, 24, 3, 3)), np.zeros((0, 3)), np.array([0.0]))


def test_a_track_comes_and_goes_at_whole_frames() -> None:
    confidence = np.array([[0.8, 0.4], [0.6, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    at = np.array([0.5, 1.0, 1.9, 2.0, 3.9, 4.0])
    found = confidence_between(confidence, at)
    assert np.allclose(found, [[0.7, 0.2], [0.6, 0.0], [0.6, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    assert np.allclose(confidence_between(confidence[:, 0], at), found[:, 0])
