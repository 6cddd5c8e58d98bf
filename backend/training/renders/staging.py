"""Where the camera stands, and how a recorded motion leads from a given first pose to a given place.

The stage is y up with the floor at 0; the camera looks along -z from above the floor. A clip's world is its camera's frame, as in
lifted clips.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.training.renders.motions import Motion
from revision_blender.motion.bodies.body_model import Identity, vertices_of
from revision_blender.motion.camera import Camera, static_camera
from revision_blender.motion.clip import BodyTrack, GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle, slerp

Array = NDArray[np.floating]

_FLIP = np.diag([1.0, -1.0, -1.0])  # y up and looking along -z, to OpenCV's axes
_FORWARD = {"human": np.array([0.0, 0.0, 1.0]), "animal": np.array([1.0, 0.0, 0.0])}
_TRAVELS = 0.35  # metres from which on a motion's direction is that of its path, below it that of the body


@dataclass(frozen=True, eq=False)
class View:
    """A camera over the stage. place: ``(3,)`` metres. R_camera_stage: ``(3, 3)``. focal: pixels of a square picture of ``size`` pixels."""

    place: Array
    R_camera_stage: Array
    focal: float
    size: int

    def to_camera(self, points_stage: Array) -> Array:
        return (points_stage - self.place) @ self.R_camera_stage.T

    def camera(self, n_frames: int) -> Camera:
        return static_camera(self.size, self.size, self.focal, n_frames)

    @property
    def ground(self) -> GroundPlane:
        return GroundPlane(self.R_camera_stage @ [0.0, 1.0, 0.0], self.to_camera(np.zeros(3)))

    @property
    def horizon(self) -> float:
        """The horizon's row as a share of the picture's height."""
        ahead = self.R_camera_stage @ np.array([0.0, 0.0, -1.0])
        return float(np.clip(0.5 + ahead[1] / ahead[2] * self.focal / self.size, 0.05, 0.9))


def view_of(rng: np.random.Generator, size: int, extent: float, seen: float, middle: float) -> View:
    """A view in which something ``extent`` metres long takes ``seen`` pixels at the stage's origin, ``middle`` metres up in the picture's middle."""
    focal = float(rng.uniform(1.2, 1.8)) * size
    distance = focal * extent / seen
    height = middle + distance * float(rng.uniform(0.0, 0.28))
    pitch = float(np.arctan2(height - middle * rng.uniform(0.85, 1.15), distance))
    R_pitch = matrix_from_axis_angle(np.array([pitch, 0.0, 0.0]))
    return View(np.array([0.0, height, distance]), _FLIP @ R_pitch, focal, size)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where and how a body stands at the start. rotations: ``(J, 3, 3)``, joint 0 to the stage. pelvis: ``(3,)`` metres."""

    rotations: Array
    pelvis: Array


@dataclass(frozen=True, eq=False)
class Journey:
    """One motion from a start pose on. start: seconds into the motion. gone: ``(2,)`` metres along x and z at the end."""

    motion: Motion
    start: float
    gone: Array


def first_pose(rng: np.random.Generator, motion: Motion, identity: Identity, column: float) -> Pose:
    """A pose out of a motion, turned anyhow, its lowest point on the floor, ``column`` metres right of the middle."""
    rotations, _ = motion.window(float(rng.uniform(0.0, motion.seconds)), 1, motion.fps)
    rotations = rotations[0].copy()
    rotations[0] = about_y(float(rng.uniform(0.0, 2.0 * np.pi))) @ rotations[0]
    root = identity.joints_rest[0]
    lowest = float(vertices_of(identity, rotations[None], -root[None])[0, :, 1].min())
    return Pose(rotations, np.array([column, -lowest, 0.0]))


def about_y(angle: float) -> Array:
    """``(3, 3)`` a turn about the vertical."""
    return matrix_from_axis_angle(np.array([0.0, angle, 0.0]))


def travelled(pose: Pose, journey: Journey, identity: Identity, n_frames: int, fps: float) -> tuple[Array, Array]:
    """Rotations ``(F, J, 3, 3)`` and pelvis ``(F, 3)`` on the stage: frame 0 is the pose, the end is ``gone`` from there.

    The motion is turned so that it leads where it shall; what is missing to the place is made up evenly (the body glides). The
    first frames go over from the pose into the motion.
    """
    turned, moved = journey.motion.window(journey.start, n_frames, fps)
    pelvis = moved + identity.joints_rest[0]
    path = pelvis - pelvis[0]
    path[:, 1] = 0.0
    R_turn = about_y(_angle(np.array([journey.gone[0], 0.0, journey.gone[1]])) - _angle(_direction(turned, path, journey.motion.kind)))
    path = path @ R_turn.T
    rest = np.array([journey.gone[0], 0.0, journey.gone[1]]) - path[-1]
    path = path + np.linspace(0.0, 1.0, n_frames)[:, None] * rest
    turned = turned.copy()
    turned[:, 0] = R_turn @ turned[:, 0]
    fade = _smooth(np.arange(n_frames) / 3.0)
    rotations = slerp(np.broadcast_to(pose.rotations, turned.shape), turned, np.broadcast_to(fade[:, None], turned.shape[:2]))
    height = _height(identity, rotations, pelvis[:, 1], pose.pelvis[1], fade)
    return rotations, path + pose.pelvis * [1.0, 0.0, 1.0] + height[:, None] * [0.0, 1.0, 0.0]


def _height(identity: Identity, rotations: Array, captured: Array, start: float, fade: Array) -> Array:
    """The pelvis' height: as captured, raised where this body, of another shape, would sink into the floor."""
    wanted = (1.0 - fade) * start + fade * captured
    root = np.tile(identity.joints_rest[0], (len(rotations), 1))
    lowest = vertices_of(identity, rotations, -root, correctives=False)[..., 1].min(axis=1)
    touching = -lowest
    spare = wanted - touching
    return np.where(fade == 0.0, start, wanted - min(float(np.percentile(spare[1:], 25)), 0.3) if len(spare) > 1 else wanted)


def track_in(view: View, identity: Identity, rotations: Array, pelvis: Array, track_id: str) -> BodyTrack:
    """The body as a track of a clip whose world is the camera's frame; everything is known exactly."""
    turned = rotations.copy()
    turned[:, 0] = view.R_camera_stage @ turned[:, 0]
    translation = view.to_camera(pelvis) - identity.joints_rest[0]
    model = identity.model
    return BodyTrack(track_id, model.family, model.name, np.zeros(0), turned, translation, np.ones(rotations.shape[:2]))


def _direction(rotations: Array, path: Array, kind: str) -> Array:
    if float(np.linalg.norm(path[-1])) > _TRAVELS:
        return path[-1]
    return rotations[len(rotations) // 2, 0] @ _FORWARD[kind]


def _angle(direction: Array) -> float:
    return float(np.arctan2(direction[0], direction[2]))


def _smooth(at: Array) -> Array:
    part = np.clip(at, 0.0, 1.0)
    return part * part * (3.0 - 2.0 * part)
