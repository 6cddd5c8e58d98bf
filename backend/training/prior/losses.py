"""What the motion prior is trained for: the paper's error of the state, and what makes a motion look physical.

The paper (arXiv 2504.21855, section 3.2) has the mean square error of the predicted state alone. The others follow SmoothNet
(arXiv 2112.13715: places and accelerations), RoHM (arXiv 2401.08570: joints through the body, skating) and WHAM (arXiv 2312.07531: contacts).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from backend.prior.state import forward
from backend.prior.state.motions import Motions, Predicted
from backend.prior.state.take import FPS, Kind
from backend.training.prior.config import LossConfig

LOW, SLOW = 0.07, 0.15  # metres (5 cm, and 2 cm of sole under a toe joint) and metres a second: a foot that stands
_SHORT = 1e-4  # metres; distances are rounded off there, so that their gradients stay finite
_ENDS: dict[Kind, tuple[int, ...]] = {"human": (10, 11, 20, 21), "animal": (10, 14, 20, 24, 16), "object": (0,)}
_FASTEST = 3  # frames of a window that stand for the 99th percentile
_STILL = 0.1  # metres a second added to speeds before their ratio is taken


@dataclass(frozen=True, eq=False)
class Limits:
    """How far joints turned in the training motions. middle: ``(j, 3, 3)``, reach: ``(j,)`` cosine of the widest angle from it."""

    middle: Float[Tensor, "j 3 3"]
    reach: Float[Tensor, " j"]


@dataclass(frozen=True, eq=False)
class Seen:
    """What the losses look at. points: joints, or an object's centre and points, metres in the world. touches: where feet stand."""

    points: Float[Tensor, "b t p 3"]
    touches: Float[Tensor, "b t 4 3"]


@dataclass(frozen=True, eq=False)
class Pair:
    """A prediction beside the clean motion."""

    predicted: Predicted
    clean: Motions
    seen: Seen
    wanted: Seen
    standing: Bool[Tensor, "b t 4"]
    valid: Bool[Tensor, "b t"]
    limits: Limits | None = None


def paired(predicted: Predicted, clean: Motions, valid: Bool[Tensor, "b t"], limits: Limits | None = None) -> Pair:
    """Forward kinematics of both, once for all losses."""
    wanted = seen_of(clean)
    return Pair(predicted, clean, seen_of(predicted.motions), wanted, standing_of(wanted, clean.kind), valid, limits)


def total(pair: Pair, config: LossConfig) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum, and each part before its weight; parts whose weight is 0 are not computed."""
    weights: Mapping[str, float] = asdict(config)
    parts = {name: loss(pair) for name, loss in LOSSES.items() if weights[name] > 0.0}
    weighted = [weights[name] * part for name, part in parts.items()]
    summed = torch.stack(weighted).sum() if weighted else pair.seen.points.sum() * 0.0
    return summed, {name: float(part.detach()) for name, part in parts.items()}


def seen_of(motions: Motions) -> Seen:
    """Joints and touching points of bodies; of objects centre and points, and the lowest of them four times."""
    if motions.points is not None:
        points = torch.cat([motions.root[:, :, None], motions.root[:, :, None] + motions.points], 2)
        lowest = points[..., 1].argmin(2)[:, :, None, None].expand(-1, -1, 4, 3)
        return Seen(points, points.gather(2, lowest))
    world, joints = forward.posed(motions)
    return Seen(joints, forward.touch_places(motions, world, joints))


def standing_of(seen: Seen, kind: Kind) -> Bool[Tensor, "b t 4"]:
    """Which touching points are low and, on the way to the next frame or from the one before, slow. A box only needs to be low."""
    low = seen.touches[..., 1] < LOW
    if kind == "object" or seen.touches.shape[1] < 2:
        return low
    slow = seen.touches.diff(dim=1).norm(dim=-1) * FPS < SLOW
    return low & (torch.cat([slow, slow[:, -1:]], 1) | torch.cat([slow[:, :1], slow], 1))


def state(pair: Pair) -> Tensor:
    """Mean square of the first two columns of all rotations, and of the root in metres (the paper's loss)."""
    ours, theirs = pair.predicted.motions, pair.clean
    if ours.points is not None and theirs.points is not None:
        turned = (ours.points - theirs.points).square().flatten(2).mean(-1)
    else:
        turned = (ours.rotations - theirs.rotations)[..., :2].square().flatten(2).mean(-1)
    return _mean(turned + (ours.root - theirs.root).square().mean(-1), pair.valid)


def places(pair: Pair) -> Tensor:
    """Distance of joints in metres, relative to the root."""
    apart = pair.seen.points - pair.wanted.points
    return _mean(_length(apart[:, :, 1:] - apart[:, :, :1]).mean(-1), pair.valid)


def world(pair: Pair) -> Tensor:
    """The same without taking the root away."""
    return _mean(_length(pair.seen.points - pair.wanted.points).mean(-1), pair.valid)


def velocity(pair: Pair) -> Tensor:
    """Distance of joints' steps, metres a frame."""
    return _mean(_length((pair.seen.points - pair.wanted.points).diff(dim=1)).mean(-1), _steps(pair.valid))


def acceleration(pair: Pair) -> Tensor:
    """Distance of joints' changes of step, metres a frame²."""
    apart = (pair.seen.points - pair.wanted.points).diff(dim=1).diff(dim=1)
    return _mean(_length(apart).mean(-1), _steps(_steps(pair.valid)))


def contact(pair: Pair) -> Tensor:
    """Cross entropy of the contact logits."""
    count = 1 if pair.clean.kind == "object" else 4
    logits, standing = pair.predicted.contacts[..., :count], pair.standing[..., :count]
    apart = functional.binary_cross_entropy_with_logits(logits, standing.to(logits.dtype), reduction="none")
    return _mean(apart.mean(-1), pair.valid)


def slide(pair: Pair) -> Tensor:
    """Steps along the floor of feet that stand, beyond the clean motion's, metres a frame."""
    if pair.clean.kind == "object":
        return pair.seen.points.new_zeros(())
    stand = pair.standing[:, 1:] & pair.standing[:, :-1] & _steps(pair.valid)[..., None]
    apart = (pair.seen.touches - pair.wanted.touches)[..., [0, 2]].diff(dim=1)
    return _mean(_length(apart), stand)


def floor(pair: Pair) -> Tensor:
    """Metres by which feet are under the floor (or deeper than the clean motion's), and off it where they stand."""
    height, right = pair.seen.touches[..., 1], pair.wanted.touches[..., 1]
    sunk = (right.clamp_max(0.02) - height).clamp_min(0.0)
    return _mean(sunk.mean(-1), pair.valid) + _mean((height - right).abs(), pair.standing & pair.valid[..., None])


def limits(pair: Pair) -> Tensor:
    """How much further than in any training motion joints are bent, as a difference of cosines."""
    if pair.limits is None or pair.clean.kind == "object":
        return pair.seen.points.new_zeros(())
    rotations = pair.predicted.motions.rotations[:, :, 1:]
    cosine = 0.5 * ((rotations * pair.limits.middle[1:]).sum((-1, -2)) - 1.0)
    return _mean((pair.limits.reach[1:] - cosine).clamp_min(0.0).mean(-1), pair.valid)


def peak(pair: Pair) -> Tensor:
    """Absolute logarithm of the ratio of the highest speeds of hands and feet (an object's centre)."""
    ends = list(_ENDS[pair.clean.kind])
    steps = _steps(pair.valid)[..., None]
    count = min(_FASTEST, steps.shape[1])

    def fastest(points: Tensor) -> Tensor:
        speed = _length(points[:, :, ends].diff(dim=1)) * FPS * steps
        return speed.topk(count, dim=1).values.mean(1) + _STILL

    return (fastest(pair.seen.points) / fastest(pair.wanted.points)).log().abs().mean()


LOSSES: dict[str, Callable[[Pair], Tensor]] = {
    loss.__name__: loss for loss in (state, places, world, velocity, acceleration, contact, slide, floor, limits, peak)
}


def _length(vectors: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n"]:
    """Of vectors, rounded off at 0."""
    return (vectors.square().sum(-1) + _SHORT**2).sqrt() - _SHORT


def _mean(values: Float[Tensor, "*n"], valid: Bool[Tensor, "*n"]) -> Tensor:
    """Over what is valid; 0 where nothing is."""
    return (values * valid).sum() / valid.sum().clamp_min(1)


def _steps(valid: Bool[Tensor, "b t"]) -> Bool[Tensor, "b s"]:
    return valid[:, 1:] & valid[:, :-1]
