"""An exact z-buffer rasteriser on the CPU: which face every pixel sees, how far away, and where on the face.

Homogeneous rasterisation (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates", 1997): a pixel's
ray d meets the triangle (a, b, c) where d.(b x c), d.(c x a), d.(a x b) have the sign of a.(b x c); they are also the
perspective-correct barycentric weights. Nothing has to be clipped, faces that cross the camera plane included.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.raster.kernels import draw, spread, weigh

Array = NDArray[np.floating]

NOTHING = -1  # face index of a pixel that sees no face


@dataclass(frozen=True, eq=False)
class Fragments:
    """What each pixel sees. face: ``(H, W)`` int32, index of the nearest face or ``NOTHING``.

    inverse_depth: ``(H, W)`` float32, 1 / metres along the camera's z, 0 where nothing is.
    """

    face: NDArray[np.int32]
    inverse_depth: NDArray[np.float32]

    @property
    def covered(self) -> NDArray[np.bool_]:
        """``(H, W)``: where a face is seen."""
        return self.face >= 0

    @property
    def depth(self) -> NDArray[np.float32]:
        """``(H, W)`` metres along the camera's z, infinite where nothing is."""
        with np.errstate(divide="ignore"):
            return np.float32(1.0) / self.inverse_depth


def blank(width: int, height: int) -> Fragments:
    """Fragments that see nothing, for ``rasterise`` to draw into again and again."""
    return Fragments(np.full((height, width), NOTHING, np.int32), np.zeros((height, width), np.float32))


def rasterise(
    vertices_camera: Array, faces: NDArray[np.integer], focal: float, center: Array, width: int, height: int, reuse: Fragments | None = None
) -> Fragments:
    """Draws triangles, both sides, into a picture of ``width`` x ``height`` pixels.

    vertices_camera: ``(V, 3)`` metres, OpenCV camera axes. faces: ``(T, 3)``. focal, center ``(2,)``: pixels. reuse: fragments
    of an earlier picture of the same size, overwritten (fresh memory costs a fifth of the time). A pixel belongs to the
    nearest face that contains its centre (x + 0.5, y + 0.5); a centre on an edge of two faces goes to one of them; at equal
    depth faces turned towards the camera come first, then the earlier one.
    """
    fragments = reuse or blank(width, height)
    fragments.face.fill(NOTHING)
    fragments.inverse_depth.fill(0.0)
    points = np.ascontiguousarray(vertices_camera, dtype=np.float64)
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    draw(points, triangles, float(focal), float(center[0]), float(center[1]), fragments.face, fragments.inverse_depth)
    return fragments


def barycentrics(
    fragments: Fragments, vertices_camera: Array, faces: NDArray[np.integer], focal: float, center: Array
) -> NDArray[np.float32]:
    """``(H, W, 3)`` perspective-correct weights of the seen face's corners, summing to 1; 0 where nothing is."""
    weights = np.zeros((*fragments.face.shape, 3), np.float32)
    points = np.ascontiguousarray(vertices_camera, dtype=np.float64)
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    weigh(points, triangles, float(focal), float(center[0]), float(center[1]), fragments.face, weights)
    return weights


def interpolate(fragments: Fragments, weights: NDArray[np.float32], faces: NDArray[np.integer], values: Array) -> NDArray[np.float32]:
    """Vertex values ``(V, C)`` at each pixel: ``(H, W, C)`` float32, 0 where nothing is."""
    result = np.zeros((*fragments.face.shape, values.shape[1]), np.float32)
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    spread(fragments.face, weights, triangles, np.ascontiguousarray(values, dtype=np.float32), result)
    return result
