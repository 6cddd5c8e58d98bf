"""From the cage to the skin: one Catmull-Clark subdivision, then every vertex is drawn onto the animal's implicit surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .animals import Animal, mixed
from .cage import CORNER, LAST, LIP, Cage, Key
from .field import Field, field_of, value_and_slope, values
from .placing import cage_places, leg_axes

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_STEPS = 12
_RELAX = 0.4
_STRIDE = 0.05
_STAGES = 6  # animals on the way from one to another
_SLIDE = 0.2
_NORMAL_PASSES = 5
_LOST = 0.012
_FEET = 0.14  # withers heights: below, fairing would thin the feet


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
        return 0.15
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


@dataclass(frozen=True, eq=False)
class Skin:
    """One animal's skin: ``places`` ``(V, 3)`` in withers heights, exactly symmetric."""

    animal: Animal
    places: Array


def first_skin(animal: Animal, mesh: Mesh) -> Skin:
    """The skin of the animal that the others start from."""
    field = field_of(animal)
    places = mesh.subdivision @ _around_bones(cage_places(animal, mesh.cage), animal, mesh, field)
    left = np.flatnonzero(mesh.mirror >= np.arange(len(places)))
    for _ in range(2):  # untangle, then find the skin
        places = places + 0.5 * (1.0 - mesh.held)[:, None] * (mesh.relax @ places - places)
    for _ in range(2):
        for step in range(_STEPS):
            places = _nearer(places, mesh, field, left, _RELAX if step < _STEPS - 2 else 0.0)
        places = _unfolded(_mended(places, mesh, field, left), mesh, field, left, 6)
    return Skin(animal, _closed_lips(_faired(_mended(places, mesh, field, left), mesh, field, left), mesh))


def _around_bones(cage: Array, animal: Animal, mesh: Mesh, field: Field) -> Array:
    """The cage with its leg rings where rays from the bones leave the body, if that is not far from where they were."""
    vertices, centres = leg_axes(animal, mesh.cage)
    arms = cage[vertices] - centres
    reach = np.linspace(0.5, 1.9, 57)
    found = values(field, (centres[:, None] + reach[:, None] * arms[:, None]).reshape(-1, 3)).reshape(len(arms), len(reach))
    outside = found > 0.0
    share = np.where(outside.any(axis=1), reach[outside.argmax(axis=1)], 1.2)
    result = cage.copy()
    result[vertices] = centres + share[:, None] * arms
    result[mesh.cage.mirror[vertices]] = result[vertices] * np.array([1.0, -1.0, 1.0])
    return result


def skin(animal: Animal, mesh: Mesh, start: Skin, stages: int = _STAGES) -> Skin:
    """The skin of ``animal``, carried over from ``start`` through the animals between the two, so that it never goes astray."""
    places, cage = start.places, cage_places(start.animal, mesh.cage)
    left = np.flatnonzero(mesh.mirror >= np.arange(len(places)))
    for share in np.linspace(0.0, 1.0, stages + 1)[1:]:
        between = mixed([start.animal, animal], np.array([1.0 - share, share]))
        cage_now, field = cage_places(between, mesh.cage), field_of(between)
        places, cage = places + mesh.subdivision @ (cage_now - cage), cage_now
        for relax in (_SLIDE, 0.0):
            places = _nearer(places, mesh, field, left, relax)
        places = _unfolded(places, mesh, field, left, 1)
    places = _unfolded(places, mesh, field, left, stages)
    return Skin(animal, _closed_lips(_faired(_mended(places, mesh, field, left), mesh, field, left), mesh))


def _nearer(places: Array, mesh: Mesh, field: Field, left: Index, relax: float) -> Array:
    """One step: slide along the skin towards the neighbours, then go to the skin."""
    free = (1.0 - mesh.held)[:, None]
    normal = _smooth_normals(places, mesh)
    pull = mesh.relax @ places - places
    pull -= np.sum(pull * normal, axis=1, keepdims=True) * normal
    result = places + relax * free * pull
    _, way = _ways(field, result[left], normal[left])
    result[left] += free[left] * way
    return _symmetric_half(result, mesh.mirror, left)


def _folded(places: Array, mesh: Mesh, field: Field, left: Index) -> Array:
    """``(V,)`` 1 at the corners of quads that face into the body, 0 elsewhere."""
    slope = np.zeros_like(places)
    slope[left] = value_and_slope(field, places[left])[1]
    a, b, c, d = (places[mesh.quads[:, k]] for k in range(4))
    face = np.cross(c - a, d - b)
    inward = (np.einsum("qc,qkc->qk", face, slope[mesh.quads]) < 0.0).any(axis=1) & (mesh.held[mesh.quads].max(axis=1) < 0.3)
    marked = np.zeros(len(places))
    marked[mesh.quads[inward]] = 1.0
    return marked


def _widened(marked: Array, mesh: Mesh) -> Array:
    """``(V, 1)`` 1 at the marked vertices and the two rings around, times how free they are."""
    wide = np.minimum(1.0, 4.0 * (mesh.relax @ np.minimum(1.0, marked + mesh.relax @ marked)) + marked)
    return (wide * (1.0 - mesh.held))[:, None]


def _unfolded(places: Array, mesh: Mesh, field: Field, left: Index, rounds: int) -> Array:
    """Where quads face into the body, the vertices around are drawn evenly between their neighbours and put back on the skin."""
    result = places
    for _ in range(rounds):
        marked = _folded(result, mesh, field, left)
        if not marked.any():
            break
        wide = _widened(marked, mesh)
        for _ in range(6):
            result = _symmetric_half(result + 0.6 * wide * (mesh.relax @ result - result), mesh.mirror, left)
        for _ in range(2):
            result = _nearer(result, mesh, field, left, 0.5 * _SLIDE)
    return result


def _faired(places: Array, mesh: Mesh, field: Field, left: Index) -> Array:
    """What is folded or off the skin to the end lies in a narrow crease: there the mesh spans the crease smoothly instead."""
    off = np.zeros(len(places))
    off[left] = (np.abs(values(field, places[left])) > 0.4 * _LOST) & (mesh.held[left] < 0.3)
    result = places
    for _ in range(3):
        marked = np.maximum(off, _folded(result, mesh, field, left)) * (result[:, 2] > _FEET)
        off = np.zeros(len(places))
        wide = _widened(marked, mesh)
        for _ in range(10):
            result = _symmetric_half(result + 0.6 * wide * (mesh.relax @ result - result), mesh.mirror, left)
    return result


def _mended(places: Array, mesh: Mesh, field: Field, left: Index) -> Array:
    """Vertices that did not find the skin are put between their neighbours and from there straight onto it."""
    result = places.copy()
    for _ in range(5):
        lost = left[(np.abs(values(field, result[left])) > 0.25 * _LOST) & (mesh.held[left] < 0.3)]
        for _ in range(6):
            result[lost] = (mesh.relax @ result)[lost]
            result = _symmetric_half(result, mesh.mirror, left)
        result[lost] = _straight_out(result[lost], _smooth_normals(result, mesh)[lost], field)
        result = _symmetric_half(result, mesh.mirror, left)
    return result


def _straight_out(points: Array, normal: Array, field: Field) -> Array:
    """Where the rays from ``points`` leave the body, or enter it for points outside; points whose rays do neither stay."""
    reach = np.linspace(0.0, 0.08, 41)
    inside = values(field, points) < 0.0
    way = np.where(inside, 1.0, -1.0)[:, None] * normal
    along = points[:, None] + reach[:, None] * way[:, None]
    found = values(field, along.reshape(-1, 3)).reshape(len(points), len(reach))
    passed = (found < 0.0) != inside[:, None]
    at = passed.argmax(axis=1)
    rows = np.flatnonzero(at > 0)
    before, after = found[rows, at[rows] - 1], found[rows, at[rows]]
    result = points.copy()
    result[rows] += (reach[at[rows] - 1] + reach[1] * before / (before - after))[:, None] * way[rows]
    return result


def _symmetric_half(places: Array, mirror: Index, left: Index) -> Array:
    """The right half is the left one's image; the middle lies in y = 0."""
    result = places.copy()
    result[mirror[left]] = places[left] * np.array([1.0, -1.0, 1.0])
    result[left[mirror[left] == left], 1] = 0.0
    return result


def _ways(field: Field, points: Array, normal: Array) -> tuple[Array, Array]:
    """The field at ``points`` and the step of each to the skin: down the slope, but out along the mesh's normal from deep inside.

    Deep inside, the slope leads away from the axis of some bone, which may be any way.
    """
    value, slope = value_and_slope(field, points)
    deep = np.clip((-value - 0.012) / 0.02, 0.0, 1.0)[:, None]
    steep = np.maximum(np.sum(slope**2, axis=1), 0.05)
    way = -(1.0 - deep) * (value / steep)[:, None] * slope - deep * value[:, None] * normal
    return value, way * np.minimum(1.0, _STRIDE / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9))


def _closed_lips(places: Array, mesh: Mesh) -> Array:
    result = places.copy()
    result[mesh.lips] = places[mesh.lips].mean(axis=1, keepdims=True)
    return result


def _smooth_normals(places: Array, mesh: Mesh) -> Array:
    a, b, c, d = (places[mesh.quads[:, k]] for k in range(4))
    face = np.cross(c - a, d - b)
    normal = np.zeros_like(places)
    for k in range(4):
        np.add.at(normal, mesh.quads[:, k], face)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    for _ in range(_NORMAL_PASSES):
        normal = mesh.relax @ normal
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
