"""The widened U-Net is the stock one until it is trained, for every mask; after that, masks reach the conditional half alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import svd_samples
import torch
import truth
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.engines.svd.conditioning import Conditioning, encode_picture, initial_noise, motion_channels, no_motion
from backend.engines.svd.sampling.guidance import Guidance, guided, inputs, plain
from backend.engines.svd.sampling.sampler import denoise, start_latents
from backend.engines.svd.sampling.schedule import karras_sigmas
from backend.engines.svd.weights.widening import is_conditioned, widened
from backend.errors import EngineError, InputError
from backend.raster.part_masks import part_masks
from revision_blender.masks.labels import GRAY_OF_LABEL, PART_LABELS
from revision_blender.motion.errors import MaskError

FRAMES, SEED, STEPS, SIDE = svd_samples.FRAMES, 11, 6, svd_samples.SIDE
CELLS = SIDE // 8


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return svd_samples.tiny_pipeline()


@pytest.fixture(scope="module")
def stock(pipeline: Any) -> tuple[torch.Tensor, np.ndarray]:
    """(latents, pixels) of the stock call at its defaults, guidance 1 to 3."""
    made = pipeline(
        Image.fromarray(svd_samples.picture()), width=SIDE, height=SIDE, num_frames=FRAMES, num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(SEED), output_type="latent",
    ).frames  # fmt: skip
    return made, pixels(pipeline, made)


def pixels(pipeline: Any, latents: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return pipeline.video_processor.postprocess_video(pipeline.decode_latents(latents, FRAMES), output_type="np")


def random_motion(seed: int = 0) -> torch.Tensor:
    return torch.rand(1, FRAMES, 2, CELLS, CELLS, generator=torch.Generator().manual_seed(seed))


def conditions(pipeline: Any, motion: torch.Tensor | None) -> tuple[Conditioning, torch.Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    model: Any = SimpleNamespace(
        vae=pipeline.vae, image_encoder=pipeline.image_encoder, feature_extractor=pipeline.feature_extractor, device=torch.device("cpu")
    )
    embedding, latents = encode_picture(model, svd_samples.picture(), 0.02, generator)
    return Conditioning(embedding, latents, motion, 7, 127, 0.02), initial_noise(generator, FRAMES, CELLS, CELLS)


def generated(pipeline: Any, unet: Any, motion: torch.Tensor, guidance: Guidance | None = None) -> torch.Tensor:
    conditioning, noise = conditions(pipeline, motion)
    sigmas = karras_sigmas(STEPS, 0.002, 700.0)
    return denoise(guided(plain(unet), conditioning, guidance), start_latents(noise, sigmas), sigmas)


def conditioned_unet(std: float) -> Any:
    unet = widened(svd_samples.tiny_unet())
    with torch.no_grad():
        unet.conv_in.weight[:, 8:].normal_(std=std, generator=torch.Generator().manual_seed(3))
    return unet


def test_new_weights_of_zero_with_random_masks_are_the_stock_pipeline(pipeline: Any, stock: Any) -> None:
    for seed in range(3):
        ours = generated(pipeline, widened(svd_samples.tiny_unet()), random_motion(seed))
        assert float((ours - stock[0]).abs().max()) <= 1e-5
        assert float(np.abs(pixels(pipeline, ours) - stock[1]).max()) <= 1e-5


def test_random_new_weights_with_empty_masks_are_the_stock_pipeline(pipeline: Any, stock: Any) -> None:
    ours = generated(pipeline, conditioned_unet(1.0), no_motion(FRAMES, CELLS, CELLS)[None])
    assert float((ours - stock[0]).abs().max()) <= 1e-5
    assert float(np.abs(pixels(pipeline, ours) - stock[1]).max()) <= 1e-5


def test_random_new_weights_with_masks_change_the_conditional_half_only(pipeline: Any, stock: Any) -> None:
    unet = conditioned_unet(0.2)
    ours = generated(pipeline, unet, random_motion())
    assert float((ours - stock[0]).abs().mean()) > 1e-2 and float(np.abs(pixels(pipeline, ours) - stock[1]).mean()) > 1e-3
    with_masks, noise = conditions(pipeline, random_motion())
    without, _ = conditions(pipeline, None)
    for sigma in torch.tensor([500.0, 5.0, 0.1]):
        latents = noise * (sigma**2 + 1) ** 0.5
        with torch.no_grad():
            new = unet(*inputs(with_masks, latents, sigma, "both")).sample
            old = pipeline.unet(*inputs(without, latents, sigma, "both")).sample
        assert torch.allclose(new[0], old[0], atol=1e-5)
        assert float((new[1] - old[1]).abs().mean()) > 1e-2


def test_without_guidance_masks_still_count(pipeline: Any) -> None:
    none, unet = Guidance(1.0, 1.0), conditioned_unet(0.2)
    first, second = (generated(pipeline, unet, random_motion(seed), none) for seed in (0, 1))
    assert float((first - second).abs().mean()) > 1e-2


def test_the_new_weights_receive_a_gradient_at_the_first_step(pipeline: Any) -> None:
    unet = widened(svd_samples.tiny_unet())
    assert not unet.conv_in.weight[:, 8:].any()
    conditioning, noise = conditions(pipeline, random_motion())
    output = unet(*inputs(conditioning, noise * 2, torch.tensor(2.0), "given")).sample
    (output - noise).square().mean().backward()
    for channel in range(10):
        assert float(unet.conv_in.weight.grad[:, channel].abs().max()) > 1e-8, channel


def test_the_old_weights_stay_bit_for_bit_and_the_folder_gives_them_back(tmp_path: Path) -> None:
    from diffusers import UNetSpatioTemporalConditionModel

    old, unet = svd_samples.tiny_unet(), svd_samples.tiny_unet()
    torch.manual_seed(5)
    assert widened(unet) is unet and is_conditioned(unet) and not is_conditioned(old)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))  # widening draws nothing
    assert torch.equal(unet.conv_in.weight[:, :8], old.conv_in.weight) and torch.equal(unet.conv_in.bias, old.conv_in.bias)
    assert not unet.conv_in.weight[:, 8:].any() and unet.conv_in.weight.requires_grad
    assert all(torch.equal(new, old.state_dict()[name]) for name, new in unet.state_dict().items() if name != "conv_in.weight")
    with torch.no_grad():
        unet.conv_in.weight[:, 8:] = 0.25
    assert torch.equal(widened(unet).conv_in.weight[:, 8:], torch.full((32, 2, 3, 3), 0.25))  # trained weights are not widened away
    unet.save_pretrained(tmp_path)
    again = UNetSpatioTemporalConditionModel.from_pretrained(tmp_path)
    assert is_conditioned(again) and torch.equal(again.conv_in.weight, unet.conv_in.weight)


def test_half_precision_stays_half_and_another_net_is_refused() -> None:
    unet = widened(svd_samples.tiny_unet().to(torch.bfloat16))
    assert unet.conv_in.weight.dtype == torch.bfloat16 and unet.dtype == torch.bfloat16 and not unet.training
    strange = svd_samples.tiny_unet()
    strange.conv_in = torch.nn.Conv2d(12, 32, 3, padding=1)
    strange.register_to_config(in_channels=12)
    with pytest.raises(EngineError, match="12 channels"):
        widened(strange)


# the two channels

label_clips = st.integers(0, 2**31).map(lambda seed: _label_clip(np.random.default_rng(seed)))


def _label_clip(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = np.kron(rng.integers(0, 4, (2, 7, 9)), np.ones((1, 5, 5))).astype(np.uint8)[:, :32, :40]
    labels = np.where(labels > 0, (labels * 11 + 1).astype(np.uint8), 0).astype(np.uint8)
    confidence = np.where(labels > 0, rng.integers(0, 256, labels.shape), 0).astype(np.uint8)
    return labels, confidence


@given(label_clips)
@settings(max_examples=60, deadline=None)
def test_every_cell_says_one_label_and_how_sure_or_exactly_nothing(clip: tuple[np.ndarray, np.ndarray]) -> None:
    labels, confidence = clip
    channels = motion_channels(labels, confidence).numpy()
    assert channels.shape == (2, 2, 4, 5) and channels.dtype == np.float32 and channels.min() >= 0.0 and channels.max() <= 1.0
    gray, sure = channels[:, 0], channels[:, 1]
    assert np.array_equal(gray == 0.0, sure == 0.0)  # nothing is nothing in both
    for frame, row, column in np.argwhere(gray > 0.0):
        cell = (frame, slice(row * 8, row * 8 + 8), slice(column * 8, column * 8 + 8))
        label = int(np.flatnonzero(np.isclose(GRAY_OF_LABEL / np.float32(255), gray[frame, row, column]))[0])
        own = labels[cell] == label
        assert own.any()  # a label that is in the cell, never a mixture
        wanted = np.round(confidence[cell][own].mean()) / 255.0 * own.mean()
        assert sure[frame, row, column] == pytest.approx(wanted, abs=1e-6)


def test_full_cells_of_full_confidence_say_1_and_background_says_0() -> None:
    labels = np.zeros((1, 16, 16), np.uint8)
    labels[0, :8, :8] = 5
    channels = motion_channels(labels, np.where(labels > 0, 255, 0).astype(np.uint8))
    assert channels[0, 1].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert channels[0, 0, 0, 0] == pytest.approx(GRAY_OF_LABEL[5] / 255.0) and not channels[0, 0].flatten()[1:].any()
    unsure = motion_channels(labels, np.where(labels > 0, 128, 0).astype(np.uint8))
    assert unsure[0, 1, 0, 0] == pytest.approx(128 / 255) and torch.equal(unsure[:, 0], channels[:, 0])
    assert not motion_channels(labels, np.zeros_like(labels)).any()
    assert torch.equal(no_motion(1, 2, 2), torch.zeros(1, 2, 2, 2))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_maps_of_a_multiple_of_the_size_are_reduced_exactly(times: int) -> None:
    labels, confidence = _label_clip(np.random.default_rng(0))
    large = [maps.repeat(times, axis=1).repeat(times, axis=2) for maps in (labels, confidence)]
    wanted = motion_channels(labels, confidence)
    assert torch.allclose(motion_channels(large[0], large[1], 8, (4, 5)), wanted, atol=1e-6)


def test_maps_of_another_size_keep_their_labels() -> None:
    labels, confidence = _label_clip(np.random.default_rng(1))
    channels = motion_channels(labels, confidence, 8, (3, 7))
    known = GRAY_OF_LABEL[np.unique(labels)] / np.float32(255)
    assert channels.shape == (2, 2, 3, 7)
    assert np.abs(channels[:, 0].numpy()[..., None] - known).min(axis=-1).max() < 1e-6


def test_hands_of_moving_people_reach_the_latents() -> None:
    """Of the cells that a hand (palm and fingers: SMPL's wrist and hand) covers to 30 % or more, at least 95 % say so; a majority loses a third."""
    numbers = {row.name: row.label for row in PART_LABELS}
    kept = lost_by_majority = total = 0
    for take in truth.TAKES:
        labels = part_masks(truth.truth_of(take))
        frames, rows, columns = len(labels), labels.shape[1] // 8, labels.shape[2] // 8
        blocks = labels.reshape(frames, rows, 8, columns, 8)
        gray = motion_channels(labels, np.where(labels > 0, 255, 0).astype(np.uint8))[:, 0].numpy()
        majority = np.stack([(blocks == label).sum(axis=(2, 4)) for label in range(25)]).argmax(axis=0)
        for side in ("left", "right"):
            parts = [numbers[f"human.{side}_wrist"], numbers[f"human.{side}_hand"]]
            cells = np.isin(blocks, parts).mean(axis=(2, 4)) >= 0.3
            said = np.isclose(gray[..., None], GRAY_OF_LABEL[parts] / np.float32(255)).any(axis=-1)
            kept, total = kept + int((said & cells).sum()), total + int(cells.sum())
            lost_by_majority += int((~np.isin(majority, parts) & cells).sum())
    assert total > 500 and kept / total >= 0.95, (kept, total)
    assert lost_by_majority / total > 0.25


def test_shapes_that_do_not_fit_are_refused(pipeline: Any) -> None:
    labels, confidence = _label_clip(np.random.default_rng(0))
    with pytest.raises(InputError, match="frames, height, width"):
        motion_channels(labels, confidence[:1])
    with pytest.raises(MaskError, match="divide"):
        motion_channels(labels[:, :30], confidence[:, :30])
    conditioning, noise = conditions(pipeline, random_motion()[:, :2])
    with pytest.raises(InputError, match=f"2 frames, the video {FRAMES}"):
        inputs(conditioning, noise, torch.tensor(1.0), "both")
