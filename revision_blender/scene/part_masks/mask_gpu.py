"""Part labels and whose they are, drawn by the graphics card (or its software stand-in) into an integer picture: exact, never blended.

Graphics cards place triangle corners on a grid of 1/256 pixel, which moves edges. So each triangle is drawn as its
bounding rectangle, and each pixel decides by the homogeneous edge functions of the triangle (Olano and Greer, 1997), the
rule of the backend's rasteriser: inside is where d.(b x c), d.(c x a), d.(a x b) have the sign of a.(b x c), for the
pixel's ray d and corners a, b, c in camera coordinates; divided by a.(b x c) their sum is the inverse depth.

Needs a context: any Blender with a window, or 5.2 and later without one (``gpu.init()``).
"""

from functools import cache

import bpy
import gpu
import numpy as np
from numpy.typing import NDArray

from ...masks.codes import Codes
from ...motion.camera import Camera
from ..errors import SceneError
from .exact_pixels import NEAREST, edge_functions, rectangles

Array = NDArray[np.floating]

_MARGIN = 1.0  # pixels around the bounding rectangle
_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 1], [2, 3], [0, 3]])  # the rectangle (x0, y0, x1, y1) as two triangles

_VERTEX = """
void main()
{
  edge_a_ = edge_a; edge_b_ = edge_b; edge_c_ = edge_c; part_ = code;
  pixel = corner;
  gl_Position = vec4(2.0 * corner.x / size_nearest.x - 1.0, 1.0 - 2.0 * corner.y / size_nearest.y, 0.0, 1.0);
}
"""
_FRAGMENT = """
void main()
{
  vec3 ray = vec3((floor(pixel) + 0.5 - lens.yz) / lens.x, 1.0);
  float a = dot(ray, edge_a_), b = dot(ray, edge_b_), c = dot(ray, edge_c_);
  float inverse_depth = a + b + c;
  if (a < 0.0 || b < 0.0 || c < 0.0 || inverse_depth <= 0.0) { discard; }
  gl_FragDepth = clamp(1.0 - inverse_depth * size_nearest.z, 0.0, 1.0);
  result = part_;
}
"""


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
    between = gpu.types.GPUStageInterfaceInfo("revision_labels")
    between.smooth("VEC2", "pixel")
    for name in ("edge_a_", "edge_b_", "edge_c_"):
        between.flat("VEC3", name)
    between.flat("UINT", "part_")
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("VEC3", "lens")  # focal length and principal point, pixels
    info.push_constant("VEC3", "size_nearest")  # width, height, depth that maps to depth 0
    info.vertex_in(0, "VEC2", "corner")
    for place, name in enumerate(("edge_a", "edge_b", "edge_c"), start=1):
        info.vertex_in(place, "VEC3", name)
    info.vertex_in(4, "UINT", "code")
    info.vertex_out(between)
    info.fragment_out(0, "UINT", "result")
    info.depth_write("ANY")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return gpu.shader.create_from_info(info)


def _batch(boxes: Array, edges: Array, codes: Codes) -> gpu.types.GPUBatch:
    layout = gpu.types.GPUVertFormat()
    layout.attr_add(id="corner", comp_type="F32", len=2, fetch_mode="FLOAT")
    for name in ("edge_a", "edge_b", "edge_c"):
        layout.attr_add(id=name, comp_type="F32", len=3, fetch_mode="FLOAT")
    layout.attr_add(id="code", comp_type="U32", len=1, fetch_mode="INT")
    buffer = gpu.types.GPUVertBuf(layout, 6 * len(codes))
    buffer.attr_fill("corner", np.ascontiguousarray(boxes[:, _CORNERS].reshape(-1, 2), dtype=np.float32))
    for index, name in enumerate(("edge_a", "edge_b", "edge_c")):
        buffer.attr_fill(name, np.repeat(edges[:, index].astype(np.float32), 6, axis=0))
    buffer.attr_fill("code", np.repeat(codes.astype(np.uint32), 6)[:, None])
    return gpu.types.GPUBatch(type="TRIS", buf=buffer)


def draw_codes(corners: Array, codes: Codes, camera: Camera) -> Codes:
    """Image ``(H, W)``, row 0 at the top: the nearest triangle at each pixel's centre, both sides count.

    corners: ``(T, 3, 3)`` triangle, corner, xyz in OpenCV camera coordinates, metres. codes: ``(T,)`` of
    ``masks.codes``. camera: only its size, focal length and principal point are used. Raises SceneError where the card returns
    what is no code.
    """
    colour = gpu.types.GPUTexture((camera.width, camera.height), format="R32UI")
    depth = gpu.types.GPUTexture((camera.width, camera.height), format="DEPTH_COMPONENT32F")
    target = gpu.types.GPUFrameBuffer(depth_slot=depth, color_slots=(colour,))
    colour.clear(format="UINT", value=(0,))
    boxes, seen = rectangles(corners, camera, _MARGIN)
    edges, whole = edge_functions(corners)
    drawn = seen & whole
    with target.bind():
        target.clear(depth=1.0)
        if drawn.any():
            nearest = max(NEAREST, float(corners[drawn][..., 2].min()))
            _draw(_batch(boxes[drawn], edges[drawn], codes[drawn]), camera, nearest)
    pixels = np.array(colour.read(), dtype=np.uint32).reshape(camera.height, camera.width)
    if pixels.max(initial=0) > codes.max(initial=0):
        raise SceneError(f"The graphics card returned {int(pixels.max())}, which nothing is; use the Cycles mask pass on this machine.")
    return np.ascontiguousarray(pixels[::-1]).astype(np.uint16)


def _draw(batch: gpu.types.GPUBatch, camera: Camera, nearest: float) -> None:
    gpu.state.blend_set("NONE")
    gpu.state.face_culling_set("NONE")
    gpu.state.depth_test_set("LESS_EQUAL")
    gpu.state.depth_mask_set(True)
    try:
        shader = _shader()
        shader.bind()
        shader.uniform_float("lens", (camera.focal, *camera.center))
        shader.uniform_float("size_nearest", (camera.width, camera.height, nearest))
        batch.draw(shader)
    finally:
        gpu.state.depth_mask_set(False)
        gpu.state.depth_test_set("NONE")
