"""Boxes and masks of COCO's 80 classes with YOLOv8 (docs.ultralytics.com), from a file exported to ONNX (``yolov8n-seg.onnx``, 640 x 640).

The package ``ultralytics`` and its weights are AGPL-3.0: nothing of them is part of this project, and a file is used only where the user
put it and chose it by name. Their ``.pt`` files are pickles, which run what they hold when they are opened: they are not, the user is told
how to export them.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.base import Ability, Frames, Kind
from backend.lifting.providers.coco import CLASSES, class_for, kind_of
from backend.lifting.providers.onnx_network import OnnxNetwork, found_file
from backend.lifting.providers.overlaps import overlap
from backend.lifting.providers.picture_input import Letterboxed, letterboxed
from backend.lifting.providers.pretrained import first_line
from backend.lifting.providers.yolo_answers import Seen, mask_of, read
from backend.lifting.subject import Detection
from backend.progress import Progress
from revision_blender.wire.paths import models_folder

NAME = "yolo"
WHERE = "https://docs.ultralytics.com/models/yolov8"
AGAIN = f"Export YOLOv8 to ONNX at 640 x 640 (see {WHERE}) again."
LICENCE = "AGPL-3.0 (code and weights), or a licence bought from Ultralytics"
SIDE = 640
NAMES = "classes.txt"  # beside the file, one a line, where a model knows other classes than COCO's
LEAST_SHARED = 0.3  # overlap with a box from which a thing is taken to be what the box is about


class _File:
    """The exported network of a home folder, opened when it is first used."""

    def __init__(self, home: Path) -> None:
        self.folder = models_folder(home) / NAME
        self._opened: OnnxNetwork | None = None
        self.names: tuple[str, ...] = CLASSES

    def ability(self, kind: Kind) -> Ability:
        return Ability(kind, NAME, not (missing := self._missing()), missing, WHERE, LICENCE, 14.0, automatic=False)

    def _missing(self) -> str:
        if found_file(self.folder) is not None:
            return ""
        if found_file(self.folder, ".pt") is not None:
            return f"{self.folder} holds a .pt file, which only ultralytics opens: export it (yolo export model=… format=onnx) and lay the .onnx file there."
        return f"No ONNX file was found in {self.folder}: lay one exported from YOLOv8 (such as yolov8n-seg.onnx) there; see {WHERE}."

    def open(self) -> OnnxNetwork:
        if self._opened is None:
            file = found_file(self.folder)
            if file is None:
                raise EngineError(self._missing())
            self._opened = OnnxNetwork(file, AGAIN)
        return self._opened

    def forget(self) -> None:
        self._opened = None

    def look(self, frame: UInt8[NDArray[np.uint8], "H W 3"]) -> tuple[Seen, Letterboxed]:
        network = self.open()
        picture = letterboxed(frame, SIDE, SIDE)
        seen, classes = read(network(input_of(picture.pixels)), str(network.file))
        self.names = self._class_names(classes)
        return seen, picture

    def _class_names(self, count: int) -> tuple[str, ...]:
        file = self.folder / NAMES
        try:
            names = tuple(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else CLASSES
        except (OSError, ValueError) as error:
            raise EngineError(f"{file} cannot be read ({first_line(error)}); write one class a line.") from error
        if len(names) != count:
            raise EngineError(f"The network knows {count} classes, but {len(names)} names stand for them; write one a line into {file}.")
        return names


class YoloDetector:
    """Finds things of a fixed list of classes; see ``base.Detector``."""

    kind: Kind = "detection"
    name = NAME

    def __init__(self, home: Path) -> None:
        self._file = _File(home)

    def ability(self) -> Ability:
        return self._file.ability(self.kind)

    def forget(self) -> None:
        self._file.forget()

    def detect(self, frames: Frames, words: tuple[str, ...], progress: Progress) -> list[list[Detection]]:
        """Words that are no class find nothing. Raises EngineError for a file that cannot be used."""
        self._file.open()
        steps = progress.each(frames, len(frames), "Looking for what was named")
        return [self._on_frame(frame, words) for frame in steps]

    def _on_frame(self, frame: NDArray[np.uint8], words: tuple[str, ...]) -> list[Detection]:
        seen, picture = self._file.look(frame)
        names = self._file.names
        wanted = {_class_of(word, names): word.lower() for word in reversed(words)}
        boxes = picture.placed.boxes_to_frame(seen.boxes, frame.shape[1], frame.shape[0])
        return [
            Detection(kind_of(names[label]), wanted[names[label]], box, float(score))
            for box, label, score in zip(boxes, seen.classes, seen.scores, strict=True)
            if names[label] in wanted
        ]


class YoloSegmenter:
    """Masks of what lies in boxes; see ``base.Segmenter``."""

    kind: Kind = "segmentation"
    name = NAME

    def __init__(self, home: Path) -> None:
        self._file = _File(home)

    def ability(self) -> Ability:
        return self._file.ability(self.kind)

    def forget(self) -> None:
        self._file.forget()

    def segment(
        self, frames: Frames, boxes: Float[NDArray[np.float32], "P F 4"], seen: Bool[NDArray[np.bool_], "P F"], progress: Progress
    ) -> UInt8[NDArray[np.uint8], "P F H W"]:
        """Boxes that nothing found fills stay empty. Raises EngineError for a file that cannot be used or has no masks."""
        self._file.open()
        masks = np.zeros((len(boxes), *frames.shape[:3]), np.uint8)
        for frame in progress.each(range(len(frames)), len(frames), "Cutting out what was found"):
            if seen[:, frame].any():
                self._on_frame(frames[frame], boxes[:, frame], seen[:, frame], masks[:, frame])
        return masks

    def _on_frame(self, frame: NDArray[np.uint8], boxes: NDArray[np.float32], wanted: NDArray[np.bool_], masks: NDArray[np.uint8]) -> None:
        seen, picture = self._file.look(frame)
        height, width = frame.shape[:2]
        found = picture.placed.boxes_to_frame(seen.boxes, width, height)
        for person in np.flatnonzero(wanted):
            shared = overlap(boxes[person], found)
            if len(shared) and shared.max() >= LEAST_SHARED:
                masks[person] = mask_of(seen, int(shared.argmax()), picture.placed, (SIDE, SIDE), (width, height))


def input_of(pixels: UInt8[NDArray[np.uint8], "h w 3"]) -> Float[NDArray[np.float32], "1 3 h w"]:
    """A letterboxed picture as the network takes it: values in [0, 1]."""
    return pixels.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255.0)


def _class_of(word: str, names: tuple[str, ...]) -> str | None:
    plain = word.lower().strip()
    return plain if plain in names else class_for(plain)


PROVIDERS = (YoloDetector, YoloSegmenter)
