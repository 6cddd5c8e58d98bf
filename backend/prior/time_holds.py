"""Frames that only repeat the one before while the motion went on."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_SAME = 1e-6  # metres a frame; anything that was measured trembles by more
_MOVING = 0.005  # metres a frame on both sides of the run: a thing that rests and is then pushed has not frozen
_CAUGHT_UP = 1.5  # times the usual step: what moved on unseen shows as a leap at the end
_ABRUPT = 0.3  # times the usual step: what comes to rest slows down before it does
_LONGEST = 20  # frames; longer is a rest


def frozen(rows: Array, fixed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``(F,)`` frames of ``(F, C)`` channels (metres) that repeat the one before, the motion leaping on at the end of the run."""
    result = np.zeros(len(rows), dtype=bool)
    if len(rows) < 4:
        return result
    step = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    same = np.concatenate([[False], step < _SAME])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first <= _LONGEST and _leaps_on(step, int(first), int(last)):
            result[first:last] = True
    return result & ~fixed


def _leaps_on(step: Array, first: int, last: int) -> bool:
    """Whether the body moved until the run, moves after it, and is farther on at its end than a step."""
    around = np.concatenate([step[max(0, first - 6) : first - 1], step[last : last + 5]])
    moving = around[around >= _SAME]
    if last - 1 >= len(step) or len(moving) < 3 or first < 2:
        return False
    usual = float(np.median(moving))
    return usual > _MOVING and step[first - 2] > _ABRUPT * usual and step[last - 1] > _CAUGHT_UP * usual
