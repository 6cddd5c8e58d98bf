"""Figures on a floor as the clip that a perfect lifter returns: the world is the first frame's camera."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.evaluation.lifting.backdrop import Eye
from backend.evaluation.lifting.figures import Figure
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack, Track

Array = NDArray[np.floating]
N_CONTOUR = 16


def clip_of(figures: tuple[Figure, ...], eyes: tuple[Eye, ...], fps: float) -> Clip:
    """Camera, floor and one track a figure, in the figures' order."""
    first = eyes[0]
    T = np.tile(np.eye(4), (len(eyes), 1, 1))
    for frame, eye in enumerate(eyes):
        T[frame, :3, :3] = first.R_floor_camera.T @ eye.R_floor_camera
        T[frame, :3, 3] = first.R_floor_camera.T @ (eye.place - first.place)
    camera = Camera(first.width, first.height, first.focal, np.array([first.width / 2.0, first.height / 2.0]), T)
    ground = GroundPlane(first.R_floor_camera.T @ np.array([0.0, 1.0, 0.0]), -first.place @ first.R_floor_camera)
    return Clip(fps, camera, ground, tuple(_track(figure, camera, first) for figure in figures))


def _track(figure: Figure, camera: Camera, first: Eye) -> Track:
    motion = figure.motion
    if motion is None:
        points = camera.to_camera((figure.vertices - first.place) @ first.R_floor_camera)
        flat = np.stack([outline_points(one, camera.focal) for one in points])
        world = np.einsum("fij,fnj->fni", camera.T_world_camera[:, :3, :3], flat) + camera.T_world_camera[:, None, :3, 3]
        return ObjectTrack(figure.name, figure.label, figure.size, world, np.ones(len(world)))
    rotations = motion.rotations.copy()
    rotations[:, 0] = first.R_floor_camera.T @ rotations[:, 0]
    translation = (motion.root - first.place) @ first.R_floor_camera - motion.identity.joints_rest[0]
    model = motion.identity.model
    return BodyTrack(figure.name, model.family, model.name, motion.betas, rotations, translation, np.ones(rotations.shape[:2]))


def outline_points(points_camera: Array, focal: float) -> Array:
    """A convex thing's 21 points ``(21, 3)`` in camera coordinates, at the depth of its middle.

    Sixteen at equal arc length from where the outline meets +x from the centre, clockwise in the picture; then the corners of its
    bounding box from the top left, clockwise; then the box's centre.
    """
    depth = float(points_camera[:, 2].min() + points_camera[:, 2].max()) / 2.0
    seen = points_camera[:, :2] / points_camera[:, 2:] * focal
    hull = cv2.convexHull(seen.astype(np.float32))[:, 0].astype(np.float64)
    low, high = hull.min(axis=0), hull.max(axis=0)
    middle = (low + high) / 2.0
    box = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]], middle])
    flat = np.concatenate([_around(hull - middle) + middle, box])
    return np.concatenate([flat * depth / focal, np.full((len(flat), 1), depth)], axis=1)


def _around(outline: Array) -> Array:
    """Sixteen points of a convex outline about the origin, y down: dense points by angle from +x on, then equal steps along them."""
    closed = np.concatenate([outline, outline[:1]])
    dense = np.concatenate([a + (b - a) * np.linspace(0.0, 1.0, 100, endpoint=False)[:, None] for a, b in pairwise(closed)])
    dense = dense[np.argsort(np.arctan2(dense[:, 1], dense[:, 0]) % (2.0 * np.pi))]
    lengths = np.linalg.norm(np.roll(dense, -1, axis=0) - dense, axis=1)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.arange(N_CONTOUR) / N_CONTOUR * at[-1]
    around = np.concatenate([dense, dense[:1]])
    return np.stack([np.interp(wanted, at, around[:, axis]) for axis in range(2)], axis=1)
