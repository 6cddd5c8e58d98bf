"""What the network sees of each frame: everything in the frame's own heading, so that neither place nor direction matters.

Metres, radians and frames are scaled so that usual values are of order one.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.prior.state import filters
from backend.prior.state.filters import change
from backend.prior.state.forward import posed, touch_places
from backend.prior.state.heading import heading_of, inward, yaw_rate
from backend.prior.state.motions import Motions, Observed
from backend.prior.state.object_candidates import Fit, fitted
from backend.prior.state.rotation6d import from6d, to6d
from backend.prior.state.shares import PATHS, TURNS, doubt, logarithms, spacing
from backend.prior.state.take import KINDS, N_JOINTS, Kind

_N_POINTS = 21
_STILL = 1e-5  # rad²: steps below are as good as none

SIZE: dict[Kind, int] = {kind: 9 * _N_POINTS + 33 if kind == "object" else 28 * N_JOINTS[kind] + 46 for kind in KINDS}


@dataclass(frozen=True, eq=False)
class Seen:
    """What ``features`` and ``decoded`` both need of the observation, computed once.

    heading: R_world_heading. turns: the rotations' six numbers, taken apart by speed. path: the same of the root's place, the floor's
    two axes in the first entry of its third axis, the height in the second (each padded to two numbers). points, mechanics: only of objects.
    turn_doubt, path_doubt: how far each can be noise (``shares.doubt``). every: see
    ``shares.spacing``.
    """

    heading: Float[Tensor, "b t 3 3"]
    turns: filters.Bands
    path: filters.Bands
    points: filters.Bands | None
    mechanics: Fit | None
    turn_doubt: Float[Tensor, "b t j"]
    path_doubt: Float[Tensor, "b t 2"]
    every: Float[Tensor, " b"]


def seen(observed: Observed) -> Seen:
    """Filters and heading; pure, differentiable."""
    motions, valid = observed.motions, observed.valid.to(observed.trust.dtype)
    trust = valid[..., None] * (observed.trust + 0.02 + 4.0 * observed.pinned)
    root_trust = valid * (observed.root_trust + 0.02 + 4.0 * observed.root_pinned)
    flat, height = motions.root[..., [0, 2]], motions.root[..., [1, 1]] * motions.root.new_tensor([1.0, 0.0])
    points = None if motions.points is None else filters.bands(motions.points, root_trust[..., None].expand(-1, -1, _N_POINTS).contiguous())
    mechanics = None if motions.points is None else fitted(observed)
    sure, root_sure = observed.trust * valid[..., None], (observed.root_trust * valid)[..., None].expand(-1, -1, 2)
    turns, places = to6d(motions.rotations), torch.stack([flat, height], 2)
    every = spacing(observed.away, valid)
    path = filters.bands(places, root_trust[..., None].expand(-1, -1, 2).contiguous())
    return Seen(
        heading_of(observed),
        filters.bands(turns, trust),
        path,
        points,
        mechanics,
        doubt(turns, sure, True, every),
        doubt(places, root_sure, False, every),
        every,
    )


def features(observed: Observed, known: Seen | None = None) -> Float[Tensor, "b t f"]:
    """``SIZE[kind]`` numbers a frame; the same for a clip moved over the floor or turned about the vertical."""
    known = seen(observed) if known is None else known
    parts = [
        *(_poses(observed.motions, known) if known.mechanics is None else _objects(known, known.mechanics)),
        *_paths(observed, known),
        *_trusts(observed),
    ]
    return torch.cat([part.flatten(2) for part in parts], -1) * observed.valid[..., None]


def _poses(motions: Motions, known: Seen) -> list[Tensor]:
    """Rotations raw and lightly filtered (the root's without heading), places, velocities, speeds of change, energies."""
    smooth = known.turns.levels[2]
    upright = [to6d(known.heading.mT @ matrix) for matrix in (motions.rotations[:, :, 0], from6d(smooth[:, :, 0]))]
    world, places = posed(motions)
    touches = touch_places(motions, world, places)
    ground = motions.root * motions.root.new_tensor([1.0, 0.0, 1.0])
    around = inward(known.heading, torch.cat([places, touches], 2) - ground[:, :, None])
    moving = inward(known.heading, change(torch.cat([places - ground[:, :, None], touches], 2)))
    joints, rest = places.shape[2], motions.root.new_tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    lowest = around[..., 1].amin(-1, keepdim=True)
    jumps = torch.log(change(to6d(motions.rotations)).square().sum(-1) + _STILL) / 2.0 + 3.0
    energies = logarithms(known.turns, TURNS) / 2.0 + 4.0
    return [
        3.0 * upright[0],
        3.0 * upright[1],
        3.0 * (to6d(motions.rotations[:, :, 1:]) - rest),
        3.0 * (smooth[:, :, 1:] - rest),
        3.0 * around[:, :, :joints],
        6.0 * around[:, :, joints:, 1],
        6.0 * lowest,
        6.0 * lowest.amin(1, keepdim=True).expand_as(lowest),
        12.0 * moving,
        jumps,
        energies,
        energies.mean(2),
        4.0 * motions.offsets[:, None].expand(-1, places.shape[1], -1, -1),
    ]


def _paths(observed: Observed, known: Seen) -> list[Tensor]:
    height = observed.motions.root[..., 1:2]
    result = [20.0 * yaw_rate(known.heading)[..., None], 3.0 * height, 3.0 * known.path.levels[2][:, :, 1, :1]]
    for number in (0, 1, 3):
        flat, up = known.path.levels[number][:, :, 0], known.path.levels[number][:, :, 1, :1]
        velocity = change(torch.stack([flat[..., 0], up[..., 0], flat[..., 1]], -1))
        result.append(20.0 * inward(known.heading, velocity))
    result.append(logarithms(known.path, PATHS) / 2.0 + 5.0)
    return result


def _trusts(observed: Observed) -> list[Tensor]:
    columns = [observed.root_trust, observed.root_pinned, observed.away * 10.0, observed.valid]
    return [
        observed.trust,
        observed.pinned.to(observed.trust.dtype),
        torch.stack([column.to(observed.trust.dtype) for column in columns], -1),
    ]


def _objects(known: Seen, fit: Fit) -> list[Tensor]:
    """Of an object: its points raw, smooth and as one rigid thing; how mechanics has its centre move. How its box is turned is not known."""
    assert known.points is not None
    smooth = known.path.levels[2]
    place = torch.stack([smooth[:, :, 0, 0], smooth[:, :, 1, 0], smooth[:, :, 0, 1]], -1)
    return [
        *(5.0 * inward(known.heading, points) for points in (known.points.levels[0], known.points.levels[2], fit.points)),
        20.0 * inward(known.heading, change(fit.root)),
        10.0 * inward(known.heading, fit.root - place),
        torch.log(fit.off + 1e-3)[..., None] / 2.0 + 2.0,
    ]
