"""The clip as one sees it in a viewport: through which camera, and which pixel of the picture lies where in the region.

A lifted take is seen through its own camera, one that is not lifted yet through a camera of its own that shows the clip and
goes when the lift comes. Only the viewport looks through it: the scene's camera stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Euler

from . import marks
from .background import attach
from .camera import SENSOR_WIDTH
from .properties import RevisionTake
from .removal import remove
from .take_record import find_take
from .timing import scene_fps

CLIP_VIEW = "clip view"  # the role of the camera
_ALOFT = 50.0  # metres


@dataclass(frozen=True)
class PictureInView:
    """Where a picture of ``width`` x ``height`` pixels is drawn. left, top: region coordinates of its corner (y grows upward there).
    across, down: region units a pixel, both positive."""

    width: int
    height: int
    left: float
    top: float
    across: float
    down: float

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Of a place in the region; beyond the picture too."""
        return (x - self.left) / self.across, (self.top - y) / self.down

    def place(self, x: float, y: float) -> tuple[float, float]:
        """In the region, of a pixel."""
        return self.left + x * self.across, self.top - y * self.down


def fitted(frame: Sequence[tuple[float, float]], width: int, height: int, method: str = "FIT") -> PictureInView:
    """How Blender draws a picture into the camera's frame. frame: its corners in the region. method: a background's FIT, CROP or STRETCH."""
    xs, ys = [x for x, _ in frame], [y for _, y in frame]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    across, down = wide / width, high / height
    if method != "STRETCH":
        across = down = min(across, down) if method == "FIT" else max(across, down)
    centre = (min(xs) + wide / 2.0, min(ys) + high / 2.0)
    return PictureInView(width, height, centre[0] - across * width / 2.0, centre[1] + down * height / 2.0, across, down)


def picture_in_view(
    region: bpy.types.Region, view: bpy.types.RegionView3D, scene: bpy.types.Scene, camera: bpy.types.Object, width: int, height: int
) -> PictureInView | None:
    """Where the clip's picture is drawn in a region that looks through ``camera``: zoomed, shifted, at any size of the render.

    None where the frame cannot be seen in the region.
    """
    matrix = camera.matrix_world.normalized()
    corners = [location_3d_to_region_2d(region, view, matrix @ corner) for corner in camera.data.view_frame(scene=scene)]
    if any(corner is None for corner in corners):
        return None
    shown = camera.data.background_images
    found = fitted([(corner.x, corner.y) for corner in corners], width, height, shown[0].frame_method if len(shown) else "FIT")
    return found if found.across > 1e-6 and found.down > 1e-6 else None


def camera_of_clip(scene: bpy.types.Scene, take_id: str) -> bpy.types.Object | None:
    """The camera through which a take's clip is seen: the lifted one's where it shows the pictures, else the clip view, if there is one."""
    take = find_take(scene, take_id)
    lifted = bpy.data.objects.get(take.camera_name) if take is not None else None
    if lifted is not None and len(lifted.data.background_images):
        return lifted
    return next((thing for thing in _clip_views(take_id) if thing.name in scene.objects), None)


def shows_clip(camera: bpy.types.Object | None, take_id: str) -> bool:
    """Whether what this camera sees is the take's clip."""
    return camera is not None and camera.get(marks.TAKE) == take_id and camera.get(marks.ROLE) in ("camera", CLIP_VIEW)


def bring_to_front(scene: bpy.types.Scene, take_id: str) -> None:
    """The clip covers what was lifted from it, until ``bring_back``."""
    camera = camera_of_clip(scene, take_id)
    if camera is not None:
        camera.data.background_images[0].display_depth = "FRONT"


def bring_back(scene: bpy.types.Scene, take_id: str) -> None:
    """What was lifted stands before the clip again."""
    camera = camera_of_clip(scene, take_id)
    if camera is not None and camera.get(marks.ROLE) != CLIP_VIEW:
        camera.data.background_images[0].display_depth = "BACK"


def _clip_views(take_id: str) -> Iterator[bpy.types.Object]:
    for thing in bpy.data.objects:
        if thing.get(marks.ROLE) == CLIP_VIEW and thing.get(marks.TAKE) == take_id:
            yield thing


def new_clip_view(scene: bpy.types.Scene, entry: RevisionTake, files: Sequence[Path], width: int, height: int) -> bpy.types.Object:
    """A camera that shows the clip in time and in front of everything, so that the scene does not hide it."""
    name = f"{entry.name} {CLIP_VIEW}"
    data = bpy.data.cameras.new(name)
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_WIDTH
    data.lens = SENSOR_WIDTH * float(np.hypot(width, height)) / width
    data.clip_start, data.display_size = 0.02, 0.25
    camera = bpy.data.objects.new(name, data)
    camera.matrix_basis = Euler((np.pi, 0.0, 0.0)).to_matrix().to_4x4()
    camera.location = (0.0, 0.0, _ALOFT)  # looks up from there: nothing of the scene and no grid lies over the clip
    camera[marks.TAKE], camera[marks.ROLE] = entry.take_id, CLIP_VIEW
    camera.hide_render = True
    attach(camera, files, entry.fps, scene_fps(scene), entry.start_frame)
    data.background_images[0].display_depth = "FRONT"
    scene.collection.objects.link(camera)
    return camera


def remove_clip_view(scene: bpy.types.Scene, take_id: str) -> None:
    """The lift has a camera of its own; viewports that looked through this one look through the scene's again."""
    for camera in list(_clip_views(take_id)):
        for space in _spaces():
            if space.camera == camera:
                space.camera = scene.camera
                space.use_local_camera = False
        data = camera.data
        moved = [data.animation_data.action] if data.animation_data is not None and data.animation_data.action is not None else []
        images = [background.image for background in data.background_images if background.image is not None]
        remove(camera, data)
        remove(*(action for action in moved if action.users <= 1))
        for image in images:
            if image.users == 0:
                bpy.data.images.remove(image)


def _spaces() -> Iterator[bpy.types.SpaceView3D]:
    for screen in bpy.data.screens:
        for area in screen.areas:
            for space in area.spaces:
                if space.type == "VIEW_3D":
                    yield space


def look_through(scene: bpy.types.Scene, space: bpy.types.SpaceView3D, camera: bpy.types.Object) -> bool:
    """Turns a viewport to the camera; True where it looked elsewhere before."""
    seen = space.region_3d.view_perspective == "CAMERA" and looked_through(scene, space) == camera
    if looked_through(scene, space) != camera:
        space.use_local_camera = True
        space.camera = camera
    if scene.camera == camera:
        space.use_local_camera = False
    space.region_3d.view_perspective = "CAMERA"
    return not seen


def fit_between(view: bpy.types.RegionView3D, width: float, left: float, right: float) -> None:
    """Makes a camera's frame that fills a region of ``width`` fit between what covers ``left`` and ``right`` of it, all in pixels.

    Blender's zoom z shows the frame at ``((sqrt 2 + z / 50) / 2) ** 2`` of a size; its offset counts in twice that of the region.
    """
    free = width - left - right
    if free < 0.3 * width:
        return
    scale = ((np.sqrt(2.0) + view.view_camera_zoom / 50.0) / 2.0) ** 2 * free / width
    view.view_camera_zoom = float((2.0 * np.sqrt(scale) - np.sqrt(2.0)) * 50.0)
    view.view_camera_offset = (float((right - left) / 2.0 / (2.0 * width * scale)), 0.0)


def looked_through(scene: bpy.types.Scene, space: bpy.types.SpaceView3D) -> bpy.types.Object | None:
    """The camera that a viewport has, whether it looks through it or not."""
    return space.camera if space.use_local_camera else scene.camera
