"""People's sizes and the floor under them: what the camera leaves open, and what it must not change."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.lifting.world.ground import Stance, ground_plane, guessed_ground, shared_ground
from backend.lifting.world.people_step import stance_of
from backend.lifting.world.scale import Standing, Upright, agreed_scales, grown_betas, scaled, stature_of
from revision_blender.motion.bodies.body_model import identity_of, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle
from tests.backend.lifting_cases import walking_clip

UP = np.array([0.0, -1.0, 0.0])


def _upright(spread: float = 0.1) -> Upright:
    return Upright(UP, spread, np.eye(3))


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_scaled_body_is_larger_and_farther_and_looks_the_same(factor):
    clip = walking_clip()
    track = clip.bodies[0]
    grown = scaled(track, factor, clip.camera)
    before, after = (vertices_of(identity_of(open_human(), one.betas), one.rotations, one.translation) for one in (track, grown))
    apart = np.abs(clip.camera.project(before)[0] - clip.camera.project(after)[0])
    assert apart.mean() < 1.5 and np.percentile(apart, 99) < 4.0  # of a body 190 pixels tall
    ratio = clip.camera.project(after)[1].mean() / clip.camera.project(before)[1].mean()
    assert ratio == pytest.approx(factor, abs=0.01)
    assert stature_of(open_human(), grown.betas) / stature_of(open_human(), track.betas) == pytest.approx(factor, abs=0.02)
    assert np.array_equal(grown.rotations, track.rotations)


def test_a_factor_of_one_changes_nothing_and_shapes_stay_within_reach():
    clip = walking_clip()
    assert scaled(clip.bodies[0], 1.0, clip.camera) is clip.bodies[0]
    assert np.abs(grown_betas(open_human(), np.zeros(10), 1.18)).max() <= 4.0


def _seen(places: np.ndarray, true_height: float, guessed: float) -> Standing:
    """Someone of a true height whose lift came out as tall as ``guessed``. places: feet, camera coordinates, metres."""
    return Standing(guessed, places * guessed / true_height)


def _walk(depth: float, height: float, pitch: float = 0.0) -> np.ndarray:
    """Feet on a floor ``height`` below the camera that is tilted by ``pitch`` radians, from ``depth`` on."""
    z = np.linspace(depth, depth + 0.8, 12)
    return np.stack([np.full(12, 0.3), height + np.tan(pitch) * z, z], axis=1)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1.55, 1.85), st.floats(3.0, 8.0)), min_size=3, max_size=5),
    st.floats(1.1, 1.8),
)
def test_people_on_one_floor_come_to_one_scale(people, camera_height):
    """Lifted as if all were 1.70 m tall; the floor tells their heights apart, up to the height of the whole."""
    seen = [_seen(_walk(depth, camera_height), height, 1.70) for height, depth in people]
    factors = agreed_scales(seen, _upright(0.02))
    truth = np.array([height / 1.70 for height, _ in people])
    relative = factors / truth
    before = truth.max() / truth.min()
    assert relative.max() / relative.min() < max(1.03, 1.0 + 0.5 * (before - 1.0))


def test_who_stands_on_a_chair_keeps_to_a_likely_stature():
    on_floor = [_seen(_walk(depth, 1.5), 1.7, 1.7) for depth in (3.0, 5.0, 6.0)]
    on_chair = _seen(_walk(4.0, 0.9), 1.7, 1.7)
    factors = agreed_scales([*on_floor, on_chair], _upright())
    assert np.abs(factors[:3] - 1.0).max() < 0.03
    assert 0.9 < factors[3] < 1.15  # the floor alone would say 1.67


def test_statures_decide_where_no_foot_is_seen_and_one_person_is_left_alone():
    nothing = np.zeros((0, 3))
    factors = agreed_scales([Standing(1.6, nothing), Standing(1.8, nothing)], _upright())
    assert factors == pytest.approx([1.70 / 1.6, 1.70 / 1.8], abs=1e-6)
    assert agreed_scales([_seen(_walk(4.0, 1.5), 1.5, 1.7)], _upright()).tolist() == [1.0]


def test_a_floor_that_runs_away_from_the_camera_is_told_from_people_of_odd_heights():
    people = [(1.7, 3.0), (1.7, 4.5), (1.7, 6.0), (1.7, 7.5)]
    seen = [_seen(_walk(depth, 1.5, -0.08), height, 1.7) for height, depth in people]
    assert np.abs(agreed_scales(seen, _upright()) - 1.0).max() < 0.03


def _stance(shift: float = 0.0) -> Stance:
    track = walking_clip().bodies[0]
    return stance_of(replace(track, translation=track.translation + np.array([shift, 0.0, 0.0])))


def test_the_floor_of_one_is_the_floor_of_two_who_stand_alike():
    R = np.tile(np.eye(3), (8, 1, 1))
    alone = ground_plane(_stance().joints, _stance().feet, R, 12.0)
    both, sure = shared_ground([_stance(), _stance(1.5)], R, 12.0)
    assert np.degrees(np.arccos(np.clip(alone.normal @ both.normal, -1, 1))) < 3.0
    assert abs(alone.height(np.zeros(3)) - both.height(np.zeros(3))) < 0.1
    assert 0.0 < sure <= 1.0


def test_a_floor_that_nothing_stands_on_is_guessed_level_and_said_to_be():
    R = matrix_from_axis_angle(np.array([[0.1, 0.0, 0.0]]))
    ground, sure = shared_ground([], R, 12.0)
    assert sure == 0.0
    assert ground.height(np.zeros(3)) == pytest.approx(1.4)
    assert abs(ground.normal @ R[0][:, 0]) < 1e-9
    assert np.array_equal(ground.normal, guessed_ground(R[0]).normal)


def test_paws_alone_make_a_floor():
    paws = np.array([0.0, 0.9, 4.0]) + np.random.default_rng(0).normal(0, 0.01, (6, 8, 3))
    ground, sure = shared_ground([], np.tile(np.eye(3), (6, 1, 1)), 12.0, [paws])
    assert abs(ground.height(paws)).max() < 0.1 and sure > 0.0
