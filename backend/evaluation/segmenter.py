"""A small part segmenter for the clips that this project renders: one frame, beside the clip's first, to the table's part labels.

It is the judge of generated frames, so it never sees the mask that the video model was given. It may see the first frame: the camera
stands still and the first frame is given in truth, so it says what the figure and the background look like.
"""

from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from backend.errors import EngineError
from revision_blender.masks.labels import PART_LABELS

N_LABELS = len(PART_LABELS)
CELL = 2  # pixels a cell each way: the net works at half size, and every cell answers for its four pixels
WIDTHS = (32, 64, 96)
AT_ONCE = 64  # frames
WEIGHTS = "segmenter.safetensors"


def _block(ins: int, outs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(ins, outs, 3, padding=1), nn.GroupNorm(8, outs), nn.SiLU())


class Segmenter(nn.Module):
    """Three scales, 0.4 M parameters; sides must be multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.fine = nn.Sequential(_block(6 * CELL * CELL, fine), _block(fine, fine))
        self.middle = nn.Sequential(_block(fine, middle), _block(middle, middle))
        self.coarse = nn.Sequential(_block(middle, coarse), _block(coarse, coarse))
        self.up_middle = _block(coarse + middle, middle)
        self.up_fine = _block(middle + fine, fine)
        self.out = nn.Conv2d(fine, N_LABELS * CELL * CELL, 1)

    def forward(self, frames: Float[Tensor, "n 3 h w"], first: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n labels h w"]:
        """Scores of every label. frames, first: in [0, 1], the frame and the first frame of its clip."""
        fine = self.fine(functional.pixel_unshuffle(torch.cat([frames, first], 1) * 2.0 - 1.0, CELL))
        middle = self.middle(functional.avg_pool2d(fine, 2))
        coarse = self.coarse(functional.avg_pool2d(middle, 2))
        middle = self.up_middle(torch.cat([functional.interpolate(coarse, scale_factor=2.0), middle], 1))
        fine = self.up_fine(torch.cat([functional.interpolate(middle, scale_factor=2.0), fine], 1))
        return functional.pixel_shuffle(self.out(fine), CELL)


@torch.inference_mode()
def segmented(net: Segmenter, frames: NDArray[np.uint8], first: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A clip's frames ``(F, H, W, 3)`` and its true first frame ``(H, W, 3)`` to labels ``(F, H, W)``."""
    reference = as_tensor(first[None])
    parts = [net(part, reference.expand(len(part), -1, -1, -1)).argmax(1) for part in as_tensor(frames).split(AT_ONCE)]
    return torch.cat(parts).to(torch.uint8).numpy()


def as_tensor(frames: NDArray[np.uint8]) -> Float[Tensor, "n 3 h w"]:
    """``(N, H, W, 3)`` bytes to numbers in [0, 1], channels first."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 255.0


def load_segmenter(folder: Path) -> Segmenter:
    """Reads ``segmenter.safetensors``; raises EngineError with a sentence where it is missing or another net's."""
    return cast(Segmenter, loaded(Segmenter(), folder / WEIGHTS, "python -m backend train segmenter"))


def loaded(net: nn.Module, file: Path, command: str) -> nn.Module:
    """A judge's net with its weights, ready to be asked. command: what makes the file, for the message."""
    if not file.is_file():
        raise EngineError(f"{file} is missing; train it with {command} --data DIR --out {file.parent}.")
    try:
        net.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    except (SafetensorError, RuntimeError, OSError) as reason:
        raise EngineError(f"{file} does not fit this version ({str(reason).splitlines()[0]}); train it again with {command}.") from reason
    return net.eval().requires_grad_(False)
