"""A quick look at how a prior in training does on held-out windows, beside the best Gaussian filter: not the protocol, but its shape.

The noise is drawn once, from a seed of the row, so that one look can be compared with the next.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from backend.prior.network.transformer import Prior
from backend.prior.state.filters import gaussian
from backend.prior.state.motions import Motions, Observed, Predicted, Told
from backend.prior.state.observe import observed
from backend.prior.state.rotation6d import from6d, to6d
from backend.prior.state.take import FPS, Kind, Take
from backend.training.prior.corruption import Recipe, corrupted
from backend.training.prior.distribution import windows_of
from backend.training.prior.look_rows import ROWS
from backend.training.prior.losses import Seen, seen_of, standing_of
from backend.training.prior.variation import cut, stacked

WINDOWS = 16  # of each kind and row
_SIGMAS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # frames
_ENDS = {"human": (7, 8, 10, 11, 20, 21), "animal": (10, 14, 20, 24), "object": (0,)}


@dataclass(frozen=True)
class Row:
    """Means over windows. ours, filtered, given: joints' error relative to the root, mm, of the prior, of the filter that is best on this
    row, and of the input. world, world_filtered: the error without taking the root away (of an object, of its points). peak: 99th
    percentile speed of hands and feet over the clean one's; acceleration: error in m/s², of the prior and of that filter. slide: mm a
    frame of standing feet, and the clean motion's.
    """

    name: str
    ours: float
    filtered: float
    given: float
    world: float
    world_filtered: float
    peak: float
    acceleration: float
    acceleration_filtered: float
    slide: float
    slide_clean: float

    def values(self) -> dict[str, float]:
        return {name: value for name, value in asdict(self).items() if name != "name"}


@dataclass(frozen=True, eq=False)
class _Case:
    name: str
    seen: Observed
    clean: Motions
    filtered: Seen


class Looks:
    """The cases, made once; calling it with a network measures it on all of them."""

    def __init__(self, takes: Sequence[Take], frames: int, windows: int = WINDOWS) -> None:
        self.cases = [case for kind, name, recipe in ROWS for case in _cases(_chosen(takes, kind, frames, windows), kind, name, recipe)]

    @torch.no_grad()
    def __call__(self, net: Prior) -> list[Row]:
        return [_row(case, net(case.seen, _auto(case.seen))) for case in self.cases]


def table(rows: Sequence[Row]) -> str:
    """Rows as text."""
    lines = [
        f"{'':16}{'ours':>7}{'filter':>7}{'ratio':>7}{'input':>7} |{'world':>7}{'filter':>7} |{'peak':>6} |{'accel':>7}{'filter':>7} |{'slide':>6}{'clean':>6}"
    ]
    for row in rows:
        ratio = row.ours / max(row.filtered, 1e-6)
        lines.append(
            f"{row.name:16}{row.ours:7.1f}{row.filtered:7.1f}{ratio:7.2f}{row.given:7.1f} |{row.world:7.1f}{row.world_filtered:7.1f} |{row.peak:6.2f} |"
            f"{row.acceleration:7.2f}{row.acceleration_filtered:7.2f} |{row.slide:6.1f}{row.slide_clean:6.1f}"
        )
    return "\n".join(lines)


def _auto(seen: Observed) -> Told:
    count = len(seen.trust)
    return Told(torch.full((count,), float("nan")), torch.zeros(count, 6, dtype=torch.long))


def _chosen(takes: Sequence[Take], kind: Kind, frames: int, count: int) -> list[Take]:
    """Windows spread evenly over the takes of a kind."""
    parts = [(take, part) for take in takes if take.kind == kind for part in windows_of(take, frames) if part.stop - part.start == frames]
    places = np.unique(np.linspace(0, max(len(parts) - 1, 0), count).round().astype(int)) if parts else []
    return [cut(*parts[place]) for place in places]


def _cases(takes: list[Take], kind: Kind, name: str, recipe: Recipe) -> list[_Case]:
    if not takes:
        return []
    rng = np.random.default_rng(crc32(f"{kind} {name}".encode()))
    damaged = [corrupted(take, rng, recipe) for take in takes]
    seen, clean = observed(damaged), stacked(takes)
    wanted = seen_of(clean)
    candidates = [seen_of(_filtered(seen, sigma)) for sigma in _SIGMAS] + [seen_of(seen.motions)]
    best = min(candidates, key=lambda found: _inner(found, wanted))
    return [_Case(f"{kind[:2]} {name}", seen, clean, best)]


def _filtered(seen: Observed, sigma: float) -> Motions:
    motions = seen.motions
    weight = seen.trust + 0.02
    root = gaussian(motions.root, sigma, seen.root_trust + 0.02)
    points = None if motions.points is None else gaussian(motions.points, sigma, seen.root_trust + 0.02)
    return replace(motions, rotations=from6d(gaussian(to6d(motions.rotations), sigma, weight)), root=root, points=points)


def _row(case: _Case, predicted: Predicted) -> Row:
    wanted, ours, given = seen_of(case.clean), seen_of(predicted.motions), seen_of(case.seen.motions)
    kind = case.clean.kind
    standing = standing_of(wanted, kind)
    return Row(
        case.name, _inner(ours, wanted), _inner(case.filtered, wanted), _inner(given, wanted),
        _outer(ours, wanted), _outer(case.filtered, wanted), _fastest(ours, kind) / _fastest(wanted, kind),
        _bumps(ours, wanted), _bumps(case.filtered, wanted), _slide(ours, standing), _slide(wanted, standing),
    )  # fmt: skip


def _inner(ours: Seen, wanted: Seen) -> float:
    """mm, the root's place taken away."""
    apart = ours.points - wanted.points
    return 1e3 * float((apart - apart[:, :, :1]).norm(dim=-1).mean())


def _outer(ours: Seen, wanted: Seen) -> float:
    return 1e3 * float((ours.points - wanted.points).norm(dim=-1).mean())


def _fastest(seen: Seen, kind: Kind) -> float:
    speed: Float[Tensor, "b t p"] = seen.points[:, :, list(_ENDS[kind])].diff(dim=1).norm(dim=-1) * FPS
    return float(torch.quantile(speed.flatten(1), 0.99, dim=1).mean())


def _bumps(ours: Seen, wanted: Seen) -> float:
    return float((ours.points - wanted.points).diff(dim=1).diff(dim=1).norm(dim=-1).mean()) * FPS**2


def _slide(seen: Seen, standing: Tensor) -> float:
    stays = standing[:, 1:] & standing[:, :-1]
    moved = seen.touches[..., [0, 2]].diff(dim=1).norm(dim=-1)
    return 1e3 * float(moved[stays].mean()) if bool(stays.any()) else 0.0
