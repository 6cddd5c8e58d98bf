"""Time put right before anything else is looked at: frames out of order, pieces cut out, pictures that froze.

A network that looks at 2 s of motion can smooth such a place over, but not know that everything after it came too early. Each repair
asks for evidence that neither true motion nor noise gives, and leaves the rest bit for bit as it was (paper, section 3: the damage
that the prior is trained on shuffles the inner order, or drops a segment and fills up at the end).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Damaged
from backend.prior.time_channels import channels_of
from backend.prior.time_holds import frozen
from backend.prior.time_jumps import find_jump
from backend.prior.time_order import put_in_order

Array = NDArray[np.floating]

_SLOWEST = 14.0  # frames a second: at fewer, true motion looks like one cut after another
_MOST_JUMPS = 3  # in one clip
_MOSTLY = 0.5  # share of a frame's joints that are pinned from which on it is the animator's frame and stays
_HELD = 0.01  # times the usual step: not moving at all
_FITS = 1.5  # times the usual step: a pinned frame so near to its neighbours tells that the time around it is right


def repaired(damaged: Damaged) -> Damaged:
    """The same motion with shuffled runs in order, cut-out pieces put back as missing frames, frozen runs marked missing.

    Same length: what is put in pushes the end out. Pinned entries keep place and value. What needs no repair comes back as it is, the
    same object, and so does what has fewer than ``_SLOWEST`` frames a second. Motions must be finite.
    """
    if damaged.take.fps < _SLOWEST:
        return damaged
    fixed = _fixed(damaged)
    order = put_in_order(channels_of(damaged), fixed)
    if (order != np.arange(len(order))).any():
        damaged = _taken(damaged, order)
    held = frozen(channels_of(damaged), fixed)
    if held.any():
        damaged = _missing(damaged, held)
    for _ in range(_MOST_JUMPS):
        mended = _mended(damaged, fixed)
        if mended is None:
            break
        damaged = mended
    return damaged


def _fixed(damaged: Damaged) -> NDArray[np.bool_]:
    """``(F,)`` frames that are the animator's own."""
    return damaged.root_pinned | (damaged.pinned.mean(axis=1) >= _MOSTLY)


def _mended(damaged: Damaged, fixed: NDArray[np.bool_]) -> Damaged | None:
    """The clearest jump opened to the length of what is missing there; None without a jump, or where pins say that the time is right."""
    rows = channels_of(damaged)
    jump = find_jump(rows, damaged.take)
    frames = len(rows)
    if jump is None or _anchored(rows, fixed, jump.at):
        return None
    length = min(jump.length, frames - jump.at)
    order = np.concatenate([np.arange(jump.at), np.full(length, jump.at - 1), np.arange(jump.at, frames - length)])
    inserted = np.zeros(frames, dtype=bool)
    inserted[jump.at : jump.at + length] = True
    return _missing(_taken(damaged, order), inserted)


def _anchored(rows: Array, fixed: NDArray[np.bool_], at: int) -> bool:
    """Whether a pinned frame after ``at`` goes on where its neighbours are: then nothing may be moved past it.

    A pose that is only held tells nothing of time.
    """
    step = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    usual = float(np.median(step))
    later = np.flatnonzero(fixed)
    later = later[later > at]
    return bool(((step[later - 1] <= _FITS * usual) & (step[later - 1] > _HELD * usual)).any())


def _taken(damaged: Damaged, order: NDArray[np.integer]) -> Damaged:
    """Frame ``order[i]`` at every place ``i``; what is pinned stays."""
    take = damaged.take
    entry = damaged.pinned[..., None, None]
    points = None if take.points is None else np.where(damaged.pinned[:, :1, None], take.points, take.points[order])
    moved = replace(
        take,
        rotations=np.where(entry, take.rotations, take.rotations[order]),
        root=np.where(damaged.root_pinned[:, None], take.root, take.root[order]),
        points=points,
    )
    trust = np.where(damaged.pinned, damaged.trust, damaged.trust[order])
    return replace(
        damaged, take=moved, trust=trust, root_trust=np.where(damaged.root_pinned, damaged.root_trust, damaged.root_trust[order])
    )


def _missing(damaged: Damaged, frames: NDArray[np.bool_]) -> Damaged:
    """Nothing of ``frames`` is trusted, except what is pinned."""
    trust = np.where(frames[:, None] & ~damaged.pinned, 0.0, damaged.trust)
    return replace(damaged, trust=trust, root_trust=np.where(frames & ~damaged.root_pinned, 0.0, damaged.root_trust))
