"""Many animals on one mesh, the components of their shapes, and the regressor that finds the joints of any of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from .animals import Animal
from .eyeballs import N_BALL, ball_places, ball_triangles
from .skeleton import JOINT, JOINT_MIRROR, joints_of_animal
from .surface import Mesh, Skin, skin

Array = NDArray[np.float64]
Index = NDArray[np.int64]

N_COMPONENTS = 41
_SIZE = 1.3  # m: height of the withers plus length of the trunk, of every animal: a middle-sized dog's
_NAMED_COUNT = 5.0
_STAGES_NEAR = 2
_FLIP = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Herd:
    """vertices ``(N, V, 3)`` and joints ``(N, 35, 3)`` in metres, root joint at the origin; the skin's vertices come first."""

    vertices: Array
    joints: Array


def triangles_of(mesh: Mesh) -> Index:
    """``(T, 3)``: skin, left eyeball, right eyeball. The quads are cut alike on both sides."""
    skin_rows = np.concatenate([mesh.quads[:, [0, 1, 2]], mesh.quads[:, [0, 2, 3]]])
    ball, first = ball_triangles(), len(mesh.mirror)
    return np.concatenate([skin_rows, ball + first, ball[:, ::-1] + first + N_BALL])


def mirror_of(mesh: Mesh) -> Index:
    """``(V,)`` every vertex's opposite, eyeballs included."""
    first = len(mesh.mirror)
    left, right = first + np.arange(N_BALL), first + N_BALL + np.arange(N_BALL)
    return np.concatenate([mesh.mirror, right, left])


def scale_of(a: Animal) -> float:
    """Metres a withers height."""
    height = float(a.trunk[7, 1])
    return _SIZE / (height + float(a.trunk[-1, 0] - a.trunk[0, 0]) + 0.095)


def herd_of(animals: list[Animal], nearest: Index, first: Skin, mesh: Mesh) -> Herd:
    """All ``animals`` on one mesh. nearest: ``(N,)`` the animal whose skin each one's starts from; those that are their own
    nearest come first and start from ``first``."""
    skins: list[Skin] = []
    for number, a in enumerate(animals):
        own = int(nearest[number]) == number
        skins.append(skin(a, mesh, first) if own else skin(a, mesh, skins[int(nearest[number])], _STAGES_NEAR))
    vertices, joints = zip(*(_in_metres(one) for one in skins), strict=True)
    return Herd(np.stack(vertices), np.stack(joints))


def _in_metres(one: Skin) -> tuple[Array, Array]:
    """Vertices with eyeballs and joints in metres, the root joint at the origin."""
    ball, bones, scale = ball_places(one.animal), joints_of_animal(one.animal), scale_of(one.animal)
    return scale * (np.concatenate([one.places, ball, ball * _FLIP]) - bones[0]), scale * (bones - bones[0])


@dataclass(frozen=True, eq=False)
class Shapes:
    """mean ``(V, 3)``, components ``(V, 3, 41)`` metres a standard deviation, explained ``(41,)`` shares of the variance."""

    mean: Array
    components: Array
    explained: Array

    def betas(self, vertices: Array) -> Array:
        """``(41,)`` the coefficients of a body ``(V, 3)``."""
        flat = self.components.reshape(-1, self.components.shape[-1])
        return np.linalg.lstsq(flat, (vertices - self.mean).reshape(-1), rcond=None)[0]


def shape_space(herd: Herd, named: int) -> Shapes:
    """Principal components of unit variance, largest first; positive is where legs are longer.

    The first ``named`` animals count several times, so that they come out close to how they were drawn.
    """
    share = np.where(np.arange(len(herd.vertices)) < named, _NAMED_COUNT, 1.0)
    share = share / share.sum()
    mean = np.einsum("n,nvc->vc", share, herd.vertices)
    _, singular, rows = np.linalg.svd(((herd.vertices - mean) * np.sqrt(share)[:, None, None]).reshape(len(share), -1), full_matrices=False)
    scaled = rows[:N_COMPONENTS] * singular[:N_COMPONENTS, None]
    directions = scaled.reshape(N_COMPONENTS, *mean.shape).transpose(1, 2, 0)
    reach = directions[:, 2].max(axis=0) - directions[mean[:, 2].argmin(), 2]
    return Shapes(mean, directions * np.where(reach < 0.0, -1.0, 1.0), singular[:N_COMPONENTS] ** 2 / np.sum(singular**2))


def joint_regressor(herd: Herd, weights: Array, mirror: Index) -> Array:
    """``(35, V)``: each joint as a convex combination of vertices around it, exact for the mean shape."""
    regressor = np.zeros((len(JOINT), len(mirror)))
    mean, mean_joints = herd.vertices.mean(axis=0), herd.joints.mean(axis=0)
    use = slice(0, len(herd.vertices), max(1, len(herd.vertices) // 120))
    for joint, other in enumerate(JOINT_MIRROR):
        if joint > other:
            continue
        near = _candidates(mean, mean_joints[joint], weights, joint)
        if joint == other:
            near = np.unique(np.concatenate([near, mirror[near]]))
        row = np.zeros(len(mirror))
        row[near] = _convex(herd.vertices[use][:, near], herd.joints[use, joint], mean[near], mean_joints[joint])
        regressor[joint] = 0.5 * (row + row[mirror]) if joint == other else row
        regressor[other] = regressor[joint][mirror] if joint != other else regressor[joint]
    return regressor


def _candidates(mean: Array, joint_place: Array, weights: Array, joint: int, count: int = 220) -> Index:
    distance = np.linalg.norm(mean - joint_place, axis=1) + np.where(weights[:, joint] > 0.02, 0.0, 0.06)
    distance[-2 * N_BALL :] = np.inf
    order = np.argsort(distance, kind="stable")[: 3 * count]
    return np.sort(np.concatenate([order[:count:2], order[count::4]]))


def _convex(vertices: Array, joints: Array, mean: Array, mean_joint: Array) -> Array:
    system = vertices.transpose(0, 2, 1).reshape(-1, vertices.shape[1])
    heavy = 30.0 * np.sqrt(len(vertices))
    lhs = np.concatenate([system, heavy * mean.T, heavy * np.ones((1, len(mean)))])
    rhs = np.concatenate([joints.reshape(-1), heavy * mean_joint, [heavy]])
    solution, _ = nnls(lhs, rhs, maxiter=100 * len(mean))
    return solution / solution.sum()
