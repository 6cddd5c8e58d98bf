"""Clips whose pose, shape, camera and floor are known: the open body, dressed and lit, moving on a paved floor before a wall.

Drawn by the project's own rasteriser with a small shader; deterministic. The pictures are plain, but a person detector made
for photographs finds the person in every frame.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.evaluation.lifting.backdrop import paved
from backend.evaluation.lifting.colours import Clothes
from backend.evaluation.lifting.drawing import FINER, SUN, normals
from backend.raster.rasteriser import barycentrics, interpolate, rasterise
from revision_blender.masks.face_labels import face_labels
from revision_blender.motion.bodies.body_model import Identity, identity_of, open_human, vertices_of
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.camera import Camera, static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.library import motions
from revision_blender.motion.resample import sampled
from revision_blender.motion.retargeting.cmu import leg_length
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

WIDTH, HEIGHT, FPS, FRAMES = 640, 480, 12.0, 14
WALL = -2.6  # metres: the wall's z on the floor, behind the person


@dataclass(frozen=True, eq=False)
class TruthClip:
    """frames: ``(F, H, W, 3)`` uint8 sRGB. clip: what they show; its world is the camera frame, as after a lift."""

    name: str
    frames: NDArray[np.uint8]
    clip: Clip


@dataclass(frozen=True)
class Take:
    """motion: a word of the library. start: seconds into it. yaw, pitch: degrees; pitch looks down. height, distance: metres."""

    motion: str
    start: float
    yaw: float
    pitch: float
    height: float
    distance: float
    focal: float
    betas: tuple[float, ...]
    shirt: tuple[float, float, float]


TAKES = (
    Take("walk", 0.6, 35.0, 4.0, 1.35, 4.3, 800.0, (0.4, -0.6), (0.75, 0.16, 0.12)),
    Take("wave", 0.9, -20.0, 8.0, 1.60, 3.9, 800.0, (-0.9, 0.5, 0.6), (0.10, 0.30, 0.65)),
    Take("kick", 0.55, -60.0, 2.0, 1.15, 4.6, 760.0, (0.8, 0.8), (0.90, 0.55, 0.08)),
    Take("turn", 0.5, 10.0, 12.0, 2.00, 4.5, 820.0, (-0.3, -1.0, 0.4), (0.10, 0.48, 0.28)),
    Take("throw", 0.45, 40.0, 6.0, 1.40, 4.1, 800.0, (0.0, 1.2, -0.8), (0.72, 0.70, 0.64)),
)


@cache
def truth_clips() -> tuple[TruthClip, ...]:
    """Five clips of ``FRAMES`` frames: walk, wave, kick, turn, throw; drawn once a process."""
    return tuple(_drawn(take) for take in TAKES)


def _drawn(take: Take) -> TruthClip:
    clip = truth_of(take)
    return TruthClip(take.motion, _pictures(clip, take), clip)


def truth_of(take: Take) -> Clip:
    """The clip that a perfect lifter would return."""
    R, place = _R_floor_camera(take), np.array([0.0, take.height, take.distance])
    identity = identity_of(open_human(), np.array(take.betas))
    rotations, pelvis = _on_floor(take, identity)
    rotations[:, 0] = R.T @ rotations[:, 0]
    translation = (pelvis - place) @ R - identity.joints_rest[0]
    ground = GroundPlane(R.T @ np.array([0.0, 1.0, 0.0]), -place @ R)
    track = BodyTrack("person", "smpl", "open_human", np.array(take.betas), rotations, translation, np.ones((FRAMES, 24)))
    return Clip(FPS, static_camera(WIDTH, HEIGHT, take.focal, FRAMES), ground, (track,))


def _R_floor_camera(take: Take) -> Array:
    """Camera axes (x right, y down, z ahead) in floor coordinates; the camera looks along -z, down by the pitch."""
    sine, cosine = np.sin(np.radians(take.pitch)), np.cos(np.radians(take.pitch))
    return np.array([[1.0, 0.0, 0.0], [0.0, -cosine, -sine], [0.0, sine, -cosine]])


def _on_floor(take: Take, identity: Identity) -> tuple[Array, Array]:
    """Rotations ``(F, 24, 3, 3)`` and pelvis ``(F, 3)`` on a floor y = 0, about the origin, facing the camera but for the yaw."""
    motion = next(m for m in motions() if m.words[0] == take.motion)
    scale = leg_length(identity.joints_rest) / motion.leg_length
    rotations, pelvis = sampled(motion.rotations, motion.pelvis * scale, (take.start + np.arange(FRAMES) / FPS) * motion.fps)
    R_yaw = matrix_from_axis_angle(np.array([0.0, np.radians(take.yaw), 0.0]))
    rotations[:, 0] = R_yaw @ rotations[:, 0]
    pelvis = pelvis @ R_yaw.T
    pelvis -= (pelvis.min(axis=0) + pelvis.max(axis=0)) / 2.0 * [1.0, 0.0, 1.0]
    lowest = sole_points(identity, rotations, pelvis - identity.joints_rest[0])[..., 1].min(axis=(1, 2))
    return rotations, pelvis - [0.0, np.percentile(lowest, 15.0), 0.0]


def _pictures(clip: Clip, take: Take) -> NDArray[np.uint8]:
    """``(F, H, W, 3)`` uint8."""
    fine = clip.camera.resized(WIDTH * FINER, HEIGHT * FINER)
    track = clip.bodies[0]
    identity = identity_of(open_human(), track.betas)
    vertices = fine.to_camera(vertices_of(identity, track.rotations, track.translation)).astype(np.float64)
    behind = _set(fine, clip.ground, take)
    frames = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for frame, points in enumerate(vertices):
        picture = behind.copy()
        _cast_shadow(picture, points, identity.model.faces, fine, clip.ground, take)
        _paint_person(picture, points, identity, fine, take)
        small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        frames[frame] = np.round(255.0 * np.clip(small, 0.0, 1.0) ** (1.0 / 2.2))
    return frames


def _set(camera: Camera, ground: GroundPlane, take: Take) -> NDArray[np.float32]:
    """Linear light ``(H, W, 3)`` of the floor and the wall."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    rays = np.stack([(x - camera.center[0]) / camera.focal, (y - camera.center[1]) / camera.focal, np.ones_like(x)], axis=-1)
    rays = rays @ _R_floor_camera(take).T
    eye = np.array([0.0, take.height, take.distance])
    down = np.where(rays[..., 1] < -1e-6, -eye[1] / np.minimum(rays[..., 1], -1e-6), np.inf)
    back = (WALL - eye[2]) / np.minimum(rays[..., 2], -1e-6)
    on_floor = down < back
    hit = eye + rays * np.minimum(down, back)[..., None]
    floor = paved(hit[..., 0], hit[..., 2], 0.6, 0.6, (0.33, 0.29, 0.24))
    wall = paved(hit[..., 0] + 0.13 * (np.floor(hit[..., 1] / 0.16) % 2), hit[..., 1], 0.42, 0.16, (0.50, 0.42, 0.34))
    wall[hit[..., 1] < 0.12] *= 0.45
    return np.where(on_floor[..., None], floor, wall).astype(np.float32)


def _cast_shadow(
    picture: NDArray[np.float32], points: Array, faces: NDArray[np.integer], camera: Camera, ground: GroundPlane, take: Take
) -> None:
    sun = _R_floor_camera(take).T @ SUN
    flat = points - (ground.height(points) / (sun @ ground.normal))[:, None] * sun
    covered = rasterise(flat, faces, camera.focal, camera.center, camera.width, camera.height).covered
    soft = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 2.0 * FINER)
    picture *= 1.0 - 0.55 * soft[..., None]


def _paint_person(picture: NDArray[np.float32], points: Array, identity: Identity, camera: Camera, take: Take) -> None:
    faces = identity.model.faces
    seen = rasterise(points, faces, camera.focal, camera.center, camera.width, camera.height)
    weights = barycentrics(seen, points, faces, camera.focal, camera.center)
    across = normals(points, faces)
    across = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
    values = np.concatenate([across, identity.model.v_template], axis=1)
    inside = seen.covered
    attributes = interpolate(seen, weights, faces, values)[inside]
    normal = attributes[:, :3] / np.maximum(np.linalg.norm(attributes[:, :3], axis=1, keepdims=True), 1e-6)
    sun = _R_floor_camera(take).T @ SUN
    light = 0.42 + 0.18 * -normal[:, 1] + 0.75 * np.maximum(normal @ sun, 0.0)
    labels = face_labels(faces, identity.model.part_labels)[seen.face[inside]]
    picture[inside] = Clothes(take.shirt).colours(labels, attributes[:, 3:]) * light[:, None]
