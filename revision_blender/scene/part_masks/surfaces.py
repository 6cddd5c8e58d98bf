"""Everything that a camera could see, as labelled triangles: the take's bodies by part and its objects, all else that renders as 0."""

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import marks
from ..errors import SceneError
from ..take_record import Take

_SURFACE_TYPES = {"MESH", "CURVE", "SURFACE", "META", "FONT"}


@dataclass(frozen=True, eq=False)
class Triangles:
    """corners: ``(T, 3, 3)`` triangle, corner, xyz in Blender's world, metres. labels: ``(T,)``."""

    corners: NDArray[np.float32]
    labels: NDArray[np.uint8]


def _rendered(layer: bpy.types.LayerCollection, found: set[str]) -> set[str]:
    """Names of the objects in collections that render."""
    if layer.exclude or layer.collection.hide_render:
        return found
    found.update(thing.name for thing in layer.collection.objects)
    for child in layer.children:
        _rendered(child, found)
    return found


def _renders(instance: bpy.types.DepsgraphObjectInstance, rendered: set[str]) -> bool:
    thing = instance.object.original
    if instance.object.type not in _SURFACE_TYPES or not instance.show_self or thing.hide_render:
        return False
    if instance.is_instance:
        parent = instance.parent.original
        return not parent.hide_render and parent.name in rendered
    return thing.name in rendered


def _face_labels(mesh: bpy.types.Mesh, owner: bpy.types.Object, of_triangle: NDArray[np.int32]) -> NDArray[np.uint8]:
    attribute = mesh.attributes.get(marks.LABEL_ATTRIBUTE)
    if attribute is None or attribute.domain != "FACE":
        raise SceneError(
            f"The mesh {owner.name!r} lost its part labels (face attribute {marks.LABEL_ATTRIBUTE!r}); "
            "undo the edit or turn off the modifier that removed them, or lift the clip again."
        )
    labels = np.empty(len(mesh.polygons), dtype=np.int32)
    attribute.data.foreach_get("value", labels)
    return labels[of_triangle].astype(np.uint8)


def _triangles(mesh: bpy.types.Mesh, M_world_object: NDArray[np.float64], owner: bpy.types.Object, labelled: bool) -> Triangles:
    mesh.calc_loop_triangles()
    points = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", points)
    corners = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
    of_triangle = np.empty(len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    mesh.loop_triangles.foreach_get("polygon_index", of_triangle)
    world = points.reshape(-1, 3) @ M_world_object[:3, :3].T + M_world_object[:3, 3]
    labels = _face_labels(mesh, owner, of_triangle) if labelled else np.zeros(len(of_triangle), dtype=np.uint8)
    return Triangles(world.astype(np.float32)[corners.reshape(-1, 3)], labels)


def _all(take: Take, depsgraph: bpy.types.Depsgraph) -> Iterator[Triangles]:
    bodies = {name for _, _, name in (*take.bodies, *take.objects)}
    rendered = _rendered(depsgraph.view_layer.layer_collection, set())
    for instance in depsgraph.object_instances:
        if not _renders(instance, rendered):
            continue
        thing = instance.object
        mesh = thing.data if thing.type == "MESH" else thing.to_mesh()
        if mesh is None:
            continue
        matrix = np.array(instance.matrix_world, dtype=np.float64)
        labelled = not instance.is_instance and thing.original.name in bodies
        yield _triangles(mesh, matrix, thing.original, labelled)
        if thing.type != "MESH":
            thing.to_mesh_clear()


def gather(take: Take, depsgraph: bpy.types.Depsgraph) -> Triangles:
    """All triangles that render in the evaluated scene. Raises SceneError where a body lost its part labels."""
    parts = list(_all(take, depsgraph))
    if not parts:
        return Triangles(np.empty((0, 3, 3), dtype=np.float32), np.empty(0, dtype=np.uint8))
    return Triangles(np.concatenate([part.corners for part in parts]), np.concatenate([part.labels for part in parts]))
