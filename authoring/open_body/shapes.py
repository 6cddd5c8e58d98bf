"""Shape components over Anny's phenotypes, and the sparse regressor that finds the joints of any shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from .skeleton import to_t_pose
from .source import PHENOTYPES, Source
from .tables import FINGERS, JointTable

Array = NDArray[np.float64]

WEIGHTS_KEPT = 4
_BATCH = 16
_SMALL_SPREAD = 8  # of a finger's joint
_ADULT_AGE = (0.6, 0.95)  # Anny: 0 newborn, 1/3 child, 2/3 young adult, 1 old
_TRAITS = {"muscle": (0.5, 0.18), "weight": (0.5, 0.2), "height": (0.38, 0.08), "proportions": (0.5, 0.2)}  # mean, deviation


@dataclass(frozen=True, eq=False)
class Skin:
    """What of Anny's mesh is kept and how it hangs on a skeleton. kept: ``(V,)`` indices into Anny's vertices. weights:
    ``(V, J)``. mirror: ``(V,)``. hinge: ``(2, pairs)`` Anny's vertices beside the jaw's hinge; eyes: ``(2, n)`` of the
    eyeballs; tips: ``(2, 5, n)`` at the fingertips; all three only for a skeleton that has jaw, eyes and fingers."""

    table: JointTable
    kept: NDArray[np.int64]
    weights: Array
    mirror: NDArray[np.int64]
    hinge: NDArray[np.int64] | None = None
    eyes: NDArray[np.int64] | None = None
    tips: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Shapes:
    """mean: ``(V, 3)``. components: ``(V, 3, B)`` metres a standard deviation. joints: ``(N, J, 3)`` of the samples
    ``vertices`` ``(N, V, 3)``, T pose, pelvis at the origin. scores: ``(N, B)`` the samples' betas. explained: share of the
    variance, ``(B,)``."""

    mean: Array
    components: Array
    vertices: Array
    joints: Array
    scores: Array
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


def rest_joints(source: Source, phenotypes: Array, skin: Skin) -> tuple[Array, Array, Array | None]:
    """In Anny's rest pose: all vertices ``(N, …, 3)``, joints ``(N, J, 3)`` and, with fingers, their tips ``(N, 2, 5, 3)``."""
    rest, heads = source.people(phenotypes)
    joints = skin.table.joints_from_heads(heads, source.bones)
    if skin.hinge is not None:
        joints[:, skin.table.joint["jaw"]] = rest[:, skin.hinge.ravel()].mean(axis=1)
    if skin.eyes is not None:  # Anny's bones miss the eyeballs' centres by most of a millimetre
        joints[:, [skin.table.joint["left_eye"], skin.table.joint["right_eye"]]] = rest[:, skin.eyes].mean(axis=2)
    return rest, joints, None if skin.tips is None else rest[:, skin.tips].mean(axis=3)


def posed_people(source: Source, phenotypes: Array, skin: Skin) -> tuple[Array, Array]:
    """T-posed vertices ``(N, V, 3)`` and joints ``(N, J, 3)``, each averaged with its mirror image, pelvis at the origin."""
    vertices, joints = [], []
    for start in range(0, len(phenotypes), _BATCH):
        rest, at, tips = rest_joints(source, phenotypes[start : start + _BATCH], skin)
        v, j = to_t_pose(rest[:, skin.kept], at, skin.weights, skin.table, tips)
        vertices.append(_symmetric(v, skin.mirror))
        joints.append(_symmetric(j, skin.table.mirror))
    all_vertices, all_joints = np.concatenate(vertices), np.concatenate(joints)
    origin = all_joints[:, :1]
    return all_vertices - origin, all_joints - origin


def _symmetric(points: Array, mirror: NDArray[np.int64]) -> Array:
    return 0.5 * (points + points[:, mirror] * np.array([-1.0, 1.0, 1.0]))


def shape_space(source: Source, skin: Skin, count: int, components: int) -> Shapes:
    """Principal components of ``count`` adults' T-posed bodies, unit variance, largest first; sign: taller is positive."""
    vertices, joints = posed_people(source, sample_phenotypes(count, seed=7), skin)
    mean = vertices.mean(axis=0)
    flat = (vertices - mean).reshape(count, -1)
    left, singular, rows = np.linalg.svd(flat, full_matrices=False)
    rows = rows[:components] * (singular[:components, None] / np.sqrt(count - 1))
    directions = rows.reshape(components, *mean.shape).transpose(1, 2, 0)
    height = np.ptp(mean[:, 1] + directions[:, 1].T, axis=1) - np.ptp(mean[:, 1])
    signs = np.where(height < 0.0, -1.0, 1.0)
    scores = left[:, :components] * np.sqrt(count - 1) * signs
    return Shapes(mean, directions * signs, vertices, joints, scores, singular[:components] ** 2 / np.sum(singular**2))


def shapes_of_scores(source: Source, skin: Skin, scores: Array) -> Shapes:
    """The shape space of another mesh of the same people, so that a beta means the same person in both.

    scores: ``(N, B)`` of ``shape_space``: uncorrelated and of unit variance, so a component is the mean of score times offset.
    """
    vertices, joints = posed_people(source, sample_phenotypes(len(scores), seed=7), skin)
    mean = vertices.mean(axis=0)
    offsets = (vertices - mean).reshape(len(scores), -1)
    rows = scores.T @ offsets / (len(scores) - 1)
    explained = np.sum(rows**2, axis=1) * (len(scores) - 1) / np.sum(offsets**2)
    return Shapes(mean, rows.T.reshape(*mean.shape, -1), vertices, joints, scores, explained)


def joint_regressor(shapes: Shapes, skin: Skin, spread: int = 60) -> Array:
    """``(J, V)``: each joint as a convex combination of vertices around it, exact for the mean shape.

    Fitted over the sampled adults by non-negative least squares; the right side is the left side's mirror image.
    """
    weights, table = skin.weights, skin.table
    regressor = np.zeros((len(table.names), len(weights)))
    use = slice(0, len(shapes.vertices), max(1, len(shapes.vertices) // 120))
    fine = {table.joint[name] for name in table.names if name.split("_")[-1][:-1] in FINGERS}
    for joint, other in enumerate(table.mirror):
        if joint > other:
            continue
        if table.names[joint].endswith("_eye"):
            row = (weights[:, joint] == 1.0) / np.sum(weights[:, joint] == 1.0)
        else:
            reach = _SMALL_SPREAD if joint in fine else spread
            row = _regress(shapes.vertices[use], shapes.joints[use, joint], weights[:, joint], shapes.mean, reach)
        regressor[joint] = 0.5 * (row + row[skin.mirror]) if joint == other else row
        regressor[other] = regressor[joint][skin.mirror] if joint != other else regressor[joint]
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
