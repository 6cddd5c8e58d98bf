"""What mechanics alone makes of an object: its path in pieces that fly, slide, rest or are moved, its points as one rigid thing.

Pieces are found by dynamic programming: each piece costs what its least-squares fit leaves, in units of the noise, and a price for
each of its parameters. The noise is told by the second differences. Everything follows the observation when that is moved over the
floor or turned about the vertical; nothing of it is differentiated (pieces are chosen, not weighed).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from backend.prior.state.filters import gaussian
from backend.prior.state.motions import Observed
from backend.prior.state.rotation6d import from6d, to6d
from backend.prior.state.take import FPS

_GRAVITY = 9.81
_WINDOW, _STRIDE = 64, 32
_PRICE = 5.0  # of a parameter, in squares of the noise
_LEAST_NOISE = 0.002  # metres
_SHORTEST = 3  # frames
# Degrees of the fitted polynomials along the floor and in height; flight is a straight line in both after gravity is taken away.
_REST, _FLY, _SLIDE, _MOVED = range(4)
_DEGREES = {_REST: (0, 0), _FLY: (1, 1), _SLIDE: (2, 0), _MOVED: (2, 2)}


@dataclass(frozen=True, eq=False)
class Fit:
    """root: the fitted path, metres. points: the rigid points, minus the root. off: metres by which nearby places miss the path (rms)."""

    root: Float[Tensor, "b t 3"]
    points: Float[Tensor, "b t 21 3"]
    off: Float[Tensor, "b t"]


@torch.no_grad()
def fitted(observed: Observed) -> Fit:
    """The fit of a batch of objects; ``motions.points`` must be there. Missing places count as little as their trust."""
    motions = observed.motions
    assert motions.points is not None, "only objects have points"
    weight = observed.valid * (observed.root_trust + 1e-3)
    root = path(motions.root, weight)
    miss = (root - motions.root).square().sum(-1)
    off = gaussian(miss, 4.0, weight).clamp_min(0.0).sqrt()
    return Fit(root, rigid(motions.points, weight), off)


def path(places: Float[Tensor, "b t 3"], weight: Float[Tensor, "b t"]) -> Float[Tensor, "b t 3"]:
    """The piecewise path nearest to ``places``, metres, y up; long clips in windows that fade into each other."""
    frames = places.shape[1]
    if frames <= _WINDOW:
        return _in_pieces(places, weight)
    starts = [*range(0, frames - _WINDOW, _STRIDE), frames - _WINDOW]
    fade = (torch.arange(_WINDOW, dtype=places.dtype, device=places.device) + 0.5 - _WINDOW / 2).abs()
    fade = (1.0 - fade / (_WINDOW / 2))[:, None]
    total, count = torch.zeros_like(places), torch.zeros_like(places[:, :, :1])
    for start in starts:
        part = slice(start, start + _WINDOW)
        total[:, part] += fade * _in_pieces(places[:, part], weight[:, part])
        count[:, part] += fade
    return total / count


def rigid(points: Float[Tensor, "b t n 3"], weight: Float[Tensor, "b t"]) -> Float[Tensor, "b t n 3"]:
    """Points about the centre as one thing that turns (Kabsch 1976), its turning smoothed a little; metres."""
    shape = (points * weight[..., None, None]).sum(1) / weight.sum(1).clamp_min(1e-9)[:, None, None]
    turn = torch.eye(3, dtype=points.dtype, device=points.device).expand(*points.shape[:2], 3, 3)
    for _ in range(3):
        turn = _kabsch(shape, points)
        shape = ((points @ turn) * weight[..., None, None]).sum(1) / weight.sum(1).clamp_min(1e-9)[:, None, None]
    turn = from6d(gaussian(to6d(turn), 2.0, weight))
    return shape[:, None] @ turn.mT


def _kabsch(shape: Float[Tensor, "b n 3"], points: Float[Tensor, "b t n 3"]) -> Float[Tensor, "b t 3 3"]:
    """R_world_shape of each frame. The points of one view lie in a plane: what leaves it is left unturned."""
    u, _, vt = torch.linalg.svd((points.mT @ shape[:, None]).double())
    sign = torch.ones_like(u[..., 0])
    sign[..., 2] = torch.linalg.det(u @ vt).sign()
    return ((u * sign[..., None, :]) @ vt).to(points.dtype)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over frames before each one, so that any piece's are a difference. time: ``(5, b, t + 1)`` of the powers of seconds. place:
    ``(3, b, t + 1, 4)`` of powers times x, height, z and height without gravity. square: ``(b, t + 1, 4)``."""

    time: Tensor
    place: Tensor
    square: Tensor


@dataclass(frozen=True, eq=False)
class _Lines:
    """Least squares on pieces by orthogonal polynomials. coefficients: ``(3, ..., 4)`` of 1, of time about its mean, and of its square
    without its projection on both. left: ``(3, ..., 4)`` squares left by fits of degree 0, 1 and 2. mean, tilt, level: of the
    polynomials themselves."""

    coefficients: Tensor
    left: Tensor
    mean: Tensor
    tilt: Tensor
    level: Tensor

    def at(self, time: Tensor, degree: int) -> Tensor:
        """``(..., 4)`` the fits' values at ``time`` ``(...)``, seconds."""
        first = time - self.mean
        second = time**2 - self.level - self.tilt * first
        powers = (torch.ones_like(time), first, second)[: degree + 1]
        return torch.stack([power[..., None] * part for power, part in zip(powers, self.coefficients, strict=False)]).sum(0)


def _in_pieces(places: Tensor, weight: Tensor) -> Tensor:
    frames = places.shape[1]
    if frames < 2 * _SHORTEST:
        return places
    values, weights = places.double(), weight.double()
    centre = (values * weights[..., None]).sum(1, keepdim=True) / weights.sum(1).clamp_min(1e-9)[:, None, None]
    time = (torch.arange(frames, dtype=torch.float64, device=places.device) - 0.5 * frames) / FPS
    sums = _sums(values - centre, weights, time)
    first, last = torch.triu_indices(frames, frames, _SHORTEST - 1, device=places.device)
    lines = _lines(sums, first.expand(len(values), -1), last.expand(len(values), -1) + 1)
    cost, model = _costs(lines, _noise(values, weights))
    table = cost.new_full((len(values), frames, frames), torch.inf)
    table[:, first, last] = cost
    models = torch.zeros(table.shape, dtype=torch.long, device=places.device)
    models[:, first, last] = model
    start, stop = _pieces(table)
    chosen = models.flatten(1).gather(1, start * frames + stop - 1)
    return (_values(_lines(sums, start, stop), time, chosen) + centre).to(places.dtype)


def _sums(places: Tensor, weight: Tensor, time: Tensor) -> _Sums:
    falling = places[..., 1] + 0.5 * _GRAVITY * time**2
    four = torch.cat([places, falling[..., None]], -1)
    powers = torch.stack([weight * time**power for power in range(5)])

    def before(values: Tensor, axis: int) -> Tensor:
        total = values.cumsum(axis)
        return torch.cat([torch.zeros_like(total.narrow(axis, 0, 1)), total], axis)

    return _Sums(before(powers, 2), before(powers[:3, ..., None] * four, 2), before(weight[..., None] * four**2, 1))


def _lines(sums: _Sums, start: Int[Tensor, "b p"], stop: Int[Tensor, "b p"]) -> _Lines:
    """The fits of the pieces of frames ``start`` to before ``stop``."""

    def over(values: Tensor) -> Tensor:
        index = torch.stack([start, stop]).reshape(2, *start.shape, *([1] * (values.ndim - 2))).expand(-1, -1, -1, *values.shape[2:])
        return values.gather(1, index[1]) - values.gather(1, index[0])

    s0, s1, s2, s3, s4 = (over(part) for part in sums.time)
    y0, y1, y2 = (over(part) for part in sums.place)
    n = s0.clamp_min(1e-9)
    mean, level = s1 / n, s2 / n
    spread = (s2 - s1 * mean).clamp_min(1e-9)
    tilt = (s3 - s1 * level) / spread
    bend = (s4 - s2 * level - (s3 - s1 * level) * tilt).clamp_min(1e-12)
    along = y1 - mean[..., None] * y0
    across = y2 - level[..., None] * y0 - tilt[..., None] * along
    left0 = (over(sums.square) - y0**2 / n[..., None]).clamp_min(0.0)
    left1 = (left0 - along**2 / spread[..., None]).clamp_min(0.0)
    left2 = (left1 - across**2 / bend[..., None]).clamp_min(0.0)
    coefficients = torch.stack([y0 / n[..., None], along / spread[..., None], across / bend[..., None]])
    return _Lines(coefficients, torch.stack([left0, left1, left2]), mean, tilt, level)


def _noise(places: Tensor, weight: Tensor) -> Float[Tensor, " b"]:
    """Standard deviation along an axis, metres, from the median second difference: bounces and kicks are few."""
    second = (places[:, 2:] - 2.0 * places[:, 1:-1] + places[:, :-2]).abs()
    seen = (weight[:, 2:] > 0.1) & (weight[:, 1:-1] > 0.1) & (weight[:, :-2] > 0.1)
    level = torch.where(seen[..., None], second, torch.nan).flatten(1).nanmedian(1).values
    return torch.nan_to_num(level, nan=_LEAST_NOISE) / (0.6745 * 6.0**0.5) + _LEAST_NOISE


def _costs(lines: _Lines, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Each piece's least cost, and what it then does."""
    costs = []
    for model, (flat, up) in _DEGREES.items():
        height = lines.left[up, ..., 3 if model == _FLY else 1]
        left = lines.left[flat, ..., 0] + lines.left[flat, ..., 2] + height
        costs.append(left / noise[:, None] ** 2 + _PRICE * (2 * flat + up + 3))
    return torch.stack(costs).min(0)


def _pieces(cost: Float[Tensor, "b t t"]) -> tuple[Int[Tensor, "b t"], Int[Tensor, "b t"]]:
    """Each frame's piece of the cheapest row of pieces: its first frame and the one after its last."""
    count, frames = cost.shape[:2]
    best = cost.new_zeros(count, frames + 1)
    came = torch.zeros(count, frames + 1, dtype=torch.long, device=cost.device)
    for stop in range(1, frames + 1):
        best[:, stop], came[:, stop] = (best[:, :stop] + cost[:, :stop, stop - 1]).min(1)
    start, stop = torch.zeros(count, frames, dtype=torch.long), torch.zeros(count, frames, dtype=torch.long)
    end = torch.full((count,), frames)
    for frame in range(frames - 1, -1, -1):
        start[:, frame], stop[:, frame] = came.gather(1, end[:, None])[:, 0], end
        end = torch.where(start[:, frame] == frame, start[:, frame], end)
    return start, stop


def _values(lines: _Lines, time: Tensor, model: Int[Tensor, "b t"]) -> Float[Tensor, "b t 3"]:
    """The path: at each frame the value of its piece."""
    time = time.expand(model.shape)
    result = torch.zeros(*model.shape, 3, dtype=time.dtype)
    for number, (flat, up) in _DEGREES.items():
        along, height = lines.at(time, flat), lines.at(time, up)
        up_value = height[..., 3] - 0.5 * _GRAVITY * time**2 if number == _FLY else height[..., 1]
        result = torch.where((model == number)[..., None], torch.stack([along[..., 0], up_value, along[..., 2]], -1), result)
    return result
