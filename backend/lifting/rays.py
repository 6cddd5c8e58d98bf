"""What is seen in a crop is seen along the ray through the crop's middle; this is the way between that ray's view and the camera's."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]


def ray_turns(pixels: Float[Array, "N 2"], camera: Camera) -> Float[NDArray[np.float64], "N 3 3"]:
    """R_camera_ray: the shortest turn from the viewing axis to the ray through each pixel."""
    ray = np.concatenate([(np.asarray(pixels, np.float64) - camera.center) / camera.focal, np.ones((len(pixels), 1))], axis=1)
    x, y, z = (ray / np.linalg.norm(ray, axis=1, keepdims=True)).T
    rows = [1.0 - x * x / (1.0 + z), -x * y / (1.0 + z), x, -x * y / (1.0 + z), 1.0 - y * y / (1.0 + z), y, -x, -y, z]
    return np.stack(rows, axis=-1).reshape(-1, 3, 3)


def seen_along(turns: Float[Array, "N 3 3"], pixels: Float[Array, "N K 2"], camera: Camera) -> Float[NDArray[np.float64], "N K 2"]:
    """Where a camera of the same focal length that looks along the rays would see the pixels, from its own middle."""
    flat = (np.asarray(pixels, np.float64) - camera.center) / camera.focal
    points = np.concatenate([flat, np.ones((*flat.shape[:2], 1))], axis=-1) @ turns  # R^T applied to rows
    return camera.focal * points[..., :2] / np.maximum(points[..., 2:], 1e-3)
