"""The part-mask pass: exact label images of a take at its clip's times, other scene objects occluding."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ...masks.codes import Codes, labels_of
from ...motion.camera import Camera
from ..camera import FLIP, camera_of
from ..errors import SceneError
from ..kept_values import kept_values
from ..presence import absent_meshes
from ..sampling import a_copy, go_to
from ..take_record import Take, the_object
from . import mask_cycles, mask_gpu
from .exact_pixels import decide, near_an_edge
from .surfaces import Triangles, gather

Method = Literal["auto", "gpu", "cycles"]
Labels = NDArray[np.uint8]
Draw = Callable[[Take, bpy.types.Depsgraph, frozenset[str]], Codes]


def method_here(method: Method = "auto") -> Literal["gpu", "cycles"]:
    """Which renderer ``method`` means on this machine. Raises SceneError where "gpu" is asked for and cannot be had."""
    if method == "cycles":
        return "cycles"
    if mask_gpu.has_context():
        return "gpu"
    if method == "gpu":
        raise SceneError("This Blender has no graphics context; use the Cycles mask pass, a window, or Blender 5.2 and later.")
    return "cycles"


def render_labels(scene: bpy.types.Scene, take: Take, method: Method = "auto") -> Iterator[Labels]:
    """One image ``(H, W)`` of ``masks.labels`` a clip frame: ``render_codes`` without whose parts they are. Raises SceneError."""
    for codes in render_codes(scene, take, method):
        yield labels_of(codes)


def render_codes(scene: bpy.types.Scene, take: Take, method: Method = "auto") -> Iterator[Codes]:
    """One image ``(H, W)`` of ``masks.codes`` a clip frame, in order, row 0 at the top, in the clip's picture size.

    0 where nothing of the take is seen or something else of the scene that renders lies before it. Tracks are counted as in a
    captured clip, and drawn on the frames that they are on. The scene is looked at through a copy: its frame, settings and
    unkeyed poses stay. Raises SceneError.
    """
    try:
        with ExitStack() as stack:
            passing = stack.enter_context(a_copy(scene))
            draw = _gpu if method_here(method) == "gpu" else _cycles(stack, take)
            for frame, gone in zip(take.scene_frames(scene), absent_meshes(take), strict=True):
                with kept_values(scene):
                    codes = draw(take, go_to(passing, frame), gone)
                yield codes
    except ReferenceError as error:
        raise SceneError("The mask pass was interrupted by an undo; start it again.") from error


def _seen(
    take: Take, depsgraph: bpy.types.Depsgraph, absent: frozenset[str]
) -> tuple[NDArray[np.float64], Triangles, NDArray[np.float64], Camera]:
    """What the take's camera sees: its object matrix ``(4, 4)``, the triangles, their corners ``(T, 3, 3)`` in OpenCV camera
    coordinates, and the lens."""
    holder = the_object(take.camera_name, "camera").evaluated_get(depsgraph)
    place = np.array(holder.matrix_world.normalized(), dtype=np.float64)
    T_camera_world = FLIP @ np.linalg.inv(place)
    triangles = gather(take, depsgraph, absent)
    corners = triangles.corners.astype(np.float64) @ T_camera_world[:3, :3].T + T_camera_world[:3, 3]
    return place, triangles, corners, camera_of(holder, take.width, take.height, place[None], np.eye(4))


def _gpu(take: Take, depsgraph: bpy.types.Depsgraph, absent: frozenset[str]) -> Codes:
    _place, triangles, corners, camera = _seen(take, depsgraph, absent)
    return mask_gpu.draw_codes(corners, triangles.codes, camera)


def _cycles(stack: ExitStack, take: Take) -> Draw:
    holder = the_object(take.camera_name, "camera")
    passing, material = stack.enter_context(mask_cycles.label_scene(holder, take.width, take.height))

    def draw(take: Take, depsgraph: bpy.types.Depsgraph, absent: frozenset[str]) -> Codes:
        place, triangles, corners, camera = _seen(take, depsgraph, absent)
        codes = mask_cycles.render_codes(passing, material, triangles, place, take.width, take.height)
        decide(codes, near_an_edge(codes), corners, triangles.codes, camera)
        return codes

    return draw
