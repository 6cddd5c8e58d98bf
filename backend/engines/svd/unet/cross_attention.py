"""Cross-attention to one token, answered once a clip.

SVD's context is a single CLIP token. A softmax over one score is 1 whatever the query is, so that attention to it is
``to_out(to_v(context))``: the same for every position, frame and step. Queries, keys, scores and the norm before them
need not be computed at all. Exact but for rounding.
"""

from collections.abc import Hashable, Iterator
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock, TemporalBasicTransformerBlock
from diffusers.models.attention_processor import Attention
from jaxtyping import Float
from torch import Tensor, nn

from backend.engines.svd.unet.replaced import Replacements
from backend.errors import EngineError


class _Answer:
    """Attention processor of one layer: hands out what was computed for the context."""

    def __init__(self) -> None:
        self.value: Float[Tensor, "batch 1 channels"] = torch.empty(0)

    def __call__(
        self, attention: Attention, hidden_states: Float[Tensor, "rows tokens channels"], *_args: Any, **_names: Any
    ) -> Float[Tensor, "rows_or_1 1 channels"]:
        """Rows are (batch, frame) in spatial blocks and (batch, position) in temporal ones: in both the batch index is the slow one.

        One context serves all rows by broadcasting.
        """
        if self.value.shape[0] == 1:
            return self.value
        return self.value.repeat_interleave(hidden_states.shape[0] // self.value.shape[0], dim=0)


class SingleTokenAttention:
    """Takes the place of all cross-attention of a U-Net until ``Replacements.restore``; ``answer`` has to be called before the U-Net is."""

    def __init__(self, unet: Any, replacements: Replacements) -> None:
        self._layers: list[tuple[Any, _Answer]] = []
        self._answered: dict[Hashable, list[Tensor]] = {}
        for block in crossing_blocks(unet):
            answer = _Answer()
            self._layers.append((block.attn2, answer))
            replacements.processor(block.attn2, answer)
            replacements.forward(block.norm2, unchanged)  # only the query read it

    @torch.no_grad()
    def answer(self, context: Float[Tensor, "batch 1 channels"], slot: Hashable) -> None:
        """Sets what the layers hand out. slot: which half of guidance and window; what was computed for it stays until ``forget``.

        Raises EngineError for a context of more than one token: the shortcut would be wrong.
        """
        if slot not in self._answered:
            self._answered[slot] = [answer_to(attention, context) for attention, _ in self._layers]
        for (_, layer), value in zip(self._layers, self._answered[slot], strict=True):
            layer.value = value

    def forget(self, slot: Hashable) -> None:
        """Another clip begins."""
        self._answered.pop(slot, None)


def crossing_blocks(network: nn.Module) -> Iterator[Any]:
    """The transformer blocks that attend to the context, by ``attn2`` behind ``norm2``."""
    for block in transformer_blocks(network):
        if block.attn2 is not None and block.norm2 is not None:
            yield block


def transformer_blocks(network: nn.Module) -> Iterator[Any]:
    """Spatial and temporal ones."""
    for block in network.modules():
        if isinstance(block, BasicTransformerBlock | TemporalBasicTransformerBlock):
            yield block


def answer_to(attention: Any, context: Float[Tensor, "rows 1 c"]) -> Float[Tensor, "rows 1 channels"]:
    """Attention to one token. Raises EngineError for a context of more than one."""
    if context.ndim != 3 or context.shape[1] != 1:
        raise EngineError(f"The picture's embedding has the shape {tuple(context.shape)}; the video model takes one token a clip.")
    return attention.to_out[0](attention.to_v(context))


def unchanged(hidden_states: Tensor) -> Tensor:
    """In the place of a norm whose result nobody reads."""
    return hidden_states
