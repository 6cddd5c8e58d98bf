"""A running mean of the weights that learn: what is exported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average in full precision; at first a plain mean, so that the random start is forgotten."""

    def __init__(self, weights: Mapping[str, nn.Parameter], decay: float) -> None:
        self.decay = decay
        self.mean = {name: weight.detach().float().clone() for name, weight in weights.items()}

    def update(self, weights: Mapping[str, nn.Parameter], step: int) -> None:
        """After step number ``step``, counted from 0."""
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        with torch.no_grad():
            for name, mean in self.mean.items():
                mean.lerp_(weights[name].detach().float(), 1.0 - decay)

    @contextmanager
    def lent(self, weights: Mapping[str, nn.Parameter]) -> Iterator[None]:
        """Inside the block the weights are the mean; afterwards they are what they were, bit for bit."""
        own = {name: weight.detach().clone() for name, weight in weights.items()}
        _put(weights, self.mean)
        try:
            yield
        finally:
            _put(weights, own)


def _put(weights: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(values[name])
