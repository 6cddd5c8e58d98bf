"""YOLOv8 from a file of the user's: ultralytics' own ``.pt``, or an exported ``.onnx``. Both give the same answers through one object."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.coco import CLASSES
from backend.lifting.providers.onnx_network import OnnxNetwork, found_file, missing_package
from backend.lifting.providers.picture_input import Letterboxed, letterboxed
from backend.lifting.providers.pretrained import device_name, first_line
from backend.lifting.providers.yolo_answers import Seen, read

WHERE = "https://docs.ultralytics.com/models/yolov8"
AGAIN = f"Get the file of YOLOv8 again, or export it to ONNX again without NMS (see {WHERE})."
SIDE, STEP = 640, 32  # pixels of the longer side of the input; what its sides are multiples of
NAMES = "classes.txt"  # beside the file, one a line, where it does not say itself which classes it knows
MAX_NAMES = 1_000_000  # characters

Run = Callable[[Float[NDArray[np.float32], "1 3 h w"]], list[NDArray[np.float32]]]
Size = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, eq=False)
class YoloFile:
    """size: width and height of the input for a frame's width and height. names: of the classes that it knows. masks: whether it has any."""

    file: Path
    run: Run
    size: Size
    names: tuple[str, ...]
    masks: bool

    def look(self, frame: UInt8[NDArray[np.uint8], "H W 3"]) -> tuple[Seen, Letterboxed]:
        """What is seen on a frame, in pixels of the letterboxed picture that goes with it."""
        picture = letterboxed(frame, *self.size(frame.shape[1], frame.shape[0]))
        return read(self.run(input_of(picture.pixels)), str(self.file))[0], picture


def input_of(pixels: UInt8[NDArray[np.uint8], "h w 3"]) -> Float[NDArray[np.float32], "1 3 h w"]:
    """A letterboxed picture as the network takes it: values in [0, 1]."""
    return pixels.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255.0)


def missing_file(folder: Path) -> str:
    """One sentence where there is no file that can be used, with the next step; else empty."""
    if found_file(folder) is not None:
        return missing_package("onnxruntime")
    if found_file(folder, ".pt") is not None:
        return ""
    return f"No file was found in {folder}: lay one of YOLOv8 (such as yolov8n-seg.pt, or exported as .onnx) there; see {WHERE}."


def open_file(folder: Path) -> YoloFile:
    """The exported file if there is one, else the ``.pt`` file. Raises ``EngineError``, one sentence, for one that cannot be used."""
    exported, own = found_file(folder), found_file(folder, ".pt")
    if exported is not None:
        return _of_onnx(exported)
    if own is None:
        raise EngineError(missing_file(folder))
    return _of_pt(own)


def smallest_around(width: int, height: int) -> tuple[int, int]:
    """Width and height of the smallest input in which a frame is as large as it gets: a wide one needs fewer rows."""
    ratio = SIDE / max(width, height)
    wide, high = (max(1, -(-round(side * ratio) // STEP)) * STEP for side in (width, height))
    return wide, high


def _of_onnx(file: Path) -> YoloFile:
    network = OnnxNetwork(file, AGAIN)
    return _checked(file, network, lambda _width, _height: network.size, noted_names(network.notes.get("names", "")))


def _of_pt(file: Path) -> YoloFile:
    import torch

    from backend.lifting.providers.yolo_checkpoint import read_weights
    from backend.lifting.providers.yolo_network import network_of

    weights, device = read_weights(file), device_name()
    network = network_of(weights.state, file).to(device)

    def run(pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        with torch.inference_mode():
            return [found.cpu().numpy() for found in network(torch.from_numpy(pixels).to(device))]

    return _checked(file, run, smallest_around, named(weights.names))


def _checked(file: Path, run: Run, size: Size, names: tuple[str, ...]) -> YoloFile:
    """With a blank picture looked at: how many classes there are, and that they have names."""
    wide, high = size(SIDE, SIDE)
    seen, classes = read(run(np.zeros((1, 3, high, wide), np.float32)), str(file))
    return YoloFile(file, run, size, _class_names(file.parent / NAMES, names or CLASSES, classes), seen.prototypes is not None)


def _class_names(beside: Path, own: tuple[str, ...], count: int) -> tuple[str, ...]:
    try:
        names = tuple(beside.read_text(encoding="utf-8").splitlines()) if beside.is_file() else own
    except (OSError, ValueError) as error:
        raise EngineError(f"{beside} cannot be read ({first_line(error)}); write one class a line.") from error
    if len(names) != count:
        raise EngineError(f"The network knows {count} classes, but {len(names)} names stand for them; write one a line into {beside}.")
    return names


def noted_names(text: str) -> tuple[str, ...]:
    """From what ultralytics writes into an exported file: a dictionary by number in Python's notation. Empty for anything else."""
    try:
        values = ast.literal_eval(text) if 0 < len(text) <= MAX_NAMES else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    return named(values)


def named(values: object) -> tuple[str, ...]:
    """Names in order, from a list or a dictionary by number; empty for anything else."""
    if isinstance(values, dict) and set(values) == set(range(len(values))):
        values = [values[number] for number in range(len(values))]
    return tuple(values) if isinstance(values, list) and all(isinstance(name, str) for name in values) else ()
