"""Long clips through the network: windows side by side in one batch, blended by ramps, differentiable throughout.

What is blended are the network's raw numbers. Each belongs to its frame's own heading, so they mean the same in every window, and the
root's path is then solved once over the whole clip.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from backend.prior.network.transformer import Prior
from backend.prior.state import decode, features
from backend.prior.state.motions import Observed, Predicted, Told

LITTLE, MUCH = 0.3, 0.9  # strengths between which the way from less to more movement is taken: beyond them little was learned
MIDDLE = 0.5  # the told strength at which nothing is added to *auto*


def predicted(prior: Prior, observed: Observed, told: Told, guidance: float | None = None) -> Predicted:
    """``prior`` over clips of any length.

    guidance: None tells the strength as in training; the network then hedges between it and what it sees. A number goes from the answer
    for *auto* along the difference of its answers for much and for little movement, as far as the told strength lies from the middle,
    times ``guidance``: so more is always more. In the manner of classifier-free guidance (arXiv 2207.12598); takes three passes.
    """
    known = features.seen(observed)
    given = features.features(observed, known)
    if guidance is None or bool(told.strength.isnan().all()):
        return decode.decoded(observed, _raw(prior, observed, given, told), known)
    auto, less, more = (
        _raw(prior, observed, given, replace(told, strength=torch.full_like(told.strength, strength)))
        for strength in (math.nan, LITTLE, MUCH)
    )
    far = guidance * torch.nan_to_num(told.strength - MIDDLE) / (MUCH - LITTLE)
    return decode.decoded(observed, auto + far[:, None, None] * (more - less), known)


def _raw(prior: Prior, observed: Observed, given: Float[Tensor, "b t f"], told: Told) -> Float[Tensor, "b t o"]:
    """Every window's answer, blended."""
    size, stride = prior.config.window, prior.config.stride
    kind, frames = observed.motions.kind, given.shape[1]
    if frames <= size:
        return prior.raw(kind, given, observed.valid, told)
    index = starts(frames, size, stride)[:, None] + torch.arange(size)
    count = len(index)
    repeated = replace(
        told,
        strength=told.strength.repeat_interleave(count, 0),
        words=told.words.repeat_interleave(count, 0),
        embedded=None if told.embedded is None else told.embedded.repeat_interleave(count, 0),
    )
    answers = prior.raw(kind, given[:, index].flatten(0, 1), observed.valid[:, index].flatten(0, 1), repeated)
    return blended(answers.unflatten(0, (-1, count)), index, frames)


def starts(frames: int, size: int, stride: int) -> Int[Tensor, " w"]:
    """First frames of windows that cover ``frames``, more than ``size`` of them; the last ends with the clip."""
    return torch.tensor([*range(0, frames - size, stride), frames - size])


def blended(windows: Float[Tensor, "b w s o"], index: Int[Tensor, "w s"], frames: int) -> Float[Tensor, "b t o"]:
    """Means over the windows that hold a frame; a window counts less towards its ends, by a straight ramp."""
    size = windows.shape[2]
    place = torch.arange(size, dtype=windows.dtype, device=windows.device)
    ramp = torch.minimum(place + 1.0, size - place)
    index = index.to(windows.device)
    total = windows.new_zeros(frames).index_add(0, index.flatten(), ramp.repeat(len(index)))
    weighted = (windows * ramp[:, None]).flatten(1, 2)
    summed = windows.new_zeros(len(windows), frames, windows.shape[-1]).index_add(1, index.flatten(), weighted)
    return summed / total[:, None]
