"""Decoding in pieces, with a small random temporal decoder and the stock pipeline's own decoding beside it."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder, StableVideoDiffusionPipeline
from hypothesis import given
from hypothesis import strategies as st

from backend.engines.svd.decoding import as_bytes, blended, decoded, pieces
from backend.errors import Cancelled, EngineError

FRAMES = 7


def random_vae(seed: int = 0) -> AutoencoderKLTemporalDecoder:
    """A decoder whose frames depend on their neighbours."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32), down_block_types=("DownEncoderBlock2D",) * 2, latent_channels=4, layers_per_block=1, sample_size=16
    )
    return vae.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def vae() -> AutoencoderKLTemporalDecoder:
    return random_vae()


@pytest.fixture(scope="module")
def latents() -> torch.Tensor:
    return torch.randn((1, FRAMES, 4, 6, 5), generator=torch.Generator().manual_seed(3))


def stock(vae: AutoencoderKLTemporalDecoder, latents: torch.Tensor, chunk: int) -> torch.Tensor:
    """What the stock pipeline makes of the latents, as (frames, 3, height, width)."""
    with torch.no_grad():
        frames = StableVideoDiffusionPipeline.decode_latents(SimpleNamespace(vae=vae), latents, latents.shape[1], chunk)
    return frames[0].transpose(0, 1)


@pytest.mark.parametrize("chunk", [1, 3, FRAMES, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_without_overlap_it_is_the_stock_decoding_bit_for_bit(vae, latents, chunk: int, dtype: torch.dtype) -> None:
    try:
        vae.to(dtype=dtype)
        assert torch.equal(decoded(vae, latents.to(dtype), chunk), stock(vae, latents.to(dtype), chunk))
    finally:
        vae.to(dtype=torch.float32)


def test_one_piece_needs_no_overlap(vae, latents) -> None:
    assert torch.equal(decoded(vae, latents, FRAMES, overlap=3), stock(vae, latents, FRAMES))


@given(st.integers(1, 60), st.integers(1, 30), st.data())
def test_pieces_cover_every_frame_in_order(frames: int, chunk: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, chunk - 1))
    cut = pieces(frames, chunk, overlap)
    assert cut[0][0] == 0 and cut[-1][1] == frames
    assert all(0 < stop - start <= chunk for start, stop in cut)
    for (start, stop), (next_start, next_stop) in pairwise(cut):
        assert start < next_start and stop < next_stop
        assert stop - next_start >= overlap and (overlap > 0 or stop == next_start)
    if overlap:
        assert {stop - start for start, stop in cut} == {min(chunk, frames)}


def test_pieces_that_cannot_be_are_refused() -> None:
    for chunk, overlap in ((0, 0), (3, 3), (2, -1)):
        with pytest.raises(ValueError, match="cannot overlap"):
            pieces(5, chunk, overlap)


def test_blending_is_exact_where_both_agree_and_moves_from_one_to_the_other() -> None:
    same = torch.randn((3, 3, 2, 2))
    assert torch.equal(blended(same, same), same)
    ramp = blended(torch.zeros((3, 1, 1, 1)), torch.ones((3, 1, 1, 1))).flatten()
    assert torch.allclose(ramp, torch.tensor([0.25, 0.5, 0.75]))


def test_overlap_brings_seams_closer_to_the_whole(vae, latents) -> None:
    """The step across a seam differs less from the undivided decoding's step when pieces are blended."""
    long = torch.randn((1, 12, 4, 6, 5), generator=torch.Generator().manual_seed(4))
    whole, cut, soft = (decoded(vae, long, chunk, overlap) for chunk, overlap in ((12, 0), (4, 0), (4, 2)))
    steps_wrong = [((made[1:] - made[:-1]) - (whole[1:] - whole[:-1])).square().mean(dim=(1, 2, 3)) for made in (cut, soft)]
    seams = [3, 7]
    assert steps_wrong[0][seams].min() > 0.0
    assert steps_wrong[1][seams].max() < 0.5 * steps_wrong[0][seams].min()
    assert (soft - whole).square().mean() < 0.5 * (cut - whole).square().mean()


def test_a_decoder_without_time_does_not_notice_the_pieces(latents) -> None:
    flat = random_vae()
    with torch.no_grad():
        for name, weights in flat.named_parameters():
            if "mix_factor" in name:
                weights.fill_(-1e4)  # of each block all from the spatial branch
        flat.decoder.time_conv_out.weight[:, :, [0, 2]] = 0.0
    whole = decoded(flat, latents, FRAMES)
    assert torch.allclose(decoded(flat, latents, 3, 1), whole, atol=1e-5)


class Limited:
    """A decoder that has memory for ``room`` frames at once."""

    def __init__(self, vae: AutoencoderKLTemporalDecoder, room: int) -> None:
        self.vae, self.room, self.asked = vae, room, []
        self.config, self.dtype = vae.config, vae.dtype

    def decode(self, latents: torch.Tensor, num_frames: int):
        self.asked.append(num_frames)
        if num_frames > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.vae.decode(latents, num_frames=num_frames)


def test_too_little_memory_halves_the_pieces(vae, latents) -> None:
    limited = Limited(vae, 2)
    assert torch.equal(decoded(limited, latents, FRAMES), decoded(vae, latents, 2))
    assert limited.asked == [7, 4, 2, 2, 2, 1]
    with pytest.raises(EngineError, match="single frame"):
        decoded(Limited(vae, 0), latents, FRAMES)


def test_what_overflows_half_precision_is_decoded_in_full(latents) -> None:
    loud = random_vae()
    with torch.no_grad():
        loud.decoder.conv_norm_out.weight.mul_(3e4)
        loud.decoder.conv_out.weight.div_(1e3)
    wanted = decoded(loud, latents, 3)
    loud.to(dtype=torch.float16)
    with torch.no_grad():
        raw = loud.decode(latents[0].half() / loud.config.scaling_factor, num_frames=FRAMES).sample
    assert not bool(torch.isfinite(raw).all()), "the example does not overflow"
    made = decoded(loud, latents, 3)
    assert loud.dtype == torch.float16
    assert (made - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_values_that_are_no_numbers_are_told_with_their_frame(vae, latents) -> None:
    broken = latents.clone()
    broken[0, 4] = float("nan")
    with pytest.raises(EngineError, match=r"Frame 4 .* another seed"):
        decoded(vae, broken, 1)


def test_every_piece_is_told_and_may_end_the_work(vae, latents) -> None:
    told: list[tuple[int, int]] = []
    decoded(vae, latents, 3, 1, lambda *done: told.append(done))
    assert told == [(3, 7), (5, 7), (7, 7)]

    def stop(_done: int, _all: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        decoded(vae, latents, 3, 1, stop)


def test_bytes_are_rounded_and_clipped_as_the_stock_pipeline_does(vae, latents) -> None:
    from diffusers.video_processor import VideoProcessor

    frames = decoded(vae, latents, FRAMES) * 2.0
    wanted = VideoProcessor().postprocess_video(frames.transpose(0, 1)[None], output_type="pil")[0]
    made = as_bytes(frames)
    assert made.shape == (FRAMES, 12, 10, 3) and made.dtype == np.uint8
    assert np.array_equal(made, np.stack([np.asarray(picture) for picture in wanted]))
    assert made.min() == 0 and made.max() == 255
