"""The table as a whole on a tiny subset, its means and bars, and what is said of wrong names."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.__main__ import main
from backend.errors import InputError
from backend.evaluation.prior import evaluate as evaluation
from backend.evaluation.prior.bars import Bar, human_bars
from backend.evaluation.prior.conditioning import interval, spearman, windows
from backend.evaluation.prior.evaluate import POLISHED, PRIOR, Plan, evaluate
from backend.evaluation.prior.filters import FILTERS, Setting
from backend.evaluation.prior.markdown import BEGIN, END, markdown, put
from backend.evaluation.prior.metrics import score
from backend.evaluation.prior.protocol import Case, Effort, chosen, damaged_by, measured
from backend.evaluation.prior.refiner import slower
from backend.evaluation.prior.results import Result, Results
from backend.evaluation.prior.rivals import Method, Rivals, save_rivals
from backend.evaluation.prior.smoothnet import SmoothNet
from backend.prior.network.config import PriorConfig
from backend.prior.network.transformer import Prior
from backend.prior.network.weights import TrainedPrior, save_prior
from backend.prior.state.take import KINDS
from backend.progress import silent
from backend.training.prior.corruption import ROWS
from tests.evaluation.prior_motions import noisy, person, standing

SMALL = PriorConfig(width=32, blocks=1, heads=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An untrained network, and rivals that all filter a little."""
    path = tmp_path_factory.mktemp("prior")
    torch.manual_seed(0)
    save_prior(path, TrainedPrior(Prior(SMALL).eval(), {}))
    settings = {(one.name, kind, row): Setting(one.grid[2], one.grid[2]) for one in FILTERS for kind in KINDS for row in ROWS}
    save_rivals(Rivals(settings, SmoothNet()), path)
    return path


def test_the_whole_on_a_tiny_subset(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "_cases", lambda _folders: [Case("a", person(40)), Case("b", standing(40))])
    said = []
    plan = Plan(folder, folder, parts=("people",), rows=("clean", "mix 5", "decimate 2"), effort=Effort(seeds=2, slow_rows=()))
    report = evaluate(plan, silent(), said.append)
    results = report.results
    assert {"identity", "Gaussian", "SmoothNet", PRIOR, POLISHED, "clean target"} <= set(results.methods("a"))
    assert results.rows("a") == ("clean", "mix 5", "decimate 2")
    assert results.mean("a", "clean", "identity", "mpjpe") == 0.0
    assert results.mean("a", "mix 5", PRIOR, "jitter") < 0.5 * results.mean("a", "mix 5", "identity", "jitter")
    assert "optimisation" not in results.methods("a")  # too slow: asked on its rows alone
    assert any("MPJPE" in words and "mix 5" in words for words in said)
    assert any("bars hold" in words for words in said)
    report.save(tmp_path / "figures.json")
    values = json.loads((tmp_path / "figures.json").read_text())
    assert values["effort"]["seeds"] == 2
    assert len(values["scores"]) == len(results.all)
    assert all(isinstance(bar["holds"], bool) for bar in values["bars"])
    page = tmp_path / "page.md"
    page.write_text(f"before {BEGIN} old {END} after")
    put(markdown(results, report.told, report.bars, POLISHED), page)
    put(markdown(results, report.told, report.bars, POLISHED), page)
    text = page.read_text()
    assert text.startswith("before")
    assert text.endswith("after")
    assert " old " not in text
    assert text.count("| mix 5 |") == 2 * 2  # errors and measures, columns a and b


def test_noise_is_fixed_by_name_row_and_seed():
    take = person(40)
    first, again, other = damaged_by(take, "mix 5", 0), damaged_by(take, "mix 5", 0), damaged_by(take, "mix 5", 1)
    assert np.array_equal(first.take.rotations, again.take.rotations)
    assert not np.array_equal(first.take.rotations, other.take.rotations)
    assert not np.array_equal(first.take.rotations, damaged_by(replace(take, name="another"), "mix 5", 0).take.rotations)


def test_clips_are_chosen_by_group_and_length():
    cases = [Case("a", person(50, f"clip {number}")) for number in range(3)] + [Case("a", person(20))]
    cases = [Case(case.column, replace(case.take, group="one")) for case in cases]
    assert len(chosen(cases, Effort(clips=2))) == 2
    assert len(chosen(cases, Effort(clips=0))) == 3
    assert chosen(cases, Effort(frames=44))[0].take.n_frames == 44


def test_means_are_over_groups():
    results = Results()
    take = person(40)
    base = score(take, take)
    for group, values in (("one", (10.0, 20.0)), ("two", (45.0,))):
        for number, value in enumerate(values):
            results.add(Result("a", "mix 5", PRIOR, group, f"clip {number}", 0, replace(base, mpjpe=value)))
    figure = results.figure("a", "mix 5", PRIOR, "mpjpe")
    assert figure.mean == 30.0
    assert figure.count == 2


def method(name, change):
    return Method(name, lambda damaged, _row: change(damaged.take))


def test_bars_hold_for_a_perfect_answer_and_for_no_empty_one():
    take = person(60)
    cases, rows, filters = [Case("a", take), Case("b", take)], ("clean", "mix 5", "white 5", "swap", "float"), ["Gaussian"]
    results = Results()
    answers = [
        method("identity", lambda given: given), method("Gaussian", lambda given: given),
        method("perfect", lambda _given: take), method("still", lambda given: replace(given, rotations=np.repeat(take.rotations[:1], 60, axis=0))),
    ]  # fmt: skip
    measured(cases, rows, answers, Effort(), results, silent())
    perfect, still, same = (human_bars(results, filters, name) for name in ("perfect", "still", "identity"))
    assert all(bar.holds for bar in perfect), [str(bar) for bar in perfect if not bar.holds]
    for empty in (still, same):
        missed = {bar.name.split(":")[0] for bar in empty if not bar.holds}
        assert "a, mix 5" in missed
    assert not next(bar for bar in still if bar.name.startswith("clean motion")).holds


def test_a_bar_without_a_number_is_missed():
    assert not Bar("nothing", float("nan"), 1.0).holds
    assert Bar("more", 1.3, 1.2, above=True).holds
    assert "MISS" in str(Bar("less", 2.0, 1.0))


def test_every_nth_frame_goes_in_as_a_slower_clip():
    take = person(41)
    given = damaged_by(take, "decimate 4", 0)
    part = slower(given)
    assert part.take.fps == take.fps / 4
    assert part.take.n_frames == 11
    whole = noisy(take)
    assert slower(whole) is whole


def test_ranks_are_compared():
    assert spearman(np.array([1.0, 2.0, 5.0]), np.array([0.1, 0.2, 9.0])) == pytest.approx(1.0)
    assert spearman(np.array([1.0, 2.0, 5.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1.0)


def test_windows_cover_and_the_bootstrap_knows_signs():
    assert [case.take.n_frames for case in windows([Case("a", person(130))], 32)] == [64, 64, 64]
    rng = np.random.default_rng(0)
    low, high = interval(np.full(20, 2.0) + rng.normal(0.0, 0.1, 20), rng)
    assert 1.8 < low < high < 2.2
    low, high = interval(rng.normal(0.0, 1.0, 200), rng)
    assert low < 0.0 < high
    assert np.isnan(interval(np.zeros(0), rng)[0])


@pytest.mark.parametrize(("wrong", "words"), [({"parts": ("peple",)}, "no part 'peple'"), ({"rows": ("mix 6",)}, "no row 'mix 6'")])
def test_wrong_names_get_a_sentence(folder, wrong, words):
    with pytest.raises(InputError, match=words):
        evaluate(replace(Plan(folder, folder), **wrong), silent(), print)


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert main(["evaluate", "prior", "--network", str(tmp_path), "--parts", "people"]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_rows_of_the_bars_exist():
    from backend.evaluation.prior.bars import AGAINST_FILTERS, AGAINST_IDENTITY, UNALIGNED

    assert {*AGAINST_FILTERS, *AGAINST_IDENTITY, *UNALIGNED} <= set(ROWS)
