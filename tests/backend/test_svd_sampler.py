"""Our sampler is the stock pipeline, bit for bit; and what it adds (two halves apart, steps told, no numbers refused) changes nothing else."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import svd_samples
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.engines.svd.conditioning import Conditioning, encode_frames, encode_picture, initial_noise
from backend.engines.svd.sampling.guidance import Guidance, Place, guided, inputs, plain
from backend.engines.svd.sampling.sampler import StepState, denoise, euler_step, start_latents
from backend.engines.svd.sampling.schedule import (
    AYS_TABLE,
    NoiseRange,
    ays_sigmas,
    karras_sigmas,
    noise_range_of,
    sigmas_for,
    with_nodes,
)
from backend.errors import Cancelled, EngineError, InputError
from revision_blender.video_model.following import Depths
from revision_blender.video_model.presets import PRESETS, Preset

FRAMES, SEED = svd_samples.FRAMES, 3


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return svd_samples.tiny_pipeline()


def model_of(pipeline: Any, dtype: torch.dtype = torch.float32) -> Any:
    return SimpleNamespace(
        unet=pipeline.unet, vae=pipeline.vae, image_encoder=pipeline.image_encoder, feature_extractor=pipeline.feature_extractor,
        device=torch.device("cpu"), dtype=dtype,
    )  # fmt: skip


def conditions(pipeline: Any, picture: np.ndarray, noise_aug: float = 0.02) -> tuple[Conditioning, torch.Tensor]:
    """(conditioning, unit noise) of one seed, in the order of the product."""
    generator = torch.Generator().manual_seed(SEED)
    embedding, latents = encode_picture(model_of(pipeline), picture, noise_aug, generator)
    noise = initial_noise(generator, FRAMES, *latents.shape[-2:])
    return Conditioning(embedding, latents, None, 9, 90, noise_aug), noise


# the schedule


@given(st.integers(1, 60), st.floats(1e-3, 0.1), st.floats(1.0, 1000.0))
@settings(max_examples=40, deadline=None)
def test_karras_sigmas_and_timesteps_are_the_stock_schedulers_bit_for_bit(steps: int, low: float, high: float) -> None:
    scheduler = svd_samples.svd_scheduler(low, high)
    scheduler.set_timesteps(steps)
    sigmas = karras_sigmas(steps, low, high)
    assert torch.equal(sigmas, scheduler.sigmas) and sigmas.dtype == torch.float32
    assert torch.equal(torch.stack([0.25 * sigma.log() for sigma in sigmas[:-1]]), scheduler.timesteps)
    noise = torch.randn(2, 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(start_latents(noise, sigmas), noise * scheduler.init_noise_sigma)


def test_align_your_steps_is_the_published_table() -> None:
    from diffusers.schedulers import AysSchedules

    assert torch.equal(ays_sigmas(), torch.tensor(AysSchedules["StableDiffusionVideoSigmas"]))


@given(st.floats(1.0, 2000.0), st.integers(2, 40))
@settings(max_examples=60, deadline=None)
def test_align_your_steps_stretches_in_log_sigma(high: float, steps: int) -> None:
    sigmas = ays_sigmas(high, steps)
    assert len(sigmas) == steps + 1 and sigmas[-1] == 0.0
    assert bool((sigmas.diff() < 0).all())
    assert sigmas[0].item() == pytest.approx(high, rel=1e-5) and sigmas[-2].item() == pytest.approx(AYS_TABLE[-1], rel=1e-5)
    ten = ays_sigmas(high)
    shares = (ten[:-1].log() - ten[-2].log()) / (ten[0].log() - ten[-2].log())
    table = torch.tensor(AYS_TABLE).log()
    assert torch.allclose(shares, (table - table[-1]) / (table[0] - table[-1]), atol=1e-4)


schedules = st.one_of(st.integers(2, 50).map(lambda steps: karras_sigmas(steps, 0.002, 700.0)), st.just(ays_sigmas()))


@given(schedules, st.lists(st.floats(0.0, 900.0), max_size=3))
@settings(max_examples=100, deadline=None)
def test_nodes_are_on_the_schedule_and_the_rest_of_it_stays(sigmas: torch.Tensor, nodes: list[float]) -> None:
    more = with_nodes(sigmas, nodes)
    wanted = {float(np.float32(node)) for node in nodes if sigmas[-2] < np.float32(node) < sigmas[0]}
    assert bool((more.diff() < 0).all()) and more[0] == sigmas[0] and more[-2] == sigmas[-2] and more[-1] == 0.0
    assert wanted <= set(more.tolist()) <= wanted | set(sigmas.tolist())
    gone = set(sigmas.tolist()) - set(more.tolist())
    steps = -sigmas[:-1].log().diff()
    for index, sigma in enumerate(sigmas[:-1].tolist()):
        if sigma in gone:  # for a node a tenth of a step away
            assert min(abs(np.log(sigma / node)) for node in wanted) <= 0.1001 * float(steps[max(0, index - 1) : index + 1].max())
    assert torch.equal(with_nodes(more, nodes), more)


def test_a_node_never_displaces_another() -> None:
    sigmas = with_nodes(karras_sigmas(25, 0.002, 700.0), (31.0, 30.5))
    assert {31.0, 30.5} <= set(sigmas.tolist()) and len(sigmas) in (27, 28)


def test_the_published_depths_are_sixteen_and_twenty_one_of_fifty() -> None:
    sigmas = karras_sigmas(50, 0.002, 700.0)
    assert sigmas[16].item() == pytest.approx(74.5, abs=0.05) and sigmas[21].item() == pytest.approx(31.0, abs=0.05)
    ten = sigmas_for(Preset("p", 10, "ays", 1, ""), NoiseRange(0.002, 700.0), Depths(74.5, 31.0)).tolist()
    assert ten[:4] == pytest.approx([74.5, 54.5, 31.0, 15.886]) and len(ten) == 12


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_has_a_schedule_for_every_noise_range(preset: Preset) -> None:
    for noise_range in (NoiseRange(0.002, 700.0), NoiseRange(0.002, 80.0)):
        sigmas = sigmas_for(preset, noise_range)
        assert len(sigmas) == preset.steps + 1 and bool((sigmas.diff() < 0).all())
        assert sigmas[0].item() == pytest.approx(noise_range.sigma_max, rel=1e-5)


def test_a_scheduler_that_is_not_svds_is_refused() -> None:
    good = dict(svd_samples.svd_scheduler().config)
    assert noise_range_of(good) == NoiseRange(0.002, 700.0)
    for change in ({"prediction_type": "epsilon"}, {"timestep_type": "discrete"}, {"sigma_max": None}, {"sigma_max": 0.001}):
        with pytest.raises(EngineError, match=r"choose another model|download the model"):
            noise_range_of({**good, **change})
    for call in (lambda: karras_sigmas(0, 0.002, 700.0), lambda: ays_sigmas(700.0, 1)):
        with pytest.raises(InputError, match="at least"):
            call()


# the whole pipeline


@pytest.mark.parametrize(
    ("size", "steps", "guidance", "noise_aug"),
    [((64, 64), 4, (1.0, 3.0), 0.02), ((128, 64), 7, (1.0, 3.0), 0.1), ((64, 128), 2, (1.5, 2.5), 0.0), ((64, 64), 3, (1.0, 1.0), 0.02)],
)
def test_a_seed_gives_the_stock_pipelines_latents_bit_for_bit(
    pipeline: Any, size: tuple[int, int], steps: int, guidance: tuple[float, float], noise_aug: float
) -> None:
    picture = svd_samples.picture(*size)
    stock = pipeline(
        Image.fromarray(picture), width=size[0], height=size[1], num_frames=FRAMES, num_inference_steps=steps, fps=9, motion_bucket_id=90,
        min_guidance_scale=guidance[0], max_guidance_scale=guidance[1], noise_aug_strength=noise_aug,
        generator=torch.Generator().manual_seed(SEED), output_type="latent",
    ).frames  # fmt: skip
    conditioning, noise = conditions(pipeline, picture, noise_aug)
    sigmas = karras_sigmas(steps, 0.002, 700.0)
    velocity = guided(plain(pipeline.unet), conditioning, Guidance(*guidance))
    ours = denoise(velocity, start_latents(noise, sigmas), sigmas)
    assert torch.equal(ours, stock) and float(stock.std()) > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_step_is_the_stock_schedulers_in_every_precision(dtype: torch.dtype) -> None:
    scheduler, generator = svd_samples.svd_scheduler(), torch.Generator().manual_seed(0)
    scheduler.set_timesteps(12)
    latents = (torch.randn(1, 3, 4, 5, 6, generator=generator) * 700).to(dtype)
    for index, timestep in enumerate(scheduler.timesteps):
        output = torch.randn(1, 3, 4, 5, 6, generator=generator).to(dtype)
        scheduler.scale_model_input(latents, timestep)
        stock = scheduler.step(output, timestep, latents)
        ours, denoised = euler_step(latents, output, scheduler.sigmas[index], scheduler.sigmas[index + 1])
        assert torch.equal(ours, stock.prev_sample) and torch.equal(denoised, stock.pred_original_sample) and ours.dtype == dtype
        latents = ours


def test_the_halves_apart_are_the_halves_together_and_frame_0_is_the_given_half(pipeline: Any) -> None:
    conditioning, noise = conditions(pipeline, svd_samples.picture())
    sigma, places = torch.tensor(5.0), []

    def call(*arguments: Any) -> torch.Tensor:
        places.append(arguments[-1])
        return plain(pipeline.unet)(*arguments)

    with torch.no_grad():
        together = guided(call, conditioning)(noise * 5, sigma, 4)
        apart = guided(call, conditioning, split=True, window=2)(noise * 5, sigma, 4)
        given = guided(call, conditioning, Guidance(1.0, 1.0))(noise * 5, sigma, 4)
        steep = guided(call, conditioning, Guidance(1.0, 5.0))(noise * 5, sigma, 4)
    assert places == [Place(4, "both", 0), Place(4, "empty", 2), Place(4, "given", 2), Place(4, "given", 0), Place(4, "both", 0)]
    assert torch.allclose(together, apart, atol=1e-5)
    assert torch.allclose(together[:, 0], given[:, 0], atol=1e-5)
    # the scale is 1, 5/3, 7/3, 3 and then 1, 7/3, 11/3, 5: both lines from the given half along (given - empty)
    assert torch.allclose((steep - given)[:, 1:], 2 * (together - given)[:, 1:], atol=1e-4)
    assert float((together - given)[:, 1:].abs().mean()) > 1e-3


def test_steps_are_told_and_the_last_one_is_the_denoised_estimate(pipeline: Any) -> None:
    conditioning, noise = conditions(pipeline, svd_samples.picture())
    sigmas, states = karras_sigmas(3, 0.002, 700.0), []
    final = denoise(guided(plain(pipeline.unet), conditioning), start_latents(noise, sigmas), sigmas, on_step=states.append)
    assert [(state.index, state.steps) for state in states] == [(0, 3), (1, 3), (2, 3)]
    assert [state.sigma for state in states] == sigmas[1:].tolist()
    assert torch.allclose(final, states[-1].denoised, atol=1e-4) and torch.equal(final, states[-1].latents)


def test_leaving_between_steps_is_an_exception_that_passes_through() -> None:
    def leave(_state: StepState) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        denoise(lambda latents, _sigma, _index: latents, torch.ones(1, 2, 4, 2, 2), karras_sigmas(5, 0.002, 700.0), on_step=leave)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_with_the_step_and_a_way_out(bad: float) -> None:
    def velocity(latents: torch.Tensor, _sigma: torch.Tensor, index: int) -> torch.Tensor:
        output = torch.zeros_like(latents)
        output[0, 1, 2, 1, 0] = bad if index == 2 else 0.0
        return output

    with pytest.raises(EngineError, match=r"step 3 of 5, in float32.*another seed.*full precision"):
        denoise(velocity, torch.ones(1, 2, 4, 2, 2), karras_sigmas(5, 0.002, 700.0))


def test_a_perfect_model_of_one_picture_is_denoised_to_it() -> None:
    """If v is that of a distribution with one member, every schedule ends at the member: c_skip x + c_out v = member."""
    member = torch.randn(1, 3, 4, 4, 4, generator=torch.Generator().manual_seed(7))

    def velocity(latents: torch.Tensor, sigma: torch.Tensor, _index: int) -> torch.Tensor:
        return (latents / (sigma**2 + 1) - member) * (sigma**2 + 1) ** 0.5 / sigma

    noise = torch.randn(1, 3, 4, 4, 4, generator=torch.Generator().manual_seed(8))
    for sigmas in (karras_sigmas(6, 0.002, 700.0), ays_sigmas(), with_nodes(ays_sigmas(), (74.5, 31.0))):
        assert torch.allclose(denoise(velocity, start_latents(noise, sigmas), sigmas), member, atol=1e-3)


# what the model is told


@pytest.mark.parametrize("size", [(64, 64), (320, 192), (576, 512), (192, 1024)])
def test_a_pictures_embedding_and_latents_are_the_stock_pipelines(pipeline: Any, size: tuple[int, int]) -> None:
    picture = svd_samples.picture(*size)
    ours, latents = encode_picture(model_of(pipeline), picture, 0.0, torch.Generator())
    with torch.no_grad():
        stock = pipeline._encode_image(Image.fromarray(picture), "cpu", 1, False)
        pixels = pipeline.video_processor.preprocess(Image.fromarray(picture), height=size[1], width=size[0])
        modes = pipeline._encode_vae_image(pixels, "cpu", 1, False)
    assert torch.allclose(ours, stock, atol=1e-6) and torch.equal(latents, modes)


def test_noise_has_four_channels_whatever_the_unet_takes_and_is_stocks(pipeline: Any) -> None:
    stock = pipeline.prepare_latents(1, FRAMES, 8, 64, 128, torch.float32, "cpu", torch.Generator().manual_seed(5))
    ours = initial_noise(torch.Generator().manual_seed(5), FRAMES, 8, 16)
    assert torch.equal(ours * pipeline.scheduler.init_noise_sigma, stock) and ours.shape == (1, FRAMES, 4, 8, 16)


def test_time_ids_are_the_stock_pipelines(pipeline: Any) -> None:
    conditioning, noise = conditions(pipeline, svd_samples.picture())
    stock = pipeline._get_add_time_ids(9 - 1, 90, 0.02, torch.float32, 1, 1, False)
    sample, timestep, embedding, time_ids = inputs(conditioning, noise, torch.tensor(2.0), "both")
    assert torch.equal(time_ids, torch.cat([stock, stock])) and sample.shape == (2, FRAMES, 8, 8, 8)
    assert timestep.item() == pytest.approx(0.25 * np.log(2.0)) and not embedding[0].any() and embedding[1].any()
    assert not sample[0, :, 4:].any() and sample[1, :, 4:].any() and torch.equal(sample[0, :, :4], sample[1, :, :4])


@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_a_clips_latents_do_not_depend_on_the_chunk_and_are_scaled(pipeline: Any, chunk: int) -> None:
    frames = np.stack([svd_samples.picture(seed=seed) for seed in range(5)])
    latents = encode_frames(model_of(pipeline), frames, chunk)
    for index, frame in enumerate(frames):
        _, mode = encode_picture(model_of(pipeline), frame, 0.0, torch.Generator())
        assert torch.allclose(latents[:, index], mode * pipeline.vae.config.scaling_factor, atol=1e-5)


def test_a_half_precision_autoencoder_encodes_in_full_and_is_half_again_also_after_a_failure(pipeline: Any) -> None:
    half = svd_samples.tiny_vae().to(torch.float16)
    full = svd_samples.tiny_vae().to(torch.float16).to(torch.float32)
    model = model_of(pipeline)
    model.vae = half
    _, latents = encode_picture(model, svd_samples.picture(), 0.02, torch.Generator().manual_seed(1))
    model.vae = full
    _, wanted = encode_picture(model, svd_samples.picture(), 0.02, torch.Generator().manual_seed(1))
    assert torch.equal(latents, wanted) and half.dtype == torch.float16
    half.encode = failing
    model.vae = half
    with pytest.raises(RuntimeError, match="on purpose"):
        encode_picture(model, svd_samples.picture(), 0.02, torch.Generator())
    assert half.dtype == torch.float16


def failing(_pixels: torch.Tensor) -> None:
    raise RuntimeError("on purpose")
