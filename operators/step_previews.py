"""What a running job's clip looks like so far: small moving pictures for the panel, kept in no file and in no undo step."""

import time
from typing import Any

import bpy.utils.previews
import numpy as np
from numpy.typing import NDArray

RATE = 8.0  # frames a second at which a preview plays
REST = 1.0  # seconds that the last frame stays before the clip begins again


class StepPreviews:
    """The newest frames of each running job. Made at the first preview: a Blender that never sees one keeps no collection."""

    def __init__(self) -> None:
        self._pictures: Any = None
        self._frames: dict[str, int] = {}  # job id -> number of frames
        self._shown: dict[str, int] = {}  # job id -> the frame that the panel drew last

    def take(self, job_id: str, frames: NDArray[np.uint8]) -> None:
        """frames: ``(F, h, w, 3)`` sRGB, row 0 top."""
        if self._pictures is None:
            self._pictures = bpy.utils.previews.new()
        for index, frame in enumerate(frames):
            name = _name(job_id, index)
            picture = self._pictures.get(name) or self._pictures.new(name)
            picture.image_size = (frame.shape[1], frame.shape[0])
            picture.image_pixels.foreach_set(packed(frame))
        self._frames[job_id] = len(frames)

    def count(self, job_id: str) -> int:
        """Frames in the newest preview of the job."""
        return self._frames.get(job_id, 0)

    def icon(self, job_id: str) -> int:
        """Of the frame that is due now; 0 while there is none."""
        count = self.count(job_id)
        if count == 0:
            return 0
        index = frame_at(time.monotonic(), count)
        self._shown[job_id] = index
        return int(self._pictures[_name(job_id, index)].icon_id)

    def moved_on(self) -> bool:
        """Whether a picture that the panel shows is no longer the one that is due."""
        now = time.monotonic()
        return any(self._shown.get(job_id) not in (None, frame_at(now, count)) for job_id, count in self._frames.items())

    def drop(self, job_id: str) -> None:
        """The job is over."""
        self._shown.pop(job_id, None)
        for index in range(self._frames.pop(job_id, 0)):
            del self._pictures[_name(job_id, index)]

    def close(self) -> None:
        if self._pictures is not None:
            bpy.utils.previews.remove(self._pictures)
            self._pictures = None
        self._frames.clear()
        self._shown.clear()


def frame_at(seconds: float, count: int) -> int:
    """The frame of a clip that plays over and over, resting on its last."""
    return min(int(seconds % (count / RATE + REST) * RATE), count - 1)


def _name(job_id: str, index: int) -> str:
    return f"{job_id} {index}"


def packed(frame: NDArray[np.uint8]) -> NDArray[np.int32]:
    """``(h, w, 3)`` as four bytes a pixel in one number, bottom row first, as Blender keeps previews."""
    opaque = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    return np.ascontiguousarray(opaque[::-1]).view(np.int32).ravel()
