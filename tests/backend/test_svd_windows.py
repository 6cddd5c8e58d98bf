"""Long clips: every frame is made, the windows' shares are a partition of one, and what needs no window is not changed by them."""

from typing import Any

import pytest
import svd_samples
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engines.svd.conditioning import Conditioning
from backend.engines.svd.sampling.guidance import Guidance, Place, guided, plain
from backend.engines.svd.sampling.sampler import denoise, start_latents
from backend.engines.svd.sampling.schedule import karras_sigmas
from backend.engines.svd.sampling.windows import frame_shares, windowed, windows_for
from backend.errors import EngineError, InputError

lengths = st.tuples(st.integers(1, 120), st.integers(3, 32), st.floats(0.0, 1.0))


@given(lengths)
@settings(max_examples=200, deadline=None)
def test_windows_cover_the_clip_begin_with_the_first_frame_and_share_each_frame_smoothly(case: tuple[int, int, float]) -> None:
    total, frames, share = case
    stride = None if share < 0.3 else 1 + round(share * (frames - 2))
    windows = windows_for(total, frames, stride)
    assert {index for window in windows for index in window.indices} == set(range(total))
    for window in windows:
        assert window.indices[0] == 0 and len(window.indices) == len(window.weights) == min(frames, total)
        assert (
            list(window.indices[1:]) == list(range(window.indices[1], window.indices[1] + len(window.indices) - 1)) if total > 1 else True
        )
    shares = frame_shares(windows)
    assert torch.allclose(shares.sum(dim=0), torch.ones(total)) and bool((shares >= 0).all())
    assert shares[0, 0] == 1.0
    if stride is None and len(windows) > 1:
        overlap = max(1, (frames - 1) // 4)
        assert float(shares[:, 1:].diff(dim=1).abs().max()) <= 1.0 / (overlap + 1) + 1e-5  # a ramp, no jump
        assert len(windows) <= 1 + -(-(total - frames) // max(1, (frames - 1) - overlap))  # and no more windows than that needs


def test_the_published_long_window() -> None:
    windows = windows_for(80, 32, 24)
    assert [window.indices[1] for window in windows] == [1, 25, 49]
    assert [window.indices[-1] for window in windows] == [31, 55, 79]


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(InputError, match="at least 1"):
        windows_for(0, 14)
    with pytest.raises(EngineError, match="too few for overlapping"):
        windows_for(9, 2)
    for stride in (-1, 14):
        with pytest.raises(EngineError, match="between 1 and 13"):
            windows_for(30, 14, stride)


@pytest.fixture(scope="module")
def unet() -> Any:
    torch.set_num_threads(1)
    return svd_samples.tiny_unet(10)


def conditioning(frames: int) -> Conditioning:
    generator = torch.Generator().manual_seed(1)
    embedding = torch.randn(1, 1, svd_samples.EMBEDDING, generator=generator)
    picture = torch.randn(1, 4, 4, 4, generator=generator)
    return Conditioning(embedding, picture, torch.rand(1, frames, 2, 4, 4, generator=generator), 7, 127, 0.02)


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_a_clip_of_the_models_length_or_less_is_one_call_bit_for_bit(unet: Any, frames: int) -> None:
    sigmas, noise = karras_sigmas(3, 0.002, 700.0), torch.randn(1, frames, 4, 4, 4, generator=torch.Generator().manual_seed(2))
    given_to = conditioning(frames)
    one = denoise(guided(plain(unet), given_to), start_latents(noise, sigmas), sigmas)
    windows = windowed(plain(unet), given_to, windows_for(frames, 4))
    assert torch.equal(denoise(windows, start_latents(noise, sigmas), sigmas), one)


def test_a_model_that_looks_at_each_frame_alone_is_not_changed_by_windows() -> None:
    """Its motion channels arrive at the right frames, and the blend of equal answers is that answer."""
    frames, places = 11, []

    def alone(sample: torch.Tensor, timestep: torch.Tensor, embedding: torch.Tensor, time_ids: torch.Tensor, place: Place) -> torch.Tensor:
        places.append(place)
        return (
            torch.tanh(
                sample[:, :, :4]
                + sample[:, :, 4:8] * embedding.mean(dim=2)[:, :, None, None, None]
                + sample[:, :, 8:].sum(dim=2, keepdim=True)
            )
            + timestep
        )

    latents, flat = torch.randn(1, frames, 4, 4, 4, generator=torch.Generator().manual_seed(3)), Guidance(2.0, 2.0)
    sigma, given_to = torch.tensor(3.0), conditioning(frames)
    whole = guided(alone, given_to, flat)(latents, sigma, 0)
    places.clear()
    for split in (False, True):
        assert torch.allclose(windowed(alone, given_to, windows_for(frames, 5), flat, split=split)(latents, sigma, 7), whole, atol=1e-5)
    assert {place.window for place in places} == {0, 1, 2} and {place.index for place in places} == {7}
    assert {place.half for place in places} == {"both", "empty", "given"}


def test_a_long_clip_of_the_real_net_is_finite_and_its_first_frames_are_the_first_windows(unet: Any) -> None:
    frames = 9
    windows = windows_for(frames, svd_samples.FRAMES)
    given_to, sigma = conditioning(frames), torch.tensor(10.0)
    latents = torch.randn(1, frames, 4, 4, 4, generator=torch.Generator().manual_seed(4)) * 10
    with torch.no_grad():
        velocity = windowed(plain(unet), given_to, windows)(latents, sigma, 0)
        first = guided(plain(unet), given_to.of_frames(range(4)))(latents[:, :4], sigma, 0)
    alone = [frame for frame in range(4) if frame_shares(windows)[0, frame] == 1.0]
    assert alone[:2] == [0, 1] and torch.allclose(velocity[:, alone], first[:, alone], atol=1e-5)
    sigmas = karras_sigmas(3, 0.002, 700.0)
    made = denoise(windowed(plain(unet), given_to, windows), start_latents(latents / 10, sigmas), sigmas)
    assert made.shape == latents.shape and bool(torch.isfinite(made).all())
