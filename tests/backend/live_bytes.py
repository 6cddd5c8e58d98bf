"""Follows tensors from birth to death: the most bytes alive at once while something runs, and how many multiplications it makes."""

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


@dataclass
class Cost:
    """bytes: of activations, at the peak. operations: of convolutions and matrix products. attention: of attention, counted apart."""

    bytes: int
    operations: float
    attention: float


class _Live(TorchDispatchMode):
    def __init__(self, known: list[torch.Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen = {tensor.untyped_storage()._cdata: 0 for tensor in known}

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        result = function(*arguments, **(keywords or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._born(tensor.untyped_storage())
        return result

    def _born(self, storage: Any) -> None:
        key = storage._cdata
        if key not in self._seen:
            self._seen[key] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self._seen.pop(key, 0)


def cost_of(run: Callable[[], object], network: nn.Module) -> Cost:
    """Of ``run``, which calls ``network``; its weights do not count. Attention is taken for the fused kind that stores no weights."""
    attention = [0.0]

    def fused(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        attention[0] += 4.0 * query.numel() * key.shape[-2]
        return torch.empty_like(query)

    live, counter = _Live([*network.parameters(), *network.buffers()]), FlopCounterMode(display=False)
    with ExitStack() as stack:
        stack.enter_context(patch("torch.nn.functional.scaled_dot_product_attention", fused))
        for context in (torch.no_grad(), live, counter):
            stack.enter_context(context)
        run()
    return Cost(live.peak, float(counter.get_total_flops()), attention[0])
