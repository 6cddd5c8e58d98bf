"""A SmoothNet-style rival: a small network over time alone, shared by all channels, blind to what the body is.

After SmoothNet (arXiv 2112.13715): windows of 32 frames, a linear map to 512, a residual bottleneck of 16, a linear map back. Its
channels here are rotations as 6 numbers, the root's place and an object's points, each less its window's mean.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import load_file, save
from torch import Tensor, nn

from backend.errors import EngineError
from backend.prior.state.fill import filled
from backend.prior.state.take import Damaged, Take
from revision_blender.motion.whole_file import whole_file

WINDOW = 32
STRIDE = 8
WIDTH = 512
NARROW = 16
FILE = "smoothnet.safetensors"


class SmoothNet(nn.Module):
    """About 50,000 weights; says what to add to each value."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Linear(WINDOW, WIDTH)
        self.inward = nn.Linear(WIDTH, NARROW)
        self.outward = nn.Linear(NARROW, WIDTH)
        self.exit = nn.Linear(WIDTH, WINDOW)
        self.bend = nn.LeakyReLU(0.1)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)

    def forward(self, values: Float[Tensor, "n 32"]) -> Float[Tensor, "n 32"]:
        """Windows of single channels, corrected."""
        middle = values.mean(-1, keepdim=True)
        hidden = self.bend(self.entry(values - middle))
        hidden = hidden + self.bend(self.outward(self.bend(self.inward(hidden))))
        return values + self.exit(hidden)


def smoothed(damaged: Damaged, network: SmoothNet) -> Take:
    """The take's windows, eight frames apart, corrected and averaged; shorter takes are held at their end."""
    take = filled(damaged).take
    channels = channels_of(take)
    with torch.no_grad():
        answer = _over_windows(network, torch.from_numpy(channels.astype(np.float32)))
    return take_of(answer.numpy().astype(np.float64), take)


def channels_of(take: Take) -> np.ndarray:
    """``(F, C)``: two columns of every rotation, the root's place, an object's points."""
    parts = [take.rotations[..., :2].reshape(take.n_frames, -1), take.root]
    if take.points is not None:
        parts.append(take.points.reshape(take.n_frames, -1))
    return np.concatenate(parts, axis=1)


def take_of(channels: np.ndarray, like: Take) -> Take:
    """The way back from ``channels_of``; the columns are made square again (Gram-Schmidt)."""
    frames, joints = like.rotations.shape[:2]
    turned = channels[:, : 6 * joints].reshape(frames, joints, 3, 2)
    x = turned[..., 0] / np.linalg.norm(turned[..., 0], axis=-1, keepdims=True)
    y = turned[..., 1] - (x * turned[..., 1]).sum(-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    rest = channels[:, 6 * joints :]
    points = None if like.points is None else rest[:, 3:].reshape(frames, -1, 3)
    return replace(like, rotations=np.stack([x, y, np.cross(x, y)], axis=-1), root=rest[:, :3], points=points)


def save_smoothnet(network: SmoothNet, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / FILE) as stream:
        stream.write(save({name: value.half().contiguous() for name, value in network.state_dict().items()}))


def load_smoothnet(folder: Path) -> SmoothNet:
    """Raises EngineError where the weights are missing or another network's."""
    network = SmoothNet()
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(folder / FILE).items()})
    except Exception as error:
        raise EngineError(
            f"{folder / FILE} holds no weights of the SmoothNet rival ({error}); make them with python -m backend train prior-rivals."
        ) from error
    return network.eval()


def _over_windows(network: SmoothNet, channels: Float[Tensor, "f c"]) -> Float[Tensor, "f c"]:
    frames = len(channels)
    short = max(WINDOW - frames, 0)
    whole = torch.cat([channels, channels[-1:].expand(short, -1)])
    starts = sorted({*range(0, len(whole) - WINDOW + 1, STRIDE), len(whole) - WINDOW})
    cut = torch.stack([whole[start : start + WINDOW] for start in starts])
    answers = network(cut.transpose(1, 2).reshape(-1, WINDOW)).reshape(len(starts), -1, WINDOW).transpose(1, 2)
    total, weight = torch.zeros_like(whole), torch.zeros(len(whole), 1)
    for start, answer in zip(starts, answers, strict=True):
        total[start : start + WINDOW] += answer
        weight[start : start + WINDOW] += 1.0
    return (total / weight)[:frames]
