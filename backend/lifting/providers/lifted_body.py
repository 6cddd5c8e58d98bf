"""One body through a clip, as a network gives it crop by crop, in the world of a lift."""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from backend.lifting.providers.base import Frames, LiftedBody
from backend.lifting.providers.body_weights import SURE, nearest_seen, to_world
from backend.lifting.providers.crops import crops_of, places_of, rays_of
from backend.lifting.providers.regressor import Regressor
from backend.progress import Progress
from revision_blender.motion.camera import Camera


def lifted_body(
    network: Regressor,
    frames: Frames,
    boxes: Float[NDArray[np.float32], "F 4"],
    seen: Bool[NDArray[np.bool_], " F"],
    camera: Camera,
    progress: Progress,
    *,
    family: str,
    model: str,
    words: str,
) -> LiftedBody:
    """The body in the boxes, in the camera's world; frames that do not show it hold the nearest pose with confidence 0.

    family, model: of the body that the network gives. words: what is said while it works.
    """
    numbers = np.unique(source := nearest_seen(seen))
    crops = crops_of(boxes[numbers], network.settings.shape)
    found = network.run(frames, numbers, crops, progress, words)
    rotations = found.rotations
    rotations[:, 0] = rays_of(crops, camera) @ rotations[:, 0]
    rows = np.searchsorted(numbers, source)
    confidence = np.repeat(np.where(seen, SURE, 0.0)[:, None], rotations.shape[1], axis=1)
    places = places_of(found.camera, crops, camera)
    return to_world(LiftedBody(family, model, found.shape.mean(axis=0), rotations[rows], places[rows], confidence), camera)
