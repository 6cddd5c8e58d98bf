"""Noise on a take: on its rotations and its place, fast, slow or both; or on the places of its joints."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from backend.prior.state.take import Damaged, Take
from backend.training.prior.limbs import parents_of
from revision_blender.motion.retargeting.turns import smallest_turns, unit
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

POINT_PART = 0.2  # of the place's noise: an outline in a picture is found better than how far it is away


@dataclass(frozen=True)
class Noise:
    """Gaussian noise on every joint's rotation and on the root's place, at every frame.

    degrees: standard deviation about each of the three axes. cm: of the root along each. slow, white: parts of the deviation that are
    correlated over ``seconds`` (first-order autoregressive) and not at all; their squares add up to 1.
    """

    degrees: float
    cm: float
    slow: float = 0.0
    white: float = 1.0
    seconds: float = 0.5

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        take = damaged.take
        frames, joints = take.rotations.shape[:2]
        turns = matrix_from_axis_angle(np.radians(self.degrees) * self._drawn(rng, (frames, joints, 3), take.fps))
        root = take.root + 0.01 * self.cm * self._drawn(rng, (frames, 3), take.fps)
        points = take.points
        if points is not None:
            points = np.einsum("fij,fpj->fpi", turns[:, 0], points)
            points = points + 0.01 * POINT_PART * self.cm * self._drawn(rng, points.shape, take.fps)
            return replace(damaged, take=replace(take, root=root, points=points))  # how its box turned is not known, nor how it seems to
        return replace(damaged, take=replace(take, rotations=take.rotations @ turns, root=root, points=points))

    def _drawn(self, rng: np.random.Generator, shape: tuple[int, ...], fps: float) -> Array:
        result = self.white * rng.standard_normal(shape) if self.white else np.zeros(shape)
        if self.slow:
            stays = float(np.exp(-1.0 / (fps * self.seconds)))
            steps = rng.standard_normal(shape)
            steps[1:] *= np.sqrt(1.0 - stays**2)  # so that the deviation is the same from the first frame on
            result = result + self.slow * np.asarray(lfilter([1.0], [1.0, -stays], steps, axis=0))
        return result


@dataclass(frozen=True)
class JointNoise:
    """White noise of ``cm`` on the places of all joints, as HuMoR has it (arXiv 2105.04668), and the body posed to them.

    Bones keep their length: each joint turns so that what hangs on it lies in the noisy places' directions.
    """

    cm: float

    def on(self, damaged: Damaged, clean: Take, rng: np.random.Generator) -> Damaged:
        take = damaged.take
        if take.kind == "object":
            return Noise(0.0, self.cm).on(damaged, clean, rng)
        world, places = forward(take)
        noisy = places + 0.01 * self.cm * rng.standard_normal(places.shape)
        return replace(damaged, take=replace(take, rotations=_posed_to(take, world, noisy), root=noisy[:, 0]))


def forward(take: Take) -> tuple[Array, Array]:
    """R_world_joint ``(F, J, 3, 3)`` and the joints' places ``(F, J, 3)`` in metres."""
    world, places = np.empty_like(take.rotations), np.empty((*take.rotations.shape[:2], 3))
    for joint, parent in enumerate(parents_of(take.kind)):
        if parent < 0:
            world[:, joint], places[:, joint] = take.rotations[:, joint], take.root
        else:
            world[:, joint] = world[:, parent] @ take.rotations[:, joint]
            places[:, joint] = places[:, parent] + world[:, parent] @ take.offsets[joint]
    return world, places


def _posed_to(take: Take, world: Array, places: Array) -> Array:
    """``(F, J, 3, 3)`` R_parent_joint of the body whose bones point as ``places`` do; twist and ends as they were."""
    parents = parents_of(take.kind)
    posed = np.empty_like(world)
    for joint, parent in enumerate(parents):
        below = [child for child, of in enumerate(parents) if of == joint and np.linalg.norm(take.offsets[child]) > 1e-3]
        if not below:
            posed[:, joint] = take.rotations[:, joint] if parent < 0 else posed[:, parent] @ take.rotations[:, joint]
        elif len(below) == 1:
            toward = places[:, below[0]] - places[:, joint]
            posed[:, joint] = smallest_turns(unit(world[:, joint] @ take.offsets[below[0]]), unit(toward)) @ world[:, joint]
        else:
            posed[:, joint] = _turned_to(take.offsets[below], places[:, below] - places[:, joint, None])
    rotations = posed.copy()
    inner = [joint for joint, parent in enumerate(parents) if parent >= 0]
    above = [parents[joint] for joint in inner]
    rotations[:, inner] = np.swapaxes(posed[:, above], -1, -2) @ posed[:, inner]
    return rotations


def _turned_to(rest: Array, wanted: Array) -> Array:
    """``(F, 3, 3)`` rotations that bring ``rest`` ``(N, 3)`` nearest to ``wanted`` ``(F, N, 3)``: Kabsch."""
    left, _, right = np.linalg.svd(np.einsum("fni,nj->fij", wanted, rest))
    sign = np.sign(np.linalg.det(left @ right))
    left[..., 2] *= sign[:, None]
    return left @ right
