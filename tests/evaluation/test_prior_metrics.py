"""Laws of the measures: what they are blind to, what they answer to, and by how much."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.evaluation.prior.metrics import Score, contacts_of, f1, path_error, procrustes, score, sliding
from backend.evaluation.prior.places import places_of
from backend.evaluation.prior.results import MEASURES
from tests.evaluation.prior_motions import about, noisy, person, standing, thing

angles = st.floats(-3.0, 3.0)
shifts = st.tuples(*[st.floats(-5.0, 5.0)] * 3).map(np.array)


def moved(take, R_yaw, shift):
    turned = take.rotations.copy()
    turned[:, 0] = R_yaw @ turned[:, 0]
    points = None if take.points is None else take.points @ R_yaw.T
    return replace(take, rotations=turned, root=take.root @ R_yaw.T + shift, points=points)


def test_every_measure_has_a_name():
    assert tuple(MEASURES) == tuple(field.name for field in fields(Score))


@pytest.mark.parametrize("take", [person(), standing(), thing()], ids=lambda take: take.name)
def test_the_target_itself_has_no_error(take):
    own = score(take, take)
    assert own.mpjpe == own.world == own.acceleration == 0.0
    assert own.pa < 1e-6
    assert own.path < 1e-6
    assert own.speed == 1.0 or take.name == "standing"


@given(angle=angles, shift=shifts)
@settings(max_examples=20, deadline=None)
def test_path_error_is_blind_to_place_and_heading(angle, shift):
    take = person(30)
    turned = moved(take, about(np.array([0.0, 1.0, 0.0]), angle), shift)
    assert path_error(turned.root, take.root) < 1e-9
    bent = turned.root + np.linspace(0.0, 0.3, 30)[:, None] ** 2 * np.array([1.0, 0.0, 0.0])
    assert path_error(bent, take.root) > 1e-3


@given(angle=angles, shift=shifts, scale=st.floats(0.5, 2.0))
@settings(max_examples=20, deadline=None)
def test_procrustes_takes_similarities_away_but_no_mirror(angle, shift, scale):
    joints = places_of(person(5)).joints
    moved_joints = scale * joints @ about(np.array([0.6, 0.8, 0.0]), angle).T + shift
    assert np.abs(procrustes(moved_joints, joints) - joints).max() < 1e-9
    mirrored = joints * np.array([-1.0, 1.0, 1.0])
    assert np.abs(procrustes(mirrored, joints) - joints).max() > 0.01


@given(shift=shifts)
@settings(max_examples=10, deadline=None)
def test_a_shift_counts_unaligned_and_nowhere_else(shift):
    take = person(30)
    found = score(replace(take, root=take.root + shift), take)
    assert found.mpjpe < 1e-6
    assert found.acceleration < 1e-6
    assert found.world == pytest.approx(1000.0 * np.linalg.norm(shift), abs=1e-6)


def test_a_person_on_the_floor_neither_sinks_nor_floats():
    own = score(standing(), standing())
    assert own.penetration < 1.0
    assert own.floating < 1.0
    assert own.ground < 15.0  # the rest pose's balls lie a little higher than its heels
    assert own.sliding == 0.0
    assert own.contact == 1.0
    lifted = score(replace(standing(), root=standing().root + np.array([0.0, 0.1, 0.0])), standing())
    assert lifted.floating == pytest.approx(100.0 + own.floating, abs=1.5)
    assert lifted.penetration == 0.0
    assert lifted.contact == 0.0


def test_sliding_is_what_standing_feet_move():
    take = standing(30)
    slid = replace(take, root=take.root + np.arange(30)[:, None] * np.array([0.004, 0.0, 0.003]))
    assert score(slid, take).sliding == pytest.approx(5.0, abs=1e-6)


def test_peak_speed_sees_a_motion_smoothed_flat():
    take = person(90)
    slow = replace(take, rotations=np.repeat(take.rotations[:1], 90, axis=0))
    assert score(slow, take).speed < 0.7


def test_noise_shakes_and_a_contact_needs_low_and_slow():
    take = person()
    shaken = score(noisy(take).take, take)
    assert shaken.jitter > 5.0 * score(take, take).jitter
    soles = np.zeros((4, 1, 3))
    assert contacts_of(soles, 0.0, 30.0).all()
    assert not contacts_of(soles + np.array([0.0, 0.06, 0.0]), 0.0, 30.0).any()
    assert not contacts_of(soles + np.arange(4)[:, None, None] * np.array([0.01, 0.0, 0.0]), 0.0, 30.0).any()


def test_nothing_to_judge_is_not_a_number():
    nothing = np.zeros((5, 2), dtype=bool)
    assert np.isnan(sliding(np.zeros((5, 2, 3)), nothing))
    assert np.isnan(f1(nothing, nothing))
    assert f1(~nothing, nothing) == 0.0
