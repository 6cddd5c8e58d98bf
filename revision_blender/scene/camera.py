"""A clip's camera as a Blender camera: what it sees lies over the picture, pixel for pixel."""

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..motion.camera import Camera
from ..motion.rotation import continuous_quaternions, quaternion_from_matrix
from . import actions
from .errors import SceneError
from .keys import Channel, write_keys

Array = NDArray[np.floating]

SENSOR_WIDTH = 36.0  # millimetres; a full-frame camera, so that the lens reads like a photographer's
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenCV's camera (y down, looks along z) to Blender's (y up, looks along -z)
_SQUARE = 1e-3  # how far its axes may be from square
_STILL = 1e-6  # a camera that moves less (metres, entries of the rotation) gets no keys


def lens_of(camera: Camera) -> tuple[float, float, float]:
    """Blender's lens in millimetres, shift_x and shift_y for horizontal sensor fit; both shifts are fractions of the width."""
    shift = (camera.width / 2.0 - camera.center[0], camera.center[1] - camera.height / 2.0)
    return camera.focal * SENSOR_WIDTH / camera.width, float(shift[0] / camera.width), float(shift[1] / camera.width)


def M_world_blender_camera(camera: Camera, T_blender_world: Array) -> Array:
    """``(F, 4, 4)`` object matrices of the Blender camera."""
    return T_blender_world @ camera.T_world_camera @ FLIP


def new_camera(name: str, camera: Camera, T_blender_world: Array, frames: Array) -> bpy.types.Object:
    """A camera object, linked to no scene yet. frames: ``(F,)`` scene frames of the clip's frames; keyed only where it moves."""
    data = bpy.data.cameras.new(name)
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_WIDTH
    data.lens, data.shift_x, data.shift_y = lens_of(camera)
    data.clip_start, data.clip_end = 0.02, 1000.0
    data.display_size = 0.25
    holder = bpy.data.objects.new(name, data)
    holder.rotation_mode = "QUATERNION"
    matrices = M_world_blender_camera(camera, T_blender_world)
    holder.matrix_basis = Matrix(matrices[0])
    if np.abs(matrices - matrices[0]).max() > _STILL:
        _key_poses(holder, matrices, frames)
    return holder


def _key_poses(holder: bpy.types.Object, matrices: Array, frames: Array) -> None:
    quaternions = continuous_quaternions(quaternion_from_matrix(matrices[:, :3, :3]))
    action, slot = actions.new_action(f"{holder.name} move", holder)
    rows = (Channel("location", matrices[:, :3, 3], "Camera"), Channel("rotation_quaternion", quaternions, "Camera"))
    write_keys(actions.channelbag(action, slot, ensure=True), frames, rows)
    actions.assign(holder, action, slot)


def camera_of(holder: bpy.types.Object, width: int, height: int, M_world_object: Array, T_blender_world: Array) -> Camera:
    """The clip camera that a Blender camera is now. M_world_object: ``(F, 4, 4)`` its object matrices.

    Raises SceneError for a camera that is not a perspective one, or that is sheared or mirrored by its parent.
    """
    data = holder.data
    if data.type != "PERSP":
        raise SceneError(f"The camera {holder.name!r} is not a perspective camera any more; set its type back to Perspective.")
    fit = _fit(data, width, height)
    center = np.array([width / 2.0 - data.shift_x * fit, height / 2.0 + data.shift_y * fit])
    poses = np.linalg.inv(T_blender_world) @ M_world_object @ FLIP
    scale = np.linalg.norm(poses[:, :3, :3], axis=1, keepdims=True)
    poses[:, :3, :3] /= np.maximum(scale, 1e-12)
    if (
        np.abs(np.swapaxes(poses[:, :3, :3], 1, 2) @ poses[:, :3, :3] - np.eye(3)).max() > _SQUARE
        or np.linalg.det(poses[:, :3, :3]).min() < 0.0
    ):
        raise SceneError(f"The camera {holder.name!r} is sheared or mirrored; set its scale, or its parent's, to 1 (Alt+S) and try again.")
    return Camera(width, height, focal_of(data, width, height), center, poses)


def focal_of(data: bpy.types.Camera, width: int, height: int) -> float:
    """The focal length in pixels of a picture of that size."""
    sensor = data.sensor_height if data.sensor_fit == "VERTICAL" else data.sensor_width
    return data.lens * _fit(data, width, height) / sensor


def _fit(data: bpy.types.Camera, width: int, height: int) -> int:
    """The side of the picture, in pixels, that the sensor's size belongs to."""
    return width if data.sensor_fit == "HORIZONTAL" or (data.sensor_fit == "AUTO" and width >= height) else height


def use_picture_size(scene: bpy.types.Scene, width: int, height: int) -> None:
    """Sets the scene's render size to the picture's."""
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
