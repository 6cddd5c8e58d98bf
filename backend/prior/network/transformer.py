"""The prior's network: pre-norm blocks over time, told by words and strength, one pass from what was seen to what was meant.

Each block is self-attention over the frames, cross-attention to [strength token, text tokens] and a feed-forward part, as the paper
draws it (arXiv 2504.21855, figure 9); places in time are turned into the queries and keys (RoPE, arXiv 2104.09864), so that only the
distance between frames counts. Human, animal and object share the blocks; each has its own linear map in and out.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from backend.errors import InputError
from backend.prior.network.config import PriorConfig
from backend.prior.state import decode, features
from backend.prior.state.motions import Observed, Predicted, Told
from backend.prior.state.take import KINDS, Kind

_LEAST_SPREAD = 0.01  # of a feature that hardly ever changes
_FARTHEST = 8.0  # standard deviations
_UNSEEN = -1e4  # logit of what is not there
_WAVES = 4  # of the strength's sines and cosines
_SLOWEST = 1000.0  # RoPE's longest period is 2 pi times this, in frames: far beyond a window


class Prior(nn.Module):
    """The whole network. ``forward`` is ``features`` -> ``raw`` -> ``decoded``; long clips pass through ``windows.predicted``."""

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.config = config
        self.usual = nn.ModuleDict({kind: Usual(features.SIZE[kind]) for kind in KINDS})
        self.inputs = nn.ModuleDict({kind: nn.Linear(features.SIZE[kind], config.width) for kind in KINDS})
        self.condition = Condition(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width)
        self.outputs = nn.ModuleDict({kind: nn.Linear(config.width, decode.SIZE[kind]) for kind in KINDS})
        # What is linear in the features (a joint that leans too far to one side) is learned at once on this way past the blocks.
        self.direct = nn.ModuleDict({kind: nn.Linear(features.SIZE[kind], decode.SIZE[kind]) for kind in KINDS})
        for out in (*self.outputs.values(), *self.direct.values()):
            assert isinstance(out, nn.Linear)
            nn.init.zeros_(out.weight)  # an untrained network answers with the filtered input
            nn.init.zeros_(out.bias)

    def forward(self, observed: Observed, told: Told) -> Predicted:
        """The motions as they were meant, over the same frames; see ``Observed`` and ``Told``. At most a window of frames is best."""
        exact = torch.autocast(observed.motions.root.device.type, enabled=False)  # rotations and places need all their digits
        with exact:
            known = features.seen(observed)
            given = features.features(observed, known)
        raw = self.raw(observed.motions.kind, given, observed.valid, told)
        with exact:
            return decode.decoded(observed, raw.float(), known)

    def raw(self, kind: Kind, given: Float[Tensor, "b t f"], valid: Bool[Tensor, "b t"], told: Told) -> Float[Tensor, "b t o"]:
        """From features a frame to the numbers that ``decode.decoded`` turns into motions."""
        tokens, present = self.condition(told)
        given = self.usual[kind](given)
        stream = self.inputs[kind](given)
        heard = attended(present)
        frames = attended(valid)
        turns = rotary(given.shape[1], self.config.width // self.config.heads, given.device)
        for block in self.blocks:
            stream = block(stream, frames, turns, tokens, heard)
        return self.outputs[kind](self.norm(stream)) + self.direct[kind](given)


class Usual(nn.Module):
    """Features counted in standard deviations from their means over the training motions, which ``learn`` is given once."""

    mean: Tensor
    spread: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))

    def learn(self, seen: Float[Tensor, "n f"]) -> None:
        """From many frames' features."""
        self.mean.copy_(seen.mean(0))
        self.spread.copy_(seen.std(0).clamp_min(_LEAST_SPREAD))

    def forward(self, seen: Float[Tensor, "b t f"]) -> Float[Tensor, "b t f"]:
        # Under autocast too in full precision: a rotation's numbers lie near 1, and half precision would round half a degree away.
        with torch.autocast(seen.device.type, enabled=False):
            return ((seen - self.mean) / self.spread).clamp(-_FARTHEST, _FARTHEST)


class Condition(nn.Module):
    """What is told, as tokens: the strength first, then the words."""

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.auto = nn.Parameter(0.02 * torch.randn(config.width))
        self.strength = nn.Sequential(nn.Linear(1 + 2 * _WAVES, config.width), nn.SiLU(), nn.Linear(config.width, config.width))
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.embedded = nn.Linear(config.text_width, config.width) if config.text_width else None

    def forward(self, told: Told) -> tuple[Float[Tensor, "b n c"], Bool[Tensor, "b n"]]:
        """The tokens, and which of them were told."""
        strength = self._strength(told.strength)[:, None]
        if told.embedded is None:
            words, present = self.words(told.words), told.words > 0
        elif self.embedded is None:
            raise InputError(
                "this network was trained with the built-in words; leave the CLIP text out or choose a network trained with it"
            )
        else:
            words, present = self.embedded(told.embedded), told.embedded.abs().sum(-1) > 0.0
        present = torch.cat([torch.ones_like(present[:, :1]) if present.shape[1] else present.new_ones(len(present), 1), present], 1)
        return torch.cat([strength, words.to(strength.dtype)], 1), present

    def _strength(self, strength: Float[Tensor, " b"]) -> Float[Tensor, "b c"]:
        auto = strength.isnan()[:, None]
        value = torch.nan_to_num(strength)[:, None]
        phase = value * math.pi * torch.arange(1, _WAVES + 1, device=strength.device)
        told = self.strength(torch.cat([value, phase.sin(), phase.cos()], -1))
        return torch.where(auto, self.auto.to(told.dtype), told)


class Block(nn.Module):
    """Self-attention, cross-attention, feed-forward, each on the normalised stream and added to it."""

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        width, heads = config.width, config.heads
        self.norm_time, self.time = nn.LayerNorm(width), Attention(width, heads)
        self.norm_told, self.told = nn.LayerNorm(width), Attention(width, heads)
        self.norm_own = nn.LayerNorm(width)
        self.own = nn.Sequential(nn.Linear(width, config.hidden), nn.GELU(), nn.Linear(config.hidden, width))
        self.left = nn.Dropout(config.dropout)
        last = self.own[-1]
        assert isinstance(last, nn.Linear)
        for out in (self.time.out, self.told.out, last):  # so that the stream's size does not grow with the depth
            nn.init.normal_(out.weight, std=0.02 / math.sqrt(3.0 * config.blocks))
            nn.init.zeros_(out.bias)

    def forward(
        self,
        stream: Float[Tensor, "b t c"],
        frames: Bool[Tensor, "b 1 1 t"],
        turns: tuple[Float[Tensor, "t h"], Float[Tensor, "t h"]],
        tokens: Float[Tensor, "b n c"],
        heard: Bool[Tensor, "b 1 1 n"],
    ) -> Float[Tensor, "b t c"]:
        calm = self.norm_time(stream)
        stream = stream + self.left(self.time(calm, calm, frames, turns))
        stream = stream + self.left(self.told(self.norm_told(stream), tokens, heard))
        return stream + self.left(self.own(self.norm_own(stream)))


class Attention(nn.Module):
    """Multi-head attention; with ``turns`` the places of queries and keys in time count."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self,
        asking: Float[Tensor, "b t c"],
        asked: Float[Tensor, "b n c"],
        present: Bool[Tensor, "b 1 1 n"],
        turns: tuple[Float[Tensor, "t h"], Float[Tensor, "t h"]] | None = None,
    ) -> Float[Tensor, "b t c"]:
        query = self._split(self.query(asking))
        key, value = (self._split(part) for part in self.key_value(asked).chunk(2, dim=-1))
        if turns is not None:
            query, key = _turned(query, *turns), _turned(key, *turns)
        # Written out: on a CPU the fused kernel is five times as slow backwards in half precision, and not faster forwards.
        unseen = torch.where(present, 0.0, _UNSEEN).to(query.dtype)
        shares = (unseen + (query * query.shape[-1] ** -0.5) @ key.mT).softmax(-1)
        mixed = shares.to(value.dtype) @ value
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, values: Float[Tensor, "b t c"]) -> Float[Tensor, "b a t d"]:
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def rotary(frames: int, width: int, device: torch.device) -> tuple[Float[Tensor, "t h"], Float[Tensor, "t h"]]:
    """Cosines and sines ``(t, width / 2)`` of the angles by which each pair of channels is turned at each frame."""
    rates = _SLOWEST ** -torch.linspace(0.0, 1.0, width // 2, device=device)
    angles = torch.arange(frames, device=device)[:, None] * rates
    return angles.cos(), angles.sin()


def _turned(values: Float[Tensor, "b a t d"], cosine: Float[Tensor, "t h"], sine: Float[Tensor, "t h"]) -> Float[Tensor, "b a t d"]:
    first, second = values.chunk(2, dim=-1)
    cosine, sine = cosine.to(values.dtype), sine.to(values.dtype)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def attended(present: Bool[Tensor, "b n"]) -> Bool[Tensor, "b 1 1 n"]:
    """As an attention mask; a row with nothing present sees everything, because an empty softmax is not a number."""
    return (present | ~present.any(-1, keepdim=True))[:, None, None]
