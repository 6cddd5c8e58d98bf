"""Pinhole cameras over the frames of a clip.

Camera coordinates are OpenCV's: x right, y down, z forward. Pixel (0, 0) is the top-left corner of the top-left pixel, so
the centre of that pixel is (0.5, 0.5) and the middle of the picture is (width / 2, height / 2).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .errors import ClipError

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Camera:
    """One pinhole camera with square pixels and a fixed focal length, moving over ``F`` frames.

    width, height: picture size in pixels. focal: pixels. center: ``(2,)`` principal point in pixels.
    T_world_camera: ``(F, 4, 4)`` rigid transforms, camera coordinates to world coordinates, metres.
    """

    width: int
    height: int
    focal: float
    center: Array
    T_world_camera: Array

    def __post_init__(self) -> None:
        if self.T_world_camera.ndim != 3 or self.T_world_camera.shape[1:] != (4, 4):
            raise ClipError(f"camera poses have shape {self.T_world_camera.shape}; (frames, 4, 4) is needed")
        if self.width < 1 or self.height < 1 or not self.focal > 0.0:
            raise ClipError(f"camera of {self.width} x {self.height} px, focal {self.focal}: all must be positive")

    @property
    def n_frames(self) -> int:
        return len(self.T_world_camera)

    @property
    def T_camera_world(self) -> Array:
        """``(F, 4, 4)``: the inverse of the rigid poses."""
        rotation = np.swapaxes(self.T_world_camera[:, :3, :3], -1, -2)
        inverse = np.zeros_like(self.T_world_camera)
        inverse[:, :3, :3] = rotation
        inverse[:, :3, 3] = -np.einsum("fij,fj->fi", rotation, self.T_world_camera[:, :3, 3])
        inverse[:, 3, 3] = 1.0
        return inverse

    def to_camera(self, points_world: Array) -> Array:
        """``(F, N, 3)`` world points to camera coordinates of their frame, metres."""
        T = self.T_camera_world
        return np.einsum("fij,fnj->fni", T[:, :3, :3], points_world) + T[:, None, :3, 3]

    def project(self, points_world: Array) -> tuple[Array, Array]:
        """``(F, N, 3)`` world points to pixels ``(F, N, 2)`` and depths ``(F, N)`` in metres."""
        points = self.to_camera(points_world)
        depth = points[..., 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        return points[..., :2] / safe[..., None] * self.focal + self.center, depth

    def resized(self, width: int, height: int) -> "Camera":
        """The same view at another resolution with the same aspect ratio."""
        scale = np.array([width / self.width, height / self.height])
        return replace(self, width=width, height=height, focal=self.focal * float(scale.mean()), center=self.center * scale)


def static_camera(width: int, height: int, focal: float, n_frames: int) -> Camera:
    """A camera at the world's origin that does not move, principal point in the middle of the picture."""
    center = np.array([width / 2.0, height / 2.0])
    return Camera(width, height, focal, center, np.tile(np.eye(4), (n_frames, 1, 1)))


def default_focal(width: int, height: int) -> float:
    """Focal length in pixels where nothing is known: the picture's diagonal, a 53 degree diagonal field of view."""
    return float(np.hypot(width, height))
