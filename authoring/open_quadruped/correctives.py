"""Pose correctives that bring linear skinning close to dual-quaternion skinning, two joints a vertex; the right mirrors the left.

The same approach as for the open human: for each vertex the offsets of the joints that help it most, fitted over random poses.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authoring.open_body.skinning import joint_transforms, skin_dual_quaternions, skin_linear

from .poses import random_poses
from .skeleton import JOINT_MIRROR, PARENTS

Array = NDArray[np.float64]

JOINTS_A_VERTEX = 2
_RIDGE = 1e-3  # pulls coefficients to zero where poses say little; relative to the number of poses
_NEGLIGIBLE = 4e-4  # m: vertices that linear skinning already places are left alone
_FLIP = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Rest:
    """The mean animal: vertices ``(V, 3)``, joints ``(35, 3)``, weights ``(V, 35)``, mirror ``(V,)``."""

    vertices: Array
    joints: Array
    weights: Array
    mirror: NDArray[np.int64]


@dataclass(frozen=True)
class Residual:
    """Mean distance in metres to the dual-quaternion pose over held-out poses."""

    linear: float
    corrected: float


def fit_correctives(rest: Rest, poses: int) -> Array:
    """``(V, 3, 9 * 34)`` posedirs in SMPL's layout."""
    rotations = random_poses(poses, seed=11)
    transforms = joint_transforms(PARENTS, np.tile(rest.joints, (poses, 1, 1)), rotations)
    features = (rotations[:, 1:] - np.eye(3)).reshape(poses, -1, 9)
    wanted = np.zeros((len(rest.vertices), 3, len(PARENTS), 9))
    for vertex in np.flatnonzero((rest.vertices[:, 1] > -1e-9) & (rest.weights.max(axis=1) < 0.999)):
        used = np.flatnonzero(rest.weights[vertex] > 0.0)
        one = rest.vertices[None, vertex : vertex + 1], rest.weights[vertex : vertex + 1, used], transforms[:, used]
        gap = (skin_dual_quaternions(*one) - skin_linear(*one))[:, 0]
        candidates = bending_joints(used)
        if candidates and np.abs(gap).max() > _NEGLIGIBLE:
            turn = np.einsum("j,njab->nab", rest.weights[vertex, used], transforms[:, used, :, :3])
            for joint, values in _fit_vertex(gap, turn, features, candidates).items():
                wanted[vertex, :, joint] = values
    return _mirrored(wanted, rest)[:, :, 1:].reshape(len(wanted), 3, -1)


def bending_joints(carried: NDArray[np.integer]) -> list[int]:
    """Joints whose turning changes how a vertex that hangs on ``carried`` is blended: all of them below where they meet."""
    paths = []
    for joint in carried.tolist():
        path = [joint]
        while path[-1] > 0:
            path.append(int(PARENTS[path[-1]]))
        paths.append(path)
    shared = set(paths[0]).intersection(*paths[1:])
    return sorted({joint for path in paths for joint in path} - shared)


def _fit_vertex(gap: Array, turn: Array, features: Array, candidates: list[int]) -> dict[int, Array]:
    """Greedy: the joint that helps most, then the one that helps most beside it; ``(3, 9)`` offsets by joint."""
    blocks = {joint: np.einsum("nab,nf->nabf", turn, features[:, joint - 1]).reshape(3 * len(gap), 27) for joint in candidates}
    flat = gap.reshape(-1)
    chosen: list[int] = []
    best = np.zeros(0)
    for _ in range(min(JOINTS_A_VERTEX, len(candidates))):
        tries = {k: _ridge(np.concatenate([blocks[c] for c in [*chosen, k]], axis=1), flat) for k in candidates if k not in chosen}
        joint = min(tries, key=lambda name: tries[name][1])
        chosen.append(joint)
        best = tries[joint][0]
    return {joint: best[27 * k : 27 * (k + 1)].reshape(3, 9) for k, joint in enumerate(chosen)}


def _ridge(design: Array, target: Array) -> tuple[Array, float]:
    gram, right = design.T @ design, design.T @ target
    solution = np.linalg.solve(gram + _RIDGE * len(target) * np.eye(len(gram)), right)
    return solution, float(target @ target - 2.0 * solution @ right + solution @ (gram @ solution))


def _mirrored(posedirs: Array, rest: Rest) -> Array:
    """The left half's offsets ``(V, 3, 35, 9)`` and their reflections; the middle agrees with its own reflection."""
    flips = _FLIP[:, None, None] * np.outer(_FLIP, _FLIP).reshape(-1)
    reflected = (posedirs * flips)[rest.mirror][:, :, JOINT_MIRROR]
    y = rest.vertices[:, 1, None, None, None]
    middle = (rest.mirror == np.arange(len(rest.mirror)))[:, None, None, None]
    return np.where(middle, 0.5 * (posedirs + reflected), np.where(y > 0.0, posedirs, reflected))


def residual(rest: Rest, posedirs: Array, poses: int, seed: int) -> Residual:
    """How far linear skinning is from dual quaternions without and with ``posedirs``, on fresh poses."""
    rotations = random_poses(poses, seed)
    transforms = joint_transforms(PARENTS, np.tile(rest.joints, (poses, 1, 1)), rotations)
    feature = (rotations[:, 1:] - np.eye(3)).reshape(poses, -1)
    linear, corrected = [], []
    for pose in range(poses):
        one = transforms[pose : pose + 1]
        target = skin_dual_quaternions(rest.vertices[None], rest.weights, one)
        offsets = (posedirs @ feature[pose])[None]
        linear.append(np.linalg.norm(skin_linear(rest.vertices[None], rest.weights, one) - target, axis=-1).mean())
        corrected.append(np.linalg.norm(skin_linear(rest.vertices[None] + offsets, rest.weights, one) - target, axis=-1).mean())
    return Residual(float(np.mean(linear)), float(np.mean(corrected)))
