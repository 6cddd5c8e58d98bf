"""Body points of people in boxes with RTMPose (arXiv 2303.07399) through the package ``rtmlib``, from a published ONNX file.

rtmlib cuts a person out, runs the network and reads its answer: two distributions a point over the input's columns and rows, two cells a
pixel (SimCC, arXiv 2107.03332). It counts pixels from their middles, and hands the picture to the network with the channels in the order
in which it gets them: red first, as the network was trained.
"""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.base import Boxes, Frames, Keypoints, Kind, Seen
from backend.lifting.providers.coco import keypoint_names
from backend.lifting.providers.onnx_network import (
    check_size,
    found_file,
    input_size,
    missing_package,
    one_sentence,
    onnx_runtime,
    runs_on_card,
)
from backend.lifting.providers.own_weights import OwnWeights
from backend.progress import Progress
from revision_blender.wire.paths import models_folder

WHERE = "https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose"
MIDDLE = 0.5  # of a pixel, from its corner
CELLS = 2  # of the distributions, a pixel
AGAIN = f"Download an ONNX file of RTMPose (body) from {WHERE} again."


@dataclass(frozen=True, eq=False)
class Pose:
    """A file that rtmlib opened. run: its object. names: of the points that the network finds."""

    file: Path
    run: Any
    names: tuple[str, ...]


class RtmPose(OwnWeights[Pose]):
    """Finds body points; see ``base.KeypointFinder``."""

    kind: Kind = "keypoints"
    name = "rtmpose"
    where = WHERE
    licence = "Apache-2.0"
    size = 55.0

    def automatic(self) -> bool:
        """It takes milliseconds a person on any machine."""
        return True

    def missing(self) -> str:
        folder = models_folder(self.home) / self.name
        if found_file(folder) is None:
            return f"No ONNX file was found in {folder}: lay one of RTMPose (body) from {self.where} there."
        return missing_package("rtmlib", "onnxruntime")

    def load(self) -> Pose:
        file = found_file(models_folder(self.home) / self.name)
        if file is None:
            raise EngineError(self.missing())
        with one_sentence(file, AGAIN):
            return _pose_of(file)

    def keypoints(self, frames: Frames, boxes: Boxes, seen: Seen, progress: Progress) -> Keypoints:
        """Raises EngineError for a file that cannot be used."""
        pose = self.opened()
        pixels, score = np.zeros((*seen.shape, len(pose.names), 2), np.float32), np.zeros((*seen.shape, len(pose.names)), np.float32)
        looks = [(int(person), int(frame)) for person, frame in np.argwhere(seen)]
        for look in progress.each(looks, len(looks), "Finding body points"):
            with one_sentence(pose.file, AGAIN):
                points, values = pose.run(frames[look[1]], [box_of(boxes[look])])
            pixels[look], score[look] = points[0] + MIDDLE, values[0].clip(0.0, 1.0)
        return Keypoints(pose.names, pixels, score)


def _pose_of(file: Path) -> Pose:
    check_size(file, AGAIN)  # and that it is there: rtmlib would take any other name for one to download
    onnx_runtime()
    from rtmlib import RTMPose

    with redirect_stdout(io.StringIO()):  # it says what it loads
        run = RTMPose(str(file), backend="onnxruntime", device="cuda" if runs_on_card() else "cpu")
    run.model_input_size = input_size(run.session, file, AGAIN)
    count = points_of(run, file)
    names = keypoint_names(count)
    if names is None:
        raise EngineError(f"{file} finds {count} points; a file of RTMPose for the body (17 or 26 points) is needed.")
    return Pose(file, run, names)


def points_of(run: Any, file: Path) -> int:
    """How many points a network finds. Raises ``EngineError`` where it does not answer with distributions over the columns and the rows
    of its input, in this order: rtmlib takes that for granted.
    """
    width, height = run.model_input_size
    shapes = [found.shape for found in run.inference(np.zeros((height, width, 3), np.float32))]
    count = shapes[0][1] if len(shapes[0]) == 3 else 0
    if shapes != [(1, count, CELLS * width), (1, count, CELLS * height)]:
        words = ", ".join(str(shape) for shape in shapes)
        raise EngineError(f"{file} answers with {words}; distributions of {CELLS * width} and {CELLS * height} cells are needed. {AGAIN}")
    return count


def box_of(box: Float[NDArray[np.floating], "4"]) -> Float[NDArray[np.float64], "4"]:
    """A box of at least a pixel, counted from pixel middles."""
    left_top, right_bottom = np.float64(box[:2]), np.float64(box[2:])
    return np.concatenate([left_top, np.maximum(right_bottom, left_top + 1.0)]) - MIDDLE


PROVIDERS = (RtmPose,)
