"""A hundred random sets of pins on damaged captured motion: all exact, and no jolt around them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.errors import InputError
from backend.prior.answers import Asked, answer
from backend.prior.network.transformer import Prior
from backend.prior.network.weights import BUNDLED, bundled_prior
from backend.prior.state.forward import places
from backend.prior.state.observe import observed
from backend.prior.state.take import Damaged, Take, undamaged
from backend.training.prior.corruption import ROWS, corrupted, fixed_rng
from backend.training.prior.take_file import read_takes
from revision_blender.motion.rotation import matrix_from_axis_angle
from tests.prior.net_samples import SMALL

SETS = 100
LONGEST = 210  # frames of the clips: enough for every activity, and quick
NEAR = 8  # frames
UNPOLISHED = Asked(polish=False)
HELD_OUT = BUNDLED / "held_out.npz"


def _network() -> Prior:
    """The shipped network; without it a fresh one, which filters."""
    try:
        return bundled_prior().network
    except InputError:
        return Prior(SMALL).eval()


def _with_pins(damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
    """One to three joints: clean rotations at one to five frames at least five apart, all turned by the same 10 degrees."""
    wanted, pinned = damaged.take.rotations.copy(), np.zeros_like(damaged.pinned)
    for joint in rng.choice(pinned.shape[1], size=int(rng.integers(1, 4)), replace=False):
        gap = int(rng.integers(5, 15))
        first = int(rng.integers(0, clean.n_frames - 1))
        at = np.arange(first, clean.n_frames, gap)[: int(rng.integers(1, 6))]
        axis = rng.normal(size=3)
        wanted[at, joint] = clean.rotations[at, joint] @ matrix_from_axis_angle(np.radians(10.0) * axis / np.linalg.norm(axis))
        pinned[at, joint] = True
    return replace(damaged, take=replace(damaged.take, rotations=wanted), pinned=pinned)


def _accelerations(take: Take) -> NDArray[np.floating]:
    """``(F - 2, J)`` m/s^2."""
    joints = places(observed([undamaged(take)]).motions)[0].numpy()
    return np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1) * take.fps**2


def _near(pinned: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames with an acceleration that have a pin within ``NEAR``."""
    at = np.flatnonzero(pinned.any(axis=1))
    return (np.abs(np.arange(len(pinned))[:, None] - at).min(axis=1) <= NEAR)[1:-1]


@pytest.mark.slow
def test_a_hundred_sets_of_pins_are_exact_and_smooth() -> None:
    if not HELD_OUT.is_file():
        pytest.skip(f"{HELD_OUT} is not there")
    takes = [take for take in read_takes(HELD_OUT) if take.kind == "human" and 40 <= take.n_frames <= LONGEST]
    given = [corrupted(take, fixed_rng(take.name, "mix 3", 0), ROWS["mix 3"]) for take in takes]
    network, rng = _network(), np.random.default_rng(0)
    answers = [answer(one, network, UNPOLISHED).take for one in given]
    plain = [_accelerations(one) for one in answers]
    changed = jolted = 0
    for number in range(SETS):
        index = number % len(takes)
        damaged = _with_pins(given[index], takes[index], rng)
        found = answer(damaged, network, UNPOLISHED).take
        assert np.array_equal(found.rotations[damaged.pinned], damaged.take.rotations[damaged.pinned])
        near, usual = _near(damaged.pinned), float(np.percentile(plain[index], 99.0))
        # Pins can fall on a kick or a landing that has more by itself: then that is what they may not add to.
        allowed = 1.5 * max(usual, float(np.percentile(plain[index][near], 99.0)) if near.any() else 0.0)
        accelerations = _accelerations(found)
        assert not near.any() or float(np.percentile(accelerations[near], 99.0)) <= allowed, f"set {number}, {takes[index].name}"
        bare = np.where(damaged.pinned[..., None, None], damaged.take.rotations, answers[index].rotations)
        jolted += int(near.any() and np.percentile(_accelerations(replace(found, rotations=bare))[near], 99.0) > allowed)
        changed += int(not np.allclose(accelerations, plain[index]))
    assert changed == SETS
    assert jolted > 0.5 * SETS  # what pins copied without their neighbours do
