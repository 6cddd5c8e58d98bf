"""The head of HMR2.0, HaMeR and AniMer: one token asks the image's tokens for a body's pose, shape and camera.

Goel et al., "Humans in 4D" (HMR2.0), arXiv 2305.20091, section 3.1. A transformer decoder over a single token reads out what is added
to a mean pose (6 numbers a rotation: its first two columns one after the other, Zhou et al., arXiv 1812.07035), mean shape and mean
camera. Member names are those of the released checkpoints; ``pose_name`` is where the three differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, scaled_dot_product_attention

from backend.lifting.providers.vit_backbone import count_of


@dataclass(frozen=True)
class HeadSizes:
    """joints: root included. shape: components. token: width of what goes in: 1 where it is nothing, else the mean parameters'.

    width: of the decoder. depth: layers. heads: of its attention. inner: their widths together. hidden: of the feed-forward parts.
    context: width of the image's tokens. rounds: how often the parameters are refined.
    """

    joints: int
    shape: int
    token: int
    width: int
    depth: int
    heads: int
    inner: int
    hidden: int
    context: int
    rounds: int


class _Asking(nn.Module):
    """Cross-attention to the image's tokens."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.to_kv = nn.Linear(sizes.context, 2 * sizes.inner, bias=False)
        self.to_q = nn.Linear(sizes.width, sizes.inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(sizes.inner, sizes.width))

    def forward(self, token: Float[Tensor, "B 1 D"], context: Float[Tensor, "B N C"]) -> Float[Tensor, "B 1 D"]:
        key, value = self.to_kv(context).chunk(2, dim=-1)
        return self.to_out(_attended(self.to_q(token), key, value, self.heads))


class _SelfAttention(nn.Module):
    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.to_qkv = nn.Linear(sizes.width, 3 * sizes.inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(sizes.inner, sizes.width))

    def forward(self, token: Float[Tensor, "B 1 D"], _context: Tensor) -> Float[Tensor, "B 1 D"]:
        query, key, value = self.to_qkv(token).chunk(3, dim=-1)
        return self.to_out(_attended(query, key, value, self.heads))


class _FeedForward(nn.Module):
    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        # Places 1, 2 and 4 of the list hold no weights; the names of the others count them.
        self.net = nn.ModuleDict({"0": nn.Linear(sizes.width, sizes.hidden), "3": nn.Linear(sizes.hidden, sizes.width)})

    def forward(self, token: Float[Tensor, "B 1 D"], _context: Tensor) -> Float[Tensor, "B 1 D"]:
        return self.net["3"](gelu(self.net["0"](token)))


def _attended(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    query, key, value = (tensor.unflatten(-1, (heads, -1)).transpose(1, 2) for tensor in (query, key, value))
    return scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class _Normed(nn.Module):
    def __init__(self, width: int, inside: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = inside

    def forward(self, token: Tensor, context: Tensor) -> Tensor:
        return token + self.fn(self.norm(token), context)


class _Layers(nn.Module):
    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        kinds = (_SelfAttention, _Asking, _FeedForward)
        self.layers = nn.ModuleList(nn.ModuleList(_Normed(sizes.width, kind(sizes)) for kind in kinds) for _ in range(sizes.depth))


class _Decoder(nn.Module):
    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.to_token_embedding = nn.Linear(sizes.token, sizes.width)
        self.pos_embedding = nn.Parameter(torch.zeros(1, 1, sizes.width))
        self.transformer = _Layers(sizes)

    def forward(self, token: Float[Tensor, "B 1 T"], context: Float[Tensor, "B N C"]) -> Float[Tensor, "B D"]:
        token = self.to_token_embedding(token) + self.pos_embedding
        for layer in self.transformer.layers:
            for step in layer:  # type: ignore[union-attr]  # a ModuleList of three
                token = step(token, context)
        return token[:, 0]


class ParameterHead(nn.Module):
    """Image tokens to rotations ``(B, J, 3, 3)`` (root first), shape ``(B, S)`` and crop camera ``(B, 3)``: scale, x, y."""

    def __init__(self, sizes: HeadSizes, pose_name: str) -> None:
        super().__init__()
        self.sizes, self.pose_name = sizes, pose_name
        self.transformer = _Decoder(sizes)
        self.decpose = nn.Linear(sizes.width, 6 * sizes.joints)
        self.decshape = nn.Linear(sizes.width, sizes.shape)
        self.deccam = nn.Linear(sizes.width, 3)
        self.register_buffer(pose_name, torch.zeros(1, 6 * sizes.joints))
        self.register_buffer("init_betas", torch.zeros(1, sizes.shape))
        self.register_buffer("init_cam", torch.zeros(1, 3))

    def forward(self, context: Float[Tensor, "B N C"]) -> tuple[Float[Tensor, "B J 3 3"], Float[Tensor, "B S"], Float[Tensor, "B 3"]]:
        batch = len(context)
        start = (self.get_buffer(self.pose_name), self.get_buffer("init_betas"), self.get_buffer("init_cam"))
        pose, shape, camera = (mean.expand(batch, -1) for mean in start)
        for _ in range(self.sizes.rounds):
            blank = context.new_zeros(batch, 1, 1)
            token = blank if self.sizes.token == 1 else torch.cat([pose, shape, camera], dim=1)[:, None]
            out = self.transformer(token, context)
            pose, shape, camera = pose + self.decpose(out), shape + self.decshape(out), camera + self.deccam(out)
        return rotations_of_columns(pose.reshape(batch, -1, 6)), shape, camera


def rotations_of_columns(six: Float[Tensor, "*B 6"]) -> Float[Tensor, "*B 3 3"]:
    """Rotations from two columns each, made square: the first is kept in direction, the second loses what is along it."""
    first = normalize(six[..., :3], dim=-1)
    second = six[..., 3:]
    second = normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def head_like(state: Mapping[str, Tensor], pose_name: str, heads: int, rounds: int) -> ParameterHead | None:
    """An empty head of the sizes that a checkpoint's tensors have, nothing where they cannot be those of one."""
    layer = "transformer.transformer.layers.0."
    names = (
        "decpose.weight",
        "decshape.weight",
        "transformer.to_token_embedding.weight",
        f"{layer}1.fn.to_kv.weight",
        f"{layer}2.fn.net.0.weight",
    )
    if any(name not in state or state[name].ndim != 2 for name in names):
        return None
    pose, shape, token, asking, hidden = (state[name] for name in names)
    inner = len(asking) // 2
    if inner % heads or len(pose) % 6:
        return None
    depth = count_of(state, "transformer.transformer.layers.")
    sizes = HeadSizes(len(pose) // 6, len(shape), token.shape[1], pose.shape[1], depth, heads, inner, len(hidden), asking.shape[1], rounds)
    return ParameterHead(sizes, pose_name)
