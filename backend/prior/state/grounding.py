"""A whole motion that floats, sinks or drifts, put back on the floor by the feet that stand.

Feet that stand are slow and at one height over the floor. Where nearly all of a clip's slow, low feet agree on another height, the clip
floats; where they agree on one velocity along the floor, it drifts, as a lifter's depth does. Both are measured, not learned; clips
where the feet do not agree (noise, crawling, running with few slow frames) stay as they are.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from backend.prior.state.filters import change, gaussian
from backend.prior.state.forward import posed, touch_places
from backend.prior.state.motions import Observed
from backend.prior.state.skeletons import parents_of, touches_of
from backend.prior.state.take import Kind

_SIGMA = 1.0  # frames
_SEEN = 0.3  # trust of all that carries a foot: a leg that was filled stands anywhere
_LEVEL = 0.004  # metres a frame: faster up or down is no standing
_NEAR_LOWEST = 0.03  # metres over the lowest of the feet
_SOLE = 0.023  # metres from the joint of a person's toes down to the floor
_FLOATS, _MOST = 0.035, 0.3  # metres: less is the motion's own, more is no floor
_AGREE = 0.03  # metres between the quartiles of the heights
_DRIFTS, _FASTEST = 0.005, 0.015  # metres a frame: 0.15 to 0.45 m/s
_SAME = 0.003  # metres a frame: velocities so near are one
_SHARE, _FEWEST = 0.3, 8  # of the standing feet that have one velocity, and frames in which they do
_TREADMILL = 0.3  # of the drifted way: who gets less far in spite of it walks on a belt
_MOST_FEET = 400  # velocities are compared pair by pair


@dataclass(frozen=True, eq=False)
class _Feet:
    """Standing feet of one clip: heights ``(n,)``, velocities along the floor ``(n, 2)`` metres a frame, frames ``(n,)``."""

    heights: Tensor
    velocities: Tensor
    frames: Tensor


def grounded(observed: Observed) -> Observed:
    """The same with floating and drifting clips put right; the same object where there is none. Clips with pinned places stay."""
    motions = observed.motions
    if motions.kind == "object" or motions.root.shape[1] < _FEWEST:
        return observed
    root = motions.root.detach()
    with torch.no_grad():
        shift = torch.zeros_like(root)
        seen = torch.stack([observed.trust[:, :, chain].amin(-1) for chain in _chains(motions.kind)], -1) > _SEEN
        places = gaussian(touch_places(motions, *posed(motions)), _SIGMA, observed.valid.to(root.dtype))
        for clip in torch.nonzero(~observed.root_pinned.any(1))[:, 0].tolist():
            count = int(observed.valid[clip].sum())
            feet = _standing(places[clip, :count], seen[clip, :count])
            if motions.kind == "human":
                shift[clip, :, 1] = -_height_off(feet)
            drift = _drift(feet, root[clip, count - 1, [0, 2]] - root[clip, 0, [0, 2]], count)
            shift[clip][:, [0, 2]] = -drift * torch.arange(root.shape[1], dtype=root.dtype, device=root.device)[:, None]
    if not shift.any():
        return observed
    return replace(observed, motions=replace(motions, root=motions.root + shift))


def _chains(kind: Kind) -> list[list[int]]:
    """For each foot the joints that carry it, itself first."""
    parents, chains = parents_of(kind), []
    for touch in touches_of(kind):
        chain = [touch.joint]
        while parents[chain[-1]] >= 0:
            chain.append(parents[chain[-1]])
        chains.append(chain)
    return chains


def _standing(places: Float[Tensor, "t 4 3"], seen: Bool[Tensor, "t 4"]) -> _Feet:
    velocity = change(places[None])[0]
    height = places[..., 1]
    stands = seen & (velocity[..., 1].abs() < _LEVEL) & (height < height.amin(1, keepdim=True) + _NEAR_LOWEST)
    return _Feet(height[stands], velocity[stands][:, [0, 2]], torch.nonzero(stands)[:, 0])


def _height_off(feet: _Feet) -> Float[Tensor, ""]:
    """Metres by which the clip floats; negative where it sinks; 0 where the feet do not agree."""
    if len(feet.heights) < _FEWEST:
        return feet.heights.new_zeros(())
    low, middle, high = feet.heights.quantile(feet.heights.new_tensor([0.25, 0.5, 0.75]))
    off = middle - _SOLE
    return off if high - low < _AGREE and _FLOATS < float(off.abs()) < _MOST else torch.zeros_like(off)


def _drift(feet: _Feet, way: Float[Tensor, " 2"], frames: int) -> Float[Tensor, " 2"]:
    """The velocity that most standing feet share, metres a frame; 0 where it is slow, rare, or that of a treadmill's belt."""
    none = torch.zeros_like(way)
    if len(feet.velocities) < _FEWEST:
        return none
    some = torch.linspace(0, len(feet.velocities) - 1, min(len(feet.velocities), _MOST_FEET)).long()
    velocity, at = feet.velocities[some], feet.frames[some]
    shared = velocity[(torch.cdist(velocity, velocity) < _SAME).sum(1).argmax()]
    near = (velocity - shared).norm(dim=-1) < _SAME
    for _ in range(3):
        shared = velocity[near].mean(0) if near.any() else none
        near = (velocity - shared).norm(dim=-1) < _SAME
    speed = float(shared.norm())
    agreed = float(near.float().mean()) >= _SHARE and len(at[near].unique()) >= _FEWEST
    belt = float(way.norm()) < _TREADMILL * speed * frames
    return shared if agreed and _DRIFTS < speed < _FASTEST and not belt else none
