"""Everything that a camera could see, as labelled triangles: the take's bodies by part and its objects, all else that renders as 0."""

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...masks.codes import Codes, face_codes
from .. import marks
from ..errors import SceneError
from ..take_record import Take

_SURFACE_TYPES = {"MESH", "CURVE", "SURFACE", "META", "FONT"}


@dataclass(frozen=True, eq=False)
class Triangles:
    """corners: ``(T, 3, 3)`` triangle, corner, xyz in Blender's world, metres. codes: ``(T,)`` of ``masks.codes``."""

    corners: NDArray[np.float32]
    codes: Codes


def _rendered(layer: bpy.types.LayerCollection, found: set[str]) -> set[str]:
    """Names of the objects in collections that render."""
    if layer.exclude or layer.collection.hide_render:
        return found
    found.update(thing.name for thing in layer.collection.objects)
    for child in layer.children:
        _rendered(child, found)
    return found


def _renders(instance: bpy.types.DepsgraphObjectInstance, rendered: set[str]) -> bool:
    """As keyed at the evaluated frame: what is evaluated in a passing scene is not written back to the original."""
    thing = instance.object
    if thing.type not in _SURFACE_TYPES or not instance.show_self or thing.hide_render:
        return False
    if instance.is_instance:
        return not instance.parent.hide_render and instance.parent.original.name in rendered
    return thing.original.name in rendered


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


def _triangles(mesh: bpy.types.Mesh, M_world_object: NDArray[np.float64], owner: bpy.types.Object, track: int | None) -> Triangles:
    mesh.calc_loop_triangles()
    points = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", points)
    corners = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
    of_triangle = np.empty(len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    mesh.loop_triangles.foreach_get("polygon_index", of_triangle)
    world = points.reshape(-1, 3) @ M_world_object[:3, :3].T + M_world_object[:3, 3]
    labels = np.zeros(len(of_triangle), dtype=np.uint8) if track is None else _face_labels(mesh, owner, of_triangle)
    return Triangles(world.astype(np.float32)[corners.reshape(-1, 3)], face_codes(labels, track or 0))


def _all(take: Take, depsgraph: bpy.types.Depsgraph, absent: frozenset[str]) -> Iterator[Triangles]:
    number = {track_id: place for place, track_id in enumerate(take.track_ids)}
    tracks = {name: number[track_id] for track_id, _, name in (*take.bodies, *take.objects)}
    rendered = _rendered(depsgraph.view_layer.layer_collection, set())
    for instance in depsgraph.object_instances:
        thing = instance.object
        if not _renders(instance, rendered) or thing.original.name in absent:
            continue
        mesh = thing.data if thing.type == "MESH" else thing.to_mesh()
        if mesh is None:
            continue
        matrix = np.array(instance.matrix_world, dtype=np.float64)
        track = None if instance.is_instance else tracks.get(thing.original.name)
        yield _triangles(mesh, matrix, thing.original, track)
        if thing.type != "MESH":
            thing.to_mesh_clear()


def gather(take: Take, depsgraph: bpy.types.Depsgraph, absent: frozenset[str] = frozenset()) -> Triangles:
    """All triangles that render in the evaluated scene, without the take's meshes named ``absent``. Raises SceneError where a body
    lost its part labels."""
    parts = list(_all(take, depsgraph, absent))
    if not parts:
        return Triangles(np.empty((0, 3, 3), dtype=np.float32), np.empty(0, dtype=np.uint16))
    return Triangles(np.concatenate([part.corners for part in parts]), np.concatenate([part.codes for part in parts]))
