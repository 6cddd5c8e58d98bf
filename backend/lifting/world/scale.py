"""How large people are: what one camera leaves open is settled by how tall people are and by the floor that they share.

A body seen by one camera may be larger and farther away by any factor. People of one shot stand on one floor, so that one factor
decides the others; adults measure 1.70 m, give or take 0.1 m. Each person is scaled about the camera, which leaves its picture as
it was: the shape takes the new size, the place moves along the line of sight. Where people stand at several distances their feet
say how the floor is tilted, too: factors, tilt and the camera's height are found together.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import model_of
from revision_blender.motion.bodies.body_model import BodyModel, identity_of
from revision_blender.motion.bodies.body_size import resized
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack

Array = NDArray[np.floating]

STATURE, STATURE_SPREAD = 1.70, 0.10  # metres
FLOOR_SPREAD = 0.04  # metres: how far the feet of one who stands may be from the floor
FEET = 4.0  # independent feet that one person's are worth
NEAR_LOWEST = 0.10  # metres: feet that are not farther above a person's lowest ones may be on the floor
AWAY = 0.15  # metres: feet that are farther from the others' floor than this stand on something else
LIMITS = (0.85, 1.18)
ROUNDS = 12
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


@dataclass(frozen=True, eq=False)
class Upright:
    """What is known of the floor's normal beside feet. normal: ``(3,)`` world. spread: radians, how far it can be wrong. camera:
    ``R_world_camera`` ``(3, 3)`` of a frame, which is held level: sideways it is hardly wrong at all.
    """

    normal: Float[NDArray[np.floating], "3"]
    spread: float
    R_world_camera: Float[NDArray[np.floating], "3 3"]
    roll_spread: float = 0.03


def agreed_scales(people: list[Standing], upright: Upright) -> Float[NDArray[np.float64], " P"]:
    """The factor of each person, 1 for a single one.

    Gauss-Newton over the logarithms of the factors, two tilts of the normal and the camera's height H over the floor: statures near
    1.70 m, ``s_p n.foot + H`` near 0 for feet that stand. Robust: who stands elsewhere keeps to the stature alone.
    """
    count = len(people)
    if count < 2:
        return np.ones(count)
    side = np.cross(upright.normal, upright.R_world_camera[:, 2])
    side = side / max(float(np.linalg.norm(side)), 1e-9)
    axes = np.column_stack([side, np.cross(side, upright.normal)])  # tilts the floor sideways, and away from the camera
    feet = [_lowest(person.feet, upright.normal) for person in people]
    below = [-float(np.median(points @ upright.normal)) for points in feet if len(points)]
    unknowns = np.zeros(count + 3)  # log factors, two tilts, H
    unknowns[-1] = float(np.median(below)) if below else 1.5
    stature = np.log(STATURE / np.array([person.stature for person in people]))
    for _ in range(ROUNDS):
        rows, right = _equations(unknowns, feet, upright, axes, stature)
        step = np.linalg.lstsq(rows, right, rcond=None)[0]
        unknowns += step
        if float(np.abs(step).max()) < 1e-6:
            break
    return np.clip(np.exp(unknowns[:count]), *LIMITS)


def _lowest(feet: Array, normal: Array) -> Array:
    height = feet @ normal
    return feet[height < np.percentile(height, 10) + NEAR_LOWEST] if len(feet) else feet


def _equations(unknowns: Array, feet: list[Array], upright: Upright, axes: Array, stature: Array) -> tuple[Array, Array]:
    """Rows of the linearised residuals over their spreads, and what they should come to."""
    count = len(feet)
    normal = upright.normal + axes @ unknowns[count : count + 2]
    prior = np.zeros((count + 2, count + 3))
    prior[np.arange(count), np.arange(count)] = STATURE / STATURE_SPREAD
    prior[count, count], prior[count + 1, count + 1] = 1.0 / upright.roll_spread, 1.0 / upright.spread
    wanted = np.concatenate([stature, np.zeros(2)])
    rows, right = [prior], [prior[:, : count + 2] @ (wanted - unknowns[: count + 2])]
    for person, points in enumerate(feet):
        if not len(points):
            continue
        factor = float(np.exp(unknowns[person]))
        residual = factor * points @ normal + unknowns[-1]
        trust = 1.0 / (1.0 + (float(np.median(residual)) / AWAY) ** 2)
        share = trust * (FEET / max(len(points), FEET)) ** 0.5 / FLOOR_SPREAD
        block = np.zeros((len(points), count + 3))
        block[:, person] = factor * points @ normal
        block[:, count : count + 2] = factor * points @ axes
        block[:, -1] = 1.0
        rows.append(block * share)
        right.append(-residual * share)
    return np.vstack(rows), np.concatenate(right)


def scaled(track: BodyTrack, factor: float, camera: Camera) -> BodyTrack:
    """The track ``factor`` times as large and as far from the camera. The picture is the same for bodies that come in every size (animals),
    else as well as the shape can take the size.
    """
    if abs(factor - 1.0) < 1e-6:
        return track
    model = model_of(track)
    betas = resized(model, track.betas, factor) if model.sized else grown_betas(model, track.betas, factor)
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
