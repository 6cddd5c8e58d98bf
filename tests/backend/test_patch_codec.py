"""The patch codec: linear, fitted in closed form, and in the VAE's place wherever the stock pipeline uses one."""

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.engines.svd.patch_codec import LATENT_CHANNELS, PatchCodec, Samples, fitted, psnr
from tests.backend.svd_samples import svd_scheduler, tiny_image_encoder, tiny_unet


def _soft(count: int, side: int = 32, seed: int = 0) -> Tensor:
    """Pictures with structure larger than a patch."""
    coarse = torch.rand(count, 3, side // 8, side // 8, generator=torch.Generator().manual_seed(seed)) * 2.0 - 1.0
    return torch.nn.functional.interpolate(coarse, side, mode="bicubic").clamp(-1.0, 1.0)


def _samples(count: int = 48, seed: int = 0) -> Samples:
    pixels = _soft(count, seed=seed)
    return Samples(pixels, torch.ones(count, 1, *pixels.shape[2:]))


@pytest.fixture(scope="module")
def codec() -> PatchCodec:
    return fitted(_samples())


def _mode(codec: PatchCodec, pixels: Tensor) -> Tensor:
    return codec.encode(pixels).latent_dist.mode()


def test_latents_are_centred_and_of_unit_spread_on_what_it_was_fitted_to(codec: PatchCodec) -> None:
    latents = _mode(codec, _samples().pixels)
    assert latents.shape == (48, LATENT_CHANNELS, 8, 8)
    torch.testing.assert_close(latents.mean((0, 2, 3)), torch.zeros(LATENT_CHANNELS), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(latents.square().mean((0, 2, 3)), torch.ones(LATENT_CHANNELS), atol=1e-3, rtol=0.0)


def test_both_ways_are_affine(codec: PatchCodec) -> None:
    a, b = _soft(2, seed=5).split(1)
    between = _mode(codec, 0.25 * a + 0.75 * b)
    torch.testing.assert_close(between, 0.25 * _mode(codec, a) + 0.75 * _mode(codec, b), atol=1e-5, rtol=1e-4)
    back = codec.decode(between).sample
    parts = 0.25 * codec.decode(_mode(codec, a)).sample + 0.75 * codec.decode(_mode(codec, b)).sample
    torch.testing.assert_close(back, parts, atol=1e-5, rtol=1e-4)


def test_unseen_pictures_come_back_far_better_than_their_mean(codec: PatchCodec) -> None:
    unseen = _samples(12, seed=9)
    flat = unseen.pixels.mean((2, 3), keepdim=True).expand_as(unseen.pixels)
    trivial = float(-10.0 * torch.log10((flat - unseen.pixels).square().mean() / 4.0))
    assert psnr(codec, unseen) > trivial + 12.0


def test_overlap_is_worth_more_than_separate_patches() -> None:
    samples, unseen = _samples(), _samples(12, seed=9)
    assert psnr(fitted(samples, reach=4), unseen) > psnr(fitted(samples, reach=0), unseen) + 1.0


def test_the_decoder_is_the_best_of_its_reach(codec: PatchCodec) -> None:
    """A gradient of the squared error with respect to the decoder's kernel is next to nothing on what it was fitted to."""
    inner = PatchCodec()
    inner.load_state_dict(codec.state_dict())
    samples = _samples()
    inner.decoder.weight.requires_grad_(True)
    error = (inner.decode(_mode(codec, samples.pixels)).sample - samples.pixels).square().mean()
    error.backward()
    start = PatchCodec()
    start.load_state_dict(codec.state_dict())
    with torch.no_grad():
        start.decoder.weight.mul_(0.9)
    start.decoder.weight.requires_grad_(True)
    (start.decode(_mode(codec, samples.pixels)).sample - samples.pixels).square().mean().backward()
    assert inner.decoder.weight.grad is not None and start.decoder.weight.grad is not None
    assert inner.decoder.weight.grad.norm() < 0.02 * start.decoder.weight.grad.norm()


def test_a_cell_reaches_its_neighbours_and_no_further(codec: PatchCodec) -> None:
    latents = torch.zeros(1, LATENT_CHANNELS, 8, 8)
    flat = codec.decode(latents).sample
    latents[0, 0, 3, 4] = 1.0
    changed = ((codec.decode(latents).sample - flat).abs() > 0).any(dim=1)[0]
    assert changed[8:20, 12:24].any() and changed[12:16, 16:20].all()
    changed[8:20, 12:24] = False
    assert not changed.any()


def test_weights_buy_fidelity_where_they_are_at_the_cost_of_elsewhere() -> None:
    pixels = _soft(64, seed=4)
    pixels[:, :, 8:24, 8:24] = (torch.rand(64, 3, 4, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1).repeat_interleave(4, dim=2)
    middle = torch.zeros(64, 1, 32, 32)
    middle[..., 8:24, 8:24] = 1.0  # fine columns there, soft colours around
    even, steered = fitted(Samples(pixels, torch.ones_like(middle))), fitted(Samples(pixels, middle + 0.02))
    inside, around = Samples(pixels, middle), Samples(pixels, 1.0 - middle)
    assert psnr(steered, inside) > psnr(even, inside) + 0.1
    assert psnr(steered, around) < psnr(even, around) - 0.1


def test_saved_and_loaded_it_is_the_same(codec: PatchCodec, tmp_path) -> None:
    codec.save_pretrained(tmp_path, safe_serialization=True)
    again = PatchCodec.from_pretrained(tmp_path, use_safetensors=True)
    pixels = _soft(2, seed=7)
    assert torch.equal(_mode(codec, pixels), _mode(again, pixels))
    assert torch.equal(codec.decode(_mode(codec, pixels)).sample, again.decode(_mode(again, pixels)).sample)


def test_the_stock_pipeline_runs_on_it(codec: PatchCodec) -> None:
    from diffusers import StableVideoDiffusionPipeline
    from PIL import Image
    from transformers import CLIPImageProcessorPil

    pipeline = StableVideoDiffusionPipeline(
        vae=codec, image_encoder=tiny_image_encoder(), unet=tiny_unet(), scheduler=svd_scheduler(sigma_max=20.0),
        feature_extractor=CLIPImageProcessorPil(crop_size=224, size={"shortest_edge": 224}),
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.vae_scale_factor == 4
    picture = Image.fromarray(np.full((32, 32, 3), 90, np.uint8))
    frames = pipeline(picture, height=32, width=32, num_frames=4, num_inference_steps=2, output_type="pt").frames
    assert frames.shape == (1, 4, 3, 32, 32) and bool(torch.isfinite(frames).all())
