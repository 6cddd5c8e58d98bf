"""``torch.compile`` for the layers of the U-Net, where the user asked for it: a slow first clip, faster ones after.

Layers are compiled one by one (the same code serves layers of the same shape), so that reused steps and cancelling work as without, and
the wait is a fraction of what compiling the whole network takes. What the wait was is measured and reported.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import torch
from diffusers.models.resnet import SpatioTemporalResBlock
from diffusers.models.transformers.transformer_temporal import TransformerSpatioTemporalModel
from torch import nn

from backend.engines.svd.unet.replaced import Replacements

VARIANTS = 64  # of a layer's code: a number for each resolution and width; PyTorch gives up compiling after 8 if not told

Result = TypeVar("Result")


def compile_layers(unet: nn.Module, replacements: Replacements, backend: str | Callable[..., Any] = "inductor") -> int:
    """Compiles when each layer is first called, until ``Replacements.restore``; compiled code is kept for the next clip. Returns their number.

    To be called before anything else is replaced in the network.
    """
    import torch._dynamo.config as limits

    limits.recompile_limit = max(limits.recompile_limit, VARIANTS)
    layers = [module for module in unet.modules() if isinstance(module, SpatioTemporalResBlock | TransformerSpatioTemporalModel)]
    for layer in layers:
        replacements.forward(layer, torch.compile(layer.forward, dynamic=False, backend=backend))
    return len(layers)


class WarmUp:
    """Adds up the seconds of every first call of a kind: what compiling and the libraries' choice of kernels took."""

    def __init__(self, device: torch.device) -> None:
        self.seconds = 0.0
        self._device = device
        self._known: set[Hashable] = set()

    def __call__(self, kind: Hashable, work: Callable[[], Result]) -> Result:
        """kind: calls of one kind run the same code on the same shapes."""
        if kind in self._known:
            return work()
        began = self._now()
        result = work()
        self.seconds += self._now() - began
        self._known.add(kind)
        return result

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
