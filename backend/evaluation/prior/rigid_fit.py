"""The rival for objects: points turned as one rigid thing (Kabsch), the centre flying, sliding or resting piece by piece.

The network sees the same fit among its candidates; alone it shows what mechanics gives without anything learned.
"""

from dataclasses import replace

from backend.prior.state.object_candidates import fitted
from backend.prior.state.observe import observed, take_of
from backend.prior.state.take import Damaged, Take

RIGID = "rigid and ballistic"


def rigid_and_ballistic(damaged: Damaged) -> Take:
    """The fit of an object that was seen; pinned and all other frames alike come out as mechanics has them."""
    seen = observed([damaged])
    fit = fitted(seen)
    return take_of(replace(seen.motions, root=fit.root, points=fit.points), 0, damaged.take)
