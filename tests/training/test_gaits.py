"""Procedural animals: paws that stand do not slide, held-out animals are not those of training, the loops are played back."""

import numpy as np
import pytest

from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import N_JOINTS, Take
from backend.training.prior import gaits
from backend.training.prior.gait_templates import GAITS, LEGS, template
from backend.training.prior.ranges import Range

PAWS = [leg[-1] for leg in LEGS]
STANDS = 1e-3  # metres over the floor


def placed(take: Take) -> np.ndarray:
    """``(F, J, 3)`` joints in the world."""
    world, places = np.empty_like(take.rotations), np.empty(take.rotations.shape[:3])
    for joint, parent in enumerate(parents_of("animal")):
        world[:, joint] = take.rotations[:, joint] if parent < 0 else world[:, parent] @ take.rotations[:, joint]
        above = take.root if parent < 0 else places[:, parent] + world[:, parent] @ take.offsets[joint]
        places[:, joint] = above
    return places


def paws_of(take: Take) -> tuple[np.ndarray, np.ndarray]:
    """The paws' places with the floor under their soles at 0, and ``(F - 1, 4)`` whether they stand from one frame to the next."""
    paws = placed(take)[:, PAWS] - [0.0, gaits.sole_of(take.offsets), 0.0]
    low = np.abs(paws[..., 1]) < STANDS
    return paws, low[1:] & low[:-1]


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("gait", GAITS)
def test_paws_stand_still_on_the_floor_and_never_sink(gait: str, held_out: bool) -> None:
    slides, shares = [], []
    for seed in range(6):
        paws, stands = paws_of(gaits.animal(gait, seed, held_out, 90))
        steps = np.linalg.norm(np.diff(paws[..., [0, 2]], axis=0), axis=-1)
        slides.append(steps[stands].mean())
        shares.append(stands.mean())
        assert paws[..., 1].min() > -2.0 * STANDS
        assert (stands.mean(axis=0) > 0.05).all()  # every paw takes part
    assert np.mean(slides) < 5e-4
    assert 0.15 < np.mean(shares) < 0.8


@pytest.mark.parametrize("gait", GAITS)
def test_animals_get_ahead_and_no_joint_jumps(gait: str) -> None:
    for seed in range(4):
        take = gaits.animal(gait, seed, False, 90)
        gone = np.linalg.norm(np.diff(take.root[:, [0, 2]], axis=0), axis=-1).sum() / 3.0
        assert gone > (0.03 if gait == "spin" else 0.15)
        step = np.swapaxes(take.rotations[:-1], -1, -2) @ take.rotations[1:]
        angle = np.degrees(np.arccos(np.clip((np.trace(step, axis1=-2, axis2=-1) - 1.0) / 2.0, -1.0, 1.0)))
        assert angle.max() < 120.0
        assert np.percentile(angle, 99.0) < 70.0


def test_a_draw_is_a_whole_take_and_the_same_for_the_same_state() -> None:
    first, second = (gaits.drawn(np.random.default_rng(3), n_frames=64) for _ in range(2))
    assert first.kind == "animal"
    assert first.rotations.shape == (64, N_JOINTS["animal"], 3, 3)
    assert first.root.shape == (64, 3)
    assert first.offsets.shape == (N_JOINTS["animal"], 3)
    assert np.array_equal(first.rotations, second.rotations)
    assert np.allclose(np.swapaxes(first.rotations, -1, -2) @ first.rotations, np.eye(3), atol=1e-5)
    assert np.linalg.det(first.rotations).min() > 0.99


def test_only_the_gaits_asked_for_are_drawn() -> None:
    rng = np.random.default_rng(0)
    groups = {gaits.drawn(rng, gaits=("trot", "walk"), n_frames=32).group for _ in range(12)}
    assert groups == {"dog3d_trot", "dog3d_walk"}


def test_long_takes_are_played_whole() -> None:
    assert gaits.drawn(np.random.default_rng(1), n_frames=150).n_frames == 150


@pytest.mark.parametrize("name", list(gaits.RANGES))
def test_held_out_values_are_never_drawn_for_training(name: str) -> None:
    span: Range = gaits.RANGES[name]
    rng = np.random.default_rng(0)
    training = np.array([span.drawn(rng, False) for _ in range(300)])
    kept = np.array([span.drawn(rng, True) for _ in range(50)])
    assert span.low < span.kept_from < span.kept_to < span.high
    assert not ((training > span.kept_from) & (training < span.kept_to)).any()
    assert ((kept >= span.kept_from) & (kept <= span.kept_to)).all()
    assert training.min() < span.kept_from < span.kept_to < training.max()  # both sides are used


def test_mirroring_twice_gives_the_animal_back_and_mirrors_every_place() -> None:
    take = gaits.animal("canter", 2, False, 40)
    other = gaits.mirrored(take)
    again = gaits.mirrored(other)
    assert np.allclose(again.rotations, take.rotations)
    assert np.allclose(placed(other)[:, PAWS], placed(take)[:, [PAWS[1], PAWS[0], PAWS[3], PAWS[2]]] * [1.0, 1.0, -1.0], atol=1e-5)


def test_templates_close_their_cycle() -> None:
    for gait in GAITS:
        cycle = template(gait)
        assert np.allclose(cycle.waves[0], cycle.waves[-1], atol=1e-9)
        assert np.allclose(cycle.bob[0], cycle.bob[-1], atol=1e-9)
        assert np.degrees(np.abs(cycle.waves[:, [leg[1] for leg in LEGS]]).max()) > 10.0  # its legs do work
