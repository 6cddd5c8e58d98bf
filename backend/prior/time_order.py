"""Runs of frames that came in a wrong order, and the order in which they make one smooth motion."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Order = NDArray[np.integer]

_LOOK = 20  # frames around in which a frame's nearest is sought
_NEARER = 0.6  # of the distance to its neighbours: a nearer frame further off makes an order doubtful
_CLOSE_BY = 0.01  # metres under which all frames are near
_APART = 6  # frames between two doubtful ones that still are one run
_MARGIN = 2  # frames beside a doubtful run that may belong to it
_SHORTEST, _LONGEST = 3, 48  # frames of a run
_BETTER = 0.35  # of the old roughness: how good an order has to be; the best order of white noise reaches 0.6
_MUCH_BETTER, _FEW = 0.08, 3  # asked of orders that move so few frames: captures have slips of one frame
_SHORTER = 0.75  # of the old path's length
_ROUGHER, _ELSEWHERE = 4.0, 6  # times as rough as three quarters of the frames elsewhere, of which there must be so many
_BEAM = 96  # orders kept while one is built
_STEP_SHARE = 0.5  # what squares of steps count beside squares of their changes


def put_in_order(rows: Array, fixed: NDArray[np.bool_]) -> Order:
    """``(F,)`` which of the frames of ``(F, C)`` channels stands where in the repaired motion; ``fixed`` frames stay where they are.

    In a motion the nearest frame is a neighbour. Where it is not, orders are built from one end of the run to the other (a beam search),
    improved by moving and reversing pieces, and taken if they are much smoother than the given one.
    """
    order = np.arange(len(rows))
    for first, last in _doubtful(rows):
        found = _smoothest(rows, first, last, fixed)
        if found is not None:
            order[first:last] = found
    return order


def _doubtful(rows: Array) -> list[tuple[int, int]]:
    """(first, one past the last) of each run in which nearest frames are no neighbours."""
    frames = len(rows)
    if frames < _SHORTEST + 2:
        return []
    near = np.full(frames, np.inf)
    for apart in range(2, min(_LOOK, frames - 1) + 1):
        distance = np.linalg.norm(rows[apart:] - rows[:-apart], axis=1)
        near[apart:] = np.minimum(near[apart:], distance)
        near[:-apart] = np.minimum(near[:-apart], distance)
    step = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    nearest = np.minimum(np.append(step, np.inf), np.insert(step, 0, np.inf))
    flagged = np.flatnonzero(near + _CLOSE_BY < _NEARER * nearest)
    runs = np.split(flagged, np.flatnonzero(np.diff(flagged) > _APART) + 1)
    spans = [(max(0, int(run[0]) - _MARGIN), min(frames, int(run[-1]) + _MARGIN + 1)) for run in runs if len(run)]
    return [(first, last) for first, last in spans if _SHORTEST <= last - first <= _LONGEST]


def _smoothest(rows: Array, first: int, last: int, fixed: NDArray[np.bool_]) -> Order | None:
    """The best order of frames ``first`` to ``last`` between the two before and the two after; None if the given one is as good."""
    low, high = max(0, first - 2), min(len(rows), last + 2)
    local = rows[low:high]
    stays = fixed[low:high].copy()
    stays[: first - low] = stays[last - low :] = True
    if (~stays).sum() < _SHORTEST or not _stands_out(rows, first, last):
        return None
    bends = _bends(local)
    given = np.arange(high - low)
    best = _improved(bends, _built(bends, stays), stays)
    roughness = _cost(bends, np.stack([given, best]))
    lengths = [np.linalg.norm(np.diff(local[order], axis=0), axis=1).sum() for order in (given, best)]
    better = _BETTER if (best != given).sum() > _FEW else _MUCH_BETTER
    if roughness[1] > better * roughness[0] or lengths[1] > _SHORTER * lengths[0]:
        return None
    return low + best[first - low : last - low]


def _stands_out(rows: Array, first: int, last: int) -> bool:
    """Whether the run is rougher than the rest of the clip: noise that is everywhere is no disorder."""
    bend = np.zeros(len(rows))
    bend[1:-1] = np.square(np.diff(rows, n=2, axis=0)).sum(axis=1)
    elsewhere = np.concatenate([bend[1 : max(1, first - 1)], bend[last + 1 : -1]])
    return len(elsewhere) >= _ELSEWHERE and float(bend[first:last].mean()) > _ROUGHER * float(np.percentile(elsewhere, 75.0))


def _bends(rows: Array) -> Array:
    """``(N, N, N)``: the square of the change of step where frames i, j, k follow one another, and a share of that of the last step."""
    inner = rows @ rows.T
    square = np.diag(inner)
    i, j, k = square[:, None, None], square[None, :, None], square[None, None, :]
    bend = i + 4.0 * j + k - 4.0 * inner[:, :, None] - 4.0 * inner[None] + 2.0 * inner[:, None, :]
    step = (square[:, None] + square[None] - 2.0 * inner)[None]
    return np.maximum(bend, 0.0) + _STEP_SHARE * np.maximum(step, 0.0)


def _cost(bends: Array, orders: Order) -> Array:
    """``(B,)`` roughness of orders ``(B, N)``."""
    return bends[orders[:, :-2], orders[:, 1:-1], orders[:, 2:]].sum(axis=1)


def _built(bends: Array, stays: NDArray[np.bool_]) -> Order:
    """An order built frame by frame, the best ``_BEAM`` beginnings kept."""
    count = len(bends)
    orders = np.zeros((1, 0), dtype=np.int64)
    costs = np.zeros(1)
    for at in range(count):
        choices = np.array([at]) if stays[at] else np.flatnonzero(~stays)
        longer = np.concatenate([np.repeat(orders, len(choices), axis=0), np.tile(choices, len(orders))[:, None]], axis=1)
        total = np.repeat(costs, len(choices))
        fresh = (longer[:, :-1] != longer[:, -1:]).all(axis=1)
        longer, total = longer[fresh], total[fresh]
        if at >= 2:
            total = total + bends[longer[:, -3], longer[:, -2], longer[:, -1]]
        kept = np.argsort(total, kind="stable")[:_BEAM]
        orders, costs = longer[kept], total[kept]
    return orders[0]


def _improved(bends: Array, order: Order, stays: NDArray[np.bool_]) -> Order:
    """Pieces reversed or moved elsewhere for as long as that makes the order smoother."""
    free = np.flatnonzero(~stays)
    moves = _moves(len(free))
    best = float(_cost(bends, order[None])[0])
    while True:
        candidates = np.repeat(order[None], len(moves), axis=0)
        candidates[:, free] = order[free][moves]
        costs = _cost(bends, candidates)
        at = int(costs.argmin())
        if costs[at] >= best * (1.0 - 1e-9):
            return order
        order, best = candidates[at], float(costs[at])


def _moves(count: int) -> Order:
    """``(M, count)`` all orders that differ from 0, 1, 2 … by one reversed piece, or one of up to 3 moved elsewhere."""
    plain = np.arange(count)
    moves = []
    for first in range(count):
        for last in range(first + 2, count + 1):
            moves.append(np.concatenate([plain[:first], plain[first:last][::-1], plain[last:]]))
        for length in range(1, min(3, count - first) + 1):
            rest = np.concatenate([plain[:first], plain[first + length :]])
            moves += [np.concatenate([rest[:to], plain[first : first + length], rest[to:]]) for to in range(len(rest) + 1) if to != first]
    return np.stack(moves)
