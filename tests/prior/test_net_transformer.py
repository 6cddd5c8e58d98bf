"""Laws of the network: what it must not care about, what it must hear, and that nothing breaks it."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from backend.errors import InputError
from backend.prior.network.config import PriorConfig, config_from_json
from backend.prior.network.text import word_ids
from backend.prior.network.transformer import Prior
from backend.prior.network.windows import blended, predicted, starts
from backend.prior.state import decode, features
from backend.prior.state.motions import Told
from backend.prior.state.take import KINDS, Kind
from tests.prior.net_samples import SMALL, seen, small_prior, take, told


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 8, 64])
def test_every_kind_and_length_gives_finite_motions_of_its_shape(kind: Kind, frames: int) -> None:
    observed = seen(take(kind, frames), take(kind, frames, seed=1))
    answer = small_prior()(observed, told(2))
    assert answer.motions.rotations.shape == observed.motions.rotations.shape
    assert answer.contacts.shape == (2, frames, 4)
    for values in (answer.motions.rotations, answer.motions.root, answer.contacts):
        assert bool(torch.isfinite(values).all())


def test_an_untrained_network_leaves_smooth_motion_nearly_as_it_is() -> None:
    observed = seen(take())
    answer = Prior(SMALL)(observed, told())
    assert float((answer.motions.rotations - observed.motions.rotations).abs().max()) < 0.05
    assert float((answer.motions.root - observed.motions.root).abs().max()) < 0.02


def test_padding_changes_nothing() -> None:
    prior, generator = small_prior(), torch.Generator().manual_seed(0)
    given = features.features(seen(take(frames=40)))
    padded = torch.cat([given, torch.randn(1, 24, given.shape[-1], generator=generator)], 1)
    alone = prior.raw("human", given, torch.ones(1, 40, dtype=torch.bool), told())
    both = prior.raw("human", padded, torch.arange(64)[None] < 40, told())
    assert torch.allclose(alone, both[:, :40], atol=1e-4)
    nothing = prior.raw("human", padded, torch.zeros(1, 64, dtype=torch.bool), told())
    assert bool(torch.isfinite(nothing).all())


def test_only_the_distance_between_frames_counts() -> None:
    """The same features later in the window, with what is before them hidden, give the same answer."""
    prior = small_prior()
    given = features.features(seen(take(frames=20)))
    shifted = torch.cat([torch.zeros(1, 11, given.shape[-1]), given], 1)
    valid = torch.arange(31)[None] >= 11
    here = prior.raw("human", given, torch.ones(1, 20, dtype=torch.bool), told())
    there = prior.raw("human", shifted, valid, told())
    assert torch.allclose(here, there[:, 11:], atol=1e-4)


def test_turned_and_moved_motion_gives_the_turned_and_moved_answer() -> None:
    observed = seen(take())
    angle = torch.tensor(2.0)
    turn = torch.tensor([[angle.cos(), 0.0, angle.sin()], [0.0, 1.0, 0.0], [-angle.sin(), 0.0, angle.cos()]])
    away = torch.tensor([3.0, 0.0, -7.0])
    motions = observed.motions
    rotations = motions.rotations.clone()
    rotations[:, :, 0] = turn @ rotations[:, :, 0]
    moved = dataclasses.replace(motions, rotations=rotations, root=motions.root @ turn.T + away)
    prior = small_prior()
    here, there = prior(observed, told()), prior(dataclasses.replace(observed, motions=moved), told())
    assert torch.allclose(here.motions.rotations[:, :, 1:], there.motions.rotations[:, :, 1:], atol=1e-4)
    assert torch.allclose(turn @ here.motions.rotations[:, :, 0], there.motions.rotations[:, :, 0], atol=1e-4)
    assert torch.allclose(here.motions.root @ turn.T + away, there.motions.root, atol=1e-4)


def test_strength_words_and_their_absence_are_heard() -> None:
    observed, prior = seen(take()), small_prior(spoken=0.2)
    walk = word_ids(["a man walks"])
    answers = [
        prior(observed, Told(torch.tensor([strength]), words)).motions.rotations
        for strength, words in ((float("nan"), 0 * walk), (0.0, 0 * walk), (1.0, 0 * walk), (1.0, walk), (1.0, word_ids(["jumping"])))
    ]
    for first in range(len(answers)):
        for second in range(first):
            assert float((answers[first] - answers[second]).abs().max()) > 1e-5
    assert torch.equal(answers[3], prior(observed, Told(torch.tensor([1.0]), word_ids(["Walking!"]))).motions.rotations)


def test_embedded_text_needs_a_network_that_knows_it() -> None:
    observed = seen(take())
    embedded = torch.randn(1, 5, 12, generator=torch.Generator().manual_seed(0))
    spoken = dataclasses.replace(told(), embedded=embedded)
    with pytest.raises(InputError, match="built-in words"):
        small_prior()(observed, spoken)
    prior = small_prior(spoken=0.2, config=dataclasses.replace(SMALL, text="clip", text_width=12))
    silent = dataclasses.replace(told(), embedded=0.0 * embedded)
    assert not torch.equal(prior(observed, spoken).motions.rotations, prior(observed, silent).motions.rotations)


@pytest.mark.parametrize("frames", [65, 96, 97, 200])
def test_windows_cover_every_frame_and_blend_constants_to_themselves(frames: int) -> None:
    first = starts(frames, 64, 32)
    assert int(first[0]) == 0 and int(first[-1]) == frames - 64 and int(first.diff().max()) <= 32 and int(first.diff().min()) >= 1
    index = first[:, None] + torch.arange(64)
    values = torch.randn(1, frames, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(blended(values[:, index], index, frames), values, atol=1e-5)


def test_windows_blend_without_seams() -> None:
    """Two windows that disagree by 1: the blend goes from one to the other by even steps."""
    index = starts(96, 64, 32)[:, None] + torch.arange(64)
    disagreeing = torch.stack([torch.zeros(64, 1), torch.ones(64, 1)])[None]
    result = blended(disagreeing, index, 96)[0, :, 0]
    assert float(result.diff().max()) < 0.06 and float(result.diff().min()) >= -1e-6
    assert float(result[:32].max()) == 0.0 and float(result[-32:].min()) == 1.0


def test_a_short_clip_is_one_window_and_a_long_one_is_near_it() -> None:
    prior = small_prior(spoken=0.01)
    observed = seen(take(frames=64))
    assert torch.equal(predicted(prior, observed, told()).motions.rotations, prior(observed, told()).motions.rotations)
    long = seen(take(frames=150))
    answer = predicted(prior, long, told()).motions
    assert answer.rotations.shape[1] == 150 and bool(torch.isfinite(answer.root).all())
    assert float((answer.rotations[:, 1:] - answer.rotations[:, :-1]).abs().max()) < 0.4


def test_guidance_goes_from_auto_towards_more_or_less_and_further_the_more_it_counts() -> None:
    prior, observed = small_prior(spoken=0.05), seen(take())
    plain = predicted(prior, observed, told()).motions.rotations
    assert torch.equal(predicted(prior, observed, told(), 3.0).motions.rotations, plain)
    assert torch.allclose(predicted(prior, observed, told(strength=0.5), 3.0).motions.rotations, plain, atol=1e-5)
    moved = [predicted(prior, observed, told(strength=s), g).motions.rotations - plain for s, g in ((1.0, 1.0), (1.0, 2.0), (0.0, 1.0))]
    assert float(moved[1].norm()) > 1.5 * float(moved[0].norm()) > 0.0
    assert float((moved[0] * moved[2]).sum()) < -0.5 * float(moved[0].norm() * moved[2].norm())
    assert not torch.equal(predicted(prior, observed, told(strength=1.0)).motions.rotations, plain)


def test_half_precision_of_the_blocks_keeps_rotations_rotations() -> None:
    prior, observed = small_prior(), seen(take())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = prior(observed, told())
    rotations = answer.motions.rotations
    assert rotations.dtype == torch.float32
    assert torch.allclose(rotations @ rotations.mT, torch.eye(3).expand_as(rotations), atol=1e-5)
    assert torch.allclose(rotations, prior(observed, told()).motions.rotations, atol=0.02)


def test_the_default_network_fits_into_the_package() -> None:
    """Half precision: two bytes a weight, at most 16 MB."""
    prior = Prior(PriorConfig())
    assert 2 * sum(weight.numel() for weight in prior.parameters()) < 16e6
    assert set(decode.SIZE) == set(features.SIZE) == set(prior.inputs) == set(KINDS)


def test_configurations_survive_json_and_nonsense_is_named() -> None:
    config = PriorConfig(width=64, blocks=1)
    assert config_from_json(config.as_json()) == config
    for values, words in (
        ({"width": 30}, "heads"),
        ({"stride": 65}, "gaps"),
        ({"width": "wide"}, "type int"),
        ({"depth": 3}, "'depth'"),
        ({"blocks": 0}, "at least 1"),
        ({"text": "bert"}, "builtin"),
        ([], "table"),
    ):
        with pytest.raises(InputError, match=words):
            config_from_json(values)
