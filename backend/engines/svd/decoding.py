"""Latents back to frames, a few at a time: the decoder mixes neighbouring frames, so pieces overlap and are blended."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from backend.errors import EngineError

Piece = tuple[int, int]  # first frame, and the one after the last
OnChunk = Callable[[int, int], None]  # frames finished, frames in all


def pieces(frames: int, chunk: int, overlap: int) -> list[Piece]:
    """Which frames are decoded together.

    Without overlap as the stock pipeline cuts them: a short piece at the end. With overlap every piece has ``chunk`` frames, the last
    one reaching further back, so that no frame is decoded with fewer neighbours than the others.
    """
    if not 0 <= overlap < max(chunk, 1) or chunk < 1:
        raise ValueError(f"pieces of {chunk} frames cannot overlap by {overlap}")
    if chunk >= frames:
        return [(0, frames)]
    if overlap == 0:
        return [(start, min(start + chunk, frames)) for start in range(0, frames, chunk)]
    starts = [*range(0, frames - chunk, chunk - overlap), frames - chunk]
    return [(start, start + chunk) for start in starts]


def blended(earlier: Float[Tensor, "n c h w"], later: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Frames that two pieces share: from the earlier to the later one along a ramp that reaches neither end."""
    n = len(earlier)
    ramp = (torch.arange(1, n + 1, dtype=earlier.dtype, device=earlier.device) / (n + 1)).view(-1, 1, 1, 1)
    return torch.lerp(earlier, later, ramp)


@torch.no_grad()
def decoded(
    vae: Any, latents: Float[Tensor, "1 frames 4 h w"], chunk: int, overlap: int = 0, on_chunk: OnChunk | None = None
) -> Float[Tensor, "frames 3 height width"]:
    """Frames in about [-1, 1], float32 on the CPU. latents: scaled, as the sampler leaves them.

    In one piece, or with overlap 0, this is the stock pipeline's decoding bit for bit, also in half precision: the decoder runs in the
    autoencoder's own precision whatever ``force_upcast`` says, which is about encoding. A piece that overflows half precision is
    decoded again in full. When memory runs out the pieces are halved; raises EngineError when even one frame does not fit, or when a
    frame is not finite.
    """
    while True:
        try:
            return _joined(vae, latents, chunk, min(overlap, chunk // 2), on_chunk)
        except torch.OutOfMemoryError as error:
            if chunk == 1:
                raise EngineError(
                    f"There is not enough memory on {latents.device} to decode a single frame; choose a smaller picture, "
                    "or the preset draft, and close other programs that use the graphics card."
                ) from error
            chunk = (min(chunk, latents.shape[1]) + 1) // 2
        if latents.is_cuda:  # after the handler, whose traceback holds on to the activations
            torch.cuda.empty_cache()


def as_bytes(frames: Float[Tensor, "frames 3 height width"]) -> UInt8[np.ndarray, "frames height width 3"]:
    """Decoded frames as bytes, rounded; a frame at a time, because the float copies of a whole clip are large."""
    made = [((frame / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0) for frame in frames]
    return torch.stack(made).contiguous().numpy()


def _joined(vae: Any, latents: Tensor, chunk: int, overlap: int, on_chunk: OnChunk | None) -> Tensor:
    unscaled = 1 / vae.config.scaling_factor * latents.flatten(0, 1).to(vae.dtype)
    total = len(unscaled)
    made: Tensor | None = None
    finished = 0
    for start, stop in pieces(total, chunk, overlap):
        piece = _finite_piece(vae, unscaled[start:stop], start)
        if made is None:
            made = piece.new_empty((total, *piece.shape[1:]))
        shared = finished - start
        if shared:
            made[start:finished] = blended(made[start:finished], piece[:shared])
        made[finished:stop] = piece[shared:]
        finished = stop
        if on_chunk is not None:
            on_chunk(finished, total)
    assert made is not None
    return made


def _finite_piece(vae: Any, latents: Tensor, start: int) -> Tensor:
    piece = _piece(vae, latents)
    if not bool(torch.isfinite(piece).all()) and vae.dtype != torch.float32:
        half = vae.dtype
        vae.to(dtype=torch.float32)
        try:
            piece = _piece(vae, latents.float())
        finally:
            vae.to(dtype=half)
    finite = torch.isfinite(piece).flatten(1).all(dim=1)
    if not bool(finite.all()):
        raise EngineError(
            f"Frame {start + int(finite.logical_not().nonzero()[0, 0])} came out of the decoder with values that are no numbers; "
            "try another seed, and if that does not help, download the model again."
        )
    return piece


def _piece(vae: Any, latents: Tensor) -> Tensor:
    return vae.decode(latents, num_frames=len(latents)).sample.float().cpu()
