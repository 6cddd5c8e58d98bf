"""Pose correctives that bring linear skinning close to dual-quaternion skinning, a few joints a vertex.

Anny poses its bodies with dual quaternions; SMPL's format knows linear skinning plus offsets that are linear in the joint
rotations. For each vertex the offsets of the two joints that help it most are fitted over random poses. (The joint that
bends a vertex is the child wherever the vertex hangs on the parent's side, so "own joint and parent" would miss half of
every crease.) The right side mirrors the left.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.rotation import matrix_from_axis_angle

from .poses import random_poses
from .skinning import joint_transforms, skin_dual_quaternions, skin_linear
from .tables import SMPL, JointTable

Array = NDArray[np.float64]

JOINTS_A_VERTEX = 2
_RIDGE = 1e-3  # pulls coefficients to zero where poses say little; relative to the number of poses
_NEGLIGIBLE = 2e-4  # m: vertices that linear skinning already places are left alone
_FLIP = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Rest:
    """The mean body: vertices ``(V, 3)``, joints ``(J, 3)``, weights ``(V, J)``, mirror ``(V,)``."""

    vertices: Array
    joints: Array
    weights: Array
    mirror: NDArray[np.int64]
    table: JointTable = SMPL


@dataclass(frozen=True)
class Residual:
    """Mean distance in metres to the dual-quaternion pose over held-out poses, all vertices and those that bend."""

    linear: float
    corrected: float
    linear_bending: float
    corrected_bending: float


def fit_correctives(rest: Rest, poses: int) -> Array:
    """``(V, 3, 9 (J - 1))`` posedirs in SMPL's layout."""
    rotations = random_poses(poses, 11, rest.table)
    transforms = joint_transforms(rest.table.parents, np.tile(rest.joints, (poses, 1, 1)), rotations)
    features = (rotations[:, 1:] - np.eye(3)).reshape(poses, -1, 9)
    wanted = np.zeros((len(rest.vertices), 3, len(rest.joints), 9))
    for vertex in np.flatnonzero((rest.vertices[:, 0] > -1e-9) & (rest.weights.max(axis=1) < 0.999)):
        candidates = [joint for joint in bending_joints(rest.weights[vertex], rest.table.parents) if rest.table.entries[joint].any()]
        one = rest.vertices[None, vertex : vertex + 1], rest.weights[vertex : vertex + 1], transforms
        gap = (skin_dual_quaternions(*one) - skin_linear(*one))[:, 0]
        if candidates and np.abs(gap).max() > _NEGLIGIBLE:
            turn = np.einsum("j,njab->nab", rest.weights[vertex], transforms[..., :3])
            followed = {joint: features[:, joint - 1][:, rest.table.entries[joint]] for joint in candidates}
            for joint, values in _fit_vertex(gap, turn, followed).items():
                wanted[vertex, :, joint, rest.table.entries[joint]] = values.T
    return _mirrored(wanted, rest)[:, :, 1:].reshape(len(wanted), 3, -1)


def bending_joints(weights: Array, parents: NDArray[np.int64]) -> list[int]:
    """Joints whose turning changes how a vertex of these weights ``(J,)`` is blended: below the joints it hangs on."""
    carried = set(np.flatnonzero(weights > 0.0).tolist())
    top = _meeting_point(carried, parents)
    found: set[int] = set()
    for joint in carried:
        climbing = joint
        while climbing != top:
            found.add(climbing)
            climbing = int(parents[climbing])
    return sorted(found)


def _meeting_point(joints: set[int], parents: NDArray[np.int64]) -> int:
    paths = []
    for joint in joints:
        path = [joint]
        while path[-1] > 0:
            path.append(int(parents[path[-1]]))
        paths.append(path)
    shared = set(paths[0]).intersection(*paths[1:])
    return next(joint for joint in paths[0] if joint in shared)


def _fit_vertex(gap: Array, turn: Array, followed: dict[int, Array]) -> dict[int, Array]:
    """Greedy: the joint that helps most, then the one that helps most beside it; ``(3, n)`` offsets by joint.

    followed: by candidate joint the features ``(poses, n)`` that the offsets are linear in.
    """
    blocks = {joint: np.einsum("nab,nf->nabf", turn, values).reshape(3 * len(gap), -1) for joint, values in followed.items()}
    flat = gap.reshape(-1)
    chosen: list[int] = []
    best = np.zeros(0)
    for _ in range(min(JOINTS_A_VERTEX, len(blocks))):
        tries = {
            joint: _ridge(np.concatenate([blocks[k] for k in [*chosen, joint]], axis=1), flat) for joint in blocks if joint not in chosen
        }
        joint = min(tries, key=lambda name: tries[name][1])
        chosen.append(joint)
        best = tries[joint][0]
    found: dict[int, Array] = {}
    for joint in chosen:
        width = blocks[joint].shape[1]
        found[joint], best = best[:width].reshape(3, -1), best[width:]
    return found


def _ridge(design: Array, target: Array) -> tuple[Array, float]:
    normal = design.T @ design + _RIDGE * len(target) * np.eye(design.shape[1])
    right = design.T @ target
    solution = np.linalg.solve(normal, right)
    return solution, float(target @ target - 2.0 * solution @ right + solution @ (design.T @ (design @ solution)))


def _mirrored(posedirs: Array, rest: Rest) -> Array:
    """The left half's offsets ``(V, 3, J, 9)`` and their reflections; the middle agrees with its own reflection."""
    flips = _FLIP[:, None, None] * np.outer(_FLIP, _FLIP).reshape(-1)
    reflected = (posedirs * flips)[rest.mirror][:, :, rest.table.mirror]
    x = rest.vertices[:, 0, None, None, None]
    middle = rest.mirror == np.arange(len(rest.mirror))
    return np.where(middle[:, None, None, None], 0.5 * (posedirs + reflected), np.where(x > 0.0, posedirs, reflected))


def with_turn(posedirs: Array, name: str, axis: int, angle: float, offsets: Array, rest: Rest) -> Array:
    """``posedirs`` plus ``offsets`` ``(V, 3)``: what the skin does beyond its weights when a joint turns by ``angle`` about an axis.

    They grow with the turn's sine. Correctives come before skinning, so each offset is turned back by the vertex's own share.
    """
    joint = rest.table.joint[name]
    back = np.zeros((len(offsets), 3))
    back[:, axis] = -angle * rest.weights[:, joint]
    before = np.einsum("vab,vb->va", matrix_from_axis_angle(back), offsets)
    before[np.linalg.norm(before, axis=1) < _NEGLIGIBLE] = 0.0
    sine = 3 * ((axis + 2) % 3) + (axis + 1) % 3  # where a rotation matrix about that axis has its sine
    done = posedirs.reshape(len(posedirs), 3, -1, 9).copy()
    done[:, :, joint - 1, sine] += before / np.sin(angle)
    return done.reshape(posedirs.shape)


def residual(rest: Rest, posedirs: Array, poses: int, seed: int) -> Residual:
    """How far linear skinning is from dual quaternions without and with ``posedirs`` ``(V, 3, 9 (J - 1))``, on fresh poses."""
    rotations = random_poses(poses, seed, rest.table)
    transforms = joint_transforms(rest.table.parents, np.tile(rest.joints, (poses, 1, 1)), rotations)
    feature = (rotations[:, 1:] - np.eye(3)).reshape(poses, -1)
    target = skin_dual_quaternions(rest.vertices[None], rest.weights, transforms)
    offsets = np.einsum("vcf,nf->nvc", posedirs, feature, optimize=True)
    linear = np.linalg.norm(skin_linear(rest.vertices[None], rest.weights, transforms) - target, axis=-1)
    corrected = np.linalg.norm(skin_linear(rest.vertices[None] + offsets, rest.weights, transforms) - target, axis=-1)
    bends = rest.weights.max(axis=1) < 0.95
    return Residual(linear.mean(), corrected.mean(), linear[:, bends].mean(), corrected[:, bends].mean())
