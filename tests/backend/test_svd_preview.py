"""Colours of latents: right where the codec is linear, and never an error."""

import numpy as np
import pytest
import torch

from backend.engines.svd.preview import fitted_colours, preview


def smooth_frames(frames: int, height: int, width: int, seed: int) -> np.ndarray:
    """Pictures of a few soft blobs."""
    random = np.random.default_rng(seed)
    across, along = np.mgrid[0:height, 0:width] / max(height, width)
    made = np.full((frames, height, width, 3), 128.0)
    for _ in range(8):
        centre, colour, drift = random.uniform(0, 1, 2), random.uniform(-100, 100, 3), random.uniform(-0.02, 0.02, 2)
        for frame in range(frames):
            y, x = centre + drift * frame
            made[frame] += np.exp(-((across - y) ** 2 + (along - x) ** 2) * 30.0)[..., None] * colour
    return made.clip(0, 255).astype(np.uint8)


def linear_latents(frames: np.ndarray, seed: int = 0) -> torch.Tensor:
    """(F, 4, h, w): a random mixture of each 8 x 8 cell's mean colour and its brightness gradient."""
    random = torch.Generator().manual_seed(seed)
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    mean = torch.nn.functional.avg_pool2d(pixels, 8)
    gradient = torch.nn.functional.avg_pool2d(pixels.mean(1, keepdim=True) * torch.linspace(-1, 1, 8).repeat(pixels.shape[-1] // 8), 8)
    return torch.einsum("ij,njhw->nihw", torch.randn((4, 4), generator=random), torch.cat([mean, gradient], dim=1)) + 0.3


def cell_means(frames: np.ndarray) -> np.ndarray:
    count, height, width, _ = frames.shape
    return frames.reshape(count, height // 8, 8, width // 8, 8, 3).mean(axis=(2, 4))


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_codecs_video_is_seen_as_it_is(seed: int) -> None:
    frames = smooth_frames(5, 72, 96, seed)
    latents = linear_latents(frames, seed)
    colours = fitted_colours(latents[:1], frames[0])
    seen = preview(latents[None], colours).astype(float)
    assert seen.shape == (5, 9, 12, 3)
    error, spread = np.abs(seen - cell_means(frames)).mean(), cell_means(frames).std()
    assert spread > 8.0 and error < 2.0, (error, spread)


def test_one_colour_gives_that_colour_and_nothing_is_too_odd() -> None:
    plain = np.full((64, 64, 3), (200, 30, 90), np.uint8)
    colours = fitted_colours(torch.full((1, 4, 8, 8), 0.7), plain)
    latents = torch.full((1, 2, 4, 8, 8), 0.7)
    assert np.abs(preview(latents, colours).astype(int) - (200, 30, 90)).max() <= 1
    latents[0, 1, 2, 3] = float("nan")
    assert preview(latents.half() * 3e4, colours).shape == (2, 8, 8, 3)


def test_the_map_does_not_depend_on_the_pictures_size() -> None:
    frames = smooth_frames(1, 64, 64, 2)
    latents = linear_latents(frames)
    large = frames[0].repeat(3, axis=0).repeat(3, axis=1)
    one, other = fitted_colours(latents, frames[0]), fitted_colours(latents, large)
    assert torch.allclose(one.weights, other.weights, atol=1e-4) and torch.allclose(one.colour_of_centre, other.colour_of_centre, atol=1e-5)
