"""What the parts of a lift hand to each other: a subject followed through the frames of one shot."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

from revision_blender.motion.subjects import Prompt, SubjectKind


@dataclass(frozen=True, eq=False)
class Detection:
    """One thing seen on one frame. box: left, top, right, bottom in pixels. score: in [0, 1]. label: in words."""

    kind: SubjectKind
    label: str
    box: Float[NDArray[np.float32], "4"]
    score: float


@dataclass(frozen=True, eq=False)
class Followed:
    """One subject over ``F`` frames of ``W`` x ``H`` pixels, as it is seen.

    name: stable, the track's. boxes: left, top, right, bottom of what is visible, pixels; held over frames that do not show it.
    seen: it is visible on that frame. score: how sure, in [0, 1], 0 where not seen. masks: 255 on its visible pixels.
    prompts: what the user showed of it, possibly nothing.
    """

    name: str
    kind: SubjectKind
    label: str
    boxes: Float[NDArray[np.float32], "F 4"]
    seen: Bool[NDArray[np.bool_], " F"]
    score: Float[NDArray[np.float32], " F"]
    masks: UInt8[NDArray[np.uint8], "F H W"]
    prompts: tuple[Prompt, ...] = field(default=())

    @property
    def n_frames(self) -> int:
        return len(self.boxes)


def boxes_of(masks: UInt8[NDArray[np.uint8], "F H W"]) -> tuple[Float[NDArray[np.float32], "F 4"], Bool[NDArray[np.bool_], " F"]]:
    """Boxes about the masks and which frames have one; frames without take the nearest frame's box (the whole picture if none has)."""
    height, width = masks.shape[1:]
    boxes = np.tile(np.array([0.0, 0.0, width, height], np.float32), (len(masks), 1))
    seen = masks.any(axis=(1, 2))
    for frame in np.flatnonzero(seen):
        rows, columns = np.flatnonzero(masks[frame].any(axis=1)), np.flatnonzero(masks[frame].any(axis=0))
        boxes[frame] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    if seen.any():
        known = np.flatnonzero(seen)
        boxes = boxes[known[np.abs(np.arange(len(masks))[:, None] - known[None]).argmin(axis=1)]]
    return boxes, seen
