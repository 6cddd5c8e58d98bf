"""Training the prior: configurations, draws, and a run that learns, stops, goes on and is exported."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InputError
from backend.prior.network.strength import mean_angular_speed
from backend.prior.network.transformer import Prior
from backend.prior.network.weights import load_prior
from backend.prior.state.features import features
from backend.prior.state.take import Take, undamaged
from backend.training.prior.ablation import ablate
from backend.training.prior.batches import Batch, Batches, held_out_pool, pool
from backend.training.prior.bundled import bundled_takes
from backend.training.prior.config import LossConfig, TrainConfig, as_values, parsed, read_config
from backend.training.prior.distribution import distributions, limits, windows_of
from backend.training.prior.edited_pins import edited
from backend.training.prior.exaggeration import exaggerated, postured, swayed
from backend.training.prior.losses import paired, total
from backend.training.prior.lost import Pinned
from backend.training.prior.noise import forward
from backend.training.prior.optimizer import orthogonal
from backend.training.prior.trainer import Motions, accustom, learning_rate, train
from backend.training.prior.variation import ARMS, cut, with_arms_of
from revision_blender.motion.rotation import axis_angle_from_matrix

FRAMES = 24
SMALL = {
    "network": {"width": 32, "blocks": 1, "heads": 2, "hidden": 32},
    "data": {"frames": FRAMES, "least": 12, "pool": 2},
    "optimizer": {"warmup": 2, "learning_rate": 2e-3},
    "run": {
        "steps": 6,
        "batch": 3,
        "minutes": 0.0,
        "log_every": 2,
        "look_every": 3,
        "export_minutes": 0.0,
        "save_every": 3,
        "precision": "fp32",
    },
}


@pytest.fixture(scope="module")
def people() -> list[Take]:
    return [take for take in bundled_takes() if take.kind == "human" and take.n_frames >= FRAMES][:6]


@pytest.fixture(scope="module")
def config() -> TrainConfig:
    return parsed(SMALL)


@pytest.fixture(scope="module")
def motions(people, config) -> Motions:
    return Motions([*people[:4], *pool(config)], [*people[4:], *held_out_pool(1, FRAMES, 0)])


def test_a_configuration_is_read_as_it_was_written(tmp_path, config) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(as_values(config)))
    assert read_config(file) == config
    toml = tmp_path / "config.toml"
    toml.write_text('[loss]\npeak = 0\n[run]\nprecision = "fp32"\n')
    read = read_config(toml)
    assert (read.loss.peak, read.run.precision) == (0.0, "fp32")
    assert read.loss.places == TrainConfig().loss.places


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"los": {}}, "los"),
        ({"loss": {"speed": 1.0}}, "loss.speed"),
        ({"loss": {"places": "much"}}, "much"),
        ({"loss": {"places": -1.0}}, "negative"),
        ({"data": {"human": 0.9}}, "sums to 1.2"),
        ({"data": {"frames": 65}}, "65"),
        ({"told": {"text": 1.5}}, "told.text"),
        ({"run": {"precision": "fp8"}}, "fp8"),
        ({"optimizer": {"learning_rate": 0.0}}, "learning_rate"),
        ({"data": {"gaits": ["trot", "hop"]}}, "hop"),
        ({"data": {"gaits": "trot"}}, "a list"),
        ({"data": {"gaits": []}}, "none"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused_in_one_sentence(values, words) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parsed(values)
    assert "\n" not in str(caught.value)


@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_the_learning_rate_rises_and_falls(step, progress) -> None:
    config = TrainConfig().optimizer
    rate = learning_rate(config, step, progress)
    assert 0.0 < rate <= config.learning_rate
    assert rate >= learning_rate(config, step, min(1.0, progress + 0.1))
    assert learning_rate(config, config.warmup, 0.0) == config.learning_rate


def test_a_batch_follows_from_seed_and_step(motions, config) -> None:
    strengths = distributions(motions.training, FRAMES)
    first, again = (Batches(motions.training, strengths, config)[7] for _ in range(2))
    assert torch.equal(first.clean.rotations, again.clean.rotations)
    assert torch.equal(first.observed.motions.root, again.observed.motions.root)
    other = Batches(motions.training, strengths, config)[8]
    assert first.clean.rotations.shape != other.clean.rotations.shape or not torch.equal(first.clean.rotations, other.clean.rotations)


def test_batches_hold_what_they_should(motions, config) -> None:
    batches = Batches(motions.training, distributions(motions.training, FRAMES), config)
    kinds, told, silent, pinned = set(), 0, 0, 0
    for step in range(40):
        batch = batches[step]
        kinds.add(batch.clean.kind)
        assert batch.clean.rotations.shape == batch.observed.motions.rotations.shape
        assert bool(torch.isfinite(batch.observed.motions.rotations).all())
        assert bool(torch.isfinite(batch.observed.motions.root).all())
        strength = batch.told.strength[~batch.told.strength.isnan()]
        assert bool(((strength >= 0.0) & (strength <= 1.0)).all())
        told, silent = told + len(strength), silent + int(batch.told.strength.isnan().sum())
        where = batch.observed.pinned
        pinned += int(where.sum())
        assert torch.allclose(batch.observed.motions.rotations[where], batch.clean.rotations[where], atol=1e-5)
    assert kinds == {"human", "animal", "object"}
    assert min(told, silent) > 0.3 * (told + silent)
    assert pinned > 0


@settings(max_examples=10, deadline=None)
@given(st.floats(0.5, 2.0))
def test_more_and_less_of_a_motion(factor) -> None:
    take = cut(next(take for take in bundled_takes() if take.name == "walking_15"), slice(0, 60))
    made = exaggerated(take, factor)
    speed, own = mean_angular_speed(made), mean_angular_speed(take)
    assert speed == pytest.approx(factor * own, rel=0.3)
    assert (speed - own) * (factor - 1.0) >= -1e-9
    feet = [7, 8, 10, 11]
    assert np.allclose(forward(made)[1][:, feet, 1].min(1), forward(take)[1][:, feet, 1].min(1), atol=1e-9)


def test_a_motion_that_is_not_changed_stays(people) -> None:
    same = exaggerated(people[0], 1.0)
    assert np.allclose(same.rotations, people[0].rotations, atol=1e-9)
    assert np.allclose(same.root, people[0].root, atol=1e-9)


def test_another_posture_is_the_same_all_the_time_and_stands_as_high(people) -> None:
    take = people[0]
    made = postured(take, np.random.default_rng(0), 4.0)
    turned = np.swapaxes(take.rotations, -1, -2) @ made.rotations
    assert np.allclose(turned, turned[:1], atol=1e-9)
    assert np.allclose(turned[:, 0], np.eye(3), atol=1e-9)
    assert not np.allclose(turned[0, 1:], np.eye(3), atol=0.01)
    feet = [7, 8, 10, 11]
    assert np.allclose(forward(made)[1][:, feet, 1].min(1), forward(take)[1][:, feet, 1].min(1), atol=1e-9)


def test_a_wandering_pose_is_slow_keeps_the_root_and_stands_as_high(people) -> None:
    take = people[0]
    made = swayed(take, np.random.default_rng(0), 6.0)
    turned = axis_angle_from_matrix(np.swapaxes(take.rotations, -1, -2) @ made.rotations)
    assert np.allclose(turned[:, 0], 0.0, atol=1e-9)
    wander, step = turned[:, 1:].std(), np.diff(turned[:, 1:], axis=0).std()
    assert wander > np.radians(1.0) and step < 0.15 * wander
    feet = [7, 8, 10, 11]
    assert np.allclose(forward(made)[1][:, feet, 1].min(1), forward(take)[1][:, feet, 1].min(1), atol=1e-9)


@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_edited_pins_bring_the_wanted_motion_along(people, number) -> None:
    clean = replace(people[0], rotations=people[0].rotations.astype(number))
    rng = np.random.default_rng(2)
    known = Pinned(part=0.02).on(undamaged(clean), clean, rng)
    damaged, wanted = edited(known, clean, rng, 10.0)
    assert np.array_equal(damaged.pinned, known.pinned)
    changed = np.flatnonzero((wanted.rotations != clean.rotations).any(axis=(0, 2, 3)))
    assert len(changed) == 1 and changed[0] > 0
    (joint,) = changed
    held = known.pinned[:, joint]
    assert np.allclose(wanted.rotations[held, joint], damaged.take.rotations[held, joint], atol=1e-6)
    assert not np.allclose(damaged.take.rotations[held, joint], clean.rotations[held, joint], atol=0.02)
    assert np.array_equal(damaged.take.rotations[~known.pinned], known.take.rotations[~known.pinned])
    nothing = edited(undamaged(clean), clean, rng, 10.0)
    assert nothing[1] is clean


def test_the_arms_of_another(people) -> None:
    a, b = people[0], people[1]
    mixed = with_arms_of(a, b)
    count = min(a.n_frames, b.n_frames)
    rest = [joint for joint in range(22) if joint not in ARMS]
    assert np.array_equal(mixed.rotations[:, ARMS], b.rotations[:count, ARMS])
    assert np.array_equal(mixed.rotations[:, rest], a.rotations[:count, rest])
    assert mixed.text == ""


def test_windows_cover_a_take_to_its_end(people) -> None:
    parts = windows_of(people[0], FRAMES)
    covered = {frame for part in parts for frame in range(part.start, part.stop)}
    assert covered == set(range(people[0].n_frames))
    assert all(part.stop - part.start == FRAMES for part in parts)


def test_strengths_rank_and_limits_hold_what_was_learned_from(motions, people) -> None:
    found = distributions(motions.training, FRAMES)
    for kind in ("human", "animal", "object"):
        ranks = [found[kind].strength(speed) for speed in np.linspace(0.0, 10.0, 20)]
        assert ranks == sorted(ranks)
        assert ranks[0] == 0.0
        assert ranks[-1] == 1.0
    limit = limits(people[:4], "human")
    assert limit is not None
    cosine = 0.5 * (np.einsum("fjab,jab->fj", people[0].rotations, limit.middle.numpy()) - 1.0)
    assert np.all(cosine >= limit.reach.numpy() - 1e-6)
    assert limits(people, "animal") is None


def test_a_run_stopped_and_gone_on_with_is_the_run_that_was_not_stopped(motions, config, tmp_path) -> None:
    lines: list[str] = []
    whole = train(config, motions, tmp_path / "whole", say=lines.append)
    # The rate falls with the share of all steps that are done, so the stopped run must know of all of them: it is stopped by a checkpoint.
    train(config, motions, tmp_path / "parts", say=lines.append)
    for folder in sorted((tmp_path / "parts" / "checkpoints").glob("step_*"))[1:]:
        for file in folder.iterdir():
            file.unlink()
    again = train(config, motions, tmp_path / "parts", say=lines.append)
    assert any("from step 3" in line for line in lines)
    first, second = (load_prior(result.folder).network.state_dict() for result in (whole, again))
    assert all(torch.equal(first[name], second[name]) for name in first)
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert any("places" in entry for entry in log)
    assert any("hu mix 5/ours" in entry for entry in log)
    facts = load_prior(whole.folder).facts
    assert facts["steps"] == 6
    assert facts["config"]["network"]["width"] == 32


def test_what_is_learned_from_is_done_better(people, tmp_path) -> None:
    """After a few steps on one motion, other draws of it must be nearer to the truth, and feet that stand known, than before."""
    values = {**SMALL, "data": {**SMALL["data"], "human": 1.0, "animal": 0.0, "object": 0.0, "short": 0.0}}
    values["run"] = {**SMALL["run"], "steps": 110, "batch": 8, "look_every": 0, "save_every": 110}
    values["optimizer"] = {"warmup": 5, "learning_rate": 3e-3, "ema": 0.9}
    config = parsed(values)
    folder = train(config, Motions(people[:1]), tmp_path, say=lambda _words: None).folder
    draws = Batches(people[:1], distributions(people[:1], FRAMES), config)
    others = [draws[1000 + place] for place in range(6)]
    before, after = (_mean_losses(net, others) for net in (Prior(config.network).eval(), load_prior(folder).network))
    assert after["places"] < 0.97 * before["places"]
    assert after["contact"] < 0.85 * before["contact"]


@torch.no_grad()
def _mean_losses(net: Prior, batches: list[Batch]) -> dict[str, float]:
    found = [total(paired(net(batch.observed, batch.told), batch.clean, batch.observed.valid), LossConfig())[1] for batch in batches]
    return {name: sum(parts[name] for parts in found) / len(found) for name in found[0]}


def test_batches_drawn_ahead_are_the_same_batches(motions, config, tmp_path) -> None:
    few = replace(config, run=replace(config.run, steps=2, look_every=0))
    weights = [
        load_prior(train(replace(few, run=replace(few.run, workers=count)), motions, tmp_path / str(count), say=lambda _words: None).folder)
        for count in (0, 1)
    ]
    first, second = (found.network.state_dict() for found in weights)
    assert all(torch.equal(first[name], second[name]) for name in first)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 100))
def test_steps_are_made_orthogonal(rows, columns, seed) -> None:
    given = torch.randn(2, rows, columns, generator=torch.Generator().manual_seed(seed))
    left, size, right = torch.linalg.svd(given, full_matrices=False)
    made = left.mT @ orthogonal(given) @ right.mT  # the same singular vectors leave a diagonal
    diagonal = torch.diagonal(made, dim1=1, dim2=2)
    assert float((made - torch.diag_embed(diagonal)).abs().max()) < 0.05
    strong = size > 0.1 * size[:, :1]
    assert bool(((diagonal[strong] > 0.5) & (diagonal[strong] < 1.4)).all())


def test_the_network_knows_the_usual_size_of_its_features(motions, config) -> None:
    net = Prior(config.network)
    batches = Batches(motions.training, distributions(motions.training, FRAMES), config)
    accustom(net, batches)
    for step in range(6):
        seen = batches[step].observed
        usual = net.usual[seen.motions.kind](features(seen))[seen.valid]
        assert float(usual.mean().abs()) < 0.5
        assert 0.4 < float(usual.std()) < 2.0


def test_without_motions_and_with_another_network_a_sentence(motions, config, tmp_path) -> None:
    with pytest.raises(InputError, match="0 motions"):
        train(config, Motions([]), tmp_path / "none", say=lambda _words: None)
    once = replace(config, run=replace(config.run, steps=1, look_every=0))
    train(once, motions, tmp_path / "run", say=lambda _words: None)
    wider = replace(once, network=replace(once.network, width=64))
    with pytest.raises(InputError, match="other weights"):
        train(wider, motions, tmp_path / "run", say=lambda _words: None)


def test_what_each_loss_buys_is_asked_with_and_without_it(motions, config, tmp_path) -> None:
    few = replace(
        config,
        loss=replace(config.loss, world=0.0, velocity=0.0, acceleration=0.0, contact=0.0, slide=0.0, floor=0.0, limits=0.0, peak=0.0),
    )
    found = ablate(few, motions, tmp_path, 1, lambda _words: None)
    assert list(found) == ["all losses", "without state", "without places"]
    assert {row.name for row in found["all losses"]} >= {"hu clean", "hu mix 5", "an mix 5", "ob mix 5"}
