"""Boxes and masks of COCO's 80 classes, or of a model's own, with YOLOv8 (docs.ultralytics.com), from a file of the user's.

The package ``ultralytics`` and its weights are AGPL-3.0: nothing of them is part of this project, and a file is used only where the user
put it and chose it by name. The package itself is not needed and would not do: it asks for torchvision, writes settings into the user's
home and runs what a ``.pt`` file holds.
"""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.base import Boxes, Frames, Kind, Seen
from backend.lifting.providers.coco import class_for, kind_of
from backend.lifting.providers.overlaps import overlap
from backend.lifting.providers.own_weights import OwnWeights
from backend.lifting.providers.yolo_answers import mask_of
from backend.lifting.providers.yolo_file import WHERE, YoloFile, missing_file, open_file
from backend.lifting.subject import Detection
from backend.progress import Progress
from revision_blender.wire.paths import models_folder

LEAST_SHARED = 0.3  # overlap with a box from which a thing is taken to be what the box is about


class _Yolo(OwnWeights[YoloFile]):
    """What both kinds share."""

    name = "yolo"
    where = WHERE
    licence = "AGPL-3.0 (code and weights), or a licence bought from Ultralytics"
    size = 7.0

    def folder(self) -> Path:
        return models_folder(self.home) / self.name

    def missing(self) -> str:
        return missing_file(self.folder())

    def load(self) -> YoloFile:
        return open_file(self.folder())

    def automatic(self) -> bool:
        """Its licence is a decision."""
        return False


class YoloDetector(_Yolo):
    """Finds things of a fixed list of classes; see ``base.Detector``."""

    kind: Kind = "detection"

    def detect(self, frames: Frames, words: tuple[str, ...], progress: Progress) -> list[list[Detection]]:
        """Words that are no class find nothing. Raises EngineError for a file that cannot be used."""
        file = self.opened()
        steps = progress.each(frames, len(frames), "Looking for what was named")
        return [_named_things(file, frame, words) for frame in steps]


class YoloSegmenter(_Yolo):
    """Masks of what lies in boxes; see ``base.Segmenter``."""

    kind: Kind = "segmentation"

    def segment(self, frames: Frames, boxes: Boxes, seen: Seen, progress: Progress) -> UInt8[NDArray[np.uint8], "P F H W"]:
        """Boxes that nothing found fills stay empty. Raises EngineError for a file that cannot be used or has no masks."""
        file = self.opened()
        if not file.masks:
            raise EngineError(f"{file.file} has no masks; take one whose name ends in -seg.")
        masks = np.zeros((len(boxes), *frames.shape[:3]), np.uint8)
        for frame in progress.each(range(len(frames)), len(frames), "Cutting out what was found"):
            if seen[:, frame].any():
                _cut_out(file, frames[frame], boxes[:, frame], seen[:, frame], masks[:, frame])
        return masks


def _named_things(file: YoloFile, frame: UInt8[NDArray[np.uint8], "H W 3"], words: tuple[str, ...]) -> list[Detection]:
    seen, picture = file.look(frame)
    wanted = {_class_of(word, file.names): word.lower() for word in reversed(words)}
    boxes = picture.placed.boxes_to_frame(seen.boxes, frame.shape[1], frame.shape[0])
    return [
        Detection(kind_of(file.names[label]), wanted[file.names[label]], box, float(score))
        for box, label, score in zip(boxes, seen.classes, seen.scores, strict=True)
        if file.names[label] in wanted
    ]


def _cut_out(
    file: YoloFile, frame: NDArray[np.uint8], boxes: NDArray[np.float32], wanted: NDArray[np.bool_], masks: NDArray[np.uint8]
) -> None:
    """Fills the masks ``(P, H, W)`` of the boxes that are wanted."""
    seen, picture = file.look(frame)
    height, width = frame.shape[:2]
    found = picture.placed.boxes_to_frame(seen.boxes, width, height)
    side = picture.pixels.shape[1], picture.pixels.shape[0]
    for person in np.flatnonzero(wanted):
        shared = overlap(boxes[person], found)
        if len(shared) and shared.max() >= LEAST_SHARED:
            masks[person] = mask_of(seen, int(shared.argmax()), picture.placed, side, (width, height))


def _class_of(word: str, names: tuple[str, ...]) -> str | None:
    plain = word.lower().strip()
    return plain if plain in names else class_for(plain)


PROVIDERS = (YoloDetector, YoloSegmenter)
