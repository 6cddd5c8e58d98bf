"""Missing entries of a damaged take, filled between their neighbours: a start for every filter and for the network."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Array, Damaged
from revision_blender.motion.rotation import slerp

MISSING = 0.02  # trust at and below which an entry says nothing


def filled(damaged: Damaged) -> Damaged:
    """The same with every missing rotation on the geodesic, every missing place on the line between its neighbours.

    Before the first and after the last known frame the value is held; what is never known is the rest pose (rotations) or as it was
    (places). Pinned entries are never missing, and known entries keep their bits.
    """
    take = damaged.take
    unsound = ~np.isfinite(take.rotations).all((2, 3))
    known = ((damaged.trust > MISSING) & ~unsound) | damaged.pinned
    root_known = ((damaged.root_trust > MISSING) & np.isfinite(take.root).all(1)) | damaged.root_pinned
    if known.all() and root_known.all():
        return damaged
    trust = np.where(known, damaged.trust, 0.0)
    root_trust = np.where(root_known, damaged.root_trust, 0.0)
    new = replace(take, rotations=_rotations(take.rotations, known), root=_places(take.root, root_known))
    if take.points is not None:
        new = replace(new, points=_places(take.points, root_known))
    return replace(damaged, take=new, trust=trust, root_trust=root_trust)


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Frames to fill, the known frames before and after each, and how far it is on the way from one to the other."""

    frames: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    part: Array


def _rotations(rotations: Array, known: NDArray[np.bool_]) -> Array:
    result = rotations.copy()
    result[:, ~known.any(0)] = np.eye(3)
    gaps = [(joint, _gaps(known[:, joint])) for joint in np.flatnonzero(known.any(0) & ~known.all(0))]
    if gaps:
        joint = np.concatenate([np.full(len(gap.frames), number) for number, gap in gaps])
        before, after, frames = (np.concatenate([getattr(gap, name) for _, gap in gaps]) for name in ("before", "after", "frames"))
        part = np.concatenate([gap.part for _, gap in gaps])
        result[frames, joint] = slerp(rotations[before, joint], rotations[after, joint], part)
    return result


def _places(places: Array, known: NDArray[np.bool_]) -> Array:
    result = places.copy()
    if not known.any():
        result[~np.isfinite(result)] = 0.0
    elif not known.all():
        gap = _gaps(known)
        part = gap.part.reshape(-1, *([1] * (places.ndim - 1)))
        result[gap.frames] = places[gap.before] + (places[gap.after] - places[gap.before]) * part
    return result


def _gaps(known: NDArray[np.bool_]) -> _Gaps:
    there, frames = np.flatnonzero(known), np.flatnonzero(~known)
    place = np.searchsorted(there, frames)
    after = there[np.minimum(place, len(there) - 1)]
    before = np.where(place == 0, after, there[np.maximum(place - 1, 0)])
    return _Gaps(frames, before, after, (frames - before) / np.maximum(after - before, 1) * (after > before))
