"""Preconditioning and loss: the laws they obey, and that training tells the U-Net what the sampler tells it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engines.svd.conditioning import Conditioning
from backend.engines.svd.sampling.guidance import inputs
from backend.engines.svd.sampling.sampler import euler_step
from backend.training.video.loss import Conditions, denoised, losses, moved
from backend.training.video.preconditioning import NoiseLaw, coefficients, quantiles

SHAPE = (2, 3, 4, 4, 6)
sigmas = st.floats(0.01, 700.0)


def some_conditions(seed: int = 0) -> Conditions:
    generator = torch.Generator().manual_seed(seed)
    picture, motion = torch.randn(2, 4, 4, 6, generator=generator), torch.rand(2, 3, 2, 4, 6, generator=generator)
    embedding = torch.randn(2, 1, 5, generator=generator)
    return Conditions(picture, motion, embedding, torch.tensor([[6.0, 127.0, 0.02], [6.0, 127.0, 0.1]]))


def noise(seed: int) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


@given(sigmas)
def test_weight_undoes_the_output_scale_and_the_input_has_unit_spread(sigma: float) -> None:
    scale = coefficients(torch.tensor([sigma], dtype=torch.float64))
    assert float((scale.weight * scale.out**2).item()) == pytest.approx(1.0)
    assert float((scale.into**2).item()) * (sigma**2 + 1.0) == pytest.approx(1.0)
    assert float(scale.noise.item()) == pytest.approx(0.25 * np.log(sigma))


@settings(max_examples=20)
@given(sigmas, sigmas)
def test_the_guess_is_the_samplers(first: float, second: float) -> None:
    """What the loss calls denoised is what a sampling step derives from the same output, clip by clip."""
    noisy, output, sigma = noise(1) * 3.0, noise(2), torch.tensor([first, second])
    guess = denoised(lambda *_args, **_names: (output,), noisy, sigma, some_conditions())
    for index in range(2):
        _, expected = euler_step(noisy[index : index + 1], output[index : index + 1], sigma[index], sigma[index] / 2.0)
        assert torch.allclose(guess[index], expected[0], rtol=1e-5, atol=1e-5 * max(1.0, float(sigma[index])))


def test_the_unet_is_told_in_training_what_it_is_told_in_sampling() -> None:
    told: list[tuple[torch.Tensor, ...]] = []

    def unet(sample: torch.Tensor, timestep: torch.Tensor, embedding: torch.Tensor, *, added_time_ids: torch.Tensor, return_dict: bool):
        told.append((sample, timestep, embedding, added_time_ids))
        return (sample[:, :, :4],)

    given_here, sigma, noisy = some_conditions(), torch.tensor([0.3, 40.0]), noise(3)
    denoised(unet, noisy, sigma, given_here)
    for index in range(2):
        one = slice(index, index + 1)
        level = float(given_here.ids[index, 2])
        conditioning = Conditioning(given_here.embedding[one], given_here.picture[one], given_here.motion[one], 7.0, 127, level)
        sample, timestep, embedding, ids = inputs(conditioning, noisy[one], sigma[index], "given")
        assert torch.allclose(told[0][0][one], sample, rtol=1e-6, atol=1e-7)
        assert torch.allclose(told[0][1][index], timestep) and torch.equal(told[0][2][one], embedding)
        assert torch.allclose(told[0][3][one], ids)


def test_a_perfect_model_has_no_loss_and_one_that_says_nothing_has_the_datas_spread() -> None:
    clean, eps, sigma = noise(4), noise(5), torch.tensor([0.2, 5.0])
    scale = coefficients(sigma)

    def perfect(sample: torch.Tensor, *_args: object, **_names: object):
        noisy = sample[:, :, :4] / scale.into
        return ((clean - scale.skip * noisy) / scale.out,)

    assert losses(perfect, clean, eps, sigma, some_conditions()).max() < 1e-9
    silent = losses(lambda sample, *_args, **_names: (torch.zeros_like(sample[:, :, :4]),), clean, eps, sigma, some_conditions())
    assert torch.allclose(silent, torch.ones(2), atol=0.25)  # the target of F has unit spread at every level
    assert silent.min() > 0.5


def test_what_moves_counts_more_by_its_weight_and_a_still_clip_as_before() -> None:
    clean, eps, sigma = noise(4), noise(5), torch.tensor([0.2, 5.0])
    clean[:, :, :, :2] = clean[:, :1, :, :2]  # the upper rows stand still
    still = moved(clean)[:, 1:, :, :2]
    share = float(moved(clean).mean())
    assert float(still.max()) == 0.0 and 0.2 < share < 0.8

    def wrong_where_still(sample: torch.Tensor, *_args: object, **_names: object):
        scale = coefficients(sigma)
        error = torch.zeros_like(clean)
        error[:, :, :, :2] = 1.0
        return ((clean + error / scale.weight**0.5 - scale.skip * sample[:, :, :4] / scale.into) / scale.out,)

    plain = losses(wrong_where_still, clean, eps, sigma, some_conditions())
    weighted = losses(wrong_where_still, clean, eps, sigma, some_conditions(), moving=3.0)
    means = 1.0 + 3.0 * moved(clean).mean(dim=(1, 2, 3, 4))
    assert torch.allclose(weighted, plain / means, rtol=1e-4)
    motionless = clean[:, :1].expand_as(clean).clone()
    silent = lambda sample, *_args, **_names: (torch.zeros_like(sample[:, :, :4]),)  # noqa: E731
    a, b = (losses(silent, motionless, eps, sigma, some_conditions(), moving=weight) for weight in (0.0, 3.0))
    assert torch.equal(a, b)


@given(st.floats(-2.0, 1.0), st.floats(0.3, 2.0), st.integers(0, 1000))
def test_noise_levels_follow_the_law_and_spread_over_it_within_a_batch(mean: float, std: float, seed: int) -> None:
    law = NoiseLaw(mean, std)
    drawn = law.draw(16, torch.Generator().manual_seed(seed)).log().double().sort().values
    edges = law.at(torch.arange(1, 16, dtype=torch.float64) / 16).log().double()
    assert bool((drawn[:-1] <= edges + 1e-5).all()) and bool((drawn[1:] >= edges - 1e-5).all())  # one in each sixteenth
    many = law.draw(4000, torch.Generator().manual_seed(seed)).log().double()
    assert float(many.mean()) == pytest.approx(mean, abs=0.02 * std) and float(many.std()) == pytest.approx(std, rel=0.02)


def test_quantiles_rise_around_the_median() -> None:
    levels = quantiles(NoiseLaw(0.7, 1.6), 8)
    assert levels == sorted(levels) and levels[3] < np.exp(0.7) < levels[4]
