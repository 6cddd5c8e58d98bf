"""Left taken for right over a few frames, put right by continuity.

A lifter that mistakes one leg for the other gives both the other's pose: between two frames the limbs jump, and would not if sides were
exchanged in one of them. The cheapest row of exchanged and unexchanged frames is found by dynamic programming (Viterbi, 1967); every
change between the two has a price in usual steps, so that noise and crossing legs change nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Array, Damaged, Kind

_PRICE = 6.0  # of a change, in usual steps' squares
_PER_FRAME = 0.2  # of an exchanged frame: most of a clip is as it should be
_LEAST = 0.02  # rad² over a limb pair: steps below are usual anywhere
_LONGEST = 20  # frames; a longer run is what the motion is
_ABOUT = np.diag([-1.0, 1.0, -1.0])  # half a turn about the vertical: one rest pose's arm onto the other's


@dataclass(frozen=True)
class _Pair:
    """Joints of one side and the same of the other, from the body outwards. turned: rest poses point away from each other (arms)."""

    one: tuple[int, ...]
    other: tuple[int, ...]
    turned: bool = False


_PAIRS: dict[Kind, tuple[_Pair, ...]] = {
    "human": (_Pair((1, 4, 7, 10), (2, 5, 8, 11)), _Pair((13, 16, 18, 20), (14, 17, 19, 21), turned=True)),
    "animal": (_Pair((7, 8, 9, 10), (11, 12, 13, 14)), _Pair((17, 18, 19, 20), (21, 22, 23, 24))),
    "object": (),
}


def sides_righted(damaged: Damaged) -> Damaged:
    """The same with the sides of limbs exchanged where that makes the motion continuous; the same object where nothing has to be.

    Nothing missing is allowed (see ``fill.filled``). Runs that hold a pinned entry stay.
    """
    take = damaged.take
    rotations, trust = take.rotations, damaged.trust
    for pair in _PAIRS[take.kind]:
        joints = list(pair.one + pair.other)
        swap = _exchanged(rotations, pair)
        wrong = _wrong(rotations[:, joints], swap) & ~damaged.pinned[:, joints].any(1)
        if wrong.any():
            rotations, trust = rotations.copy(), trust.copy()
            rotations[np.ix_(wrong, joints)] = swap[wrong]
            trust[np.ix_(wrong, joints)] = trust[np.ix_(wrong, list(pair.other + pair.one))]
    return damaged if rotations is take.rotations else replace(damaged, take=replace(take, rotations=rotations), trust=trust)


def _exchanged(rotations: Array, pair: _Pair) -> Array:
    """``(F, 2 n, 3, 3)`` the pair's rotations with its sides exchanged, where they are in the world as the other side's were."""
    result = rotations[:, list(pair.other + pair.one)]
    if not pair.turned:
        return result
    turned = _ABOUT @ result @ _ABOUT
    first = [0, len(pair.one)]  # hang on what is not exchanged: only their own end is turned
    turned[:, first] = result[:, first] @ _ABOUT
    return turned


def _wrong(seen: Array, swap: Array) -> NDArray[np.bool_]:
    """``(F,)`` frames that have to be exchanged."""
    frames = len(seen)
    if frames < 4:
        return np.zeros(frames, dtype=bool)
    stays = np.square(seen[1:] - seen[:-1]).sum((1, 2, 3))
    changes = np.square(swap[1:] - seen[:-1]).sum((1, 2, 3))
    if not (changes < stays).any():
        return np.zeros(frames, dtype=bool)
    usual = float(np.median(np.minimum(stays, changes))) + _LEAST
    wrong = _cheapest(stays / usual, changes / usual + _PRICE)
    return _short_runs(wrong)


def _cheapest(stays: Array, changes: Array) -> NDArray[np.bool_]:
    """The row of states with the least sum of steps; a frame in the second state costs a little more."""
    cost = np.array([0.0, _PER_FRAME])
    came = np.zeros((len(stays), 2), dtype=np.int64)
    for step, (stay, change) in enumerate(zip(stays, changes, strict=True)):
        keep, turn = cost + stay, cost[::-1] + change
        came[step] = np.where(keep <= turn, [0, 1], [1, 0])
        cost = np.minimum(keep, turn) + np.array([0.0, _PER_FRAME])
    states = np.zeros(len(stays) + 1, dtype=bool)
    state = int(cost[1] < cost[0])
    for step in range(len(stays), 0, -1):
        states[step] = bool(state)
        state = int(came[step - 1, state])
    states[0] = bool(state)
    return states


def _short_runs(wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without runs longer than ``_LONGEST``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wrong, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2):
        if last - first > _LONGEST:
            wrong[first:last] = False
    return wrong
