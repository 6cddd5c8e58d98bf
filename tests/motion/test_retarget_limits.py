"""A person's limits: what is beyond comes back to the nearest possible, what is within stays; and the turns beneath it all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.retargeting.limits import LIMITS, beyond, within_limits
from revision_blender.motion.retargeting.turns import angles, smallest_turns
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.motion.skeletons import SMPL


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(LIMITS)), st.tuples(*[st.floats(-3.0, 3.0)] * 3), st.sampled_from(["left_", "right_"]))
def test_what_is_beyond_comes_back_and_what_is_within_stays(part: str, turn: tuple[float, ...], side: str) -> None:
    name = part if part in SMPL.names else side + part
    given_ = matrix_from_axis_angle(np.array([turn]))
    kept, over = within_limits(name, given_)
    assert beyond(name, kept)[0] < 1e-5
    again, over_again = within_limits(name, kept)
    np.testing.assert_allclose(again, kept, atol=1e-5)
    assert over[0] == (beyond(name, given_)[0] > 1e-6)
    if not over[0]:
        np.testing.assert_array_equal(kept, given_)
    assert not over_again[0] or beyond(name, kept)[0] < 1e-5


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(set(LIMITS) - set(SMPL.names))), st.tuples(*[st.floats(-3.0, 3.0)] * 3))
def test_left_and_right_go_equally_far(part: str, turn: tuple[float, ...]) -> None:
    mirror = np.diag([-1.0, 1.0, 1.0])
    rotation = matrix_from_axis_angle(np.array([turn]))
    left, right = beyond(f"left_{part}", rotation)[0], beyond(f"right_{part}", mirror @ rotation @ mirror)[0]
    assert left == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "axis_angle", "possible"),
    [
        ("left_knee", (2.4, 0.0, 0.0), True), ("left_knee", (-0.8, 0.0, 0.0), False),  # knees bend backwards, not forwards
        ("right_elbow", (0.0, 2.4, 0.0), True), ("right_elbow", (0.0, -0.9, 0.0), False),
        ("left_elbow", (0.0, -2.4, 0.0), True), ("left_elbow", (0.0, 0.9, 0.0), False),
        ("left_hip", (-2.0, 0.0, 0.0), True), ("left_hip", (1.6, 0.0, 0.0), False),  # a thigh goes far forward, hardly back
        ("left_hip", (0.0, 0.0, 1.5), True), ("left_hip", (0.0, 0.0, -1.5), False),
        ("head", (0.0, 0.9, 0.0), True), ("head", (0.0, 2.0, 0.0), False),
        ("left_shoulder", (0.0, 0.0, -1.4), True), ("left_ankle", (0.9, 0.0, 0.0), True), ("left_ankle", (-1.4, 0.0, 0.0), False),
    ],
)  # fmt: skip
def test_limits_are_a_persons(name: str, axis_angle: tuple[float, ...], possible: bool) -> None:
    assert bool(beyond(name, matrix_from_axis_angle(np.array([axis_angle])))[0] == 0.0) is possible


DIRECTIONS = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 1e-3)


@settings(max_examples=100, deadline=None)
@given(DIRECTIONS, DIRECTIONS)
def test_the_smallest_turn_takes_one_direction_to_the_other(start: tuple[float, ...], end: tuple[float, ...]) -> None:
    a, b = np.array(start) / np.linalg.norm(start), np.array(end) / np.linalg.norm(end)
    for target in (b, -a, a):
        turn = smallest_turns(a, target)
        np.testing.assert_allclose(turn @ a, target, atol=1e-4)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-4)
        assert angle_between(turn, np.eye(3)) == pytest.approx(angles(a, target), abs=1e-3)
