"""The image transformer under HMR2.0, HaMeR and AniMer: ViTPose's plain ViT on crops of 256 x 192 pixels.

Dosovitskiy et al., arXiv 2010.11929; Xu et al., "ViTPose", arXiv 2204.12484. Patches of 16 x 16 with a border of 2 pixels give
16 x 12 tokens. The position table has a row for a class token that ViTPose dropped: the row is added to all tokens; AniMer put the
token back. Member names are those of the released checkpoints.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

PATCH, BORDER = 16, 2
HEADS = 16  # of ViT-H; the files do not say it
_EPSILON = 1e-6


class _Patches(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, PATCH, padding=BORDER)


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        batch, count, width = tokens.shape
        query, key, value = self.qkv(tokens).reshape(batch, count, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, width))


class _FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        return self.fc2(gelu(self.fc1(tokens)))


class _Block(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_EPSILON)
        self.attn = _Attention(width)
        self.norm2 = nn.LayerNorm(width, eps=_EPSILON)
        self.mlp = _FeedForward(width, hidden)

    def forward(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class VitBackbone(nn.Module):
    """Crops to tokens. width: channels, a multiple of 16. depth: blocks. hidden: of the feed-forward parts."""

    def __init__(self, width: int, depth: int, hidden: int, class_token: bool, positions: int = 193) -> None:
        super().__init__()
        self.patch_embed = _Patches(width)
        self.pos_embed = nn.Parameter(torch.zeros(1, positions, width))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width)) if class_token else None
        self.blocks = nn.ModuleList(_Block(width, hidden) for _ in range(depth))
        self.last_norm = nn.LayerNorm(width, eps=_EPSILON)

    def forward(self, crops: Float[Tensor, "B 3 256 192"]) -> Float[Tensor, "B 192 C"]:
        """Tokens row by row, without the class token."""
        tokens = self.patch_embed.proj(crops).flatten(2).transpose(1, 2)
        tokens = tokens + self.pos_embed[:, 1:] + self.pos_embed[:, :1]
        if self.cls_token is not None:
            tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.last_norm(tokens)
        return tokens if self.cls_token is None else tokens[:, 1:]


def backbone_like(state: Mapping[str, Tensor]) -> VitBackbone | None:
    """An empty backbone of the sizes that a checkpoint's tensors have, nothing where they cannot be those of one."""
    first, hidden, table = state.get("patch_embed.proj.weight"), state.get("blocks.0.mlp.fc1.weight"), state.get("pos_embed")
    if first is None or hidden is None or table is None or hidden.ndim != 2 or table.ndim != 3 or len(first) % HEADS:
        return None
    depth = count_of(state, "blocks.")
    return VitBackbone(len(first), depth, len(hidden), "cls_token" in state, table.shape[1])


def count_of(state: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbered members ("blocks.0.", "blocks.1." …) the names have."""
    numbers = {name.removeprefix(prefix).split(".", maxsplit=1)[0] for name in state if name.startswith(prefix)}
    return sum(number.isdigit() for number in numbers)
