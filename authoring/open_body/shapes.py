"""Shape components over Anny's phenotypes, and the sparse regressor that finds the joints of any shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from .skeleton import gathered_weights, joints_from_heads, to_t_pose
from .source import PHENOTYPES, Source

Array = NDArray[np.float64]

WEIGHTS_KEPT = 4
JOINT_MIRROR = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22])
_BATCH = 16
_ADULT_AGE = (0.6, 0.95)  # Anny: 0 newborn, 1/3 child, 2/3 young adult, 1 old
_TRAITS = {"muscle": (0.5, 0.18), "weight": (0.5, 0.2), "height": (0.38, 0.08), "proportions": (0.5, 0.2)}  # mean, deviation


@dataclass(frozen=True, eq=False)
class Shapes:
    """mean: ``(V, 3)``. components: ``(V, 3, B)`` metres a standard deviation. joints: ``(N, 24, 3)`` of the samples
    ``vertices`` ``(N, V, 3)``, T pose, feet on y = 0 and pelvis over the origin. explained: share of variance, ``(B,)``."""

    mean: Array
    components: Array
    vertices: Array
    joints: Array
    explained: Array


def sample_phenotypes(count: int, seed: int) -> Array:
    """``(count, 6)`` adults: women and men alike often, the other traits bell-shaped.

    Anny's middle height is 1.84 m and its height trait is worth 1.09 m, so the mean and deviation taken here give people of
    1.71 m, give or take 0.11 m.
    """
    rng = np.random.default_rng(seed)
    columns = []
    for name in PHENOTYPES:
        if name == "gender":
            values = np.where(rng.random(count) < 0.5, rng.beta(2, 8, count), rng.beta(8, 2, count))
        elif name == "age":
            values = rng.uniform(*_ADULT_AGE, count)
        else:
            values = np.clip(rng.normal(*_TRAITS[name], count), 0.0, 1.0)
        columns.append(values)
    return np.stack(columns, axis=1)


def posed_people(source: Source, phenotypes: Array, kept: NDArray[np.int64]) -> tuple[Array, Array]:
    """T-posed vertices ``(N, kept, 3)`` and joints ``(N, 24, 3)``, each averaged with its mirror image, pelvis at the origin."""
    weights = gathered_weights(source.weights, source.bones, WEIGHTS_KEPT)[kept]
    mirror = np.searchsorted(kept, source.mirror[kept])
    vertices, joints = [], []
    for start in range(0, len(phenotypes), _BATCH):
        rest, heads = source.people(phenotypes[start : start + _BATCH])
        v, j = to_t_pose(rest[:, kept], joints_from_heads(heads, source.bones), weights)
        vertices.append(_symmetric(v, mirror))
        joints.append(_symmetric(j, JOINT_MIRROR))
    all_vertices, all_joints = np.concatenate(vertices), np.concatenate(joints)
    origin = all_joints[:, :1]
    return all_vertices - origin, all_joints - origin


def _symmetric(points: Array, mirror: NDArray[np.int64]) -> Array:
    return 0.5 * (points + points[:, mirror] * np.array([-1.0, 1.0, 1.0]))


def shape_space(source: Source, kept: NDArray[np.int64], count: int, components: int) -> Shapes:
    """Principal components of ``count`` adults' T-posed bodies, unit variance, largest first; sign: taller is positive."""
    vertices, joints = posed_people(source, sample_phenotypes(count, seed=7), kept)
    mean = vertices.mean(axis=0)
    flat = (vertices - mean).reshape(count, -1)
    _, singular, rows = np.linalg.svd(flat, full_matrices=False)
    rows = rows[:components] * (singular[:components, None] / np.sqrt(count - 1))
    directions = rows.reshape(components, *mean.shape).transpose(1, 2, 0)
    height = np.ptp(mean[:, 1] + directions[:, 1].T, axis=1) - np.ptp(mean[:, 1])
    signs = np.where(height < 0.0, -1.0, 1.0)
    return Shapes(mean, directions * signs, vertices, joints, singular[:components] ** 2 / np.sum(singular**2))


def joint_regressor(shapes: Shapes, weights: Array, mirror: NDArray[np.int64], spread: int = 60) -> Array:
    """``(24, V)``: each joint as a convex combination of vertices around it, exact for the mean shape.

    Fitted over the sampled adults by non-negative least squares; the right side is the left side's mirror image.
    """
    regressor = np.zeros((len(JOINT_MIRROR), len(weights)))
    use = slice(0, len(shapes.vertices), max(1, len(shapes.vertices) // 120))
    for joint, other in enumerate(JOINT_MIRROR):
        if joint <= other:
            row = _regress(shapes.vertices[use], shapes.joints[use, joint], weights[:, joint], shapes.mean, spread)
            regressor[joint] = 0.5 * (row + row[mirror]) if joint == other else row
            regressor[other] = regressor[joint][mirror] if joint != other else regressor[joint]
    return regressor


def _regress(vertices: Array, joints: Array, weight: Array, mean: Array, spread: int) -> Array:
    target = joints.mean(axis=0)
    distance = np.linalg.norm(mean - target, axis=1) + np.where(weight > 0.02, 0.0, 0.05)
    near = np.argsort(distance)[: 16 * spread]
    near = near[:: max(1, len(near) // (6 * spread))]  # spread around and along the limb, not one patch
    system = vertices[:, near].transpose(0, 2, 1).reshape(-1, len(near))
    middle = mean[near].T
    heavy = 30.0 * np.sqrt(len(vertices))
    lhs = np.concatenate([system, heavy * middle, heavy * np.ones((1, len(near)))])
    rhs = np.concatenate([joints.reshape(-1), heavy * target, [heavy]])
    solution, _ = nnls(lhs, rhs, maxiter=100 * len(near))
    row = np.zeros(len(mean))
    row[near] = solution / solution.sum()
    return row
