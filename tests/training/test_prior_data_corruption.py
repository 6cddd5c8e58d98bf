"""What breaks motions: each recipe does what it says, no more, and the same every time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.prior.state.take import KINDS, Damaged, Kind, Take
from backend.training.prior.corruption import ROWS, Recipe, corrupted, drawn, fixed_rng, mix, slow, training_example, white
from backend.training.prior.disorder import Dropped, Frozen, Shuffled
from backend.training.prior.limbs import LEGS, limbs_of
from backend.training.prior.lost import Decimated, FramesMissing, Gap, LimbsMissing, OnlyEnds, Pinned
from backend.training.prior.mistakes import BoneScale, DepthDrift, Doubtful, Floating, LimbHeld, Swapped
from backend.training.prior.noise import JointNoise, Noise, forward
from backend.training.prior.variation import cut
from revision_blender.motion.rotation import axis_angle_from_matrix
from tests.training.take_samples import FRAMES, a_take, person, still


def damaged_by(take: Take, *steps, seed: int = 0) -> Damaged:
    return corrupted(take, np.random.default_rng(seed), Recipe("tried", steps))


def turns(damaged: Damaged, clean: Take) -> np.ndarray:
    """Rotation vectors from the clean rotations to the damaged ones, degrees."""
    return np.degrees(axis_angle_from_matrix(np.swapaxes(clean.rotations, -1, -2) @ damaged.take.rotations))


def check_sound(damaged: Damaged, clean: Take) -> None:
    """Laws of every damaged take."""
    take = damaged.take
    assert take.rotations.shape == clean.rotations.shape and take.root.shape == clean.root.shape
    assert np.abs(take.rotations @ np.swapaxes(take.rotations, -1, -2) - np.eye(3)).max() < 1e-5
    assert np.linalg.det(take.rotations).min() > 0.9
    assert np.isfinite(take.root).all() and (take.points is None or np.isfinite(take.points).all())
    for trust in (damaged.trust, damaged.root_trust):
        assert trust.min() >= 0.0 and trust.max() <= 1.0
    assert np.array_equal(take.rotations[damaged.pinned], clean.rotations[damaged.pinned])
    assert np.array_equal(take.root[damaged.root_pinned], clean.root[damaged.root_pinned])
    assert damaged.trust[damaged.pinned].min(initial=1.0) == 1.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_sound_and_fixed_and_leaves_the_clean_take_alone(kind: Kind, row: str) -> None:
    clean = a_take(kind)
    before = clean.rotations.copy(), clean.root.copy()
    one, other = (corrupted(clean, fixed_rng(clean.name, row, 3), ROWS[row]) for _ in range(2))
    check_sound(one, clean)
    assert np.array_equal(one.take.rotations, other.take.rotations) and np.array_equal(one.take.root, other.take.root)
    assert np.array_equal(clean.rotations, before[0]) and np.array_equal(clean.root, before[1])
    if row != "clean" and kind == "human":
        unlike = corrupted(clean, fixed_rng(clean.name, row, 4), ROWS[row])
        same = np.array_equal(one.take.rotations, unlike.take.rotations) and np.array_equal(one.take.root, unlike.take.root)
        assert same == row.startswith(("decimate", "bone"))  # these two alone draw nothing, or nothing that moves it


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10_000), frames=st.sampled_from([16, 23, 64]))
@settings(max_examples=60, deadline=None)
def test_what_training_draws_is_sound(kind: Kind, seed: int, frames: int) -> None:
    clean = cut(a_take(kind), slice(0, frames))
    damaged, away = training_example(clean, np.random.default_rng(seed))
    check_sound(damaged, clean)
    assert away.shape == (frames,) and away.min() >= 0.0 and away.max() < 0.1
    assert not away[damaged.root_pinned].any()


def test_training_draws_what_it_says() -> None:
    recipes = [drawn(np.random.default_rng(seed)) for seed in range(2000)]
    steps = [[type(step) for step in recipe.steps] for recipe in recipes]
    nothing = np.mean([found == [Pinned] for found in steps])
    assert 0.1 < nothing < 0.25
    assert 0.5 < np.mean([Noise in found for found in steps]) < 0.65
    assert 0.15 < np.mean([found != [Pinned] and Noise not in found and JointNoise not in found for found in steps]) < 0.35
    assert all(found[-1] is Pinned for found in steps)
    assert 0.45 < np.mean([recipe.steps[-1].first for recipe in recipes]) < 0.55
    assert 0.45 < np.mean([recipe.steps[-1].last for recipe in recipes]) < 0.55
    seen = {kind for found in steps for kind in found}
    assert seen >= {
        LimbsMissing,
        FramesMissing,
        Gap,
        LimbHeld,
        Doubtful,
        Swapped,
        DepthDrift,
        Floating,
        BoneScale,
        Frozen,
        Decimated,
        Shuffled,
    }


@pytest.mark.parametrize(("noise", "neighbours"), [(white(5), 0.0), (slow(5), np.exp(-1 / 15)), (mix(5), 0.64 * np.exp(-1 / 15))])
def test_noise_is_as_strong_and_as_slow_as_it_says(noise: Noise, neighbours: float) -> None:
    clean = still()
    damaged = damaged_by(clean, noise)
    found, moved = turns(damaged, clean), 100.0 * damaged.take.root
    assert found.std() == pytest.approx(5.0, rel=0.04)
    assert found[0].std() == pytest.approx(5.0, rel=0.3)  # from the first frame on
    assert moved.std() == pytest.approx(5.0, rel=0.25)
    assert np.corrcoef(found[:-1].ravel(), found[1:].ravel())[0, 1] == pytest.approx(neighbours, abs=0.03)


@given(cm=st.floats(0.5, 6.0), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_joint_noise_moves_joints_as_far_as_it_says_and_no_bone_grows(cm: float, seed: int) -> None:
    clean = person()
    places = forward(damaged_by(clean, JointNoise(cm), seed=seed).take)[1]
    apart = 100.0 * np.linalg.norm(places - forward(clean)[1], axis=-1)
    assert 0.5 * cm < apart[:, 0].mean() / 1.6 < 1.5 * cm  # the root's is not spread over anything
    assert 0.7 * cm < apart.mean() < 6.0 * cm
    exact = damaged_by(clean, JointNoise(1e-7), seed=seed).take
    assert np.abs(forward(exact)[1] - forward(clean)[1]).max() < 1e-6


def test_what_is_missing_is_marked_and_nothing_else() -> None:
    clean = person()
    legs = [joint for leg in LEGS["human"] for joint in leg]
    damaged = damaged_by(clean, LimbsMissing())
    assert not damaged.trust[:, legs].any() and damaged.trust[:, [0, 3, 6, 9, *range(12, 22)]].all() and damaged.root_trust.all()
    damaged = damaged_by(clean, FramesMissing(0.25))
    gone = damaged.root_trust == 0.0
    assert gone.sum() == 16 and not gone[0]
    assert np.array_equal(damaged.trust == 0.0, np.repeat(gone[:, None], 22, axis=1))
    assert np.array_equal(damaged.take.rotations[~gone], clean.rotations[~gone])
    damaged = damaged_by(clean, Decimated(4))
    assert np.flatnonzero(damaged.root_trust).tolist() == list(range(0, FRAMES, 4))
    damaged = damaged_by(clean, OnlyEnds(3))
    assert np.flatnonzero(damaged.root_trust).tolist() == [0, 1, 2, FRAMES - 1]
    lost = np.flatnonzero(damaged_by(clean, Gap(5, 9)).root_trust == 0.0)
    assert 5 <= len(lost) <= 9 and np.ptp(lost) == len(lost) - 1 and lost[0] > 0 and lost[-1] < FRAMES - 1


def _source(damaged: Damaged, clean: Take) -> np.ndarray:
    """Of each frame, the clean frame that it is."""
    apart = np.abs(damaged.take.rotations[:, None] - clean.rotations[None]).max(axis=(2, 3, 4))
    assert apart.min(axis=1).max() == 0.0
    return apart.argmin(axis=1)


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_frames_come_at_the_wrong_time(seed: int) -> None:
    clean = person("walking_51")
    at = _source(damaged_by(clean, Shuffled(16), seed=seed), clean)
    wrong = np.flatnonzero(at != np.arange(FRAMES))
    assert sorted(at) == list(range(FRAMES)) and len(wrong) >= 8 and np.ptp(wrong) < 16
    at = _source(damaged_by(clean, Dropped(8), seed=seed), clean)
    jump = np.flatnonzero(np.diff(at) == 9)
    assert len(jump) == 1 and at[0] == 0 and np.array_equal(np.delete(np.diff(at), jump)[:-8], np.ones(FRAMES - 10))
    assert (at[-9:] == FRAMES - 1).all()
    at = _source(damaged_by(clean, Frozen(5), seed=seed), clean)
    assert (np.diff(at) == 0).sum() == 5 and (at != np.arange(FRAMES)).sum() == 5


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_swapped_sides_are_where_the_other_side_was(seed: int) -> None:
    clean = person("walking_51")
    damaged = damaged_by(clean, Swapped(3, 8), seed=seed)
    before, after = (forward(take)[1] for take in (clean, damaged.take))
    wrong = np.abs(damaged.take.rotations - clean.rotations).max(axis=(1, 2, 3)) > 0.0
    assert 3 <= wrong.sum() <= 8 and np.ptp(np.flatnonzero(wrong)) == wrong.sum() - 1
    for left, right, hip, other in ((7, 8, 1, 2), (20, 21, 13, 14)):  # from hips and collars, whose own places stay
        moved = after[wrong][:, left] - after[wrong][:, hip]
        was = before[wrong][:, right] - before[wrong][:, other]
        assert np.linalg.norm(moved - was, axis=-1).max() < 0.1  # rest poses are mirror images, not copies


def test_mistakes_are_of_their_size() -> None:
    clean = person()
    seconds = np.arange(FRAMES) / 30.0
    moved = damaged_by(clean, DepthDrift(0.3)).take.root - clean.root
    assert np.allclose(np.linalg.norm(moved, axis=-1), 0.3 * seconds) and not moved[:, 1].any()
    moved = damaged_by(clean, Floating()).take.root - clean.root
    assert 0.05 <= moved[0, 1] <= 0.15 and np.ptp(moved[:, 1]) < 1e-12 and not moved[:, [0, 2]].any()
    factors = np.linalg.norm(damaged_by(clean, BoneScale(0.05)).take.offsets[1:], axis=-1) / np.linalg.norm(clean.offsets[1:], axis=-1)
    assert 0.0 < abs(factors.mean() - 1.0) <= 0.05 and np.ptp(factors) < 1e-9
    held = damaged_by(clean, LimbHeld(10, 30))
    lost = held.trust == 0.0
    limb = tuple(np.flatnonzero(lost.any(axis=0)))
    assert limb in limbs_of("human") and 10 <= lost[:, limb[0]].sum() <= 30
    first = np.flatnonzero(lost[:, limb[0]])[0]
    assert (held.take.rotations[lost[:, limb[0]]][:, limb] == clean.rotations[first, limb]).all()
    doubtful = damaged_by(clean, Doubtful(20.0))
    unsure = doubtful.trust < 1.0
    assert np.linalg.norm(turns(doubtful, clean)[unsure], axis=-1).mean() > 15.0 and np.abs(turns(doubtful, clean)[~unsure]).max() < 1e-4


def test_pins_are_exact_whatever_came_before() -> None:
    clean = person()
    damaged = damaged_by(clean, white(7), OnlyEnds(1), Pinned(first=True, last=True, part=0.05))
    assert damaged.pinned[0].all() and damaged.pinned[-1].all() and damaged.root_pinned[[0, -1]].all()
    assert 0.02 < damaged.pinned[1:-1].mean() < 0.08 and not damaged.root_pinned[1:-1].any()
    check_sound(damaged, clean)


def test_noise_on_a_thing_does_not_show_in_rotations_that_nobody_sees() -> None:
    clean = a_take("object")
    damaged = damaged_by(clean, white(7))
    assert np.array_equal(damaged.take.rotations, clean.rotations)
    assert damaged.take.points is not None and clean.points is not None
    apart = 100.0 * np.linalg.norm(damaged.take.points - clean.points, axis=-1).mean()
    assert 1.0 < apart < 10.0
