"""Windows cut out of takes, and the arms of one motion on another: more motions out of few."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.prior.state.motions import Motions
from backend.prior.state.take import Take

ARMS = (12, 13, 14, 15, 16, 17, 18, 19, 20, 21)  # with neck and head


def cut(take: Take, part: slice) -> Take:
    """Some of a take's frames."""
    points = None if take.points is None else take.points[part]
    return replace(take, rotations=take.rotations[part], root=take.root[part], points=points)


def stacked(takes: Sequence[Take]) -> Motions:
    """Takes of one kind as they are, bit for bit but for their precision; shorter ones hold their last frame."""
    longest = max(take.n_frames for take in takes)

    def batch(arrays: Sequence[NDArray[np.floating]]) -> Tensor:
        return torch.from_numpy(np.stack([array[np.minimum(np.arange(longest), len(array) - 1)] for array in arrays])).float()

    points = [take.points for take in takes if take.points is not None]
    offsets = torch.from_numpy(np.stack([take.offsets for take in takes])).float()
    return Motions(
        takes[0].kind,
        batch([take.rotations for take in takes]),
        batch([take.root for take in takes]),
        offsets,
        batch(points) if points else None,
    )


def with_arms_of(take: Take, other: Take) -> Take:
    """A person with the first frames of ``other``'s arms and head, as far as both go; what is done has no name then."""
    frames = min(take.n_frames, other.n_frames)
    rotations = take.rotations[:frames].copy()
    rotations[:, ARMS] = other.rotations[:frames, ARMS]
    return replace(cut(take, slice(0, frames)), rotations=rotations, text="")
