"""How well a lifted thing's whole shape is known: its hidden parts count like those that are seen."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from backend.evaluation.lifting.matching import overlap
from backend.evaluation.lifting.measures import depths, outlines
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import ObjectTrack

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class WholeShape:
    """Errors a frame ``(F,)`` of a thing's points against its truth, all of the whole thing, whatever hides it.

    centre, contour: pixels as shares of the true box's diagonal, contour the mean of its 16 points. outline: overlap (IoU) with the
    true outline inside the picture. depth: found over true, metres along the camera's axis.
    """

    centre: Float[NDArray[np.float64], " F"]
    contour: Float[NDArray[np.float64], " F"]
    outline: Float[NDArray[np.float64], " F"]
    depth: Float[NDArray[np.float64], " F"]


def whole_shape(
    found: ObjectTrack, camera: Camera, true: ObjectTrack, true_camera: Camera, alone: Bool[NDArray[np.bool_], "F H W"]
) -> WholeShape:
    """Each track in its own camera's pictures. alone: the thing's true pixels as if nothing stood before it."""
    ours, truth = camera.project(found.points)[0], true_camera.project(true.points)[0]
    diagonal = np.linalg.norm(truth[:, 18] - truth[:, 16], axis=-1)
    apart = np.linalg.norm(ours - truth, axis=-1) / diagonal[:, None]
    return WholeShape(
        apart[:, 20], apart[:, :16].mean(axis=1), overlap(outlines(found, camera), alone), depths(found, camera) / depths(true, true_camera)
    )
