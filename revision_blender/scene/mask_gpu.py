"""Part labels drawn by the graphics card (or its software stand-in) into an integer picture: exact, never blended.

Needs a context: any Blender with a window, or 5.2 and later without one (``gpu.init()``).
"""

from functools import cache

import bpy
import gpu
import numpy as np
from numpy.typing import NDArray

from .errors import SceneError
from .surfaces import Triangles

Array = NDArray[np.floating]

_NEAREST = 0.005  # metres


def has_context() -> bool:
    """Whether labels can be drawn here; makes the context where Blender can do so without a window."""
    if not bpy.app.background:
        return True
    start = getattr(gpu, "init", None)
    if start is None:
        return False
    try:
        start()
        gpu.types.GPUOffScreen(1, 1).free()
    except (SystemError, RuntimeError):  # no driver: the caller takes Cycles instead
        return False
    return True


@cache
def _shader() -> gpu.types.GPUShader:
    interface = gpu.types.GPUStageInterfaceInfo("revision_labels")
    interface.flat("UINT", "part")
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "clip_from_camera")
    info.vertex_in(0, "VEC3", "place")
    info.vertex_in(1, "UINT", "label")
    info.vertex_out(interface)
    info.fragment_out(0, "UINT", "pixel")
    info.vertex_source("void main() { part = label; gl_Position = clip_from_camera * vec4(place, 1.0); }")
    info.fragment_source("void main() { pixel = part; }")
    return gpu.shader.create_from_info(info)


def _with_tight_depth(projection: Array, depth: Array) -> Array:
    """The same picture with near and far planes around what there is, for the finest depth steps."""
    if projection[3, 3] == 1.0:  # orthographic: depth steps are even already
        return projection
    seen = depth[depth > _NEAREST]
    near, far = (float(seen.min()) * 0.99, float(seen.max()) * 1.01 + 0.01) if seen.size else (_NEAREST, 1.0)
    tight = projection.copy()
    tight[2, 2], tight[2, 3] = -(far + near) / (far - near), -2.0 * far * near / (far - near)
    return tight


def _batch(points_camera: NDArray[np.float32], labels: NDArray[np.uint8]) -> gpu.types.GPUBatch:
    layout = gpu.types.GPUVertFormat()
    layout.attr_add(id="place", comp_type="F32", len=3, fetch_mode="FLOAT")
    layout.attr_add(id="label", comp_type="U32", len=1, fetch_mode="INT")
    buffer = gpu.types.GPUVertBuf(layout, len(points_camera))
    buffer.attr_fill("place", np.ascontiguousarray(points_camera))
    buffer.attr_fill("label", np.repeat(labels.astype(np.uint32), 3)[:, None])
    return gpu.types.GPUBatch(type="TRIS", buf=buffer)


def draw_labels(triangles: Triangles, M_camera_world: Array, projection: Array, width: int, height: int) -> NDArray[np.uint8]:
    """Label image ``(height, width)``, row 0 at the top: the nearest triangle at each pixel's centre, both sides count.

    M_camera_world: ``(4, 4)`` to Blender's camera axes. projection: ``(4, 4)`` to clip space.
    """
    corners = triangles.corners.reshape(-1, 3).astype(np.float64)
    points = corners @ M_camera_world[:3, :3].T + M_camera_world[:3, 3]
    colour = gpu.types.GPUTexture((width, height), format="R32UI")
    depth = gpu.types.GPUTexture((width, height), format="DEPTH_COMPONENT32F")
    target = gpu.types.GPUFrameBuffer(depth_slot=depth, color_slots=(colour,))
    colour.clear(format="UINT", value=(0,))
    with target.bind():
        target.clear(depth=1.0)
        if len(points):
            _draw(_batch(points.astype(np.float32), triangles.labels), _with_tight_depth(projection, -points[:, 2]))
    pixels = np.array(colour.read(), dtype=np.uint32).reshape(height, width)
    if pixels.max(initial=0) > 255:
        raise SceneError(f"The graphics card returned label {int(pixels.max())}; use the Cycles mask pass on this machine.")
    return np.ascontiguousarray(pixels[::-1]).astype(np.uint8)


def _draw(batch: gpu.types.GPUBatch, projection: Array) -> None:
    gpu.state.blend_set("NONE")
    gpu.state.face_culling_set("NONE")
    gpu.state.depth_test_set("LESS_EQUAL")
    gpu.state.depth_mask_set(True)
    try:
        shader = _shader()
        shader.bind()
        shader.uniform_float("clip_from_camera", projection.astype(np.float32).T.ravel().tolist())
        batch.draw(shader)
    finally:
        gpu.state.depth_mask_set(False)
        gpu.state.depth_test_set("NONE")
