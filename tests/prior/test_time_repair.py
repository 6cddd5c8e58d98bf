"""Time repair: what was shuffled, cut out or frozen comes back, and nothing else is touched."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from backend.prior.footing import footing_of, pose_of
from backend.prior.state.fill import filled
from backend.prior.state.take import Damaged, Take, undamaged
from backend.prior.time_repair import repaired
from backend.training.prior.bundled import bundled_takes
from backend.training.prior.corruption import ROWS, corrupted, fixed_rng
from backend.training.prior.gaits import drawn as animal
from backend.training.prior.rigid_simulation import drawn as thing

NAMES = ("walking_16", "walking_22", "running_2", "jumping_1", "basketball_5", "directing_traffic_4", "soccer_5", "humanoid3d_dance_a")
NOISE = (
    "white 3",
    "white 7",
    "ar 3",
    "ar 7",
    "mix 5",
    "joints 4 cm",
    "legs missing + 7",
    "frames missing + 3",
    "swap",
    "limb held",
    "decimate 4",
)


@cache
def people() -> tuple[Take, ...]:
    chosen = {take.name: take for take in bundled_takes()}
    return tuple(chosen[name] for name in NAMES)


@cache
def others() -> tuple[Take, ...]:
    rng = np.random.default_rng(0)
    return (*(animal(rng) for _ in range(2)), *(thing(rng) for _ in range(16)))


def places(damaged: Damaged) -> np.ndarray:
    take = filled(damaged).take
    return pose_of(take, footing_of(take)).points if take.kind == "object" else pose_of(take, footing_of(take)).joints


def error(damaged: Damaged, clean: Take) -> float:
    return float(np.linalg.norm(places(damaged) - places(undamaged(clean)), axis=-1).mean())


@pytest.mark.parametrize("take", people(), ids=lambda take: take.name)
def test_clean_motion_comes_back_itself(take):
    given = undamaged(take)
    assert repaired(given) is given


def test_clean_animals_and_things_come_back_themselves():
    for take in others():
        given = undamaged(take)
        assert repaired(given) is given, take.name


@pytest.mark.parametrize("row", NOISE)
def test_noise_is_no_disorder(row):
    for take in people():
        given = corrupted(take, fixed_rng(take.name, row), ROWS[row])
        assert repaired(given) is given, take.name
    for take in others():
        if row != "joints 4 cm":
            given = corrupted(take, fixed_rng(take.name, row), ROWS[row])
            assert repaired(given) is given, take.name


@pytest.mark.parametrize(("row", "bar"), [("shuffle 16", 0.35), ("drop 8", 0.7), ("drop 15", 0.7), ("freeze 5", 0.7)])
def test_error_falls(row, bar):
    """Over all together: against leaving it, and against holding back the whole rest by a constant."""
    before, after = 0.0, 0.0
    for take in people():
        for seed in range(1):
            given = corrupted(take, fixed_rng(take.name, row, seed), ROWS[row])
            before, after = before + error(given, take), after + error(repaired(given), take)
    assert after <= bar * before


def test_length_of_a_cut_is_found_in_steps():
    """Walking repeats itself: what is missing is known to a frame."""
    take = people()[0]
    lengths = []
    for gone, first in [(6, 20), (8, 25), (11, 30), (15, 22), (15, 30)]:
        at = np.r_[:first, first + gone : take.n_frames, [take.n_frames - 1] * gone]
        given = undamaged(replace(take, rotations=take.rotations[at], root=take.root[at]))
        found = repaired(given)
        missing = np.flatnonzero(found.root_trust == 0.0)
        assert missing[0] == first
        assert np.array_equal(found.take.root[:first], take.root[:first])
        lengths.append(len(missing) - gone)
    assert np.abs(lengths).max() <= 2


def test_shuffled_frames_are_put_back_exactly():
    take = people()[2]
    at = np.arange(take.n_frames)
    at[12:28] = 12 + np.random.default_rng(3).permutation(16)
    found = repaired(undamaged(replace(take, rotations=take.rotations[at], root=take.root[at])))
    assert np.array_equal(found.take.rotations, take.rotations)
    assert np.array_equal(found.take.root, take.root)


def test_repaired_motion_needs_no_repair():
    for row in ("shuffle 16", "drop 8", "freeze 5"):
        take = people()[1]
        once = repaired(corrupted(take, fixed_rng(row), ROWS[row]))
        assert repaired(once) is once


def test_pinned_entries_keep_place_and_value():
    take = people()[0]
    at = np.r_[:20, 28 : take.n_frames, [take.n_frames - 1] * 8]
    cut = replace(take, rotations=take.rotations[at].copy(), root=take.root[at].copy())
    cut.rotations[-1], cut.root[-1] = take.rotations[-1], take.root[-1]  # the target pose is known
    pinned, root = np.zeros(take.rotations.shape[:2], dtype=bool), np.zeros(take.n_frames, dtype=bool)
    pinned[[0, -1]], root[[0, -1]] = True, True
    pinned[40:44, 16] = True
    found = repaired(replace(undamaged(cut), pinned=pinned, root_pinned=root))
    assert (found.root_trust[20:26] == 0.0).all()
    assert np.array_equal(found.take.rotations[pinned], cut.rotations[pinned])
    assert np.array_equal(found.take.root[root], cut.root[root])
    assert (found.trust[pinned] == 1.0).all()


def test_a_pinned_pose_says_that_the_time_is_right():
    """A frame that the animator pinned where it is must not be pushed out by what is put in before it."""
    take = people()[0]
    at = np.r_[:20, 28 : take.n_frames]
    given = undamaged(replace(take, rotations=take.rotations[at], root=take.root[at]))
    given.pinned[45], given.root_pinned[45] = True, True
    assert repaired(given) is given


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 8])
def test_short_motions_come_back_themselves(frames):
    take = people()[0]
    given = undamaged(replace(take, rotations=take.rotations[:frames], root=take.root[:frames]))
    assert repaired(given) is given


def test_slow_clocks_are_left_alone():
    take = people()[2]
    given = undamaged(replace(take, fps=6.0, rotations=take.rotations[::5], root=take.root[::5]))
    assert repaired(given) is given
