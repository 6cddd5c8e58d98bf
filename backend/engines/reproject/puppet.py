"""What is moved and drawn: triangles in the first frame's camera, each with where its colours come from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
F32 = NDArray[np.float32]

OWN, MIRRORED, PAINTED = 0, 1, 2  # a face's colours: its own pixels, those of its mirror side, or its vertices' colours


@dataclass(frozen=True, eq=False)
class Layer:
    """A textured surface of ``V`` vertices and ``T`` triangles, skinned to the joints of all bodies.

    points: ``(V, 3)`` metres in the first frame's camera. faces: ``(T, 3)``. weights: ``(V, J)`` blend weights.
    source: ``(2, V, 3)`` camera points whose projection holds a vertex's colours: its own, its mirror side's.
    trust: ``(2, V)`` in [0, 1] how well that colour serves once the surface has moved. colours: ``(V, 3)`` 0 to 255, where trust
    ends. mode: ``(T,)`` OWN, MIRRORED or PAINTED. seen: ``(V,)`` 1 where the first frame shows the vertex. watch: ``(V,)`` the
    vertex of a nearer surface that may hide this one in the first frame, or the vertex itself: once that one moves away,
    this one's own pixel serves no more.
    """

    points: Array
    faces: NDArray[np.int32]
    weights: F32
    source: F32
    trust: F32
    colours: F32
    mode: NDArray[np.uint8]
    seen: F32
    watch: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Puppet:
    """body: the bodies' meshes, opaque. halo: what the person mask shows beside them, with a soft edge."""

    body: Layer
    halo: Layer
