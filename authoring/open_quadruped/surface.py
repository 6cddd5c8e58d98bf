"""From the cage to the skin: one Catmull-Clark subdivision, then every vertex is drawn onto the animal's implicit surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .animals import Animal
from .cage import CORNER, LAST, LIP, Cage, Key
from .field import field_of, value_and_slope
from .placing import cage_places

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_STEPS = 12
_RELAX = 0.25


@dataclass(frozen=True, eq=False)
class Mesh:
    """quads ``(Q, 4)``, mirror ``(V,)``, subdivision ``(V, cage)``; held ``(V,)`` 0 for vertices that the skin draws, 1 for
    those that stay where the cage put them; relax ``(V, V)`` mean of the neighbours; lips ``(L, 2)`` that touch in rest."""

    cage: Cage
    quads: Index
    mirror: Index
    subdivision: csr_matrix
    held: Array
    relax: csr_matrix
    lips: Index


def build_mesh(cage: Cage) -> Mesh:
    n, n_quads = len(cage.keys), len(cage.quads)
    corners = cage.quads
    pairs = np.stack([corners, np.roll(corners, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, edge_of = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True)
    edge_of = edge_of.reshape(-1, 4)
    total = n + len(edges) + n_quads
    quads = np.concatenate(
        [np.stack([corners[:, k], n + edge_of[:, k], n + len(edges) + np.arange(n_quads), n + edge_of[:, k - 1]], axis=1) for k in range(4)]
    )
    subdivision = _catmull_clark(corners, edges, edge_of, n)
    held = subdivision @ np.array([_held(key) for key in cage.keys])
    mirror = _mirror(cage, edges, n)
    neighbours = np.concatenate([quads[:, [0, 1]], quads[:, [1, 2]], quads[:, [2, 3]], quads[:, [3, 0]]])
    relax = csr_matrix((np.ones(len(neighbours)), (neighbours[:, 0], neighbours[:, 1])), shape=(total, total))
    relax = csr_matrix(relax.multiply(1.0 / relax.sum(axis=1)))
    return Mesh(cage, quads, mirror, subdivision, np.clip(held, 0.0, 1.0), relax, _lips(cage, edges, n))


def _catmull_clark(quads: Index, edges: Index, edge_of: Index, n: int) -> csr_matrix:
    n_quads, n_edges = len(quads), len(edges)
    face = csr_matrix((np.full(4 * n_quads, 0.25), (np.repeat(np.arange(n_quads), 4), quads.reshape(-1))), shape=(n_quads, n))
    ends = csr_matrix((np.full(2 * n_edges, 0.25), (np.repeat(np.arange(n_edges), 2), edges.reshape(-1))), shape=(n_edges, n))
    sides = csr_matrix((np.full(4 * n_quads, 0.25), (edge_of.reshape(-1), np.repeat(np.arange(n_quads), 4))), shape=(n_edges, n_quads))
    edge = ends + sides @ face
    valence = np.bincount(edges.reshape(-1), minlength=n).astype(np.float64)
    at_face = csr_matrix((np.ones(4 * n_quads), (quads.reshape(-1), np.repeat(np.arange(n_quads), 4))), shape=(n, n_quads))
    at_edge = csr_matrix((np.full(2 * n_edges, 0.5), (edges.reshape(-1), np.repeat(np.arange(n_edges), 2))), shape=(n, n_edges))
    middles = at_edge @ csr_matrix((np.ones(2 * n_edges), (np.repeat(np.arange(n_edges), 2), edges.reshape(-1))), shape=(n_edges, n))
    own = csr_matrix((np.maximum(valence - 3.0, 0.0) / valence, (np.arange(n), np.arange(n))), shape=(n, n))
    by = csr_matrix((1.0 / valence**2, (np.arange(n), np.arange(n))), shape=(n, n))
    vertex = own + by @ (at_face @ face) + 2.0 * (by @ middles)
    from scipy.sparse import vstack

    return csr_matrix(vstack([vertex, edge, face]))


def _held(key: Key) -> float:
    kind = key[0]
    if kind in ("palate", "floor", "throat", "ear", "ear_end", "lid_end"):
        return 1.0
    if kind == "lid":
        return 0.6 if key[2] == 0 else 1.0
    if kind in ("tail", "tail_end"):
        return min(1.0, max(0.0, (int(key[1]) - 1) / 3.0)) if kind == "tail" else 1.0  # type: ignore[call-overload]
    if kind in ("body", "lip") and int(key[1]) > CORNER and key[2] in (LIP, 16 - LIP):  # type: ignore[call-overload]
        return 0.5
    return 0.0


def _mirror(cage: Cage, edges: Index, n: int) -> Index:
    flipped_edges = np.sort(cage.mirror[edges], axis=1)
    flipped_quads = np.sort(cage.mirror[cage.quads], axis=1)
    edge_number = {tuple(e): i for i, e in enumerate(edges.tolist())}
    quad_number = {tuple(q): i for i, q in enumerate(np.sort(cage.quads, axis=1).tolist())}
    of_edges = [n + edge_number[tuple(e)] for e in flipped_edges.tolist()]
    of_quads = [n + len(edges) + quad_number[tuple(q)] for q in flipped_quads.tolist()]
    return np.array([*cage.mirror.tolist(), *of_edges, *of_quads])


def _lips(cage: Cage, edges: Index, n: int) -> Index:
    """Pairs of upper and lower lip vertices, edges' middles included."""
    number = {key: i for i, key in enumerate(cage.keys)}
    twin = {number["body", r, c]: number["lip", r, c] for r in range(CORNER + 1, LAST + 1) for c in (LIP, 16 - LIP)}
    twin[number["nose", LIP]] = number["nose", LIP, "low"]
    corner = {number["body", CORNER, c] for c in (LIP, 16 - LIP)}
    both = twin | {c: c for c in corner}
    edge_number = {tuple(e): n + i for i, e in enumerate(edges.tolist())}
    pairs = list(twin.items())
    for (a, b), at in list(edge_number.items()):
        if a in both and b in both and (a in twin or b in twin):
            other = tuple(sorted((both[a], both[b])))
            if other in edge_number and edge_number[other] != at:
                pairs.append((at, edge_number[other]))
    return np.array(pairs)


def skin(animal: Animal, mesh: Mesh, steps: int = _STEPS) -> Array:
    """``(V, 3)`` the animal's skin in withers heights, exactly symmetric."""
    places = mesh.subdivision @ cage_places(animal, mesh.cage)
    field = field_of(animal)
    free = (1.0 - mesh.held)[:, None]
    middle = mesh.mirror == np.arange(len(places))
    left = np.flatnonzero((mesh.mirror > np.arange(len(places))) | middle)
    for step in range(steps):
        normal = _normals(places, mesh.quads)
        if step < steps - 2:
            pull = mesh.relax @ places - places
            pull -= np.sum(pull * normal, axis=1, keepdims=True) * normal * (0.0 if step < 3 else 1.0)
            places = places + _RELAX * free * pull
        value, slope = value_and_slope(field, places[left])
        size = np.sum(slope**2, axis=1)
        move = -np.clip(value / np.maximum(size, 0.05), -0.05, 0.05)[:, None] * slope
        places[left] += free[left] * move
        places = _symmetric(places, mesh.mirror)
    return _closed_lips(places, mesh)


def _closed_lips(places: Array, mesh: Mesh) -> Array:
    result = places.copy()
    result[mesh.lips] = places[mesh.lips].mean(axis=1, keepdims=True)
    return result


def _symmetric(places: Array, mirror: Index) -> Array:
    return 0.5 * (places + places[mirror] * np.array([1.0, -1.0, 1.0]))


def _normals(places: Array, quads: Index) -> Array:
    a, b, c, d = (places[quads[:, k]] for k in range(4))
    face = np.cross(c - a, d - b)
    normal = np.zeros_like(places)
    for k in range(4):
        np.add.at(normal, quads[:, k], face)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
