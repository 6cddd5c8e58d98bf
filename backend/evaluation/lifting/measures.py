"""What is measured of a lifted track against its truth: joints, outlines, depths, and the camera's turning."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from backend.bodies.installed import identity_of_track
from backend.raster.rasteriser import rasterise
from backend.raster.surfaces import body_surface, object_surface
from revision_blender.motion.bodies.body_model import joints_of
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, Track

Array = NDArray[np.floating]
MOUTH, TAIL = 32, 25  # joints of SMAL's tree


def joints_world(track: BodyTrack) -> Float[NDArray[np.float64], "F J 3"]:
    return joints_of(identity_of_track(track), track.rotations, track.translation, track.expression)


def procrustes_errors(found: Float[Array, "F J 3"], truth: Float[Array, "F J 3"]) -> Float[NDArray[np.float64], " F"]:
    """Mean distance of joints a frame, metres, after each frame's best similarity (PA-MPJPE; Umeyama, 1991)."""
    a, b = found - found.mean(axis=1, keepdims=True), truth - truth.mean(axis=1, keepdims=True)
    u, s, vt = np.linalg.svd(np.einsum("fji,fjk->fik", a, b))
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    u[..., 2] *= sign[:, None]
    s[..., 2] *= sign
    scale = s.sum(axis=-1) / np.maximum(np.square(a).sum(axis=(1, 2)), 1e-12)
    aligned = scale[:, None, None] * np.einsum("fji,fik->fjk", a, u @ vt)
    return np.linalg.norm(aligned - b, axis=-1).mean(axis=1)


def body_length(track: BodyTrack) -> float:
    """Of a quadruped, metres: from the mouth's joint to the tail's first, at rest."""
    rest = identity_of_track(track).joints_rest
    return float(np.linalg.norm(rest[MOUTH] - rest[TAIL]))


def at_rest(track: BodyTrack) -> BodyTrack:
    """The mean body of the track's model in its rest pose, frame after frame: what an answer is that never looked."""
    resting = np.tile(np.eye(3), (*track.rotations.shape[:2], 1, 1))
    return replace(track, rotations=resting, betas=np.zeros_like(track.betas))


def outlines(track: Track, camera: Camera, frames: NDArray[np.integer] | None = None) -> Bool[NDArray[np.bool_], "F H W"]:
    """Where the track's surface lies in the camera's pictures with nothing before it, on all frames or those named."""
    surface = body_surface(track) if isinstance(track, BodyTrack) else object_surface(track, 1)
    wanted = np.arange(camera.n_frames) if frames is None else frames
    points = camera.to_camera(surface.vertices_world)[wanted]
    return np.stack([rasterise(one, surface.faces, camera.focal, camera.center, camera.width, camera.height).covered for one in points])


def depths(track: Track, camera: Camera) -> Float[NDArray[np.float64], " F"]:
    """Metres along the camera's axis to the middle of a track: the mean of its joints, or a thing's centre."""
    points = joints_world(track) if isinstance(track, BodyTrack) else track.points[:, -1:]
    return camera.to_camera(points)[..., 2].mean(axis=1)


def turning_errors(found: Camera, truth: Camera) -> Float[NDArray[np.float64], " F"]:
    """Degrees between the cameras' turns since their first frame."""
    turns = [np.swapaxes(camera.T_world_camera[:1, :3, :3], 1, 2) @ camera.T_world_camera[:, :3, :3] for camera in (found, truth)]
    trace = np.einsum("fij,fij->f", turns[0], turns[1])
    return np.degrees(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)))
