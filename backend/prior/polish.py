"""The last step of the prior: feet that stand still and on the floor, pinned places reached, joints within their limits.

A network alone leaves millimetres of slide. A few Gauss-Newton steps over the whole clip find the smallest smooth change of root and
legs (and of what carries a pinned place) that takes them away, as GVHMR and WHAM do with inverse kinematics after the network
(2409.06662, 2312.07531), but all at once, so that root and both legs share the work.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from backend.prior.footing import Footing, footing_of, pose_of
from backend.prior.normal_equations import solve
from backend.prior.polish_terms import Chains, Scales, Seen, Wants, chains_of, equations_of
from backend.prior.stances import smoothed, stances
from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import Damaged, Take
from revision_blender.motion.retargeting.limits import within_limits
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from revision_blender.motion.skeletons import SMPL

Array = NDArray[np.floating]

_PASSES = 4  # what is left after them is under a tenth of a millimetre on feet
_MOST_PASSES = 12  # where places are pinned far away
_EXACT = 0.0003  # metres: pinned places are nearer than this before it stops
_REACH = 4  # joints from a foot or a pinned hand up to the trunk
_DAMPING = 1e-6
_LONGEST = 0.25  # radians that a joint turns in one pass: the equations hold for small turns only
_SEEN_OVER = 0.0212  # seconds over which a lift's places are averaged: they shake from frame to frame
# Where a camera saw the body its joints are known to millimetres across the line of sight, and a change may be quick, to go there.
_SEEN = Scales(across=0.003, turn=0.4, calm_turn=0.04, calm_shift=0.07, slide=0.15, touch=0.02)
# Of a motion without noise: soles give, captured feet creep by a millimetre or two a frame and stand a centimetre in their floor; a heel that
# is rolled off slowly is not to be pulled back to it.
_CALM = Scales(creep=0.05, touch=0.1, sunk=0.015)
_THINGS = Scales(calm_shift=0.05)  # a thing that hits the floor turns round at once


@dataclass(frozen=True, eq=False)
class PlacePins:
    """Places that joints must have. held: ``(F, J)`` bool. places: ``(F, J, 3)`` metres in the prior's world, read only where held."""

    held: NDArray[np.bool_]
    places: Array


def polished(
    take: Take,
    damaged: Damaged,
    contacts: Array | None = None,
    world_pins: PlacePins | None = None,
    eyes: Array | None = None,
    *,
    calm: bool = False,
) -> Take:
    """``take`` with contacts held, the floor respected, pinned places reached within a millimetre, legs within their limits.

    damaged: what the motion was made from; its pinned entries are not touched, in ``take`` they must stand already. contacts:
    ``(F, 4)`` probabilities in the order of ``motions.Predicted``; None to tell contacts from the motion. eyes: ``(F, 3)`` the camera's places, where one saw the motion: it knows the body's place
    across its line of sight much better than along it. calm: nothing looks like noise, feet may creep as captured ones do. The rest of the motion
    changes as little and as smoothly as it can; entries that nothing asks to change come back bit for bit where nothing at all does.
    """
    footing = footing_of(take)
    wants = _wants(take, footing, contacts, world_pins, eyes is not None)
    wants = wants if eyes is None else replace(wants, seen=_seen(take, damaged, footing, eyes))
    chains = chains_of(take.kind, footing, wants.joints, _REACH, everything=wants.seen is not None)
    free = _free(chains, damaged)
    change = np.zeros((take.n_frames, 3 + 3 * len(chains.joints)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # matrices this small only lose by being shared out
    try:
        return _solved(take, footing, chains, wants, free, change, _scales(take, wants, calm))
    finally:
        torch.set_num_threads(threads)


def _scales(take: Take, wants: Wants, calm: bool) -> Scales:
    if take.kind == "object":
        return _THINGS
    if wants.seen is not None:
        return _SEEN
    return _CALM if calm else Scales()


def _solved(take: Take, footing: Footing, chains: Chains, wants: Wants, free: torch.Tensor, change: Array, scales: Scales) -> Take:
    answer = best = take
    nearest = np.inf
    for done in range(_MOST_PASSES + 1):
        pose = pose_of(answer, footing)
        miss = _miss(pose.joints, wants)
        if done and miss <= nearest:
            best, nearest = answer, miss
        if done == _MOST_PASSES or (done >= _PASSES and miss < _EXACT):
            break
        equations = equations_of(chains, pose, change, _beyond(chains, answer), wants, take.fps, scales)
        change = change + _short(solve(equations.held(free), _DAMPING).numpy())
        answer = _changed(take, chains, change, free.numpy() > 0.0)
    return best


def _short(step: Array) -> Array:
    """The step, each frame's shortened as a whole to ``_LONGEST``."""
    turns = np.linalg.norm(step[:, 3:].reshape(len(step), -1, 3), axis=-1).max(axis=1, initial=0.0)
    return step * np.minimum(1.0, _LONGEST / np.maximum(turns, 1e-9))[:, None]


def _wants(take: Take, footing: Footing, contacts: Array | None, pins: PlacePins | None, filmed: bool) -> Wants:
    held = np.zeros((take.n_frames, take.rotations.shape[1]), dtype=bool) if pins is None else pins.held
    joints = np.flatnonzero(held.any(axis=0))
    places = np.zeros((take.n_frames, 0, 3)) if pins is None else np.asarray(pins.places, dtype=np.float64)[:, joints]
    pose = pose_of(take, footing)
    if take.kind == "object":
        count = pose.points.shape[1]
        return Wants(np.zeros((take.n_frames, count)), np.zeros(count), np.zeros(count), joints, held[:, joints], places)
    return Wants(stances(pose.points, footing, contacts, take.fps), footing.rest, footing.least, joints, held[:, joints], places)


def _seen(take: Take, damaged: Damaged, footing: Footing, eyes: Array) -> Seen:
    """What the camera saw, less its trembling; a joint is seen as well as the worst of the joints that it hangs on."""
    ray = pose_of(take, footing).joints - eyes[:, None]
    ray = ray / np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-9)
    given = smoothed(pose_of(damaged.take, footing).joints, max(_SEEN_OVER * take.fps, 0.3))
    trust = np.minimum(np.asarray(damaged.trust, dtype=np.float64), damaged.root_trust[:, None])
    for joint, parent in enumerate(parents_of(take.kind)[1:], start=1):
        trust[:, joint] = np.minimum(trust[:, joint], trust[:, parent])
    return Seen(given, ray, np.square(trust))


def _free(chains: Chains, damaged: Damaged) -> torch.Tensor:
    """``(F, 3 + 3 V)``: 0 where an entry is pinned."""
    root = np.repeat(damaged.root_pinned[:, None], 3, axis=1)
    turns = np.repeat(damaged.pinned[:, chains.joints], 3, axis=1)
    return torch.from_numpy(1.0 - np.concatenate([root, turns], axis=1))


def _miss(joints: Array, wants: Wants) -> float:
    if not wants.pinned.any():
        return 0.0
    return float(np.linalg.norm(joints[:, wants.joints] - wants.places, axis=-1)[wants.pinned].max())


def _beyond(chains: Chains, take: Take) -> Array:
    """``(F, 3 V)`` rotation vectors in the parents' frames that bring the joints within their limits; people only, 0 within."""
    result = np.zeros((take.n_frames, len(chains.joints), 3))
    if take.kind == "human":
        for column, joint in enumerate(chains.joints):
            own = np.asarray(take.rotations[:, joint], dtype=np.float64)
            nearest, over = within_limits(SMPL.names[joint], own)
            result[over, column] = axis_angle_from_matrix(nearest[over] @ own[over].transpose(0, 2, 1))
    return result.reshape(take.n_frames, -1)


def _changed(take: Take, chains: Chains, change: Array, free: NDArray[np.bool_]) -> Take:
    """``take`` with ``change`` applied; entries that are held are those of ``take``."""
    root = np.where(free[:, :3], take.root + change[:, :3], take.root)
    turns = change[:, 3:].reshape(len(change), -1, 3)
    rotations = np.array(take.rotations, dtype=np.float64)
    turned = matrix_from_axis_angle(turns) @ rotations[:, chains.joints]
    rotations[:, chains.joints] = np.where(free[:, 3::3, None, None], turned, rotations[:, chains.joints])
    return replace(take, rotations=rotations, root=root)
