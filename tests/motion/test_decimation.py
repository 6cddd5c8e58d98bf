"""Thinning: curves stay within the stated error, and the keys are about as few as that allows."""

import itertools

import numpy as np
import pytest

from revision_blender.motion.decimation import curve_error, fewest_keys
from revision_blender.motion.errors import ClipError
from revision_blender.motion.rotation import matrix_from_axis_angle, quaternion_from_matrix


def cubic(times: np.ndarray, values: np.ndarray, at: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """``(F, C)`` Bezier segments through the keys with handles at thirds, by de Casteljau; held beyond the ends."""
    shown = np.empty_like(values)
    shown[: at[0] + 1], shown[at[-1] :] = values[at[0]], values[at[-1]]
    for left, right, slope, next_slope in zip(at[:-1], at[1:], slopes[:-1], slopes[1:], strict=True):
        third = (times[right] - times[left]) / 3.0
        u = ((times[left : right + 1] - times[left]) / (times[right] - times[left]))[:, None]
        points = [values[left], values[left] + slope * third, values[right] - next_slope * third, values[right]]
        while len(points) > 1:
            points = [a * (1.0 - u) + b * u for a, b in itertools.pairwise(points)]
        shown[left : right + 1] = points[0]
    return shown


def motion(curves: int, frames: int, channels: int, seed: int = 0) -> np.ndarray:
    """Sums of slow waves with a little noise."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0.0, 1.0, frames)
    waves = np.sin(
        2.0
        * np.pi
        * (rng.uniform(0.0, 6.0, (curves, 1, channels, 4)) * time[None, :, None, None] + rng.uniform(size=(curves, 1, channels, 4)))
    )
    return waves.sum(axis=-1) * 0.2 + rng.normal(size=(curves, frames, channels)) * 2e-4


def turns(curves: int, frames: int, seed: int = 0) -> np.ndarray:
    quaternions = quaternion_from_matrix(matrix_from_axis_angle(motion(curves, frames, 3, seed)))
    return np.where(np.sum(quaternions * quaternions[:, :1], axis=-1, keepdims=True) < 0.0, -quaternions, quaternions)


@pytest.mark.parametrize("kind", ["rotation", "place"])
@pytest.mark.parametrize("error", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("step", [1.0, 0.2002, 3.4])
def test_every_frame_is_within_the_error(kind, error, step):
    values = turns(7, 90) if kind == "rotation" else motion(7, 90, 3)
    times = -3.5 + step * np.arange(90)
    for own, curve in zip(values, fewest_keys(times, values, error, kind), strict=True):
        shown = cubic(times, own, curve.at, curve.slopes)
        assert curve_error(shown, own, kind).max() <= error
        assert (np.diff(curve.at) > 0).all() and curve.slopes.shape == (len(curve.at), own.shape[1])


def test_more_error_needs_fewer_keys_and_few_at_all():
    values = turns(12, 200)
    counts = [sum(len(curve.at) for curve in fewest_keys(np.arange(200.0), values, error, "rotation")) for error in (0.002, 0.01, 0.05)]
    assert counts[0] > counts[1] > counts[2] and counts[1] < 0.2 * values.shape[0] * values.shape[1]


def test_no_key_is_left_that_could_go():
    """Of a cubic in time the ends are all that is needed; of several in a row, about the joints."""
    time = np.linspace(-1.0, 1.0, 61)
    one = np.stack([time**3 - time, 0.5 * time**2, time], axis=1)
    (curve,) = fewest_keys(np.arange(61.0), one[None], 1e-4, "place")
    assert curve.at.tolist() == [0, 60]
    several = np.concatenate([one, 3.0 * one[1:], one[1:]]) + np.linspace(0.0, 1.0, 181)[:, None]
    (curve,) = fewest_keys(np.arange(181.0), several[None], 1e-3, "place")
    assert len(curve.at) <= 12


def test_what_stands_still_keeps_one_key():
    still = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (3, 50, 1))
    assert [curve.at.tolist() for curve in fewest_keys(np.arange(50.0), still, 0.01, "rotation")] == [[0]] * 3


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_motions(frames):
    values = motion(2, frames, 3, seed=4)
    for own, curve in zip(values, fewest_keys(np.arange(float(frames)), values, 1e-4, "place"), strict=True):
        assert curve_error(cubic(np.arange(float(frames)), own, curve.at, curve.slopes), own, "place").max() <= 1e-4


def test_a_step_is_kept():
    values = np.repeat(np.array([[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]]), 20, axis=0)
    (curve,) = fewest_keys(np.arange(40.0), values[None], 0.01, "place")
    assert curve_error(cubic(np.arange(40.0), values, curve.at, curve.slopes), values, "place").max() <= 0.01


def test_no_curves_give_none():
    assert fewest_keys(np.arange(4.0), np.empty((0, 4, 3)), 0.1, "place") == ()


@pytest.mark.parametrize("error", [0.0, -1.0, np.nan, np.inf])
def test_errors_that_say_nothing_are_refused(error):
    with pytest.raises(ClipError, match="thinned"):
        fewest_keys(np.arange(4.0), np.zeros((1, 4, 3)), error, "place")


@pytest.mark.parametrize("times", [np.zeros(4), np.arange(3.0), np.arange(4.0)[::-1]])
def test_times_must_rise(times):
    with pytest.raises(ClipError, match="rising"):
        fewest_keys(times, np.zeros((1, 4, 3)), 0.1, "place")
