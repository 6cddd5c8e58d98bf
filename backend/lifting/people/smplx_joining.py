"""A body and its hands as one SMPL-X: fingers from the hands, wrists that both agree on, the forearm's twist shared.

Body networks and landmarks say little about how a forearm is twisted; a hand says it exactly. The hand's direction is taken, and what
lies between it and the upper arm is split as anatomy does: bending and tilting at the wrist, twisting along the forearm, of which the
elbow takes its share (turning about the bone leaves the wrist where it is). A hand that would need an impossible wrist is followed as far
as a wrist goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import shelf
from backend.lifting.calm import DOUBT, HAND_SECONDS, calmed_rotations
from backend.lifting.people.hand_fit import HandPoints, fit_hands
from backend.lifting.people.joining_shape import as_smplx
from backend.lifting.providers.base import Hands, LiftedBody
from backend.lifting.providers.mano_body import hand_joints, hand_of
from backend.lifting.rays import ray_turns, seen_along
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import BodyModel, identity_of, joints_of, world_rotations
from revision_blender.motion.camera import Camera
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle, slerp
from revision_blender.motion.skeletons import SMPLX

Array = NDArray[np.floating]

SIDES = ("left", "right")
ELBOW_SHARE = 0.6  # of the forearm's twist
MOST_TWIST = 1.9  # radians between the elbow and the hand, both ways
MOST_BEND = (1.45, 0.75)  # radians at the wrist: towards palm or back, towards thumb or little finger
LEAST_SCORE = 0.3  # of a hand that is believed
LET_GO_SECONDS = 0.4  # after which a hand that is not seen is at rest


def with_hands(body: LiftedBody, hands: Hands, camera: Camera, fps: float, progress: Progress) -> LiftedBody:
    """body: one person in the camera's world, SMPL or SMPL-X. hands: that person's (P = 1).

    Returns SMPL-X. Fingers of frames without a hand go over into a hand at rest with confidence 0; the wrist is then the body's.
    """
    joined = as_smplx(body)
    model = shelf().load(joined.model)
    for side, hand in zip(SIDES, _both_sides(model, joined, hands, camera, progress), strict=True):
        if hand is not None:
            joined = _with_hand(joined, model, hand, camera, fps, side)
    return joined


@dataclass(frozen=True, eq=False)
class _Side:
    """rotations: ``(F, 16, 3, 3)`` R_camera_wrist and fingers, held where not seen. score: ``(F,)``, 0 where not seen."""

    rotations: Float[NDArray[np.float64], "F 16 3 3"]
    score: Float[NDArray[np.float64], " F"]


_fits: WeakKeyDictionary[Hands, dict[str, tuple[_Side | None, _Side | None]]] = WeakKeyDictionary()  # a lift asks twice: smooth and raw


def _both_sides(model: BodyModel, body: LiftedBody, hands: Hands, camera: Camera, progress: Progress) -> tuple[_Side | None, _Side | None]:
    """Left and right, each nothing where it is never seen."""
    known = _fits.setdefault(hands, {})
    if model.name not in known:
        seen = [np.flatnonzero(hands.score[0, :, place] >= LEAST_SCORE) for place in (0, 1)]
        turns = _given(hands, seen) if hands.rotations is not None else _fitted(model, body, hands, seen, camera, progress)
        left, right = (_side(hands.score[0, :, place], seen[place], turns[place]) for place in (0, 1))
        known[model.name] = left, right
    return known[model.name]


def _given(hands: Hands, seen: Sequence[NDArray[np.integer]]) -> list[Array]:
    assert hands.rotations is not None
    return [np.asarray(hands.rotations[0, at, place], dtype=np.float64) for place, at in enumerate(seen)]


def _fitted(
    model: BodyModel, body: LiftedBody, hands: Hands, seen: Sequence[NDArray[np.integer]], camera: Camera, progress: Progress
) -> list[Array]:
    """``(N, 16, 3, 3)`` for each side, fitted to the points of both at once, each as it looks along the ray to it."""
    joints = camera.to_camera(joints_of(identity_of(model, np.asarray(body.betas)), body.rotations, body.translation))
    turns = [ray_turns(hands.points[0, at, place].mean(axis=1), camera) for place, at in enumerate(seen)]
    points = [_points(hands, place, at, turns[place], joints[at], camera) for place, at in enumerate(seen) if len(at)]
    fitted = iter(fit_hands(hand_of(model), points, progress))
    found = [next(fitted) if len(at) else np.zeros((0, 16, 3, 3)) for at in seen]
    for own, turn in zip(found, turns, strict=True):
        own[:, 0] = turn @ own[:, 0]
    return found


def _points(
    hands: Hands, place: int, at: NDArray[np.integer], turns: Float[Array, "N 3 3"], joints: Float[Array, "N 55 3"], camera: Camera
) -> HandPoints:
    """joints: of the body, camera coordinates of the same frames."""
    elbow, wrist = (joints[:, SMPLX.index(f"{SIDES[place]}_{name}")] for name in ("elbow", "wrist"))
    forearm = (wrist - elbow)[:, None] @ turns
    pixels = seen_along(turns, hands.points[0, at, place], camera)
    world = _flat_world(pixels) if hands.world is None else np.asarray(hands.world[0, at, place], dtype=np.float64) @ turns
    score = np.asarray(hands.score[0, at, place], dtype=np.float64)
    size = camera.focal / np.maximum(np.linalg.norm(wrist, axis=-1), 0.1)
    return HandPoints(pixels, world, score, at, place == 0, size, forearm[:, 0] / np.linalg.norm(forearm[:, 0], axis=-1, keepdims=True))


def _side(score: Array, seen: NDArray[np.integer], turns: Float[Array, "N 16 3 3"]) -> _Side | None:
    if not len(seen):
        return None
    nearest = np.abs(np.arange(len(score))[:, None] - seen[None]).argmin(axis=1)
    return _Side(turns[nearest], np.where(score >= LEAST_SCORE, np.asarray(score, dtype=np.float64), 0.0))


def _flat_world(pixels: Float[Array, "N 21 2"]) -> Float[Array, "N 21 3"]:
    """Where there are pixels only: the hand as if it lay in the picture, of any size."""
    about = pixels - pixels[:, :1]
    return np.concatenate([about, np.zeros_like(about[..., :1])], axis=-1) * 1e-3


def _with_hand(body: LiftedBody, model: BodyModel, hand: _Side, camera: Camera, fps: float, side: str) -> LiftedBody:
    joints = hand_joints(side)
    elbow, wrist = SMPLX.index(f"{side}_elbow"), joints[0]
    rotations = np.array(body.rotations, dtype=np.float64)
    confidence = np.array(body.confidence, dtype=np.float64)
    trust = _trust(hand.score, fps)
    world = world_rotations(SMPLX.parents, rotations)
    wanted = camera.T_world_camera[:, :3, :3] @ hand.rotations[:, 0]
    wanted = slerp(world[:, wrist], wanted, trust)
    wanted = calmed_rotations(wanted, np.maximum(trust, DOUBT), fps, HAND_SECONDS)
    rest = identity_of(model, np.asarray(body.betas)).joints_rest
    forearm = (rest[wrist] - rest[elbow]) / np.linalg.norm(rest[wrist] - rest[elbow])
    rotations[:, elbow], rotations[:, wrist] = shared_twist(world[:, elbow], rotations[:, elbow], wanted, forearm)
    relaxed = rotations[:, joints[1:]]
    fingers = slerp(relaxed, hand.rotations[:, 1:], np.repeat(trust[:, None], 15, axis=1))
    rotations[:, joints[1:]] = calmed_rotations(fingers, np.maximum(trust, DOUBT), fps, HAND_SECONDS)
    confidence[:, joints[1:]] = hand.score[:, None]
    confidence[:, wrist] = np.maximum(confidence[:, wrist], np.where(hand.score > 0.0, np.minimum(hand.score, confidence[:, elbow]), 0.0))
    return LiftedBody(body.family, body.model, body.betas, rotations, body.translation, confidence)


def shared_twist(
    R_world_elbow: Float[Array, "F 3 3"],
    R_parent_elbow: Float[Array, "F 3 3"],
    R_world_hand: Float[Array, "F 3 3"],
    forearm: Float[Array, "3"],
) -> tuple[Float[NDArray[np.float64], "F 3 3"], Float[NDArray[np.float64], "F 3 3"]]:
    """R_parent_elbow and R_elbow_wrist that bring the hand to its direction as far as a wrist goes.

    forearm: unit, from elbow to wrist in the rest pose. The upper arm and the wrist's place stay as they were.
    """
    local = np.swapaxes(R_world_elbow, -1, -2) @ R_world_hand
    swing, twist = swing_and_twist(local, forearm)
    twist = np.clip(twist, -MOST_TWIST, MOST_TWIST)
    turned = matrix_from_axis_angle(twist[:, None] * forearm)
    # The axes about which a wrist bends turn with the hand: swing . twist = twist . bent, with the bend as the hand sees it.
    bent = _within_reach(np.swapaxes(turned, -1, -2) @ swing @ turned, forearm)
    given = matrix_from_axis_angle(ELBOW_SHARE * twist[:, None] * forearm)
    return R_parent_elbow @ given, np.swapaxes(given, -1, -2) @ turned @ bent


def swing_and_twist(rotations: Float[Array, "F 3 3"], axis: Float[Array, "3"]) -> tuple[Float[Array, "F 3 3"], Float[Array, " F"]]:
    """rotation = swing @ twist: the twist in radians about the axis, the swing about an axis square to it."""
    vector = axis_angle_from_matrix(rotations)
    half = 0.5 * np.linalg.norm(vector, axis=-1)
    sine = np.where(half < 1e-9, 0.5, np.sin(half) / np.maximum(2.0 * half, 1e-12))
    twist = 2.0 * np.arctan2(sine * (vector @ axis), np.cos(half))
    twist = np.mod(twist + np.pi, 2.0 * np.pi) - np.pi
    return rotations @ matrix_from_axis_angle(-twist[:, None] * axis), twist


def _within_reach(swing: Float[Array, "F 3 3"], forearm: Float[Array, "3"]) -> Float[NDArray[np.float64], "F 3 3"]:
    """The wrist's bend inside an ellipse: far about the axis that lies in the flat hand (z in the rest pose), less about the other (y)."""
    vector = axis_angle_from_matrix(swing)
    bend_axis = np.array([0.0, 0.0, 1.0]) - forearm[2] * forearm
    bend_axis /= np.linalg.norm(bend_axis)
    side_axis = np.cross(forearm, bend_axis)
    bend, tilt = vector @ bend_axis, vector @ side_axis
    over = np.maximum(np.hypot(bend / MOST_BEND[0], tilt / MOST_BEND[1]), 1.0)
    return matrix_from_axis_angle((bend[:, None] * bend_axis + tilt[:, None] * side_axis) / over[:, None])


def _trust(score: Float[Array, " F"], fps: float) -> Float[NDArray[np.float64], " F"]:
    """``(F,)``: 1 where a hand is seen, falling to 0 over the frames without one."""
    seen = np.flatnonzero(score > 0.0)
    away = np.abs(np.arange(len(score))[:, None] - seen[None]).min(axis=1) / fps
    return np.clip(1.0 - away / LET_GO_SECONDS, 0.0, 1.0)
