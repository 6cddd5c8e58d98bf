"""Laws of the rival filters and of the SmoothNet-style network."""

import json
from dataclasses import replace

import numpy as np
import pytest

from backend.errors import EngineError
from backend.evaluation.prior import rivals_training
from backend.evaluation.prior.filters import FILTERS, Setting, cubic, filtered
from backend.evaluation.prior.metrics import score
from backend.evaluation.prior.optimisation import optimised
from backend.evaluation.prior.rivals import FILE, Rivals, load_rivals, save_rivals
from backend.evaluation.prior.rivals_training import Lesson, trained, tuned
from backend.evaluation.prior.smoothnet import SmoothNet, channels_of, smoothed, take_of
from backend.prior.state.take import undamaged
from backend.training.prior.corruption import ROWS
from tests.evaluation.prior_motions import noisy, person, thing


@pytest.mark.parametrize("one", FILTERS, ids=lambda one: one.name)
@pytest.mark.parametrize("take", [person(), thing()], ids=lambda take: take.name)
def test_the_first_number_changes_nothing_and_later_ones_calm(one, take):
    given = noisy(take)
    same = filtered(given, one, Setting(one.grid[0], one.grid[0]))
    assert np.abs(same.rotations - given.take.rotations).max() < 1e-12
    assert np.array_equal(same.root, given.take.root)
    jitters = [score(filtered(given, one, Setting(value, value)), take).jitter for value in one.grid]
    assert jitters[-1] < 0.25 * jitters[0]


@pytest.mark.parametrize("one", FILTERS, ids=lambda one: one.name)
def test_filters_help_against_white_noise_and_give_rotations(one):
    take = person()
    given = noisy(take)
    best = min((filtered(given, one, Setting(value, value)) for value in one.grid), key=lambda answer: score(answer, take).mpjpe)
    assert score(best, take).mpjpe < 0.8 * score(given.take, take).mpjpe
    assert np.abs(best.rotations @ np.swapaxes(best.rotations, -1, -2) - np.eye(3)).max() < 1e-9


def test_missing_frames_are_filled_and_a_cubic_is_better_than_a_line():
    take = person(41)
    given = undamaged(take)
    gone = np.arange(41) % 4 != 0
    trust = np.where(gone[:, None], 0.0, given.trust)
    broken = replace(
        take, rotations=np.where(gone[:, None, None, None], np.eye(3), take.rotations), root=np.where(gone[:, None], 9.0, take.root)
    )
    given = replace(given, take=broken, trust=trust, root_trust=np.where(gone, 0.0, 1.0))
    straight = score(filtered(given, FILTERS[0], Setting(0.0, 0.0)), take).mpjpe
    assert score(cubic(given), take).mpjpe < 0.7 * straight
    assert straight < 0.2 * score(broken, take).mpjpe


def test_channels_go_round_and_an_untrained_network_changes_nothing():
    for take in (person(), thing()):
        back = take_of(channels_of(take), take)
        assert np.abs(back.rotations - take.rotations).max() < 1e-12
        assert np.abs(back.root - take.root).max() == 0.0
        assert np.abs(smoothed(undamaged(take), SmoothNet()).rotations - take.rotations).max() < 1e-5
    assert smoothed(undamaged(person(9)), SmoothNet()).n_frames == 9


@pytest.mark.slow
def test_a_moment_of_training_already_calms():
    take = person(120)
    network = trained([take, thing(80)], Lesson(steps=300), lambda _words: None)
    given = noisy(take, seed=3)
    assert score(smoothed(given, network), take).mpjpe < 0.8 * score(given.take, take).mpjpe


def test_tuned_settings_are_kept_and_asked_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr(rivals_training, "ROWS", {row: ROWS[row] for row in ("clean", "white 5")})
    settings = tuned([person(40)], "human", Lesson(tuned_on=1))
    assert settings["Gaussian", "human", "clean"] == Setting(0.0, 0.0)
    assert settings["Gaussian", "human", "white 5"].turns >= 1.0
    save_rivals(Rivals(settings, SmoothNet()), tmp_path)
    loaded = load_rivals(tmp_path)
    assert loaded.settings == settings
    with pytest.raises(EngineError, match="tune it"):
        loaded.setting("Gaussian", "animal", "white 5")
    (tmp_path / FILE).write_text(json.dumps([1]))
    with pytest.raises(EngineError, match="no filters' numbers"):
        load_rivals(tmp_path)


def test_the_optimisation_takes_noise_away():
    take = person(20)
    given = noisy(take, 3.0)
    assert score(optimised(given), take).jitter < 0.3 * score(given.take, take).jitter
