"""The small problem that polish solves: which joints may turn, how places move with them, and the equations of one step.

Unknown are the root's shift (metres, world) and the turns of a few joints (rotation vectors in the parent's frame), in every frame: the
change of a given motion, not the motion. That a change be small and smooth is all that is asked of it beside contacts, floor and pins,
so a motion that needs none is left alone, however fast it is.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from backend.prior.footing import Footing, Pose
from backend.prior.normal_equations import NormalEquations, empty
from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import Kind

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Scales:
    """What is usual. Metres, radians, seconds.

    shift, turn: changes of the root's place and of a joint; across: error of a joint's place as a camera saw it; calm_shift, calm_turn: times over which each fades. slide: speed of a
    point in contact, beyond ``creep``. touch: its height off the floor beyond ``even``, by which soles of another shape and soft floors differ. press:
    depth of any point under ``sunk``. pin: miss of a pinned place. bound: turn beyond a joint's limits.
    """

    shift: float = 0.05
    across: float = 0.01
    turn: float = 0.08
    calm_shift: float = 0.2
    calm_turn: float = 0.1
    slide: float = 0.04
    creep: float = 0.0
    touch: float = 0.005
    even: float = 0.006
    press: float = 0.002
    sunk: float = 0.004
    pin: float = 0.00002
    bound: float = 0.01


@dataclass(frozen=True, eq=False)
class Chains:
    """joints: ``(V,)`` those that may turn. carry_points ``(P, V)``, carry_joints ``(J, V)``: whether each moves a point or a joint."""

    joints: NDArray[np.int64]
    parents: NDArray[np.int64]
    carry_points: NDArray[np.bool_]
    carry_joints: NDArray[np.bool_]


def chains_of(kind: Kind, footing: Footing, pinned: NDArray[np.integer], reach: int, everything: bool) -> Chains:
    """The joints between feet and trunk, and up to ``reach`` above each joint of ``pinned`` ``(N,)`` whose place is wanted; or all."""
    parents = np.asarray(parents_of(kind))
    wanted: set[int] = set(range(1, len(parents))) if everything else set()
    for end, includes in [*((int(owner), True) for owner in footing.owner), *((int(joint), False) for joint in pinned)]:
        joint = end if includes and kind == "human" else int(parents[end])
        for _ in range(reach):
            if joint <= 0:
                break
            wanted.add(joint)
            joint = int(parents[joint])
    joints = np.array(sorted(wanted), dtype=np.int64)
    above = np.eye(len(parents), dtype=bool)
    for joint in range(1, len(parents)):
        above[joint] |= above[parents[joint]]
    return Chains(joints, parents[joints], above[footing.owner][:, joints], above[:, joints] & ~np.eye(len(parents), dtype=bool)[:, joints])


def moves(chains: Chains, pose: Pose, places: Array, carried: NDArray[np.bool_]) -> Array:
    """``(F, N, 3, 3 + 3 V)``: how ``places`` ``(F, N, 3)`` move with the unknowns; carried ``(N, V)``."""
    frames, count = places.shape[:2]
    result = np.zeros((frames, count, 3, 3 + 3 * len(chains.joints)))
    result[..., :3] = np.eye(3)
    if len(chains.joints):
        axes = pose.world[:, chains.parents]  # columns: the parent's axes in the world
        lever = (places[:, :, None] - pose.joints[:, None, chains.joints]) * carried[:, :, None]
        turned = np.cross(axes.transpose(0, 1, 3, 2)[:, None], lever[:, :, :, None])  # (F, N, V, axis, xyz)
        result[..., 3:] = turned.transpose(0, 1, 4, 2, 3).reshape(frames, count, 3, -1)
    return result


@dataclass(frozen=True, eq=False)
class Seen:
    """places: ``(F, J, 3)`` metres where a camera saw the joints; sight: ``(F, J, 3)`` unit vectors from it to them; trust: ``(F, J)``."""

    places: Array
    sight: Array
    trust: Array


@dataclass(frozen=True, eq=False)
class Wants:
    """hold: ``(F, P)`` in [0, 1], how firmly points stand. rest, least: ``(P,)`` metres, see ``Footing``. pinned: ``(F, N)`` bool, places ``(F, N, 3)`` of ``joints``."""

    hold: Array
    rest: Array
    least: Array
    joints: NDArray[np.int64]
    pinned: NDArray[np.bool_]
    places: Array
    seen: Seen | None = None


def equations_of(chains: Chains, pose: Pose, change: Array, beyond: Array, wants: Wants, fps: float, scales: Scales) -> NormalEquations:
    """Gauss-Newton equations at ``change`` ``(F, 3 + 3 V)``. beyond: ``(F, 3 V)`` turn that would bring each joint within its limits."""
    frames, unknowns = change.shape
    result = empty(frames, unknowns)
    _add_change(result, change, fps, scales)
    if wants.seen is not None:
        _add_seen(result, chains, pose, wants.seen, scales)
    _add_beyond(result, beyond, scales)
    _add_feet(result, chains, pose, wants, fps, scales)
    if wants.pinned.any():
        jacobian = torch.from_numpy(moves(chains, pose, pose.joints[:, wants.joints], chains.carry_joints[wants.joints]))
        miss = np.where(wants.pinned[..., None], pose.joints[:, wants.joints] - wants.places, 0.0)
        result.add((1.0,), jacobian, torch.from_numpy(miss), torch.from_numpy(wants.pinned / scales.pin**2))
    return result


def _add_feet(result: NormalEquations, chains: Chains, pose: Pose, wants: Wants, fps: float, scales: Scales) -> None:
    """Points in contact keep their place over the floor and stand on it; none is under it."""
    jacobian = torch.from_numpy(moves(chains, pose, pose.points, chains.carry_points))
    height = pose.points[..., 1] - wants.rest
    off = np.sign(height) * np.maximum(np.abs(height) - scales.even, 0.0)
    below = np.minimum(pose.points[..., 1] - wants.least + scales.sunk, 0.0)
    up = torch.zeros(*pose.points.shape[:2], 3, 3, dtype=torch.float64)
    stiff = wants.hold / scales.touch**2
    up[..., 1, 1] = torch.from_numpy(stiff * (off != 0.0) + (below < 0.0) / scales.press**2)
    pull = np.zeros_like(pose.points)
    pull[..., 1] = stiff * off + below / scales.press**2
    result.add((1.0,), jacobian, torch.zeros_like(up[..., 0]), up)
    result.gradient.add_((jacobian.flatten(1, 2).mT @ torch.from_numpy(pull).flatten(1)[..., None])[..., 0])
    if len(height) > 1:
        step = torch.from_numpy(_beyond(np.diff(pose.points, axis=0), scales.creep / fps))
        across = torch.zeros(*step.shape[:2], 3, 3, dtype=torch.float64)
        firm = torch.from_numpy(np.minimum(wants.hold[1:], wants.hold[:-1]) * (fps / scales.slide) ** 2)
        across[..., 0, 0] = across[..., 2, 2] = firm
        result.add((-1.0, 1.0), jacobian, step, across)


def _beyond(steps: Array, free: float) -> Array:
    """Steps ``(F, P, 3)`` along the floor, shortened by ``free`` metres, those that are shorter to nothing."""
    if free <= 0.0:
        return steps
    length = np.linalg.norm(steps[..., [0, 2]], axis=-1, keepdims=True)
    return steps * np.maximum(1.0 - free / np.maximum(length, 1e-9), 0.0)


def _add_seen(result: NormalEquations, chains: Chains, pose: Pose, seen: Seen, scales: Scales) -> None:
    """Across the line of sight a camera knows where joints are."""
    jacobian = torch.from_numpy(moves(chains, pose, pose.joints, chains.carry_joints))
    across = (np.eye(3) - seen.sight[..., :, None] * seen.sight[..., None, :]) * (seen.trust / scales.across**2)[..., None, None]
    result.add((1.0,), jacobian, torch.from_numpy(pose.joints - seen.places), torch.from_numpy(across))


def _add_change(result: NormalEquations, change: Array, fps: float, scales: Scales) -> None:
    """The change is small, and so are its second differences."""
    size = np.concatenate([np.full(3, scales.shift), np.full(change.shape[1] - 3, scales.turn)])
    width = fps * np.concatenate([np.full(3, scales.calm_shift), np.full(change.shape[1] - 3, scales.calm_turn)])
    small, calm = torch.from_numpy(1.0 / size**2), torch.from_numpy(width**4 / size**2)
    own = torch.from_numpy(change)
    result.blocks[0].diagonal(dim1=1, dim2=2).add_(small)
    result.gradient.add_(small * own)
    if len(change) < 3:
        return
    bend = own[2:] - 2.0 * own[1:-1] + own[:-2]
    stencil = (1.0, -2.0, 1.0)
    rows = len(bend)
    for a, left in enumerate(stencil):
        result.gradient[a : a + rows] += left * calm * bend
        for b in range(a, 3):
            result.blocks[b - a, a : a + rows].diagonal(dim1=1, dim2=2).add_(left * stencil[b] * calm)


def _add_beyond(result: NormalEquations, beyond: Array, scales: Scales) -> None:
    active = torch.from_numpy((beyond != 0.0) / scales.bound**2)
    result.blocks[0, :, 3:, 3:].diagonal(dim1=1, dim2=2).add_(active)
    result.gradient[:, 3:] -= active * torch.from_numpy(beyond)
