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
from backend.engines.svd.sampling.guidance import Guidance, ModelCall, Velocity, guided
from backend.errors import EngineError, InputError


@dataclass(frozen=True)
class Window:
    """indices: the clip's frames the model sees. weights: how much its answer counts, before the sum over windows is made 1."""

    indices: tuple[int, ...]
    weights: tuple[float, ...]


def windows_for(total: int, frames: int, stride: int | None = None) -> tuple[Window, ...]:
    """Windows of ``frames`` frames over a clip of ``total``. stride: at most so many new frames a window; without it a quarter
    overlaps.

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
    return tuple(_window(number, starts, reach) for number in range(len(starts)))


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

    shares = frame_shares(windows)

    def velocity(latents: Tensor, sigma: Tensor, index: int) -> Tensor:
        total = torch.zeros_like(latents, dtype=torch.float32)
        for part, window, row in zip(parts, windows, shares, strict=True):
            places = torch.tensor(window.indices)
            share = row[places].to(latents.device)[None, :, None, None, None]
            places = places.to(latents.device)
            total.index_add_(1, places, part(latents[:, places], sigma, index).float() * share)
        return total.to(latents.dtype)

    return velocity


def frame_shares(windows: tuple[Window, ...]) -> Float[Tensor, "windows frames"]:
    """How much each window counts for each frame of the clip; every column sums to 1."""
    table = torch.zeros(len(windows), 1 + max(window.indices[-1] for window in windows))
    for row, window in zip(table, windows, strict=True):
        row[list(window.indices)] = torch.tensor(window.weights)
    return table / table.sum(dim=0, keepdim=True)


def _starts(total: int, reach: int, stride: int) -> list[int]:
    """First frame beside frame 0 of each window: as many as the stride needs, evenly apart, the last one ending with the clip."""
    last = total - reach
    steps = -(-(last - 1) // stride)
    return [1 + round(step * (last - 1) / steps) for step in range(steps + 1)]


def _window(number: int, starts: list[int], reach: int) -> Window:
    """Full weight, but for linear ramps over what is shared with the window before and after; frame 0 counts in the first window only."""
    start = starts[number]
    before = starts[number - 1] + reach - start if number > 0 else 0
    after = start + reach - starts[number + 1] if number + 1 < len(starts) else 0
    ramp = (min(1.0, (place + 1) / (before + 1), (reach - place) / (after + 1)) for place in range(reach))
    return Window((0, *range(start, start + reach)), (0.0 if number else 1.0, *ramp))
