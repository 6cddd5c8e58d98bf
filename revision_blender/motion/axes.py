"""The one conversion between a clip's world and Blender's: z up, ground at z = 0."""

import numpy as np
from numpy.typing import NDArray

from .clip import Clip

Array = NDArray[np.floating]


def T_blender_world(clip: Clip) -> Array:
    """``(4, 4)`` rigid transform from the clip's world to Blender's.

    The ground's normal becomes +z and the ground z = 0; the first camera looks along +y. Where the world is the first
    camera's frame, as a lifter has it, the origin lies on the ground under the first body's first place (or under the camera);
    a world of its own, as motion capture has it, keeps its origin, moved to the ground.
    """
    up = clip.ground.normal
    forward = clip.camera.T_world_camera[0, :3, 2]
    forward = forward - up * (forward @ up)
    if np.linalg.norm(forward) < 1e-6:  # the camera looks straight down: its picture's up is ahead
        forward = -clip.camera.T_world_camera[0, :3, 1]
        forward = forward - up * (forward @ up)
    forward = forward / np.linalg.norm(forward)
    rotation = np.stack([np.cross(forward, up), forward, up])
    anchor = clip.bodies[0].translation[0] if clip.bodies and _is_cameras_own(clip) else np.zeros(3)
    anchor = anchor - up * clip.ground.height(anchor)
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = -rotation @ anchor
    return transform


def _is_cameras_own(clip: Clip) -> bool:
    return bool(np.abs(clip.camera.T_world_camera[0] - np.eye(4)).max() < 1e-9)
