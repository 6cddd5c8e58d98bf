"""Clothes, hair and shoes as shells over the posed body, cut in the rest pose where garments end."""

from dataclasses import dataclass

import bmesh
import bpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

REST, POSED = "rest", "posed"


@dataclass(frozen=True)
class Cut:
    """A plane in the rest pose: what lies on the side of ``normal`` is cut away."""

    point: tuple[float, float, float]
    normal: tuple[float, float, float]


@dataclass(frozen=True)
class Garment:
    """labels: part labels it covers. gap: metres over the skin. smooth: how many times its folds are evened out."""

    name: str
    labels: tuple[int, ...]
    gap: float
    smooth: int
    cuts: tuple[Cut, ...]
    thickness: float = 0.004


TORSO, LEGS, FEET, HEAD = (1, 4, 7, 10), (1, 2, 3, 4, 5, 6, 8, 9), (5, 6, 8, 9, 11, 12), (13, 16)
WARDROBE = (
    Garment(
        "shirt",
        (*TORSO, 2, 3, 13, 14, 15, 17, 18),
        0.009,
        6,
        (
            Cut((0.0, -0.062, 0.0), (0.0, -1.0, 0.0)),
            Cut((0.375, 0, 0), (1.0, 0, 0)),
            Cut((-0.375, 0, 0), (-1.0, 0, 0)),
            Cut((0, 0.497, 0), (0, 1, 0.5)),
        ),
    ),
    Garment("trousers", LEGS, 0.015, 8, (Cut((0, 0.03, 0), (0, 1, 0)), Cut((0, -0.875, 0), (0, -1, 0)))),
    Garment("shoes", FEET, 0.008, 2, (Cut((0, -0.858, 0), (0, 1, -0.15)),), 0.0),
    Garment("hair", HEAD, 0.016, 3, (Cut((0, 0.704, 0.128), (0, -1.0, 1.25)),), 0.006),
)


def normals_of(points: Array, faces: NDArray[np.integer]) -> Array:
    """``(V, 3)`` unit vertex normals, faces weighted by area."""
    across = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    total = np.zeros_like(points)
    for corner in range(3):
        np.add.at(total, faces[:, corner], across)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def _neighbour_mean(points: Array, faces: NDArray[np.integer]) -> Array:
    total, count = np.zeros_like(points), np.zeros(len(points))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        for i, j in ((faces[:, a], faces[:, b]), (faces[:, b], faces[:, a])):
            np.add.at(total, i, points[j])
            np.add.at(count, i, 1.0)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1.0)[:, None], points)


def shell(points: Array, faces: NDArray[np.integer], gap: float, smooth: int) -> Array:
    """The surface moved out by ``gap`` and evened out, nowhere nearer to the skin than half of it; ``(V, 3)`` in and out."""
    normals = normals_of(points, faces)
    moved = points + gap * normals
    for _ in range(smooth):
        moved = 0.4 * moved + 0.6 * _neighbour_mean(moved, faces)
        out = ((moved - points) * normals).sum(axis=1, keepdims=True)
        moved = moved + np.maximum(gap * 0.6 - out, 0.0) * normals
    return moved


def mesh_of(name: str, rest: Array, posed: Array, faces: NDArray[np.integer], cuts: tuple[Cut, ...], hulls: bool = False) -> bpy.types.Mesh:
    """A mesh in the pose, y up turned to Blender's z up, its rest coordinates as the vertex attribute ``rest``.

    hulls: whether each side's part is replaced by its convex hull, as a shoe hides toes.
    """
    built = bmesh.new()
    rest_layer = built.verts.layers.float_vector.new(REST)
    posed_layer = built.verts.layers.float_vector.new(POSED)
    corners = []
    for place, goal in zip(rest, posed, strict=True):
        corner = built.verts.new(place)
        corner[rest_layer], corner[posed_layer] = place, (goal[0], -goal[2], goal[1])
        corners.append(corner)
    for face in faces:
        built.faces.new([corners[int(k)] for k in face])
    for cut in cuts:
        parts = [*built.verts, *built.edges, *built.faces]
        bmesh.ops.bisect_plane(built, geom=parts, plane_co=cut.point, plane_no=cut.normal, clear_outer=True)
    loose = [corner for corner in built.verts if not corner.link_faces]
    bmesh.ops.delete(built, geom=loose, context="VERTS")
    for corner in built.verts:
        corner.co = corner[posed_layer]
    if hulls:
        _replace_by_hulls(built)
    for face in built.faces:
        face.smooth = True
    mesh = bpy.data.meshes.new(name)
    built.to_mesh(mesh)
    built.free()
    return mesh


def _replace_by_hulls(built: bmesh.types.BMesh) -> None:
    rest_layer = built.verts.layers.float_vector[REST]
    bmesh.ops.delete(built, geom=[*built.faces, *built.edges], context="EDGES_FACES")
    for sign in (-1.0, 1.0):
        side = [corner for corner in built.verts if sign * corner[rest_layer][0] > 0.0]
        bmesh.ops.convex_hull(built, input=side)
    bmesh.ops.delete(built, geom=[corner for corner in built.verts if not corner.link_faces], context="VERTS")
    bmesh.ops.recalc_face_normals(built, faces=built.faces)


def object_of(mesh: bpy.types.Mesh, material: bpy.types.Material, thickness: float, levels: int = 2) -> bpy.types.Object:
    """The mesh in the scene with smooth subdivision and, for cloth, a thickness."""
    thing = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    mesh.materials.append(material)
    if thickness > 0.0:
        solid = thing.modifiers.new("thickness", "SOLIDIFY")
        solid.thickness, solid.offset = thickness, 1.0
    fine = thing.modifiers.new("smooth", "SUBSURF")
    fine.render_levels = fine.levels = levels
    return thing
