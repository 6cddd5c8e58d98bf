"""How large people are: what one camera leaves open is settled by how tall people are and by the floor that they share.

A body seen by one camera may be larger and farther away by any factor. People of one shot stand on one floor, so that one factor
decides the others; adults measure 1.70 m, give or take 0.1 m. Each person is scaled about the camera, which leaves its picture as
it was: the shape takes the new size, the place moves along the line of sight.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import model_of
from revision_blender.motion.bodies.body_model import BodyModel, identity_of
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack

Array = NDArray[np.floating]

STATURE, STATURE_SPREAD = 1.70, 0.10  # metres
FLOOR_SPREAD = 0.06  # metres: how far the feet of one who stands may be from the floor
AWAY = 0.25  # metres: feet that are farther from the others' floor than this stand on something else
LIMITS = (0.85, 1.18)
SHAPE_WEIGHT = 0.01  # of a component's change, beside metres of the rest surface
TALLEST_STEP = 4.0  # components are not driven beyond this


@dataclass(frozen=True, eq=False)
class Standing:
    """How a person stands. stature: metres. feet: ``(M, 3)`` points under feet that hardly move, camera centre at the origin."""

    stature: float
    feet: Float[NDArray[np.floating], "M 3"]


def stature_of(model: BodyModel, betas: Array) -> float:
    """Metres from sole to crown in the rest pose."""
    shaped = identity_of(model, betas).v_shaped[:, 1]
    return float(shaped.max() - shaped.min())


def agreed_scales(people: list[Standing], normal: Array) -> Float[NDArray[np.float64], " P"]:
    """The factor of each person, 1 for a single one. normal: the floor's, world.

    Least squares over the logarithms of the factors and of the camera's height H over the floor: ``s_p stature_p`` near 1.70 m, ``s_p
    h_p`` near H, where h_p is how far the feet lie below the camera. Robust: who stands elsewhere keeps to the stature alone.
    """
    if len(people) < 2:
        return np.ones(len(people))
    below = np.array([-float(np.median(person.feet @ normal)) if len(person.feet) else np.nan for person in people])
    stature = np.log(STATURE / np.array([person.stature for person in people]))
    usable = np.isfinite(below) & (below > 0.2)
    logs = _solved(stature, np.log(np.where(usable, below, 1.0)), usable.astype(float), below)
    return np.clip(np.exp(logs), *LIMITS)


def _solved(stature: Array, height: Array, weights: Array, below: Array) -> Float[NDArray[np.float64], " P"]:
    count = len(stature)
    of_stature, floor = STATURE / STATURE_SPREAD, np.where(weights > 0, np.nan_to_num(below, nan=1.0) / FLOOR_SPREAD, 0.0)
    logs = np.zeros(count + 1)
    trust = weights.copy()
    for _ in range(6):
        rows = np.zeros((2 * count, count + 1))
        right = np.zeros(2 * count)
        for person in range(count):
            rows[person, person], right[person] = of_stature, of_stature * stature[person]
            share = floor[person] * trust[person] ** 0.5
            rows[count + person, [person, count]], right[count + person] = (share, -share), -share * height[person]
        logs = np.linalg.lstsq(rows, right, rcond=None)[0]
        apart = (logs[:count] + height - logs[count]) * np.exp(logs[count])
        trust = weights / (1.0 + (apart / AWAY) ** 2) ** 2
    return logs[:count]


def scaled(track: BodyTrack, factor: float, camera: Camera) -> BodyTrack:
    """The track ``factor`` times as large and as far from the camera: the same picture, to how well the shape can take the size."""
    if abs(factor - 1.0) < 1e-6:
        return track
    model = model_of(track)
    betas = grown_betas(model, track.betas, factor)
    before, after = identity_of(model, track.betas).joints_rest[0], identity_of(model, betas).joints_rest[0]
    center = camera.T_world_camera[:, :3, 3]
    root = center + factor * (before + track.translation - center)
    return replace(track, betas=betas.astype(track.betas.dtype), translation=root - after)


def grown_betas(model: BodyModel, betas: Array, factor: float) -> Float[NDArray[np.float64], " B"]:
    """The shape whose rest surface is nearest to ``factor`` times the one of ``betas``, about the pelvis."""
    dirs = model.shapedirs[::7].astype(np.float64)
    rest = identity_of(model, betas)
    points = rest.v_shaped[::7] - rest.joints_rest[0]
    pelvis = model.joint_shapedirs[0]
    basis = (dirs - pelvis[None]).reshape(-1, dirs.shape[-1])
    ridge = SHAPE_WEIGHT * len(points) ** 0.5 * np.eye(basis.shape[1])
    change = np.linalg.lstsq(
        np.vstack([basis, ridge]), np.concatenate([((factor - 1.0) * points).ravel(), np.zeros(len(ridge))]), rcond=None
    )[0]
    full = np.zeros(basis.shape[1])
    full[: len(betas)] = betas
    grown = full + change
    limit = np.maximum(np.abs(full), TALLEST_STEP)
    return np.clip(grown, -limit, limit)
