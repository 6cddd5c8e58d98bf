"""Body points of people in boxes with RTMPose (arXiv 2303.07399) from its published ONNX file, the one that rtmlib uses too.

The network answers with two distributions a point, over the input's columns and rows, two cells a pixel (SimCC). Its input is a crop
in red, green, blue less ImageNet's mean, as it was trained. The files do not say how large it is: the published sizes are tried.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.base import Ability, Frames, Keypoints, Kind
from backend.lifting.providers.coco import keypoint_names
from backend.lifting.providers.heatmap_peaks import axis_peaks
from backend.lifting.providers.onnx_network import OnnxNetwork, found_file
from backend.lifting.providers.person_crops import Crop, crop_about, cut_out, to_frame
from backend.lifting.providers.picture_input import IMAGENET_MEAN, IMAGENET_STD
from backend.progress import Progress
from revision_blender.wire.paths import models_folder

WHERE = "https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose"
AGAIN = f"Download an ONNX file of RTMPose (body) from {WHERE} again."
SIZES = ((192, 256), (288, 384))  # the published inputs, width and height
CELLS = 2.0  # of the distributions, a pixel


class RtmPose:
    """Finds body points; see ``base.KeypointFinder``."""

    kind: Kind = "keypoints"
    name = "rtmpose"

    def __init__(self, home: Path) -> None:
        self.home = home
        self._opened: tuple[OnnxNetwork, tuple[int, int]] | None = None

    def ability(self) -> Ability:
        folder = models_folder(self.home) / self.name
        missing = "" if found_file(folder) else f"No ONNX file was found in {folder}: lay one of RTMPose (body) from {WHERE} there."
        return Ability(self.kind, self.name, not missing, missing, WHERE, "Apache-2.0", 55.0)

    def forget(self) -> None:
        self._opened = None

    def keypoints(
        self, frames: Frames, boxes: Float[NDArray[np.float32], "P F 4"], seen: Bool[NDArray[np.bool_], "P F"], progress: Progress
    ) -> Keypoints:
        """Raises EngineError for a file that cannot be used."""
        network, size = self._open()
        found: dict[tuple[int, int], tuple[NDArray[np.float64], NDArray[np.float32]]] = {}
        looks = [(int(person), int(frame)) for person, frame in np.argwhere(seen)]
        for person, frame in progress.each(looks, len(looks), "Finding body points"):
            found[person, frame] = _look(network, size, frames[frame], boxes[person, frame])
        count = len(next(iter(found.values()))[1]) if found else 17
        names = keypoint_names(count)
        if names is None:
            raise EngineError(f"{network.file} finds {count} points; a file of RTMPose for the body (17 or 26 points) is needed.")
        pixels, score = np.zeros((*seen.shape, count, 2), np.float32), np.zeros((*seen.shape, count), np.float32)
        for place, (points, values) in found.items():
            pixels[place], score[place] = points, values.clip(0.0, 1.0)
        return Keypoints(names, pixels, score)

    def _open(self) -> tuple[OnnxNetwork, tuple[int, int]]:
        if self._opened is None:
            file = found_file(models_folder(self.home) / self.name)
            if file is None:
                raise EngineError(self.ability().missing)
            network = OnnxNetwork(file, AGAIN)
            self._opened = network, input_size(network)
        return self._opened


def input_size(network: OnnxNetwork) -> tuple[int, int]:
    """Width and height of the input, by trying. Raises EngineError where no published size fits."""
    problem: EngineError | None = None
    for width, height in SIZES:
        try:
            checked_answer(network(np.zeros((1, 3, height, width), np.float32)), width, height, network.file)
            return width, height
        except EngineError as error:
            problem = problem or error
    raise problem or EngineError(f"{network.file} takes no picture. {AGAIN}")


def _look(
    network: OnnxNetwork, size: tuple[int, int], frame: NDArray[np.uint8], box: Float[NDArray[np.float32], "4"]
) -> tuple[Float[NDArray[np.float64], "K 2"], Float[NDArray[np.float32], " K"]]:
    crop = crop_about(box, *size)
    x, y = checked_answer(network(input_of(frame, crop, *size)[None]), *size, network.file)
    points, score = axis_peaks(x, y, CELLS)
    return to_frame(points[0] / size, crop), score[0]


def input_of(frame: NDArray[np.uint8], crop: Crop, width: int, height: int) -> Float32[NDArray[np.float32], "3 h w"]:
    """A crop as the network takes it."""
    pixels = cut_out(frame, crop, width, height, unbiased=False).astype(np.float32) / np.float32(255.0)
    return ((pixels - np.array(IMAGENET_MEAN, np.float32)) / np.array(IMAGENET_STD, np.float32)).transpose(2, 0, 1)


def checked_answer(
    answer: list[NDArray[np.float32]], width: int, height: int, file: Path
) -> tuple[Float[NDArray[np.float32], "1 K X"], Float[NDArray[np.float32], "1 K Y"]]:
    """The distributions over x and y, told apart by their lengths. Raises EngineError where the answer is no pair of them."""
    wide, high = int(width * CELLS), int(height * CELLS)
    x = next((found for found in answer if found.ndim == 3 and found.shape[-1] == wide), None)
    y = next((found for found in answer if found.ndim == 3 and found.shape[-1] == high), None)
    if len(answer) != 2 or x is None or y is None or x.shape[1] != y.shape[1]:
        shapes = ", ".join(str(found.shape) for found in answer)
        raise EngineError(f"{file} answers with {shapes}; distributions of {wide} and {high} cells are needed. {AGAIN}")
    return x, y


PROVIDERS = (RtmPose,)
