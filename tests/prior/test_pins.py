"""Pins come out exactly, and what they change fades smoothly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.prior.pins import contradictions, pinned_places, pinned_rotations, reach_of, spread
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle

FPS = 30.0


def _motion(rng: np.random.Generator, frames: int, joints: int = 3) -> np.ndarray:
    time = np.arange(frames)[:, None, None] / FPS
    wave = np.sin(2.0 * np.pi * rng.uniform(0.3, 1.5, (1, joints, 3)) * time + rng.uniform(0.0, 6.0, (1, joints, 3)))
    return matrix_from_axis_angle(0.5 * wave)


@given(seed=st.integers(0, 10_000), frames=st.integers(1, 90), share=st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_pinned_entries_are_bit_for_bit_and_everything_else_stays_a_rotation(seed: int, frames: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    predicted, wanted = _motion(rng, frames), _motion(rng, frames)
    pinned = rng.random((frames, 3)) < share
    result = pinned_rotations(torch.as_tensor(predicted), torch.as_tensor(wanted), pinned, FPS).numpy()
    assert np.array_equal(result[pinned], wanted[pinned])
    assert np.allclose(result @ np.swapaxes(result, -1, -2), np.eye(3), atol=1e-9)
    untouched = ~pinned.any(axis=0)
    assert np.array_equal(result[:, untouched], predicted[:, untouched])


@given(seed=st.integers(0, 10_000), frames=st.integers(2, 60))
@settings(max_examples=30, deadline=None)
def test_no_other_curve_through_the_pins_bends_less(seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    at = np.sort(rng.choice(frames, size=min(frames, int(rng.integers(1, 5))), replace=False))
    apart, reach = rng.normal(size=(len(at), 1)), float(rng.uniform(3.0, 20.0))
    curve = spread(torch.as_tensor(apart), at, frames, reach, abrupt=False).numpy()
    assert np.allclose(curve[at], apart)
    near = np.abs(np.arange(frames)[:, None] - at).min(axis=1)
    assert not curve[near >= reach].any()
    free = (near > 0) & (near < reach)

    def cost(values: np.ndarray) -> float:
        return float((np.diff(values, n=2, axis=0) ** 2).sum() + (0.3 / reach) ** 2 * (np.diff(values, axis=0) ** 2).sum())

    for _ in range(5):
        other = curve + 0.01 * rng.normal(size=curve.shape) * free[:, None]
        assert cost(other) >= cost(curve) - 1e-12


def test_a_lone_pin_reaches_at_least_a_quarter_second_each_way_and_then_nothing() -> None:
    frames, at = 61, 30
    wanted = np.tile(np.eye(3), (frames, 1, 1, 1))
    wanted[at, 0] = matrix_from_axis_angle(np.array([np.radians(10.0), 0.0, 0.0]))
    pinned = np.zeros((frames, 1), dtype=bool)
    pinned[at] = True
    still = torch.eye(3, dtype=torch.float64).expand(frames, 1, 3, 3)
    result = pinned_rotations(still, torch.as_tensor(wanted), pinned, FPS).numpy()
    angle = np.linalg.norm(axis_angle_from_matrix(result[:, 0]), axis=-1)
    support = np.flatnonzero(angle > 1e-6)
    assert support[-1] - at >= 0.25 * FPS - 1 and at - support[0] >= 0.25 * FPS - 1
    assert support[-1] - at <= 1.0 * FPS
    assert angle.max() <= np.radians(10.0) + 1e-9
    assert (np.abs(np.diff(angle, n=2)) * FPS**2).max() <= 6.5  # rad/s^2: less than what arms do when a person walks


def test_larger_corrections_reach_further_but_not_without_end() -> None:
    assert reach_of(0.0, 5.0) == 0.25
    assert 0.25 < reach_of(0.2, 5.0) < reach_of(0.5, 5.0) < 1.0
    assert reach_of(3.0, 5.0) == 1.0


def test_the_root_goes_through_its_pins_without_swinging_past() -> None:
    predicted = torch.zeros(80, 3, dtype=torch.float64)
    wanted = torch.zeros(80, 3, dtype=torch.float64)
    wanted[20:41] = 0.1
    pinned = np.zeros(80, dtype=bool)
    pinned[[20, 30, 40]] = True
    result = pinned_places(predicted, wanted, pinned, FPS)
    assert torch.equal(result[torch.as_tensor(pinned)], wanted[torch.as_tensor(pinned)])
    assert float(result.max()) < 0.115 and float(result.min()) > -0.01


def test_gradients_flow_to_the_prediction_and_to_the_pins_also_where_nothing_differs() -> None:
    rng = np.random.default_rng(3)
    pinned = np.zeros((30, 3), dtype=bool)
    pinned[[4, 12, 25]] = True
    motion = torch.as_tensor(_motion(rng, 30))
    for target in (motion.clone(), torch.as_tensor(_motion(rng, 30))):
        predicted, wanted = motion.clone().requires_grad_(), target.requires_grad_()
        (pinned_rotations(predicted, wanted, pinned, FPS) * torch.as_tensor(rng.normal(size=(30, 3, 3, 3)))).sum().backward()
        for grad in (predicted.grad, wanted.grad):
            assert grad is not None and bool(torch.isfinite(grad).all()) and float(grad.abs().sum()) > 0.0


@pytest.mark.parametrize("gap", [1, 2, 4])
def test_contradictory_pins_are_kept_named_and_not_swung_past(gap: int) -> None:
    frames, first = 60, 20
    wanted = np.tile(np.eye(3), (frames, 2, 1, 1))
    wanted[first + gap :, 0] = matrix_from_axis_angle(np.array([0.0, 2.6, 0.0]) * (1.0 if gap < 4 else 1.2))
    pinned = np.zeros((frames, 2), dtype=bool)
    pinned[[first, first + gap], 0] = True
    found = contradictions(wanted, np.zeros((frames, 3)), pinned, np.zeros(frames, dtype=bool), FPS, ("left_elbow", "right_elbow"))
    if gap == 4:
        assert not found.sentences  # 179 degrees in 0.13 s is hard, not impossible
        return
    assert found.joints.tolist() == [True, False]
    assert "left_elbow" in found.sentences[0] and f"frames {first} and {first + gap}" in found.sentences[0]
    still = torch.eye(3, dtype=torch.float64).expand(frames, 2, 3, 3)
    result = pinned_rotations(still, torch.as_tensor(wanted), pinned, FPS, found.joints).numpy()
    assert np.array_equal(result[pinned], wanted[pinned])
    assert np.linalg.norm(axis_angle_from_matrix(result[:, 0]), axis=-1).max() <= 2.6 + 1e-6


def test_a_root_that_would_have_to_fly_is_named() -> None:
    root = np.zeros((30, 3))
    root[12:] = [3.0, 0.0, 0.0]
    pinned = np.zeros(30, dtype=bool)
    pinned[[10, 12]] = True
    rotations = np.tile(np.eye(3), (30, 1, 1, 1))
    found = contradictions(rotations, root, np.zeros((30, 1), dtype=bool), pinned, FPS, ("pelvis",))
    assert found.root and "3.00 m apart in 0.07 s" in found.sentences[0]
    pinned[12] = False
    pinned[25] = True
    assert not contradictions(rotations, root, np.zeros((30, 1), dtype=bool), pinned, FPS, ("pelvis",)).sentences
