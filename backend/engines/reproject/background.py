"""The background plate without the person, and how the moving camera sees it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.engines.reproject.cutout import Cutout
from backend.engines.reproject.inpaint import filled
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]

FAR = 4.0  # the background is taken for a plane this many times as far as the people; it matters only when the camera travels
STILL = 1e-7  # a homography nearer to the identity is a camera that stands still


@dataclass(frozen=True, eq=False)
class Background:
    """plate: ``(H, W, 3)`` the first frame without the person. homographies: ``(F, 3, 3)`` pixels of frame 0 to those of each frame."""

    plate: NDArray[np.uint8]
    homographies: Array

    def seen(self, frame: int) -> NDArray[np.uint8]:
        """``(H, W, 3)``: the plate as that frame's camera sees it; beyond the plate's edge it goes on mirrored."""
        if np.abs(self.homographies[frame] - np.eye(3)).max() < STILL:
            return self.plate
        height, width = self.plate.shape[:2]
        shift = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])  # OpenCV counts from pixel centres
        matrix = np.linalg.inv(shift) @ self.homographies[frame] @ shift
        seen = cv2.warpPerspective(self.plate, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return seen.astype(np.uint8, copy=False)


def background_of(cutout: Cutout, start: Camera, wanted: Camera, depth: float, seed: int) -> Background:
    """start: the camera of the first frame as lifted. wanted: the camera of the wanted motion. depth: metres to the people."""
    return Background(filled(cutout.picture, cutout.hole, seed), homographies(start, wanted, FAR * depth))


def homographies(start: Camera, wanted: Camera, distance: float) -> Array:
    """``(F, 3, 3)``: pixels of ``start``'s frame 0 to pixels of each frame of ``wanted``, for the plane z = distance."""
    relative = wanted.T_camera_world @ start.T_world_camera[0]
    plane = relative[:, :3, :3].copy()
    plane[:, :, 2] += relative[:, :3, 3] / distance
    result = _matrix(wanted) @ plane @ np.linalg.inv(_matrix(start))
    return result / result[:, 2:, 2:]


def _matrix(camera: Camera) -> Array:
    return np.array([[camera.focal, 0.0, camera.center[0]], [0.0, camera.focal, camera.center[1]], [0.0, 0.0, 1.0]])
