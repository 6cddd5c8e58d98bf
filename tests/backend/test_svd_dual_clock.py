"""Dual-clock denoising against its equations, written out once more here; and its two ends: the stock call, and the signal itself."""

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import svd_samples
import torch
from PIL import Image

from backend.engines.svd.conditioning import Conditioning, encode_frames, encode_picture, initial_noise
from backend.engines.svd.patch_codec import PatchCodec, Samples, fitted
from backend.engines.svd.sampling.dual_clock import DualClock, Signal, dual_clock, latent_region
from backend.engines.svd.sampling.guidance import guided, plain
from backend.engines.svd.sampling.sampler import denoise
from backend.engines.svd.sampling.schedule import ays_sigmas, karras_sigmas
from backend.errors import InputError
from revision_blender.video_model.following import PUBLISHED_DEPTHS, Depths

FRAMES, SIDE, SEED = svd_samples.FRAMES, svd_samples.SIDE, 4
CELLS = SIDE // 8
EVERYWHERE = float("inf")

SCHEDULES: dict[str, Callable[[], torch.Tensor]] = {"karras": lambda: karras_sigmas(12, 0.002, 700.0), "ays": ays_sigmas}


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return svd_samples.tiny_pipeline()


@pytest.fixture(scope="module")
def setting(pipeline: Any) -> tuple[Conditioning, Signal]:
    """One seed's conditioning, and the signal of a picture that slides behind a walking mask."""
    model: Any = SimpleNamespace(
        vae=pipeline.vae, image_encoder=pipeline.image_encoder, feature_extractor=pipeline.feature_extractor, device=torch.device("cpu")
    )
    generator = torch.Generator().manual_seed(SEED)
    picture = svd_samples.picture()
    embedding, latents = encode_picture(model, picture, 0.02, generator)
    noise = initial_noise(generator, FRAMES, CELLS, CELLS)
    clip = np.stack([np.roll(picture, 6 * frame, axis=1) for frame in range(FRAMES)])
    region = latent_region(svd_samples.part_labels() > 0, (CELLS, CELLS))
    return Conditioning(embedding, latents, None, 7, 127, 0.02), Signal(encode_frames(model, clip), region, noise)


def run(pipeline: Any, conditioning: Conditioning, clock: DualClock) -> list[torch.Tensor]:
    """The start and the latents after every step."""
    seen = [clock.latents]
    velocity = guided(plain(pipeline.unet), conditioning)
    denoise(velocity, clock.latents, clock.sigmas, after_step=clock.after_step, on_step=lambda state: seen.append(state.latents))
    return seen


@torch.no_grad()
def transcribed(
    pipeline: Any, conditioning: Conditioning, signal: Signal, sigmas: list[float], weak: int, strong: int
) -> list[torch.Tensor]:
    """The equations by step numbers of the schedule: begin at step ``weak``; after each step i < ``strong`` the region is put back.

    x_weak = z + sigma_weak eps; x_(i+1) = Euler(x_i); inside the region, while i < strong: x_(i+1) = z + sigma_(i+1) eps.
    """
    picture = conditioning.picture_latents[:, None].repeat(1, FRAMES, 1, 1, 1)
    ids = torch.tensor([[6.0, 127.0, 0.02]] * 2)
    scale = torch.linspace(1.0, 3.0, FRAMES)[None, :, None, None, None]
    inside = signal.region[None, :, None].expand_as(signal.latents)
    x = signal.latents + sigmas[weak] * signal.noise
    seen = [x]
    for i in range(weak, len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        scaled = x / (sigma**2 + 1) ** 0.5
        sample = torch.cat([torch.cat([scaled, torch.zeros_like(picture)], 2), torch.cat([scaled, picture], 2)])
        context = torch.cat([torch.zeros_like(conditioning.embedding), conditioning.embedding])
        empty, given = pipeline.unet(sample, torch.tensor(0.25 * np.log(sigma), dtype=torch.float32), context, ids).sample.chunk(2)
        v = empty + scale * (given - empty)
        denoised = x / (sigma**2 + 1) - v * sigma / (sigma**2 + 1) ** 0.5
        x = x + (x - denoised) * (sigma_next - sigma) / sigma
        if i < strong:
            x = torch.where(inside, signal.latents + sigma_next * signal.noise, x)
        seen.append(x)
    return seen


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("depths", [PUBLISHED_DEPTHS, Depths(300.0, 2.5), Depths(12.0, 12.0)], ids=str)
def test_every_step_is_the_equations(pipeline: Any, setting: tuple[Conditioning, Signal], schedule: str, depths: Depths) -> None:
    conditioning, signal = setting
    whole = sorted({*SCHEDULES[schedule]().tolist(), depths.weak, depths.strong}, reverse=True)
    wanted = transcribed(pipeline, conditioning, signal, whole, whole.index(depths.weak), whole.index(depths.strong))
    clock = dual_clock(signal, SCHEDULES[schedule](), depths)
    assert clock.sigmas.tolist() == pytest.approx(whole[whole.index(depths.weak) :])
    ours = run(pipeline, conditioning, clock)
    assert len(ours) == len(wanted) == len(clock.sigmas) > 4
    for index, (mine, theirs) in enumerate(zip(ours, wanted, strict=True)):
        noise_level = max(1.0, float(clock.sigmas[index]))
        assert float((mine - theirs).abs().max()) <= 1e-5 * noise_level, index
    held = [
        torch.equal(latents, torch.where(signal.region[None, :, None], signal.at(sigma, latents), latents))
        for sigma, latents in zip(clock.sigmas, ours, strict=True)
    ]
    assert held == [bool(sigma >= depths.strong) for sigma in clock.sigmas]


@pytest.mark.parametrize("depths", [Depths(700.0, 700.0), Depths(EVERYWHERE, EVERYWHERE), Depths(1000.0, 800.0)])
def test_both_clocks_at_the_first_step_are_the_stock_call_bit_for_bit(
    pipeline: Any, setting: tuple[Conditioning, Signal], depths: Depths
) -> None:
    stock = pipeline(
        Image.fromarray(svd_samples.picture()), width=SIDE, height=SIDE, num_frames=FRAMES, num_inference_steps=12,
        generator=torch.Generator().manual_seed(SEED), output_type="latent",
    ).frames  # fmt: skip
    conditioning, signal = setting
    assert torch.equal(run(pipeline, conditioning, dual_clock(signal, SCHEDULES["karras"](), depths))[-1], stock)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("weak", [EVERYWHERE, 74.5])
def test_held_to_the_end_the_inside_is_the_signals_bit_for_bit(
    pipeline: Any, setting: tuple[Conditioning, Signal], schedule: str, weak: float
) -> None:
    conditioning, signal = setting
    final = run(pipeline, conditioning, dual_clock(signal, SCHEDULES[schedule](), Depths(weak, 0.0)))[-1]
    inside = signal.region[None, :, None].expand_as(final)
    assert torch.equal(final[inside], signal.latents[inside]) and int(inside.sum()) > 50
    assert float((final[~inside] - signal.latents[~inside]).abs().mean()) > 0.05  # the rest is the model's


def test_pixels_in_the_eroded_mask_come_closer_to_the_signal_the_longer_they_are_held() -> None:
    """Printed: PSNR there between the result's pixels and the signal's own, through the linear codec.

    The model knows clips as a normal distribution about a still picture; for that its v is known, and it pulls towards the picture.
    """
    codec, clip = sliding_clip()
    signal_latents = codec.encode(clip).latent_dist.mode()[None]
    still, spread = signal_latents[:, :1].expand_as(signal_latents), 0.5

    def velocity(latents: torch.Tensor, sigma: torch.Tensor, _index: int) -> torch.Tensor:
        denoised = (spread**2 * latents + sigma**2 * still) / (spread**2 + sigma**2)
        return (latents / (sigma**2 + 1) - denoised) * (sigma**2 + 1) ** 0.5 / sigma

    mask = svd_samples.part_labels() > 0
    eroded = torch.from_numpy(np.stack([cv2.erode(image.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0 for image in mask]))
    noise = initial_noise(torch.Generator().manual_seed(0), FRAMES, SIDE // 4, SIDE // 4)
    signal = Signal(signal_latents, latent_region(mask, (SIDE // 4, SIDE // 4)), noise)
    psnr = []
    for strong in (700.0, 31.0, 1.0, 0.2, 0.0):
        clock = dual_clock(signal, karras_sigmas(50, 0.002, 700.0), Depths(EVERYWHERE, strong))
        final = denoise(velocity, clock.latents, clock.sigmas, after_step=clock.after_step)
        error = (codec.decode(final[0]).sample - clip_through(codec, signal_latents)).permute(0, 2, 3, 1)[eroded]
        psnr.append(float(-10.0 * torch.log10(error.square().mean() / 4.0 + 1e-10)))
        print(f"held to {strong:g}: {psnr[-1]:.1f} dB in the eroded mask")
    assert all(later > earlier for earlier, later in pairwise(psnr))
    assert psnr[-1] > psnr[0] + 10.0


def clip_through(codec: PatchCodec, latents: torch.Tensor) -> torch.Tensor:
    return codec.decode(latents[0]).sample


def sliding_clip() -> tuple[PatchCodec, torch.Tensor]:
    """A codec of 4 px fitted to the clip ``(FRAMES, 3, SIDE, SIDE)`` that it comes with, in [-1, 1]."""
    frames = np.stack([np.roll(svd_samples.picture(), 9 * frame, axis=1) for frame in range(FRAMES)])
    clip = torch.from_numpy(frames.transpose(0, 3, 1, 2).astype(np.float32)) / 127.5 - 1.0
    return fitted(Samples(clip, torch.ones(FRAMES, 1, SIDE, SIDE))), clip


def test_half_precision_is_kept_and_the_noise_stays_the_same_noise(setting: tuple[Conditioning, Signal]) -> None:
    _, signal = setting
    clock = dual_clock(signal, SCHEDULES["karras"](), PUBLISHED_DEPTHS, torch.float16)
    assert clock.latents.dtype == torch.float16
    held = clock.after_step(clock.latents, 0, clock.sigmas[1])
    inside = signal.region[None, :, None].expand_as(held)
    assert held.dtype == torch.float16 and torch.equal(held[inside], signal.at(clock.sigmas[1], held)[inside])
    noise = (clock.latents.float() - signal.latents) / clock.sigmas[0]
    assert torch.allclose(noise, signal.noise, atol=1e-2)


def test_the_region_is_the_nearest_pixel(setting: tuple[Conditioning, Signal]) -> None:
    mask = np.random.default_rng(0).random((3, 24, 40)) > 0.5
    assert np.array_equal(latent_region(mask, (3, 5)).numpy(), mask[:, ::8, ::8])
    assert np.array_equal(latent_region(mask, (6, 10)).numpy(), mask[:, ::4, ::4])


def test_depths_in_the_wrong_order_and_signals_of_another_clip_are_refused(setting: tuple[Conditioning, Signal]) -> None:
    _, signal = setting
    for depths in (Depths(1.0, 2.0), Depths(5.0, -1.0), Depths(float("nan"), 1.0)):
        with pytest.raises(InputError, match="must not lie below"):
            dual_clock(signal, ays_sigmas(), depths)
    with pytest.raises(InputError, match="one clip"):
        Signal(signal.latents, signal.region[:2], signal.noise)
    with pytest.raises(InputError, match="one clip"):
        Signal(signal.latents, signal.region, signal.noise[:, :2])
