"""Words, strength and the files a trained network is kept in."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import InputError
from backend.prior.network.strength import Distribution, angular_speeds, distribution_of, mean_angular_speed
from backend.prior.network.text import ClipText, stem, tokens, word_ids
from backend.prior.network.weights import BUNDLED, DESCRIPTION, WEIGHTS, bundled_prior, load_prior, save_prior
from tests.prior.net_samples import seen, small_prior, take, told, trained


def test_words_mean_the_same_however_they_are_written() -> None:
    assert tokens("A man is Walking.") == tokens("walks") == tokens("walk, walk"[:4])
    assert tokens("running")[0] == tokens("runs")[0] != tokens("jumping")[0]
    assert tokens("dance") == tokens("dancing") == tokens("she danced")
    assert tokens("") == tokens("the person") == (0,) * 6
    assert tokens("basketball signal") != tokens("signal basketball")


def test_token_ids_stay_within_the_vocabulary_and_are_the_same_on_every_machine() -> None:
    names = [
        "walk",
        "run",
        "jump",
        "soccer",
        "basketball",
        "direct",
        "traffic",
        "signal",
        "danc",
        "kick",
        "spin",
        "cartwheel",
        "crawl",
        "punch",
        "roll",
        "throw",
        "box",
        "ball",
        "dog",
        "trot",
    ]
    ids = [tokens(name, 1, 512)[0] for name in names]
    assert all(1 <= number < 512 for number in ids)
    assert len(set(ids)) >= len(names) - 1
    assert (tokens("walking", 1), tokens("jump", 1)) == ((137,), (411,))
    assert word_ids(["walk", ""]).shape == (2, 6)


@pytest.mark.parametrize(
    ("word", "cut"), [("kicks", "kick"), ("passes", "pass"), ("sitting", "sit"), ("falling", "fall"), ("boss", "boss")]
)
def test_stems(word: str, cut: str) -> None:
    assert stem(word) == cut


def _tiny_clip(folder: Path) -> None:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    words = ["<|startoftext|>", "<|endoftext|>", *sorted({letter + end for letter in "abdefgijklmnoprstuwxyz" for end in ("", "</w>")})]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=16, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    CLIPTextModel(config).save_pretrained(folder)


@pytest.mark.slow
def test_clip_text_comes_from_a_folder_and_reaches_the_network(tmp_path: Path) -> None:
    from dataclasses import replace

    from tests.prior.net_samples import SMALL

    _tiny_clip(tmp_path)
    encoder = ClipText(tmp_path)
    features = encoder(["walk", "jump on a box", ""])
    assert features.shape[0] == 3 and features.shape[2] == encoder.width == 16
    assert not features[2].any() and not features[0, -1].any() and features[1, -1].any()
    prior = small_prior(spoken=0.2, config=replace(SMALL, text="clip", text_width=16))
    observed = seen(take())
    answers = [prior(observed, replace(told(), embedded=features[row : row + 1])).motions.rotations for row in range(3)]
    assert not torch.equal(answers[0], answers[1]) and not torch.equal(answers[0], answers[2])


@pytest.mark.slow
def test_a_folder_without_clip_is_named_and_nothing_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no CLIP text encoder"):
        ClipText(tmp_path / "nowhere")


def test_mean_angular_speed_is_what_it_says() -> None:
    from dataclasses import replace

    from revision_blender.motion.rotation import matrix_from_axis_angle

    still = take(frames=31)
    turning = np.tile(np.eye(3), (31, 22, 1, 1))
    turning[:, 3] = matrix_from_axis_angle(np.linspace(0.0, 2.2, 31)[:, None] * np.array([0.0, 0.6, 0.8]))
    spun = replace(still, rotations=turning)
    assert mean_angular_speed(spun) == pytest.approx(2.2 / 22)  # one joint of 22 turns 2.2 rad in a second
    assert mean_angular_speed(replace(spun, fps=60.0)) == pytest.approx(4.4 / 22)
    assert float(angular_speeds(seen(spun).motions.rotations)[0]) == pytest.approx(2.2 / 22, abs=1e-4)
    assert mean_angular_speed(replace(still, rotations=still.rotations[:1], root=still.root[:1])) == 0.0
    thrown = take("object", 31)
    assert mean_angular_speed(thrown) == pytest.approx(np.linalg.norm(np.diff(thrown.root, axis=0), axis=1).mean() * 30.0)


def test_distribution_ranks_speeds_and_goes_back() -> None:
    rng = np.random.default_rng(0)
    speeds = rng.gamma(3.0, 0.4, 4000)
    ranks = distribution_of(list(speeds))
    for share in (0.05, 0.3, 0.7, 0.95):
        assert np.mean(speeds < ranks.speed(share)) == pytest.approx(share, abs=0.01)
        assert ranks.strength(ranks.speed(share)) == pytest.approx(share, abs=1e-6)
    assert ranks.strength(-1.0) == 0.0 and ranks.strength(99.0) == 1.0
    for wrong in ((1.0,), (2.0, 1.0), (0.0, float("nan"))):
        with pytest.raises(InputError, match="no distribution"):
            Distribution(wrong)
    with pytest.raises(InputError, match="0 speeds"):
        distribution_of([])


def test_a_saved_prior_comes_back_and_answers_the_same(tmp_path: Path) -> None:
    prior = small_prior()
    save_prior(tmp_path, trained(prior))
    loaded = load_prior(tmp_path)
    assert loaded.network.config == prior.config and loaded.facts == {"steps": 0} and loaded.strengths["human"].speed(1.0) == 3.0
    observed = seen(take(shake=0.1))
    here, there = prior(observed, told()).motions, loaded.network(observed, told()).motions
    assert torch.allclose(here.rotations, there.rotations, atol=2e-3)  # half precision on disk
    assert not any(weight.requires_grad for weight in loaded.network.parameters())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([WEIGHTS, DESCRIPTION])


def test_damaged_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_prior(tmp_path)
    save_prior(tmp_path, trained(small_prior()))
    weights, described = tmp_path / WEIGHTS, tmp_path / DESCRIPTION
    good, words = weights.read_bytes(), described.read_text()
    weights.write_bytes(good[: len(good) // 2])
    with pytest.raises(InputError, match="is not the file that"):
        load_prior(tmp_path)
    weights.write_bytes(good)
    for change, sentence in (
        (('"format": 1', '"format": 7'), "format 7"),
        (('"width": 32', '"width": 64'), "does not fit"),
        (('"width": 32', '"girth": 32'), "girth"),
        (("{", "["), "not the description"),
        (('"human": [', '"human": ["a",'), "not numbers"),
    ):
        assert change[0] in words
        described.write_text(words.replace(*change, 1))
        with pytest.raises(InputError, match=sentence):
            load_prior(tmp_path)


def test_the_bundled_prior_is_small_and_knows_how_it_was_made() -> None:
    if not (BUNDLED / DESCRIPTION).is_file():
        pytest.skip("no trained prior is in revision_blender/data/motion_prior")
    prior = bundled_prior()
    assert (BUNDLED / WEIGHTS).stat().st_size <= 16e6
    assert set(prior.strengths) >= {"human", "animal"} and prior.facts
