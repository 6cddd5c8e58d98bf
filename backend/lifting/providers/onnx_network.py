"""Runs a network that was exported to ONNX, through onnxruntime where the user installed it, else through OpenCV."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.pretrained import first_line

LARGEST = 2_000_000_000  # bytes: more does not fit one file of the format (protocol buffers)
Run = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]


class OnnxNetwork:
    """One input, one or more outputs in the file's order. Raises EngineError, one sentence, for a file that is none."""

    def __init__(self, file: Path, again: str) -> None:
        self.file, self.again = file, again
        self.runner = preferred_runner()
        try:
            self._check_size()
            self._run = _by_onnxruntime(file) if self.runner == "onnxruntime" else _by_opencv(file)
        except EngineError:
            raise
        except MemoryError as error:
            raise EngineError(f"There is not enough memory for {file}: close what else uses it.") from error
        except Exception as error:  # both libraries raise classes of their own
            raise self._broken(error) from error

    def __call__(self, pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """``(N, 3, h, w)`` float32 in, what the file's outputs give out."""
        try:
            return self._run(np.ascontiguousarray(pixels, np.float32))
        except Exception as error:
            raise self._broken(error) from error

    def _check_size(self) -> None:
        try:
            size = self.file.stat().st_size
        except OSError as error:
            raise EngineError(f"{self.file} cannot be read ({first_line(error)}). {self.again}") from error
        if not 16 <= size <= LARGEST:
            raise EngineError(f"{self.file} has {size} bytes, which is no ONNX network. {self.again}")

    def _broken(self, error: BaseException) -> EngineError:
        return EngineError(f"{self.file} cannot be used by {self.runner} ({first_line(error)}). {self.again}")


def preferred_runner() -> str:
    """onnxruntime knows all of the format and is the faster one; it is optional."""
    return "onnxruntime" if find_spec("onnxruntime") is not None else "opencv"


def _by_opencv(file: Path) -> Run:
    import cv2

    with _quiet_opencv():
        network = cv2.dnn.readNetFromONNX(str(file))
        if network.empty():
            raise ValueError("it holds no layers")
        names = network.getUnconnectedOutLayersNames()

    def run(pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        with _quiet_opencv():
            network.setInput(pixels)
            return [np.array(found, np.float32) for found in network.forward(names)]

    return run


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """OpenCV writes what is wrong to the standard error stream as well as raising it."""
    import cv2

    before = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        yield
    finally:
        cv2.setLogLevel(before)


def _by_onnxruntime(file: Path) -> Run:
    import onnxruntime  # pyright: ignore[reportMissingImports]

    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    able = onnxruntime.get_available_providers()
    session = onnxruntime.InferenceSession(
        str(file), options, providers=[name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in able]
    )
    name = session.get_inputs()[0].name
    return lambda pixels: [np.asarray(found) for found in session.run(None, {name: pixels})]


def found_file(folder: Path, ending: str = ".onnx") -> Path | None:
    """The first file with the ending in a folder, by name; nothing where there is none."""
    return min((file for file in folder.glob(f"*{ending}") if file.is_file()), default=None) if folder.is_dir() else None
