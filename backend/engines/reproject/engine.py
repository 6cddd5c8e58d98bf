"""Engine ``reproject``: works on any machine, needs no weights of its own."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.engines.base import Ability
from backend.engines.reproject.animate import animate
from backend.engines.reproject.rehearse import rehearsal
from backend.progress import Progress
from revision_blender.wire.requests import CoarseRequest, FineRequest, VideoResult

MAX_SIDE = 1920  # pixels: photographs are larger than any video made of them; bigger ones are scaled down to this


class ReprojectEngine:
    """The first frame's pixels on the lifted bodies, moved, over an inpainted background."""

    name = "reproject"

    def ability(self) -> Ability:
        return Ability(self.name, coarse=True, fine=True, device="cpu", why_not="")

    def coarse(self, request: CoarseRequest, progress: Progress) -> VideoResult:
        """Lifts the picture, finds a motion for it and shows it. Raises InputError where nobody is in the picture."""
        request = replace(request, picture=video_sized(request.picture))
        scene = rehearsal(request, progress.part(0.0, 0.3))
        return animate(request.picture, scene.source, scene.motion, request.seed, progress.part(0.3, 1.0), scene.person)

    def fine(self, request: FineRequest, progress: Progress) -> VideoResult:
        """The wanted motion shown with the picture's pixels."""
        return animate(video_sized(request.picture), request.source, request.motion, request.seed, progress)


def video_sized(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture at no more than ``MAX_SIDE`` pixels on its longer side, both sides even; smaller ones as they are."""
    height, width = picture.shape[:2]
    scale = MAX_SIDE / max(height, width)
    if scale >= 1.0:
        return picture
    size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
