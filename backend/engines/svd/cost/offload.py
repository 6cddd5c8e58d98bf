"""Parts of the model that take turns on the device, and feed-forward layers in pieces: what an 8 GB card needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import nn

from backend.engines.svd.model import VideoModel
from revision_blender.video_model.memory_plan import MemoryPlan

Part = Literal["image_encoder", "unet", "vae"]
PARTS: tuple[Part, ...] = ("image_encoder", "unet", "vae")
AWAY = torch.device("cpu")


class Turns:
    """Which parts lie on the model's device. Without ``plan.offload`` all of them do, and nothing ever moves."""

    def __init__(self, model: VideoModel, plan: MemoryPlan) -> None:
        self._model = model
        self._offload = plan.offload
        if not self._offload:
            self._move(PARTS, model.device)

    def take(self, *parts: Part) -> None:
        """These come to the device, after the others have left it. What hooks and caches hold of a part must be let go before."""
        if self._offload:
            self._move([part for part in PARTS if part not in parts], AWAY)
            _return_memory(self._model.device)
            self._move(parts, self._model.device)

    def _move(self, parts: "list[Part] | tuple[Part, ...]", device: torch.device) -> None:
        for part in parts:
            network: nn.Module = getattr(self._model, part)
            if place_of(network).type != device.type:
                network.to(device=device)


def place_of(network: nn.Module) -> torch.device:
    """Where a network's weights lie; the CPU for one without weights."""
    return next((weight.device for weight in network.parameters()), AWAY)


@contextmanager
def feed_forward_pieces(unet: nn.Module, wanted: bool) -> Iterator[None]:
    """Feed-forward layers see a frame at a time meanwhile: their inner layer is eight times as wide as what comes in and goes out.

    The same mathematics; matrix products of another size may round differently.
    """
    if not wanted:
        yield
        return
    blocks: list[Any] = [block for block in unet.modules() if hasattr(block, "set_chunk_feed_forward")]
    for block in blocks:
        block.set_chunk_feed_forward(1, dim=0)  # spatial blocks have frames on axis 0; temporal ones cut along time whatever is asked
    try:
        yield
    finally:
        for block in blocks:
            block.set_chunk_feed_forward(None, dim=0)


def _return_memory(device: torch.device) -> None:
    """What has left is given back, so that it counts neither against a limit nor against other programs."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
