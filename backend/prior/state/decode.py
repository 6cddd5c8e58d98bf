"""From the network's raw numbers to a motion: filters mixed joint by joint, small rotations on top, and the path solved from both.

All raw numbers 0 give the observation as a filter of its kind would leave it: clean motion nearly as it is, noise smoothed.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from backend.prior.state import filters
from backend.prior.state.features import Seen, seen
from backend.prior.state.forward import posed, touch_places
from backend.prior.state.heading import outward
from backend.prior.state.motions import Motions, Observed, Predicted
from backend.prior.state.object_candidates import Fit
from backend.prior.state.path import Accounts, fused
from backend.prior.state.rotation6d import from6d, small_rotation
from backend.prior.state.shares import PATHS, TURNS, shares
from backend.prior.state.take import FPS, KINDS, N_JOINTS, Kind

_N_POINTS = 21
_BANDS = filters.N_BANDS

_ROOT = 2 * _BANDS + 2 + 1 + 1 + 1 + 1 + 4
_OBJECT = _BANDS + 2 + 3 * _N_POINTS
SIZE: dict[Kind, int] = {kind: (_BANDS + 7) * N_JOINTS[kind] + _ROOT + (_OBJECT if kind == "object" else 0) for kind in KINDS}

_TURN = 0.6  # the six numbers' change that a raw 1 stands for
_LESS = 2.2  # power of the spacing of seen frames by which turns are smaller: few frames say less about what is wrong with them
_SPEED = 0.06  # metres a frame
_HEIGHT = 0.2  # metres
_POINT = 0.05  # metres
_LITTLE_RIGID = -1.0  # logit: outlines change as things turn
_STEADY = 1.5  # frames: what is changed beyond the filters changes slowly, so that it cannot bring back the jitter that they took away
_FEW_CONTACTS = -3.0  # logit: contacts must be claimed
_SETTLES = 14.0  # frames over which places outweigh velocities
_RIGID = 5.0  # logit of the drift's stiffness: ``grounding`` has taken out what can be measured; the rest must be claimed
_HOLDS = 4.0  # how much more than the network's velocity a foot in contact counts
_FLIES, _NEARLY = 0.8 / FPS, 0.15 / FPS  # metres a frame: a foot so fast does not stand; the width of the doubt
_PINNED = 100.0
_SURE = 6.0  # logits by which the gates are shut where nothing looks like noise
_FIRM = 7.0  # logarithm of how much more places count there: then only a drift can be wrong with them


@dataclass(frozen=True, eq=False)
class _Raw:
    """The raw numbers by meaning. wrong, astray: logits that a rotation and the path need more than a filter; shut, clean motion stays as it is."""

    shares: Float[Tensor, "b t j n"]
    turns: Float[Tensor, "b t j 6"]
    wrong: Float[Tensor, "b t j"]
    path_shares: Float[Tensor, "b t 2 n"]
    speed: Float[Tensor, "b t 2"]
    height: Float[Tensor, "b t"]
    astray: Float[Tensor, "b t"]
    holds: Float[Tensor, "b t"]
    drift: Float[Tensor, "b t"]
    contacts: Float[Tensor, "b t 4"]
    object: Float[Tensor, "b t p"]


def decoded(observed: Observed, raw: Float[Tensor, "b t o"], known: Seen | None = None) -> Predicted:
    """The motions that ``raw``, ``SIZE[kind]`` numbers a frame, makes of ``observed``; any number of frames, differentiable in both.

    Blend the raw numbers of overlapping windows, then decode the whole clip at once: the path has no seams then. Turning or moving the
    observation over the floor turns or moves the answer. Pins are near but not exact here (see ``backend.prior.pins``).
    """
    known = seen(observed) if known is None else known
    told = _split(raw.to(observed.motions.root.dtype), observed.motions.kind)
    valid = observed.valid.to(raw.dtype)
    rotations = _rotations(known, told, valid) if known.mechanics is None else observed.motions.rotations
    place = known.path.mixed(shares(known.path, PATHS, told.path_shares, known.path_doubt))
    sure = 1.0 - known.path_doubt[..., 0]
    astray = torch.sigmoid(told.astray - _SURE * sure)
    flat, height = place[:, :, 0], place[:, :, 1, 0] + filters.gaussian(_HEIGHT * astray * told.height, _STEADY, valid)
    root = torch.stack([flat[..., 0], height, flat[..., 1]], -1)
    motions = replace(observed.motions, rotations=rotations, root=root)
    if known.mechanics is not None:
        motions = _object(known, known.mechanics, motions, told, valid)
    contacts = told.contacts + _FEW_CONTACTS
    return Predicted(_on_its_path(observed, motions, known, told, contacts), contacts)


def _split(raw: Tensor, kind: Kind) -> _Raw:
    joints, extra = N_JOINTS[kind], _OBJECT if kind == "object" else 0
    sizes = [_BANDS * joints, 6 * joints, joints, 2 * _BANDS, 2, 1, 1, 1, 1, 4, extra]
    shares, turns, wrong, path, speed, height, astray, holds, drift, contacts, thing = raw.split(sizes, -1)
    return _Raw(
        shares.unflatten(-1, (joints, _BANDS)), turns.unflatten(-1, (joints, 6)), wrong, path.unflatten(-1, (2, _BANDS)), speed,
        height[..., 0], astray[..., 0], holds[..., 0], drift[..., 0], contacts, thing,
    )  # fmt: skip


def _rotations(known: Seen, told: _Raw, valid: Float[Tensor, "b t"]) -> Float[Tensor, "b t j 3 3"]:
    """Mixed filters, then a small rotation: in the joint's own frame, of the root in the heading frame."""
    base = from6d(known.turns.mixed(shares(known.turns, TURNS, told.shares, known.turn_doubt)))
    change = (
        _TURN
        * known.every[:, None, None, None] ** -_LESS
        * torch.sigmoid(told.wrong - _SURE * (1.0 - known.turn_doubt))[..., None]
        * told.turns
    )
    small = small_rotation(filters.gaussian(change, _STEADY, valid))
    root = known.heading @ small[:, :, 0] @ known.heading.mT @ base[:, :, 0]
    return torch.cat([root[:, :, None], base[:, :, 1:] @ small[:, :, 1:]], 2)


def _object(known: Seen, fit: Fit, motions: Motions, told: _Raw, valid: Float[Tensor, "b t"]) -> Motions:
    """Filters mixed with what mechanics makes of the object, and each point moved a little."""
    assert known.points is not None
    bands, claims, moves = told.object.split([_BANDS, 2, 3 * _N_POINTS], -1)
    to_root, to_points = torch.sigmoid(claims + claims.new_tensor([0.0, _LITTLE_RIGID]))[..., None, :].unbind(-1)
    smooth = known.points.mixed(shares(known.points, PATHS, bands[..., None, :], known.path_doubt[..., :1]))
    moved = outward(known.heading, filters.gaussian(_POINT * moves, _STEADY, valid).unflatten(-1, (_N_POINTS, 3)))
    points = smooth + to_points[..., None] * (fit.points - smooth) + moved
    return replace(motions, root=motions.root + to_root * (fit.root - motions.root), points=points)


def _on_its_path(observed: Observed, motions: Motions, known: Seen, told: _Raw, contacts: Tensor) -> Motions:
    """The root led by the told velocities and by the feet that stand, held near its place over longer times."""
    flat = motions.root[..., [0, 2]]
    if flat.shape[1] < 2:
        return motions
    sure = 1.0 - known.path_doubt[..., 0]
    led = torch.sigmoid(told.astray - _SURE * sure)
    speed = torch.stack([told.speed[..., 0], torch.zeros_like(led), told.speed[..., 1]], -1)
    beyond = _SPEED * outward(known.heading, speed)[..., [0, 2]]
    stands, slide = _sliding(motions, contacts)
    weight = led + stands.sum(-1)
    beyond = (led[..., None] * beyond - (stands[..., None] * slide).sum(2)) / weight[..., None]
    valid = observed.valid.to(flat.dtype)
    there = torch.cat([valid[:, 1:], valid[:, -1:]], 1)
    pinned = observed.root_pinned.to(flat.dtype)
    place = (observed.root_trust + 1e-3) * torch.exp(told.holds.clamp(-6.0, 6.0) + _FIRM * sure) / _SETTLES**2 + _PINNED * pinned
    drift = (told.drift * valid).sum(1) / valid.sum(1).clamp_min(1.0)
    time = torch.arange(flat.shape[1], dtype=flat.dtype, device=flat.device) * (1.0 - pinned) * valid
    stiffness = torch.exp(2.0 * (_RIGID - drift).clamp(-6.0, 6.0) + _FIRM * sure.mean(1)) * valid.sum(1)
    path = fused(Accounts(flat, beyond, place, weight * there, (1.0 - led) * there, time, stiffness))
    return replace(motions, root=torch.stack([path[..., 0], motions.root[..., 1], path[..., 1]], -1))


def _sliding(motions: Motions, contacts: Tensor) -> tuple[Float[Tensor, "b t 4"], Float[Tensor, "b t 4 2"]]:
    """How firmly each foot stands from this frame to the next, and how far it slides meanwhile, metres."""
    places = touch_places(motions, *posed(motions))[..., [0, 2]]
    # Whatever the contacts say: a foot that flies by does not stand.
    speed = filters.change(filters.gaussian(places.detach(), 1.5, torch.ones_like(places[:, :, 0, 0]))).norm(dim=-1)
    firm = torch.sigmoid(contacts) * torch.sigmoid((_FLIES - speed) / _NEARLY)
    firm = _HOLDS * (firm * torch.cat([firm[:, 1:], firm[:, -1:]], 1)) ** 2
    slide = torch.cat([places[:, 1:] - places[:, :-1], torch.zeros_like(places[:, :1])], 1)
    return firm, slide
