"""Sides exchanged, floating, drifting: what is measured and put right before the network, and what stays untouched."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.prior.state import forward
from backend.prior.state.fill import filled
from backend.prior.state.grounding import grounded
from backend.prior.state.observe import observed
from backend.prior.state.sides import sides_righted
from backend.prior.state.take import Damaged, Take, undamaged
from revision_blender.motion.bodies.body_model import identity_of, open_human
from revision_blender.motion.rotation import matrix_from_axis_angle

ABOUT = np.diag([-1.0, 1.0, -1.0])


def steps(frames: int = 90, belt: bool = False) -> Take:
    """A person who lifts one foot after the other and moves on while both stand still; the root is led by the standing foot."""
    identity = identity_of(open_human(), np.zeros(10))
    rest = identity.joints_rest[:22]
    parents = np.array(identity.model.parents[:22])
    offsets = np.where(parents[:, None] >= 0, rest - rest[parents], 0.0)
    phase = np.arange(frames) / 30.0 * 2.0
    vectors = np.zeros((frames, 22, 3))
    swing, lift = 0.35 * np.sin(np.pi * phase), np.cos(np.pi * phase)
    vectors[:, 1, 0], vectors[:, 2, 0] = swing, -swing
    vectors[:, 4, 0], vectors[:, 5, 0] = 0.9 * np.maximum(-lift, 0.0), 0.9 * np.maximum(lift, 0.0)
    vectors[:, 7, 0] = -vectors[:, 1, 0] - vectors[:, 4, 0]
    vectors[:, 8, 0] = -vectors[:, 2, 0] - vectors[:, 5, 0]
    vectors[:, 16, 2], vectors[:, 17, 2] = -1.2, 1.2
    vectors[:, 18, 1], vectors[:, 19, 1] = -0.5 - swing, 0.5 - swing
    rotations = matrix_from_axis_angle(vectors)
    take = Take("human", 30.0, rotations, np.zeros((frames, 3)), offsets)
    places = forward.places(observed([undamaged(take)], dtype=torch.float64).motions)[0].numpy()
    left, right = places[:, 10], places[:, 11]
    step = np.where((lift[:-1] > 0.0)[:, None], left[:-1] - left[1:], right[:-1] - right[1:])
    root = np.concatenate([np.zeros((1, 3)), np.cumsum(step, 0)])
    root[:, 1] = 0.023 - places[:, [10, 11], 1].min(1)
    if belt:
        root[:, [0, 2]] = 0.0
    return replace(take, root=root)


def swapped(take: Take, first: int, last: int) -> Take:
    rotations = take.rotations.copy()
    part = slice(first, last)
    for one, other in (((1, 4, 7, 10), (2, 5, 8, 11)), ((2, 5, 8, 11), (1, 4, 7, 10))):
        rotations[part, one] = take.rotations[part, other]
    for one, other in (((13, 16, 18, 20), (14, 17, 19, 21)), ((14, 17, 19, 21), (13, 16, 18, 20))):
        turned = take.rotations[part, list(other)] @ ABOUT
        turned[:, 1:] = ABOUT @ turned[:, 1:]
        rotations[part, one] = turned
    return replace(take, rotations=rotations)


@pytest.mark.parametrize(("first", "last"), [(20, 23), (38, 46), (0, 5), (84, 90)])
def test_swapped_sides_are_swapped_back(first: int, last: int) -> None:
    take = steps()
    damaged = swapped(take, first, last)
    assert np.abs(damaged.rotations - take.rotations).max() > 0.3
    np.testing.assert_allclose(sides_righted(undamaged(damaged)).take.rotations, take.rotations, atol=1e-9)


def test_pinned_runs_stay_as_the_animator_has_them() -> None:
    damaged = undamaged(swapped(steps(), 20, 23))
    pinned = damaged.pinned.copy()
    pinned[20:23] = True
    assert sides_righted(replace(damaged, pinned=pinned)).take is damaged.take


@pytest.mark.parametrize("degrees", [0.0, 3.0, 7.0])
def test_neither_clean_nor_noisy_motion_is_swapped(degrees: float) -> None:
    take = steps()
    noise = matrix_from_axis_angle(np.radians(degrees) * np.random.default_rng(0).normal(size=(90, 22, 3)))
    damaged = undamaged(replace(take, rotations=take.rotations @ noise))
    assert sides_righted(damaged) is damaged


def shifted(take: Take, by: np.ndarray) -> Damaged:
    return undamaged(replace(take, root=take.root + by))


@pytest.mark.parametrize("height", [0.07, 0.15, -0.1])
def test_floating_comes_down_and_sinking_comes_up(height: float) -> None:
    take = steps()
    answer = observed([shifted(take, np.array([0.0, height, 0.0]))]).motions.root[0].numpy()
    assert np.abs(answer - take.root).max() < 0.02


@pytest.mark.parametrize("angle", [0.0, 1.0, 2.5, 4.0])
def test_a_drift_is_taken_out(angle: float) -> None:
    take = steps()
    away = 0.3 * np.arange(90)[:, None] / 30.0 * [np.cos(angle), 0.0, np.sin(angle)]
    answer = observed([shifted(take, away)]).motions.root[0].numpy()
    assert np.abs(answer - take.root).max() < 0.1 * np.abs(away).max()


def test_what_stands_right_stays_and_so_does_a_treadmill() -> None:
    for take in (steps(), steps(belt=True)):
        seen = observed([undamaged(take)])
        assert np.array_equal(seen.motions.root[0].numpy(), take.root.astype(np.float32))
        assert grounded(seen) is seen


def test_pinned_places_and_filled_legs_move_nothing() -> None:
    take = steps()
    damaged = shifted(take, np.array([0.0, 0.1, 0.0]))
    pinned = damaged.root_pinned.copy()
    pinned[40] = True
    trust = damaged.trust.copy()
    trust[:, [4, 5]] = 0.0
    for kept in (replace(damaged, root_pinned=pinned), replace(damaged, trust=trust)):
        np.testing.assert_array_equal(observed([kept]).motions.root[0].numpy(), kept.take.root.astype(np.float32))


def test_gaps_are_filled_along_the_shortest_way_and_what_is_known_keeps_its_bits() -> None:
    take = steps()
    damaged = undamaged(take)
    trust, root_trust = damaged.trust.copy(), damaged.root_trust.copy()
    trust[10:13, 4], root_trust[50:53], trust[:, 15] = 0.0, 0.0, 0.0
    broken = take.rotations.copy()
    broken[10:13, 4], broken[:, 15] = np.nan, np.nan
    whole = filled(replace(damaged, take=replace(take, rotations=broken), trust=trust, root_trust=root_trust))
    assert np.isfinite(whole.take.rotations).all()
    known = trust > 0.0
    assert np.array_equal(whole.take.rotations[known], take.rotations[known])
    assert np.array_equal(whole.take.rotations[:, 15], np.tile(np.eye(3), (90, 1, 1)))
    np.testing.assert_allclose(whole.take.root[51], (take.root[49] + take.root[53]) / 2.0, atol=1e-12)
    assert (whole.trust[10:13, 4] == 0.0).all()
    assert filled(damaged) is damaged
