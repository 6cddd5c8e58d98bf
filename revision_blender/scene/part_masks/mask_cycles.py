"""Part labels rendered by Cycles, for a Blender without a graphics context: one ray a pixel through its centre.

The evaluated triangles are rendered in a scene of their own as a glowing mesh whose brightness is its code (``masks.codes``), into a raw
32-bit EXR; the user's scene and its render settings are not involved at all.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ...masks.codes import Codes
from ..errors import SceneError
from ..removal import remove
from .surfaces import Triangles

Array = NDArray[np.floating]

_ATTRIBUTE = "label"
_EXACT = 0.01  # a pixel further than this from a whole number was not one label


def _glow() -> bpy.types.Material:
    material = bpy.data.materials.new("ReVision labels")
    if material.node_tree is None:  # before 5.0; the property is deprecated since
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    label = tree.nodes.new("ShaderNodeAttribute")
    label.attribute_name = _ATTRIBUTE
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(label.outputs["Fac"], emission.inputs["Strength"])
    tree.links.new(emission.outputs["Emission"], output.inputs["Surface"])
    return material


def _mesh(triangles: Triangles, material: bpy.types.Material) -> bpy.types.Mesh:
    count = len(triangles.codes)
    mesh = bpy.data.meshes.new("ReVision labels")
    mesh.vertices.add(3 * count)
    mesh.vertices.foreach_set("co", triangles.corners.ravel())
    mesh.loops.add(3 * count)
    mesh.loops.foreach_set("vertex_index", np.arange(3 * count, dtype=np.int32))
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    mesh.attributes.new(_ATTRIBUTE, "FLOAT", "FACE").data.foreach_set("value", triangles.codes.astype(np.float32))
    mesh.materials.append(material)
    mesh.update()
    return mesh


def _set_up(scene: bpy.types.Scene, width: int, height: int) -> None:
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.use_compositing = render.use_sequencer = render.use_border = render.use_motion_blur = render.use_stamp = False
    render.film_transparent = False
    render.use_file_extension, render.use_overwrite, render.use_placeholder = True, True, False
    render.filter_size = 0.01
    cycles = scene.cycles
    cycles.device, cycles.samples = "CPU", 1
    cycles.use_adaptive_sampling = cycles.use_denoising = cycles.use_light_tree = False
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 0.01
    cycles.max_bounces = 0
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0.0
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth, settings.exr_codec = "OPEN_EXR", "RGB", "32", "NONE"
    scene.view_settings.view_transform = "Raw"
    scene.world = None


@contextmanager
def label_scene(camera: bpy.types.Object, width: int, height: int) -> Iterator[tuple[bpy.types.Scene, bpy.types.Material]]:
    """A scene set up for labels with a copy of ``camera``'s lens; removed with all that was made for it."""
    if "cycles" not in bpy.context.preferences.addons:
        raise SceneError("Part masks need the Cycles render engine here; enable the add-on Cycles Render Engine in the preferences.")
    if camera.data.type != "PERSP":
        raise SceneError(f"The camera {camera.name!r} is not a perspective camera any more; set its type back to Perspective.")
    scene = bpy.data.scenes.new("ReVision labels")
    lens = camera.data.copy()
    viewer = bpy.data.objects.new("ReVision labels", lens)
    material = _glow()
    try:
        lens.dof.use_dof = False
        scene.collection.objects.link(viewer)
        scene.camera = viewer
        _set_up(scene, width, height)
        yield scene, material
    finally:
        remove(scene, viewer, lens, material)


def render_codes(
    scene: bpy.types.Scene, material: bpy.types.Material, triangles: Triangles, M_world_camera: Array, width: int, height: int
) -> Codes:
    """Image ``(height, width)`` of ``masks.codes``, row 0 at the top, of ``triangles`` seen by ``label_scene``'s camera at
    ``M_world_camera`` ``(4, 4)``. Raises SceneError where a pixel is not one whole number."""
    if not len(triangles.codes):
        return np.zeros((height, width), dtype=np.uint16)
    mesh = _mesh(triangles, material)
    thing = bpy.data.objects.new("ReVision labels mesh", mesh)
    try:
        scene.collection.objects.link(thing)
        scene.camera.matrix_world = Matrix(M_world_camera)
        with tempfile.TemporaryDirectory(prefix="revision-") as folder:
            scene.render.filepath = str(Path(folder) / "labels.exr")
            bpy.ops.render.render(write_still=True, scene=scene.name)
            values = _read_red(Path(folder) / "labels.exr", width, height)
    finally:
        remove(thing, mesh)
    codes = np.rint(values)
    if np.abs(values - codes).max() > _EXACT:
        raise SceneError(f"Cycles mixed labels in {int((np.abs(values - codes) > _EXACT).sum())} pixels; report this with the scene.")
    return codes.astype(np.uint16)


def _read_red(path: Path, width: int, height: int) -> NDArray[np.float32]:
    if not path.exists():
        raise SceneError("Cycles wrote no label picture; look at the console for its reason (often a full disk).")
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        image.colorspace_settings.name = "Non-Color"
        pixels = np.empty(width * height * image.channels, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(height, width, -1)[::-1, :, 0]
    finally:
        bpy.data.images.remove(image)
