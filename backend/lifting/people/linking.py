"""Poses of single frames made into people who keep their identity: short sure links first, then joins across gaps.

Two levels of association (after Huang, Wu, Nevatia: Robust object tracking by hierarchical association, 2008), each solved for
all at once; then, for every pair who came near each other, whether their clothes say that they were exchanged.
"""

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from backend.lifting.people.poses import Pose, alike, apart

Array = NDArray[np.floating]
Chain = dict[int, Pose]  # by frame

NEAR = 0.45  # of the extent a frame: further no one jumps
CLOTHES = 0.6  # what unlike clothes cost beside a distance of one extent
FAR_GAP = 1.0  # seconds: who is gone for longer must look alike to be the same
GAP_COST = 0.25  # a second
JOIN_COST = 0.85
EXCHANGE_GAIN = 0.08  # of likeness: clothes must say clearly that two were exchanged
NEVER = 1e6


def chains_of(poses: list[list[Pose]], fps: float) -> list[Chain]:
    """People as chains of poses by frame, the longest first."""
    chains = _joined(_linked(poses), fps)
    for a, b in combinations(chains, 2):
        _exchange_back(a, b)
    return sorted(chains, key=lambda chain: -len(chain))


def _linked(poses: list[list[Pose]]) -> list[Chain]:
    """Links between neighbouring frames."""
    done: list[Chain] = []
    running: list[Chain] = []
    for frame, here in enumerate(poses):
        cost = np.array([[_step_cost(chain, pose, frame) for pose in here] for chain in running]).reshape(len(running), len(here))
        taken = dict(zip(*map(np.ndarray.tolist, linear_sum_assignment(cost)), strict=True)) if cost.size else {}
        taken = {chain: pose for chain, pose in taken.items() if cost[chain, pose] < NEVER}
        for chain, pose in taken.items():
            running[chain][frame] = here[pose]
        done += [chain for place, chain in enumerate(running) if place not in taken]
        running = [running[place] for place in taken] + [{frame: pose} for place, pose in enumerate(here) if place not in taken.values()]
    return done + running


def _step_cost(chain: Chain, pose: Pose, frame: int) -> float:
    last = chain[frame - 1]
    expected = last.pixels + (last.pixels - chain[frame - 2].pixels if frame - 2 in chain else 0.0)
    extent = max(last.extent, pose.extent)
    distance = min(apart(expected, pose.points), apart(last.pixels, pose.points)) / extent
    if distance > NEAR or min(last.extent, pose.extent) < 0.4 * extent:
        return NEVER
    return distance + CLOTHES * (1.0 - alike(last.clothes, pose.clothes))


def _joined(chains: list[Chain], fps: float) -> list[Chain]:
    """Chains that end and chains that begin later, joined where they fit; again until none fits."""
    while True:
        cost = np.array([[_join_cost(a, b, fps) if a is not b else NEVER for b in chains] for a in chains]).reshape(
            len(chains), len(chains)
        )
        if not cost.size or cost.min() >= JOIN_COST:
            return chains
        # Joins that will not be made must not count: two of them can look cheaper together than the one that fits and none.
        rows, columns = linear_sum_assignment(np.where(cost < JOIN_COST, cost, NEVER))
        pairs = [(row, column) for row, column in zip(rows, columns, strict=True) if cost[row, column] < JOIN_COST]
        row, column = min(pairs, key=lambda pair: cost[pair])
        joined = chains[row] | chains[column]
        chains = [chain for place, chain in enumerate(chains) if place not in (row, column)] + [joined]


def _join_cost(a: Chain, b: Chain, fps: float) -> float:
    end, begin = max(a), min(b)
    if begin <= end:
        return NEVER
    gap = (begin - end) / fps
    extent = max(a[end].extent, b[begin].extent)
    if min(a[end].extent, b[begin].extent) < 0.35 * extent:
        return NEVER
    steps = begin - end
    ahead = a[end].next_crop.center + steps * _speed(a, end)
    back = b[begin].next_crop.center - steps * _speed(b, begin)
    here, there = a[end].next_crop.center, b[begin].next_crop.center
    distance = min(np.linalg.norm(ahead - there), np.linalg.norm(back - here), np.linalg.norm(there - here)) / extent
    unlike = 1.0 - alike(_clothes(a), _clothes(b))
    reach = NEAR * (1.0 + min(steps, 3) ** 0.5) + 0.5 * min(gap, FAR_GAP)
    if distance > reach and unlike > 0.15:
        return NEVER
    return float(0.35 * distance + 2.0 * CLOTHES * unlike + GAP_COST * min(gap, FAR_GAP))


def _speed(chain: Chain, frame: int) -> Array:
    """Pixels a frame of the middle of the hips about a frame, from up to five frames."""
    frames = [f for f in sorted(chain) if abs(f - frame) <= 4]
    if len(frames) < 2:
        return np.zeros(2)
    steps = [(chain[b].next_crop.center - chain[a].next_crop.center) / (b - a) for a, b in pairwise(frames)]
    return np.median(steps, axis=0)


def _clothes(chain: Chain) -> Array:
    """The mean of a chain's clothes, poses counted by their score."""
    weights = np.array([pose.score for pose in chain.values()]) + 1e-3
    return np.einsum("f,fpn->pn", weights / weights.sum(), np.stack([pose.clothes for pose in chain.values()]))


def _exchange_back(a: Chain, b: Chain) -> None:
    """Exchanges what follows a meeting of two where their clothes say so."""
    for frame in sorted(set(a) & set(b)):
        if np.linalg.norm(a[frame].next_crop.center - b[frame].next_crop.center) > 0.7 * max(a[frame].extent, b[frame].extent):
            continue
        before = [{f: p for f, p in chain.items() if f < frame} for chain in (a, b)]
        after = [{f: p for f, p in chain.items() if f >= frame} for chain in (a, b)]
        if not all((*before, *after)):
            continue
        was, now = [_clothes(chain) for chain in before], [_clothes(chain) for chain in after]
        kept = alike(was[0], now[0]) + alike(was[1], now[1])
        crossed = alike(was[0], now[1]) + alike(was[1], now[0])
        if crossed > kept + 2.0 * EXCHANGE_GAIN:
            for chain, first, second in ((a, before[0], after[1]), (b, before[1], after[0])):
                chain.clear()
                chain.update(first | second)
