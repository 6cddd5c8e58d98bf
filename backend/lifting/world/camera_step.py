"""The camera's part of a shot: how it turned, and its focal length where nobody says it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.lifting.world.camera_motion import camera_rotations
from backend.lifting.world.focal import FocalEstimate, focal_from_turn
from backend.lifting.world.wish import Wish
from backend.progress import Progress
from revision_blender.motion.camera import Camera, default_focal, static_camera

Frames = UInt8[NDArray[np.uint8], "F H W 3"]
Masks = UInt8[NDArray[np.uint8], "F H W"]

LEAST_TURN = 0.03  # radians, as seen through a lens that is assumed: smaller ones tell nothing of the focal length


@dataclass(frozen=True, eq=False)
class FoundCamera:
    """given: its focal length stands, for the user, the file or a provider says it. told: what the camera's turn says where none does."""

    camera: Camera
    given: bool
    told: FocalEstimate | None = None


def followed_camera(frames: Frames, moving: Masks, wish: Wish, progress: Progress) -> FoundCamera:
    """The camera, turned as the background shows; its focal length is assumed where it is not known. moving: 255 on what moves by itself."""
    height, width = frames.shape[1:3]
    still = static_camera(width, height, wish.focal or default_focal(width, height), len(frames))

    def bundled() -> FoundCamera:
        camera = turned(still, frames, moving, progress.part(0.0, 0.6))
        unknown = not wish.focal and _largest_turn(camera) > LEAST_TURN
        return FoundCamera(camera, wish.focal > 0.0, focal_from_turn(frames, moving, progress.part(0.6, 1.0)) if unknown else None)

    return wish.choices.attempt(
        "camera", lambda provider: FoundCamera(provider.follow_camera(frames, moving, still, progress), given=True), bundled
    )


def with_focal(found: FoundCamera, focal: float, frames: Frames, moving: Masks, progress: Progress) -> FoundCamera:
    """The camera followed once more with a focal length, working pixels, that its turn or another shot's has told."""
    if found.given or focal == found.camera.focal:
        return found
    return replace(found, camera=turned(replace(found.camera, focal=focal), frames, moving, progress))


def turned(camera: Camera, frames: Frames, moving: Masks, progress: Progress) -> Camera:
    """The camera at its place, turned on each frame as the background shows."""
    poses = camera.T_world_camera.copy()
    poses[:, :3, :3] = camera_rotations(frames, moving, camera.focal, camera.center, progress)
    return replace(camera, T_world_camera=poses)


def _largest_turn(camera: Camera) -> float:
    """Radians between any frame's viewing axis and the first one's."""
    axes = camera.T_world_camera[:, :3, 2]
    return float(np.arccos(np.clip(axes @ axes[0], -1.0, 1.0)).max())
