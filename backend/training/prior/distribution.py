"""What the training motions are like as a whole: how strongly they move, and how far their joints bend."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from backend.errors import InputError
from backend.prior.network.strength import Distribution, distribution_of, mean_angular_speed
from backend.prior.state.take import KINDS, Kind, Take
from backend.training.prior.losses import Limits

_MARGIN = np.radians(10.0)  # a motion that was not captured may bend a little further than those that were
_STILL = {"human": 1.0, "animal": 1.0, "object": 0.5}  # rad/s (m/s): the one speed that is known of a kind without any motion is 0 to this


def distributions(takes: Sequence[Take], frames: int) -> dict[Kind, Distribution]:
    """Of each kind the strengths of its windows of ``frames`` frames, every half window one."""
    return {kind: _distribution([take for take in takes if take.kind == kind], kind, frames) for kind in KINDS}


def limits(takes: Sequence[Take], kind: Kind) -> Limits | None:
    """Each joint's mean rotation and the widest angle from it, a margin added; None without motions of this kind, and for objects."""
    if kind == "object" or all(take.kind != kind for take in takes):
        return None
    rotations = np.concatenate([take.rotations for take in takes if take.kind == kind])
    left, _, right = np.linalg.svd(rotations.mean(axis=0))
    middle = left @ right
    cosine = 0.5 * (np.einsum("fjab,jab->fj", rotations, middle) - 1.0)
    widest = np.arccos(np.clip(cosine.min(axis=0), -1.0, 1.0)) + _MARGIN
    reach = np.cos(np.minimum(widest, np.pi))
    return Limits(torch.from_numpy(middle).float(), torch.from_numpy(reach).float())


def windows_of(take: Take, frames: int) -> list[slice]:
    """Every half window one, the last at the take's end; the whole of a take that is shorter."""
    last = take.n_frames - frames
    if last <= 0:
        return [slice(0, take.n_frames)]
    return [slice(start, start + frames) for start in sorted({*range(0, last, max(1, frames // 2)), last})]


def _distribution(takes: Sequence[Take], kind: Kind, frames: int) -> Distribution:
    speeds = [
        mean_angular_speed(replace(take, rotations=take.rotations[part], root=take.root[part], points=None))
        for take in takes
        for part in windows_of(take, frames)
    ]
    return distribution_of(speeds) if speeds else Distribution((0.0, _STILL[kind]))


def needed(takes: Sequence[Take]) -> Sequence[Take]:
    """The same takes. Raises InputError where there are none to learn from."""
    if not takes:
        raise InputError("there are 0 motions to train on; name a folder with motion files, or use --bundled")
    return takes
