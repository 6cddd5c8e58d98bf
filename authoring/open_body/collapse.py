"""Edge collapse that keeps original vertices and the mesh's left-right symmetry.

Quadrics after Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics" (1997), with the kept vertex of an
edge staying where it is: whatever belongs to a vertex (shapes, weights) carries over by its index.
"""

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LENGTH_WEIGHT = 2e-3  # keeps flat stretches from becoming a few huge triangles that skin badly
_MIN_COSINE = 0.2  # a triangle may turn this far in one collapse


@dataclass
class _Mesh:
    """The mesh while it shrinks; the only mutable thing here."""

    vertices: Array
    triangles: list[tuple[int, int, int] | None]
    around: list[set[int]] = field(default_factory=list)
    alive: int = 0

    def neighbours(self, vertex: int) -> set[int]:
        found: set[int] = set()
        for index in self.around[vertex]:
            found.update(self.triangles[index] or ())
        found.discard(vertex)
        return found


def collapse(
    vertices: Array, triangles: NDArray[np.int64], mirror: NDArray[np.int64], price: Array, target: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Collapses edges, cheapest first, both sides at once, until ``target`` vertices are left.

    price: ``(V,)`` factor on the cost of removing a vertex; below 1 for what nobody sees, above 1 for what everybody does.
    Returns the kept vertices' indices ``(K,)``, rising, and triangles ``(T, 3)`` in the kept vertices' own numbering.
    """
    mesh = _Mesh(vertices, [tuple(row) for row in triangles.tolist()], [set() for _ in vertices])
    for index, row in enumerate(mesh.triangles):
        for corner in row or ():
            mesh.around[corner].add(index)
    mesh.alive = sum(1 for faces in mesh.around if faces)
    quadrics = _quadrics(vertices, triangles)
    heap = [entry for vertex in range(len(vertices)) for entry in _offers(mesh, quadrics, price, vertex)]
    heapq.heapify(heap)
    while heap and mesh.alive > target:
        cost, gone, kept = heapq.heappop(heap)
        if not (mesh.around[gone] and mesh.around[kept]) or cost < _cost(mesh, quadrics, price, gone, kept) - 1e-12:
            continue
        for moved in _collapse_pair(mesh, quadrics, mirror, gone, kept):
            for entry in _offers(mesh, quadrics, price, moved):
                heapq.heappush(heap, entry)
                back = (_cost(mesh, quadrics, price, entry[2], moved), entry[2], moved)
                heapq.heappush(heap, back)
    return _compact(mesh)


def _quadrics(vertices: Array, triangles: NDArray[np.int64]) -> Array:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1, keepdims=True)
    unit = normal / np.maximum(area, 1e-12)
    plane = np.concatenate([unit, -np.sum(unit * a, axis=1, keepdims=True)], axis=1)
    outer = plane[:, :, None] * plane[:, None, :] * area[..., None]
    quadrics = np.zeros((len(vertices), 4, 4))
    for corner in range(3):
        np.add.at(quadrics, triangles[:, corner], outer)
    return quadrics


def _cost(mesh: _Mesh, quadrics: Array, price: Array, gone: int, kept: int) -> float:
    place = np.append(mesh.vertices[kept], 1.0)
    step = mesh.vertices[kept] - mesh.vertices[gone]
    error = float(place @ quadrics[gone] @ place)
    return float(price[gone]) * (error + _LENGTH_WEIGHT * float(step @ step) ** 2)


def _offers(mesh: _Mesh, quadrics: Array, price: Array, vertex: int) -> list[tuple[float, int, int]]:
    return [(_cost(mesh, quadrics, price, vertex, other), vertex, other) for other in sorted(mesh.neighbours(vertex))]


def _collapse_pair(mesh: _Mesh, quadrics: Array, mirror: NDArray[np.int64], gone: int, kept: int) -> tuple[int, ...]:
    """Collapses an edge and its mirror image, or neither; returns the vertices that took over."""
    other_gone, other_kept = int(mirror[gone]), int(mirror[kept])
    if other_gone == gone and other_kept != kept:
        return ()  # a middle vertex only moves along the middle
    near = mesh.neighbours(gone)
    if kept not in near or not _allowed(mesh, gone, kept):
        return ()
    if other_gone == gone:
        _apply(mesh, quadrics, gone, kept)
        return (kept,)
    if other_gone in near or other_kept == gone or not _allowed(mesh, other_gone, other_kept):
        return ()
    if other_kept == kept and len(near & mesh.neighbours(other_gone) - {kept}) > 0:
        return ()  # the second collapse would see the first one's triangles
    _apply(mesh, quadrics, gone, kept)
    _apply(mesh, quadrics, other_gone, other_kept)
    return (kept,) if other_kept == kept else (kept, other_kept)


def _allowed(mesh: _Mesh, gone: int, kept: int) -> bool:
    if len(mesh.neighbours(gone) & mesh.neighbours(kept)) != 2:
        return False  # the surface would pinch
    for index in mesh.around[gone]:
        row = mesh.triangles[index]
        if row is None or kept in row:
            continue
        before, after = (_normal(mesh.vertices, corners) for corners in (row, tuple(kept if v == gone else v for v in row)))
        lengths = np.linalg.norm(before) * np.linalg.norm(after)
        if lengths < 1e-14 or float(before @ after) < _MIN_COSINE * lengths:
            return False
    return True


def _normal(vertices: Array, row: tuple[int, ...]) -> Array:
    a, b, c = (vertices[v] for v in row)
    u, v = b - a, c - a
    return np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])


def _apply(mesh: _Mesh, quadrics: Array, gone: int, kept: int) -> None:
    for index in list(mesh.around[gone]):
        row = mesh.triangles[index]
        assert row is not None
        if kept in row:
            for corner in row:
                mesh.around[corner].discard(index)
            mesh.triangles[index] = None
        else:
            a, b, c = (kept if v == gone else v for v in row)
            mesh.triangles[index] = (a, b, c)
            mesh.around[kept].add(index)
    mesh.around[gone] = set()
    quadrics[kept] += quadrics[gone]
    mesh.alive -= 1


def _compact(mesh: _Mesh) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = np.array([row for row in mesh.triangles if row is not None])
    kept = np.unique(rows)
    return kept, np.searchsorted(kept, rows)
