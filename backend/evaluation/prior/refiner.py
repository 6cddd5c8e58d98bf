"""The prior on the protocol's takes, by the way that the product goes."""

from dataclasses import replace

import numpy as np

from backend.prior.answers import Asked, answer
from backend.prior.network.weights import TrainedPrior
from backend.prior.state.take import Damaged, Take

UNPOLISHED = Asked(polish=False)


def refined(prior: TrainedPrior, damaged: Damaged, asked: Asked = UNPOLISHED) -> Take:
    """What the prior makes of a damaged take. One of which only every n-th frame is there goes in as the slower clip that it is."""
    frames, fps = damaged.take.n_frames, damaged.take.fps
    found = answer(slower(damaged), prior.network, asked, fps=fps, frames=frames)
    return replace(found.take, fps=fps)


def slower(damaged: Damaged) -> Damaged:
    """The known frames alone, at their own rate, where they are every n-th from the first on; else the same."""
    known = np.flatnonzero((damaged.trust > 0.0).any(axis=1) | (damaged.root_trust > 0.0))
    if len(known) < 2 or known[0] != 0 or known[1] == 1:
        return damaged
    step = int(known[1])
    if not np.array_equal(known, np.arange(0, damaged.take.n_frames, step)):
        return damaged
    take = damaged.take
    points = None if take.points is None else take.points[known]
    part = replace(take, fps=take.fps / step, rotations=take.rotations[known], root=take.root[known], points=points)
    return Damaged(part, damaged.trust[known], damaged.root_trust[known], damaged.pinned[known], damaged.root_pinned[known])
