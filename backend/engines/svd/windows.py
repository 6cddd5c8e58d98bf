"""Clips longer than the model's own: overlapping windows at every step, their velocities blended by ramps.

Every window begins with frame 0 (as in MimicMotion, arXiv 2406.19680), because the model takes its first frame for the picture; only the
first window's answer for that frame counts. A clip shorter than the model's is one window: the model simply runs on fewer frames, which it
accepts, though it moves best at its own number.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.engines.svd.conditioning import Conditioning
from backend.engines.svd.guidance import Guidance, ModelCall, Velocity, guided
from backend.errors import EngineError, InputError


@dataclass(frozen=True)
class Window:
    """indices: the clip's frames the model sees. weights: how much its answer counts, before the sum over windows is made 1."""

    indices: tuple[int, ...]
    weights: tuple[float, ...]


def windows_for(total: int, frames: int, stride: int | None = None) -> tuple[Window, ...]:
    """Windows of ``frames`` frames over a clip of ``total``. stride: new frames a window, a quarter overlaps by default.

    Raises InputError for no frames, EngineError for a model whose windows would leave gaps.
    """
    if total < 1:
        raise InputError(f"{total} frames are asked for; at least 1 is needed.")
    if total <= frames:
        return (Window(tuple(range(total)), (1.0,) * total),)
    if frames < 3:
        raise EngineError(f"The model makes {frames} frames at once, too few for overlapping windows; ask for at most {frames} frames.")
    stride = stride or frames - 1 - max(1, (frames - 1) // 4)
    reach = frames - 1  # beside frame 0
    if not 1 <= stride <= reach:
        raise EngineError(f"Windows of {frames} frames cannot advance by {stride}; the stride must lie between 1 and {reach}.")
    starts = _starts(total, reach, stride)
    return tuple(_window(start, reach, is_first=index == 0, is_last=index == len(starts) - 1) for index, start in enumerate(starts))


def windowed(
    model_call: ModelCall,
    conditioning: Conditioning,
    windows: tuple[Window, ...],
    guidance: Guidance | None = None,
    *,
    split: bool = False,
) -> Velocity:
    """The velocity of the whole clip. One window is ``guided`` itself, bit for bit; several are blended in float32."""
    parts = [
        guided(model_call, conditioning.of_frames(window.indices), guidance, split=split, window=number)
        for number, window in enumerate(windows)
    ]
    if len(parts) == 1:
        return parts[0]

    def velocity(latents: Tensor, sigma: Tensor, index: int) -> Tensor:
        total = torch.zeros_like(latents, dtype=torch.float32)
        share = torch.zeros(latents.shape[1], device=latents.device)
        for part, window in zip(parts, windows, strict=True):
            places = torch.tensor(window.indices, device=latents.device)
            weights = torch.tensor(window.weights, device=latents.device)
            total.index_add_(1, places, part(latents[:, places], sigma, index).float() * weights[None, :, None, None, None])
            share.index_add_(0, places, weights)
        return (total / share[None, :, None, None, None]).to(latents.dtype)

    return velocity


def frame_shares(total: int, windows: tuple[Window, ...]) -> Float[Tensor, "windows frames"]:
    """How much each window counts for each frame of the clip; every column sums to 1."""
    table = torch.zeros(len(windows), total)
    for row, window in zip(table, windows, strict=True):
        row[list(window.indices)] = torch.tensor(window.weights)
    return table / table.sum(dim=0, keepdim=True)


def _starts(total: int, reach: int, stride: int) -> list[int]:
    """First frame beside frame 0 of each window; the last window ends with the clip."""
    starts = list(range(1, total - reach, stride))
    return [*starts, total - reach]


def _window(start: int, reach: int, *, is_first: bool, is_last: bool) -> Window:
    """A triangle over the window's frames, flat towards the clip's ends; frame 0 counts in the first window only."""
    rising = [float(place + 1) for place in range(reach)]
    falling = rising[::-1]
    ramp = [
        min(falling if is_first else rising, rising if is_last else falling, key=lambda side, at=at: side[at])[at] for at in range(reach)
    ]
    return Window((0, *range(start, start + reach)), (1.0 if is_first else 0.0, *ramp))
