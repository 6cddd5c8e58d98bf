"""From damaged takes to one padded batch of tensors, and back."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import InputError
from backend.prior.state.fill import filled
from backend.prior.state.grounding import grounded
from backend.prior.state.motions import Motions, Observed
from backend.prior.state.sides import sides_righted
from backend.prior.state.take import FPS, Array, Damaged, Take


def observed(damaged: list[Damaged], away: list[Array] | None = None, dtype: torch.dtype = torch.float32) -> Observed:
    """One batch of all takes, which must be of one kind and at ``take.FPS``; shorter ones hold their last frame, marked not ``valid``.

    Missing entries are filled between their neighbours (``fill.filled``), left taken for right is put right (``sides``), and
    so is a clip that floats or drifts (``grounding``). away: seconds to the nearest sampled frame, ``(F,)`` each.
    """
    kinds = {one.take.kind for one in damaged}
    if len(kinds) != 1 or not all(one.take.n_frames for one in damaged):
        raise InputError(
            f"a batch of {len(damaged)} takes of the kinds {sorted(kinds)}; give takes of one kind with at least one frame each"
        )
    whole = [sides_righted(filled(one)) for one in damaged]
    longest = max(one.take.n_frames for one in whole)

    def batch(arrays: list[NDArray]) -> Tensor:
        return torch.from_numpy(np.stack([_held(array, longest) for array in arrays]))

    def numbers(arrays: list[NDArray]) -> Tensor:
        return batch(arrays).to(dtype)

    takes = [one.take for one in whole]
    points = [take.points for take in takes if take.points is not None]
    motions = Motions(
        takes[0].kind,
        numbers([take.rotations for take in takes]),
        numbers([take.root for take in takes]),
        torch.from_numpy(np.stack([take.offsets for take in takes])).to(dtype),
        numbers(points) if points else None,
    )
    frames = torch.arange(longest)
    stacked = Observed(
        motions,
        numbers([one.trust for one in whole]),
        numbers([one.root_trust for one in whole]),
        batch([one.pinned for one in whole]),
        batch([one.root_pinned for one in whole]),
        numbers(away) if away is not None else torch.zeros(len(takes), longest, dtype=dtype),
        torch.stack([frames < take.n_frames for take in takes]),
    )
    return grounded(stacked)


def take_of(motions: Motions, index: int, like: Take) -> Take:
    """One motion of a batch as a take of ``like``'s length, names and precision."""
    frames = like.n_frames

    def array(values: Tensor) -> Array:
        return values[index, :frames].detach().cpu().numpy().astype(like.rotations.dtype)

    points = None if motions.points is None else array(motions.points)
    return replace(like, fps=FPS, rotations=array(motions.rotations), root=array(motions.root), points=points)


def _held(array: NDArray, length: int) -> NDArray:
    missing = length - len(array)
    return array if missing == 0 else np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])
