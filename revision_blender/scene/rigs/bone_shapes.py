"""Wire shapes that bones are drawn as: one small mesh each in a file, shared by all rigs, linked to no scene."""

from functools import cache

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import marks
from ..removal import remove

Array = NDArray[np.floating]
Wire = tuple[Array, list[tuple[int, int]]]  # points (N, 3), edges

_SEGMENTS = 24


def _ring(u: int = 0, v: int = 2) -> Wire:
    """A circle of radius 1 in the plane of two axes; about the bone's y axis when none are given."""
    angle = np.arange(_SEGMENTS) * 2 * np.pi / _SEGMENTS
    points = np.zeros((_SEGMENTS, 3))
    points[:, u], points[:, v] = np.cos(angle), np.sin(angle)
    return points, [(index, (index + 1) % _SEGMENTS) for index in range(_SEGMENTS)]


def _joined(*wires: Wire) -> Wire:
    points: list[Array] = []
    edges: list[tuple[int, int]] = []
    start = 0
    for some, lines in wires:
        points.append(some)
        edges += [(a + start, b + start) for a, b in lines]
        start += len(some)
    return np.concatenate(points), edges


def _line(*corners: tuple[float, float, float], closed: bool = False) -> Wire:
    edges = [(index, index + 1) for index in range(len(corners) - 1)]
    return np.array(corners, dtype=np.float64), edges + [(len(corners) - 1, 0)] * closed


def _ball() -> Wire:
    return _joined(_ring(0, 2), _ring(0, 1), _ring(1, 2))


def _box() -> Wire:
    """Edges of the cube from -1 to 1."""
    low, high = [[(x, y, z) for x, z in ((-1, -1), (1, -1), (1, 1), (-1, 1))] for y in (-1, 1)]
    posts = [_line(a, b) for a, b in zip(low, high, strict=True)]
    return _joined(_line(*low, closed=True), _line(*high, closed=True), *posts)


def _root() -> Wire:
    """A ring about z with four arrow heads that point outwards."""
    arrows = []
    for x, y in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        side = np.array([-y, x, 0.0]) * 0.14
        out = np.array([x, y, 0.0])
        arrows.append(_line(tuple(out * 1.05 + side), tuple(out * 1.25), tuple(out * 1.05 - side), closed=True))
    return _joined(_ring(0, 1), *arrows)


def _diamond() -> Wire:
    corners = [(1, 0, 0), (0, 0, 1), (-1, 0, 0), (0, 0, -1)]
    spokes = [_line((0, y, 0), corner) for y in (-1.0, 1.0) for corner in corners]
    return _joined(_line(*corners, closed=True), *spokes)


def _half_ring() -> Wire:
    """The upper half of a ring about x, open below: lies over a shoulder like a strap."""
    angle = np.linspace(-0.15, np.pi + 0.15, _SEGMENTS // 2 + 1)
    return _line(*[(0.0, float(np.cos(a)), float(np.sin(a))) for a in angle])


_WIRES = {"Ring": _ring, "Ball": _ball, "Box": _box, "Root": _root, "Diamond": _diamond, "Strap": _half_ring}


@cache
def _wire(kind: str) -> Wire:
    return _WIRES[kind]()


def shape(kind: str) -> bpy.types.Object:
    """The shared object of a shape ("Ring", "Ball", "Box", "Root", "Diamond", "Strap"), made where the file has none yet."""
    name = f"ReVision {kind}"
    for found in bpy.data.objects:
        if found.get(marks.BONE_SHAPE) == kind and found.library is None:
            return found
    points, edges = _wire(kind)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(point) for point in points.tolist()], edges, [])
    made = bpy.data.objects.new(name, mesh)
    made[marks.BONE_SHAPE] = kind
    return made


def remove_unused_shapes() -> None:
    """Takes shapes away that no bone uses any more."""
    for thing in [thing for thing in bpy.data.objects if marks.BONE_SHAPE in thing and thing.users == 0]:
        mesh = thing.data
        remove(thing)
        if mesh.users == 0:
            remove(mesh)
