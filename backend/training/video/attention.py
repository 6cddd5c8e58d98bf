"""Attention as training runs it: cross-attention to the single token without scores, and on the CPU plain products instead of the fused kernel.

A softmax over one score is 1 whatever the query is: cross-attention to SVD's one token is ``to_out(to_v(token))``, and its queries, keys and
the norm before them have no gradient. The fused kernel's backward pass is made for long sequences; here they are 8 frames or some hundred
cells, and written-out products take two thirds of the time of a whole training step on the CPU.
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from backend.engines.svd.unet.cross_attention import answer_to, crossing_blocks, transformer_blocks, unchanged

IDLE = ("attn2.to_q.", "attn2.to_k.", "norm2.")  # of a block whose context is one token: nothing flows through them


def quicken(unet: nn.Module, *, on_cpu: bool) -> None:
    """Puts the quicker attention into every transformer block, for good; the same function of the weights but for rounding."""
    for block in crossing_blocks(unet):
        block.attn2.set_processor(_OneToken())
        block.norm2.forward = unchanged  # only the query read it
    for block in transformer_blocks(unet) if on_cpu else ():
        block.attn1.set_processor(_Written())


def is_idle(name: str) -> bool:
    """Whether a weight of that name has no influence and so nothing to learn."""
    return ".transformer_blocks." in name.replace("temporal_", "") and any(part in name for part in IDLE)


class _OneToken:
    def __call__(
        self, attention: Any, hidden_states: Tensor, encoder_hidden_states: Float[Tensor, "rows 1 c"], **_names: Any
    ) -> Float[Tensor, "rows 1 channels"]:
        return answer_to(attention, encoder_hidden_states)


class _Written:
    def __call__(
        self, attention: Any, hidden_states: Float[Tensor, "rows tokens channels"], *_values: Any, **_names: Any
    ) -> Float[Tensor, "rows tokens channels"]:
        query, key, value = (
            project(hidden_states).unflatten(2, (attention.heads, -1)).transpose(1, 2)
            for project in (attention.to_q, attention.to_k, attention.to_v)
        )
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
        return attention.to_out[0]((scores.softmax(-1).to(value.dtype) @ value).transpose(1, 2).flatten(2))
