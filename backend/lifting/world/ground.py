"""The floor, from the feet that stand on it and from how people and cameras are held.

Least squares over the plane's normal with four kinds of evidence: feet that hardly move lie on it, a body is in balance over
them, a camera is held level, and looks down a little rather than up.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from revision_blender.masks.labels import SMPL_JOINT_NAMES
from revision_blender.motion.clip import GroundPlane

Array = NDArray[np.floating]

# Where a body's mass is, by the joint at the upper end of each segment (after de Leva, 1996, rounded).
MASS: dict[str, float] = {
    "pelvis": 0.14, "spine1": 0.10, "spine2": 0.10, "spine3": 0.14, "head": 0.08, "hip": 0.06, "knee": 0.09, "ankle": 0.03,
    "shoulder": 0.015, "elbow": 0.02, "wrist": 0.015,
}  # fmt: skip
BEARING_HEIGHT = 0.12  # metres
CALM_SPEED = 0.5  # m/s, mean over the joints
STILL_SPEED = 0.35  # m/s: slower feet may stand
FOOT_SPREAD = 0.06  # metres
ROLL_SPREAD = 0.03  # radians
FOOT_EVIDENCE = 6.0  # how many independent feet one subject's standing feet are worth at most
PITCH, PITCH_SPREAD = 0.10, 0.12  # radians: cameras look down a little
BALANCE_SPREAD, RESTLESS_SPREAD = 0.10, 0.10  # radians: of a body at rest, and added for one that is not
ON_FLOOR = 0.05  # metres: a foot nearer than this stands on the floor
CAMERA_HEIGHT = 1.40  # metres over a floor that nothing is known of


@dataclass(frozen=True, eq=False)
class Stance:
    """One person's: joints: ``(F, 24, 3)`` SMPL's. feet: ``(F, N, 3)`` points under the soles; both world metres."""

    joints: Float[NDArray[np.floating], "F 24 3"]
    feet: Float[NDArray[np.floating], "F N 3"]


def ground_plane(joints: Array, feet: Array, R_world_camera: Array, fps: float) -> GroundPlane:
    """The floor under one person, in world coordinates; see ``shared_ground``. R_world_camera: ``(F, 3, 3)``."""
    return shared_ground([Stance(joints, feet)], R_world_camera, fps)[0]


def shared_ground(
    people: list[Stance], R_world_camera: Array, fps: float, others: list[Float[NDArray[np.floating], "F N 3"]] | None = None
) -> tuple[GroundPlane, float]:
    """The one floor under all, in world coordinates, and how sure it is, in [0, 1]: 0 for one that is guessed from the camera.

    others: points under paws and under things that rest. The confidence: in how many frames a foot stands on the floor, less where
    nobody is calm enough to tell what is upright.
    """
    feet = [person.feet for person in people] + list(others or [])
    if not feet:
        return guessed_ground(R_world_camera[0]), 0.0
    standing = np.concatenate([standing_points(points, fps) for points in feet])
    up, spread = shared_upright(people, R_world_camera, fps)
    normal = up
    for _ in range(4):
        normal = _normal(_lowest(standing, normal), up, spread, R_world_camera[0], FOOT_EVIDENCE * len(feet))
    ground = GroundPlane(normal=normal, point=_point(_lowest(standing, normal), normal))
    near = [float((np.abs(ground.height(points)) < ON_FLOOR).any(axis=1).mean()) for points in feet]
    return ground, float(np.mean(near) * min(1.0, BALANCE_SPREAD / spread))


def guessed_ground(R_world_camera: Array, height: float = CAMERA_HEIGHT) -> GroundPlane:
    """The floor below a camera that is held level and looks down a little, where nothing stands on it."""
    side, ahead = R_world_camera[:, 0], R_world_camera[:, 2]
    normal = _unit(-R_world_camera[:, 1] * np.cos(PITCH) - ahead * np.sin(PITCH))
    normal = _unit(normal - (normal @ side) * side)
    return GroundPlane(normal=normal, point=-height * normal)


def shared_upright(people: list[Stance], R_world_camera: Array, fps: float) -> tuple[Array, float]:
    """What all say together, the surer ones more; what is said without people is what cameras are held like."""
    said = [_upright(person.joints, person.feet, R_world_camera, fps) for person in people]
    if len(said) == 1:
        return said[0]
    if not said:
        return guessed_ground(R_world_camera[0]).normal, BALANCE_SPREAD + RESTLESS_SPREAD
    weights = np.array([1.0 / spread**2 for _, spread in said])
    up = _unit(np.einsum("p,pa->a", weights, np.stack([direction for direction, _ in said])))
    return up, float(max((1.0 / weights.sum()) ** 0.5, BALANCE_SPREAD / len(said) ** 0.5))


def standing_points(feet: Array, fps: float) -> Array:
    """``(M, 3)`` feet that hardly move; all of them where none rests or the clip is one frame."""
    if len(feet) < 2:
        return feet.reshape(-1, 3)
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
    speed = np.minimum(np.concatenate([speed[:1], speed]), np.concatenate([speed, speed[-1:]]))
    still = speed < STILL_SPEED
    return feet[still] if still.sum() >= 3 else feet.reshape(-1, 3)


def _upright(joints: Array, feet: Array, R_world_camera: Array, fps: float) -> tuple[Array, float]:
    """A body in balance has its weight over its feet, however it bends: the mean direction from the one to the other.

    Frames count by how calm they are: a body that falls, runs or jumps is not in balance. The part sideways to the camera
    is held small. Returned with it: how far it can be wrong, radians.
    """
    weight = np.array([MASS.get(name.removeprefix("left_").removeprefix("right_"), 0.0) for name in SMPL_JOINT_NAMES])
    center = np.einsum("fja,j->fa", joints, weight / weight.sum())
    trunk = _unit(joints[:, SMPL_JOINT_NAMES.index("neck")] - joints[:, SMPL_JOINT_NAMES.index("pelvis")])
    first = _unit(np.median(trunk, axis=0))
    support = np.stack([_support(frame, first) for frame in feet])
    calm = _calm(joints, fps)
    mean = calm / calm.sum() @ _unit(center - support)
    sideways = R_world_camera[0][:, 0]
    mean = mean - 0.9 * (mean @ sideways) * sideways
    return _unit(mean), BALANCE_SPREAD + RESTLESS_SPREAD * (1.0 - float(calm.max()))


def _calm(joints: Array, fps: float) -> Array:
    """``(F,)`` near 1 where the body hardly moves, near 0 where it runs."""
    if len(joints) < 2:
        return np.ones(len(joints))
    step = np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean(axis=1) * fps
    speed = np.maximum(np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]]))
    return 1.0 / (1.0 + (speed / CALM_SPEED) ** 2) ** 2


def _support(feet: Array, up: Array) -> Array:
    """The middle of the feet of one frame ``(N, 3)`` that bear the body: those not clearly higher than the lowest."""
    height = feet @ up
    bearing = height < height.min() + BEARING_HEIGHT
    return feet[bearing].mean(axis=0)


def _unit(vector: Array) -> Array:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)


def _lowest(points: Array, normal: Array) -> Array:
    """Those within reach of the floor: not the foot that is up on the other leg's knee."""
    height = points @ normal
    return points[height < np.percentile(height, 20) + 0.10]


def _normal(points: Array, up: Array, spread: float, R_world_camera: Array, evidence: float) -> Array:
    """Small tilts a, b about two axes across ``up`` that best agree with all evidence; solved linearly."""
    side = _unit(np.cross(up, R_world_camera[:, 2]))
    ahead = np.cross(side, up)
    axes = np.column_stack([side, ahead])  # the normal is up + axes @ (a, b)
    middle = points - points.mean(axis=0)
    share = min(1.0, evidence / max(len(points), 1)) ** 0.5 / FOOT_SPREAD  # a foot that stands is seen in many frames, but is one foot
    right_of_camera, ahead_of_camera = R_world_camera[:, 0], R_world_camera[:, 2]
    rows = [
        middle @ axes * share,
        right_of_camera[None] @ axes / ROLL_SPREAD,
        ahead_of_camera[None] @ axes / PITCH_SPREAD,
        np.eye(2) / spread,
    ]
    right = [-(middle @ up) * share, [-(up @ right_of_camera) / ROLL_SPREAD], [-(PITCH + up @ ahead_of_camera) / PITCH_SPREAD], np.zeros(2)]
    tilt = np.linalg.lstsq(np.vstack(rows), np.concatenate(right), rcond=None)[0]
    return _unit(up + axes @ tilt)


def _point(points: Array, normal: Array) -> Array:
    height = float(np.median(points @ normal))
    middle = points.mean(axis=0)
    return middle + (height - middle @ normal) * normal
