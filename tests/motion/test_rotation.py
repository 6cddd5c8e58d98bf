"""Laws of the conversions between rotation matrices, axis-angle and quaternions."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from revision_blender.motion.rotation import (
    angle_between,
    axis_angle_from_matrix,
    continuous_quaternions,
    matrix_from_axis_angle,
    matrix_from_quaternion,
    quaternion_from_matrix,
    slerp,
)

unit_vectors = st.tuples(*[st.floats(-1, 1, allow_subnormal=False)] * 3).map(np.array).filter(lambda v: np.linalg.norm(v) > 1e-3)
axes = unit_vectors.map(lambda v: v / np.linalg.norm(v))
relaxed = settings(deadline=None)


@relaxed
@given(axes, st.floats(-20.0, 20.0))
def test_axis_angle_gives_rotations(axis, angle):
    rotation = matrix_from_axis_angle(axis * angle)
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-12)
    assert np.allclose(rotation @ axis, axis, atol=1e-12)
    assert np.trace(rotation) == pytest.approx(1.0 + 2.0 * np.cos(angle), abs=1e-11)


@relaxed
@given(axes, st.floats(0.0, np.pi - 1e-6))
@example(np.array([0.0, 0.0, 1.0]), 0.0)
@example(np.array([0.6, 0.0, 0.8]), 1e-12)
@example(np.array([0.6, 0.0, 0.8]), 3.14159)
def test_axis_angle_comes_back(axis, angle):
    assert np.allclose(axis_angle_from_matrix(matrix_from_axis_angle(axis * angle)), axis * angle, atol=1e-9)


@relaxed
@given(axes)
def test_a_half_turn_comes_back_up_to_its_sign(axis):
    found = axis_angle_from_matrix(matrix_from_axis_angle(axis * np.pi))
    assert np.linalg.norm(found) == pytest.approx(np.pi, abs=1e-9)
    assert np.linalg.norm(np.cross(found, axis)) < 1e-6


@relaxed
@given(st.tuples(*[st.floats(-1, 1, allow_subnormal=False)] * 4).map(np.array).filter(lambda q: np.linalg.norm(q) > 1e-3))
def test_quaternions_come_back_up_to_their_sign(quaternion):
    rotation = matrix_from_quaternion(quaternion)
    unit = quaternion / np.linalg.norm(quaternion)
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert abs(quaternion_from_matrix(rotation) @ unit) == pytest.approx(1.0, abs=1e-12)


def test_a_quaternion_says_w_first():
    quarter_turn_about_z = np.array([np.cos(np.pi / 4), 0.0, 0.0, np.sin(np.pi / 4)])
    assert np.allclose(matrix_from_quaternion(quarter_turn_about_z) @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])


def test_any_batch_shape():
    axis_angle = np.random.default_rng(0).normal(size=(2, 5, 3))
    rotation = matrix_from_axis_angle(axis_angle)
    assert rotation.shape == (2, 5, 3, 3)
    assert np.array_equal(rotation[1, 3], matrix_from_axis_angle(axis_angle[1, 3]))
    assert quaternion_from_matrix(rotation).shape == (2, 5, 4)
    assert matrix_from_axis_angle(np.zeros((0, 3))).shape == (0, 3, 3)


def test_single_precision_stays_single():
    rotation = matrix_from_axis_angle(np.array([[0.1, -2.0, 0.4]], dtype=np.float32))
    assert rotation.dtype == np.float32
    assert np.allclose(rotation[0] @ rotation[0].T, np.eye(3), atol=1e-6)


def test_neighbouring_quaternions_do_not_jump():
    angle = np.linspace(0.0, 4.0 * np.pi, 60)
    rotation = matrix_from_axis_angle(angle[:, None] * np.array([0.0, 0.6, 0.8]))
    quaternion = continuous_quaternions(quaternion_from_matrix(rotation))
    assert np.all(np.sum(quaternion[1:] * quaternion[:-1], axis=-1) > 0.9)
    assert np.allclose(matrix_from_quaternion(quaternion), rotation, atol=1e-12)


@relaxed
@given(axes, st.floats(-3.0, 3.0), axes, st.floats(-3.0, 3.0), st.floats(0.0, 1.0))
def test_slerp_goes_straight(axis_a, angle_a, axis_b, angle_b, fraction):
    a, b = matrix_from_axis_angle(axis_a * angle_a), matrix_from_axis_angle(axis_b * angle_b)
    between = slerp(a, b, fraction)
    whole = angle_between(a, b)
    assert angle_between(a, between) == pytest.approx(fraction * whole, abs=1e-6)
    assert angle_between(between, b) == pytest.approx((1.0 - fraction) * whole, abs=1e-6)
