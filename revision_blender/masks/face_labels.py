"""Part labels of faces from part labels of vertices."""

import numpy as np
from numpy.typing import NDArray

from ..motion.errors import MaskError


def face_labels(faces: NDArray[np.integer], part_labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The label that most of a face's three vertices carry; three different labels: that of its first vertex.

    faces: ``(T, 3)`` vertex indices. part_labels: ``(V,)`` labels of ``masks.labels``. Returns ``(T,)``. Every renderer
    (Blender's pass, the backend's rasteriser) colours faces by this one function, so that their masks agree.
    Raises MaskError for faces that are not triangles or point outside the vertices.
    """
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise MaskError(f"faces have shape {faces.shape}; triangles (T, 3) are needed")
    if faces.size and (faces.min() < 0 or faces.max() >= len(part_labels)):
        raise MaskError(f"a face names vertex {int(faces.max())}, there are {len(part_labels)}")
    first, second, third = (part_labels[faces[:, corner]] for corner in range(3))
    return np.where(second == third, second, first).astype(np.uint8)
