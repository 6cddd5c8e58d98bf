"""The part-mask pass: exact label images of a take at its clip's times, other scene objects occluding."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from . import mask_cycles, mask_gpu
from .camera import projection_matrix
from .errors import SceneError
from .sampling import a_copy, go_to
from .surfaces import gather
from .take_record import Take, the_object

Method = Literal["auto", "gpu", "cycles"]


def method_here(method: Method = "auto") -> Literal["gpu", "cycles"]:
    """Which renderer ``method`` means on this machine. Raises SceneError where "gpu" is asked for and cannot be had."""
    if method == "cycles":
        return "cycles"
    if mask_gpu.has_context():
        return "gpu"
    if method == "gpu":
        raise SceneError("This Blender has no graphics context; use the Cycles mask pass, a window, or Blender 5.2 and later.")
    return "cycles"


def render_labels(scene: bpy.types.Scene, take: Take, method: Method = "auto") -> Iterator[NDArray[np.uint8]]:
    """One label image ``(H, W)`` uint8 a clip frame, in order, row 0 at the top, in the clip's picture size.

    Labels are those of ``masks.labels``; 0 where nothing of the take is seen or something else of the scene that renders
    lies before it. The scene is looked at through a copy: its frame, settings and unkeyed poses stay. Raises SceneError.
    """
    with ExitStack() as stack:
        passing = stack.enter_context(a_copy(scene))
        camera = the_object(take.camera_name, "camera")
        draw = _gpu if method_here(method) == "gpu" else _cycles(stack, camera, take)
        for frame in take.scene_frames(scene):
            yield draw(camera, take, go_to(passing, frame))


def _gpu(camera: bpy.types.Object, take: Take, depsgraph: bpy.types.Depsgraph) -> NDArray[np.uint8]:
    seen = camera.evaluated_get(depsgraph)
    M_camera_world = np.linalg.inv(np.array(seen.matrix_world.normalized(), dtype=np.float64))
    projection = projection_matrix(seen, depsgraph, take.width, take.height)
    return mask_gpu.draw_labels(gather(take, depsgraph), M_camera_world, projection, take.width, take.height)


def _cycles(stack: ExitStack, camera: bpy.types.Object, take: Take):
    labels, material = stack.enter_context(mask_cycles.label_scene(camera, take.width, take.height))

    def draw(camera: bpy.types.Object, take: Take, depsgraph: bpy.types.Depsgraph) -> NDArray[np.uint8]:
        place = np.array(camera.evaluated_get(depsgraph).matrix_world.normalized(), dtype=np.float64)
        return mask_cycles.render_labels(labels, material, gather(take, depsgraph), place, take.width, take.height)

    return draw
