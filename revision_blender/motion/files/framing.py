"""A camera for motions that come without one: it sees all of the motion and is square to the world's axes."""

import math

import numpy as np
from numpy.typing import NDArray

from ..camera import Camera, default_focal
from ..clip import GroundPlane
from .motion_file import Up

Array = NDArray[np.floating]

SIZE = (1280, 720)
_MARGIN = 1.3  # metres that a body reaches beyond its root
_AIR = 1.1  # of the picture beyond what must be seen

# The camera's axes (x right, y down, z forward) as columns in the world: y-up worlds are seen along -z, z-up worlds along +y,
# so that the way to Blender's world (camera along +y, z up) is a plain exchange of axes.
_R_WORLD_CAMERA = {
    "y": np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]),
    "z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
}


def floor(up: Up, height: float = 0.0) -> GroundPlane:
    """The horizontal plane ``height`` metres up."""
    normal = np.array([0.0, 1.0, 0.0]) if up == "y" else np.array([0.0, 0.0, 1.0])
    return GroundPlane(normal, normal * height)


def framing_camera(up: Up, places: Array, n_frames: int, size: tuple[int, int] | None = None) -> Camera:
    """A camera at rest over ``n_frames`` frames that sees bodies standing at ``places`` ``(..., 3)``, world metres.

    up: the world's axis that points up. size: width and height of the picture in pixels, 1280 x 720 where not given. The
    pose is never the identity (that would say the world is the camera's own), and depends on the motion's extent alone.
    """
    width, height = size or SIZE
    points = np.asarray(places, dtype=np.float64).reshape(-1, 3)
    rotation = _R_WORLD_CAMERA[up]
    seen = points @ rotation  # in the camera's axes
    low, high = seen.min(axis=0) - _MARGIN, seen.max(axis=0) + _MARGIN
    middle = 0.5 * (low + high)
    focal = default_focal(width, height)
    half = 0.5 * (high - low)
    distance = _AIR * focal * max(half[0] * 2.0 / width, half[1] * 2.0 / height)
    middle[2] = low[2] - math.ceil(distance * 10.0) / 10.0  # before the nearest body
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = rotation @ middle
    center = np.array([width / 2.0, height / 2.0])
    return Camera(width, height, focal, center, np.tile(pose, (n_frames, 1, 1)))


def only_frames(camera: Camera) -> bool:
    """Whether a camera is such a one: at rest, and square to the world's axes in one of the two ways. A real camera hardly is."""
    pose = camera.T_world_camera
    square = any(np.array_equal(pose[0, :3, :3], rotation) for rotation in _R_WORLD_CAMERA.values())
    return square and bool((pose == pose[0]).all())
