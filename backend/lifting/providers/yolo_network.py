"""YOLOv8's network, written from its published layout (docs.ultralytics.com, yolov8.yaml and the names and shapes in its files).

A column of convolutions halves the picture five times; its last three levels are mixed upwards and downwards again, and on each of these
(strides 8, 16, 32) a head says for every cell how far the four sides of a box are, as a distribution over 16 distances (Li et al.,
"Generalized Focal Loss", arXiv 2006.04388, section 3), and how likely each class. The form for masks adds 32 coefficients a box over
prototypes of a quarter of the picture's size (Bolya et al., YOLACT, arXiv 1904.02689). Sizes are those of the weights: n, s, m, l and x
differ in nothing else.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, silu
from torch.nn.utils.fusion import fuse_conv_bn_eval

from backend.errors import EngineError
from backend.lifting.providers.checkpoint import fill
from backend.lifting.providers.pretrained import first_line
from backend.lifting.providers.vit_backbone import count_of
from backend.lifting.providers.yolo_checkpoint import WHAT

DISTANCES = 16
STRIDES = (8, 16, 32)
AGAIN = "choose a file of YOLOv8 for boxes or masks, such as yolov8n-seg.pt."
_EPSILON = 1e-3  # of the batch norms; the files do not say it


class Sizes:
    """What a checkpoint's tensors say about sizes. Raises ``KeyError`` for names that it does not have."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self.state = state

    def conv(self, name: str, stride: int = 1) -> nn.Conv2d:
        """A convolution as large as the weights ``name``, with a bias where there is one."""
        out, into, high, wide = self.state[f"{name}.weight"].shape
        return nn.Conv2d(into, out, (high, wide), stride, (high // 2, wide // 2), bias=f"{name}.bias" in self.state)


class _Block(nn.Module):
    """Convolution, batch norm, SiLU."""

    def __init__(self, sizes: Sizes, name: str, stride: int = 1) -> None:
        super().__init__()
        self.conv: nn.Module = sizes.conv(f"{name}.conv", stride)
        self.bn: nn.Module = nn.BatchNorm2d(len(sizes.state[f"{name}.conv.weight"]), eps=_EPSILON)

    def fuse(self) -> None:
        """The norm becomes part of the convolution, once the weights are there."""
        if isinstance(self.conv, nn.Conv2d) and isinstance(self.bn, nn.BatchNorm2d):
            self.conv, self.bn = fuse_conv_bn_eval(self.conv, self.bn), nn.Identity()

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D i j"]:
        return silu(self.bn(self.conv(x)), inplace=True)


class _Pair(nn.Module):
    """Two 3 x 3 blocks, with what goes in added to what comes out where ``around``."""

    def __init__(self, sizes: Sizes, name: str, around: bool) -> None:
        super().__init__()
        self.cv1, self.cv2, self.around = _Block(sizes, f"{name}.cv1"), _Block(sizes, f"{name}.cv2"), around

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        found = self.cv2(self.cv1(x))
        return x + found if self.around else found


class _Chain(nn.Module):
    """One half of the channels goes through pairs one after the other, and all that came out of them is mixed."""

    def __init__(self, sizes: Sizes, name: str, around: bool) -> None:
        super().__init__()
        self.cv1, self.cv2 = _Block(sizes, f"{name}.cv1"), _Block(sizes, f"{name}.cv2")
        self.m = nn.ModuleList(_Pair(sizes, f"{name}.m.{index}", around) for index in range(count_of(sizes.state, f"{name}.m.")))

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D h w"]:
        parts = list(self.cv1(x).chunk(2, dim=1))
        for pair in self.m:
            parts.append(pair(parts[-1]))
        return self.cv2(torch.cat(parts, dim=1))


class _Pools(nn.Module):
    """The largest of ever wider surroundings."""

    def __init__(self, sizes: Sizes, name: str) -> None:
        super().__init__()
        self.cv1, self.cv2 = _Block(sizes, f"{name}.cv1"), _Block(sizes, f"{name}.cv2")

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D h w"]:
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(max_pool2d(parts[-1], 5, 1, 2))
        return self.cv2(torch.cat(parts, dim=1))


class _Prototypes(nn.Module):
    def __init__(self, sizes: Sizes, name: str) -> None:
        super().__init__()
        into, out, high, wide = sizes.state[f"{name}.upsample.weight"].shape
        self.cv1, self.cv2, self.cv3 = (_Block(sizes, f"{name}.cv{number}") for number in (1, 2, 3))
        self.upsample = nn.ConvTranspose2d(into, out, (high, wide), 2)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B 32 i j"]:
        return self.cv3(self.cv2(self.upsample(self.cv1(x))))


class _Distances(nn.Module):
    """The mean of a distribution over distances; its weights are the distances."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(DISTANCES, 1, 1, bias=False)


def _branch(sizes: Sizes, name: str) -> nn.Sequential:
    return nn.Sequential(_Block(sizes, f"{name}.0"), _Block(sizes, f"{name}.1"), sizes.conv(f"{name}.2"))


class _Head(nn.Module):
    """cv2: distances of the sides. cv3: classes. cv4: coefficients of the masks, if the file has them."""

    def __init__(self, sizes: Sizes, name: str) -> None:
        super().__init__()
        levels = range(len(STRIDES))
        self.masks = any(key.startswith(f"{name}.proto.") for key in sizes.state)
        self.cv2 = nn.ModuleList(_branch(sizes, f"{name}.cv2.{level}") for level in levels)
        self.cv3 = nn.ModuleList(_branch(sizes, f"{name}.cv3.{level}") for level in levels)
        self.dfl = _Distances()
        if self.masks:
            self.proto = _Prototypes(sizes, f"{name}.proto")
            self.cv4 = nn.ModuleList(_branch(sizes, f"{name}.cv4.{level}") for level in levels)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """``(B, 4 + classes (+ 32), N)``: middle, extents, scores and coefficients of each cell; and prototypes ``(B, 32, h / 4, w / 4)``."""
        table = torch.cat([self._level(number, x).flatten(2) for number, x in enumerate(levels)], dim=2)
        return [table, self.proto(levels[0])] if self.masks else [table]

    def _level(self, number: int, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B P h w"]:
        spread = self.cv2[number](x).unflatten(1, (4, DISTANCES)).softmax(dim=2)
        left, top, right, bottom = torch.einsum("bsdhw,d->sbhw", spread, self.dfl.conv.weight.flatten())
        rows, columns = (torch.arange(extent, dtype=x.dtype, device=x.device) + 0.5 for extent in x.shape[-2:])
        middle = columns + (right - left) / 2, rows[:, None] + (bottom - top) / 2
        box = torch.stack([*middle, left + right, top + bottom], dim=1) * STRIDES[number]
        parts = [box, self.cv3[number](x).sigmoid()]
        return torch.cat([*parts, self.cv4[number](x)] if self.masks else parts, dim=1)


def _upon(deep: Float[Tensor, "B C h w"], high: Float[Tensor, "B D i j"]) -> Float[Tensor, "B E i j"]:
    """A deeper level at twice its size, in front of the one above it."""
    return torch.cat([interpolate(deep, scale_factor=2.0, mode="nearest"), high], dim=1)


class YoloNetwork(nn.Module):
    """Pictures with sides that are multiples of 32, values in [0, 1], to what ``_Head`` gives."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.model = nn.ModuleDict({str(place): _Block(sizes, f"model.{place}", 2) for place in (0, 1, 3, 5, 7, 16, 19)})
        self.model.update({str(place): _Chain(sizes, f"model.{place}", place < 9) for place in (2, 4, 6, 8, 12, 15, 18, 21)})
        self.model.update({"9": _Pools(sizes, "model.9"), "22": _Head(sizes, "model.22")})

    def forward(self, x: Float[Tensor, "B 3 h w"]) -> list[Tensor]:
        at = self.model
        for place in range(5):
            x = at[str(place)](x)
        middle = at["6"](at["5"](x))
        deep = at["9"](at["8"](at["7"](middle)))
        middle = at["12"](_upon(deep, middle))
        high = at["15"](_upon(middle, x))
        middle = at["18"](torch.cat([at["16"](high), middle], dim=1))
        deep = at["21"](torch.cat([at["19"](middle), deep], dim=1))
        return at["22"]([high, middle, deep])


def network_of(state: Mapping[str, Tensor], path: Path) -> YoloNetwork:
    """The network with a checkpoint's weights, evaluating, norms made part of the convolutions.

    Raises ``EngineError``, one sentence, where names or shapes are not YOLOv8's.
    """
    try:
        with torch.device("meta"):
            network = YoloNetwork(Sizes(state))
    except (KeyError, ValueError) as reason:
        raise EngineError(f"{path.name} is not laid out as {WHAT} is ({str(reason)[:80]}); {AGAIN}") from reason
    fill(network, state, path, WHAT)
    for module in network.modules():
        if isinstance(module, _Block):
            module.fuse()
    _try(network, path)
    return network


def _try(network: YoloNetwork, path: Path) -> None:
    """Each layer may be one of YOLOv8's and still not fit the next: a small blank picture goes through all."""
    try:
        with torch.inference_mode():
            found = network(torch.zeros(1, 3, 2 * STRIDES[-1], 2 * STRIDES[-1]))
    except RuntimeError as reason:
        raise EngineError(f"The layers of {path.name} do not fit each other ({first_line(reason)[:80]}); {AGAIN}") from reason
    if not all(torch.isfinite(part).all() for part in found):
        raise EngineError(f"{path.name} holds numbers that are not finite; {AGAIN}")
