"""The prior's losses: nothing for what is right, something for each thing that is wrong, and only its own part."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from backend.prior.state.motions import Motions, Predicted
from backend.prior.state.take import KINDS, Kind, Take
from backend.training.prior import gaits, rigid_simulation
from backend.training.prior.bundled import bundled_takes
from backend.training.prior.config import LossConfig
from backend.training.prior.distribution import limits
from backend.training.prior.losses import LOSSES, Pair, paired, standing_of, total
from backend.training.prior.variation import cut, stacked
from revision_blender.motion.rotation import matrix_from_axis_angle

FRAMES = 40
UP = np.array([0.0, 0.1, 0.0])  # metres
NONE = LossConfig(**dict.fromkeys(asdict(LossConfig()), 0.0))


@pytest.fixture(scope="module")
def takes() -> dict[Kind, list[Take]]:
    people = [take for take in bundled_takes() if take.kind == "human" and take.n_frames >= FRAMES][:3]
    animals = [gaits.drawn(np.random.default_rng(seed), n_frames=FRAMES) for seed in range(2)]
    things = [rigid_simulation.drawn(np.random.default_rng(seed), n_frames=FRAMES) for seed in range(2)]
    return {kind: [cut(take, slice(0, FRAMES)) for take in found] for kind, found in zip(KINDS, (people, animals, things), strict=True)}


def motions_of(takes: list[Take]) -> Motions:
    return stacked(takes)


def pair_of(given: list[Take], clean: list[Take], *, told_contacts: bool = True) -> Pair:
    right = motions_of(clean)
    valid = torch.arange(right.root.shape[1]) < torch.tensor([[take.n_frames] for take in clean])
    limit = limits(clean, clean[0].kind)
    empty = Predicted(right, torch.zeros(*valid.shape, 4))
    standing = paired(empty, right, valid).standing
    logits = 40.0 * standing.float() - 20.0 if told_contacts else torch.zeros(*valid.shape, 4)
    return paired(Predicted(motions_of(given), logits), right, valid, limit)


@pytest.mark.parametrize("kind", KINDS)
def test_the_clean_motion_itself_costs_nothing(takes, kind) -> None:
    pair = pair_of(takes[kind], takes[kind])
    for name, loss in LOSSES.items():
        assert float(loss(pair)) < 1e-5, name


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_even_where_nothing_differs(takes, kind) -> None:
    right = motions_of(takes[kind])
    root = right.root.clone().requires_grad_()
    rotations = right.rotations.clone().requires_grad_()
    valid = torch.ones(root.shape[:2], dtype=torch.bool)
    moved = replace(right, root=root, rotations=rotations)
    summed, _ = total(paired(Predicted(moved, torch.zeros(*valid.shape, 4)), right, valid, limits(takes[kind], kind)), LossConfig())
    summed.backward()
    for gradient in (root.grad, rotations.grad if kind != "object" else root.grad):
        assert gradient is not None
        assert bool(torch.isfinite(gradient).all())


def test_one_thing_wrong_shows_in_the_losses_that_are_about_it(takes) -> None:
    clean = takes["human"]

    def costs(change) -> dict[str, float]:
        pair = pair_of([change(take) for take in clean], clean)
        return {name: float(loss(pair)) for name, loss in LOSSES.items()}

    lifted = costs(lambda take: replace(take, root=take.root + UP))
    assert lifted["floor"] == pytest.approx(0.1, rel=0.05)  # all that stands is off by that
    assert max(lifted[name] for name in ("velocity", "acceleration", "slide", "peak", "limits", "contact")) < 1e-4

    sunk = costs(lambda take: replace(take, root=take.root - UP))
    assert sunk["floor"] > lifted["floor"]

    drifting = costs(lambda take: replace(take, root=take.root + np.arange(FRAMES)[:, None] * np.array([0.01, 0.0, 0.0])))
    assert drifting["slide"] == pytest.approx(0.01, rel=0.05)
    assert drifting["velocity"] == pytest.approx(0.01, rel=0.05)
    assert drifting["acceleration"] < 1e-4

    rough = costs(lambda take: replace(take, root=take.root + 0.02 * np.resize([0.0, 1.0], FRAMES)[:, None]))
    assert rough["acceleration"] > rough["velocity"] > 0.01

    bent = costs(lambda take: replace(take, rotations=take.rotations @ matrix_from_axis_angle(np.array([2.5, 0.0, 0.0]))))
    assert bent["limits"] > 0.05
    assert bent["state"] > 0.1


def test_speeds_that_are_doubled_or_halved_cost_the_same(takes) -> None:
    clean = takes["object"]
    found = []
    for factor in (0.5, 2.0):
        given = [replace(take, root=take.root[:1] + factor * (take.root - take.root[:1])) for take in clean]
        found.append(float(LOSSES["peak"](pair_of(given, clean))))
    assert found[0] == pytest.approx(found[1], rel=0.15)
    assert 0.4 < found[0] < np.log(2.0)


def test_contacts_that_are_not_told_cost(takes) -> None:
    pair = pair_of(takes["human"], takes["human"], told_contacts=False)
    assert float(LOSSES["contact"](pair)) == pytest.approx(np.log(2.0), rel=1e-5)


def test_a_person_who_does_not_move_stands_and_one_in_the_air_does_not(takes) -> None:
    take = takes["human"][0]
    still = replace(take, rotations=np.repeat(take.rotations[:1], FRAMES, 0), root=np.repeat(take.root[:1], FRAMES, 0))
    high = replace(still, root=still.root + 10.0 * UP)
    for given, expected in ((still, True), (high, False)):
        pair = pair_of([given], [given])
        assert bool(standing_of(pair.wanted, "human").any()) is expected


def test_frames_that_are_padding_do_not_count(takes) -> None:
    clean = takes["human"][0]
    short = cut(clean, slice(0, 24))
    moved = replace(short, root=short.root + 0.5 * UP)
    alone = pair_of([moved], [short])
    padded = pair_of([moved, clean], [short, clean])
    for name in ("places", "velocity", "floor"):
        one, both = float(LOSSES[name](alone)), float(LOSSES[name](padded))
        frames = {"places": (24, 64), "velocity": (23, 62), "floor": (None, None)}[name]
        if frames[0] is not None:
            assert both == pytest.approx(one * frames[0] / frames[1], rel=1e-3, abs=1e-6), name


def test_weights_weigh_and_zero_switches_off(takes) -> None:
    pair = pair_of([replace(take, root=take.root + 0.1) for take in takes["human"]], takes["human"])
    nothing, parts = total(pair, NONE)
    assert float(nothing) == 0.0
    assert parts == {}
    summed, parts = total(pair, replace(NONE, places=2.0, floor=3.0))
    assert set(parts) == {"places", "floor"}
    assert float(summed) == pytest.approx(2.0 * parts["places"] + 3.0 * parts["floor"], rel=1e-5)
