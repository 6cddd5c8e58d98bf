"""Networks that were exported to ONNX, run by onnxruntime: the file checked first, one sentence for whatever is wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.pretrained import first_line

LARGEST = 2_000_000_000  # bytes: more does not fit one file of the format (protocol buffers)
SMALLEST = 16


def missing_package(*names: str) -> str:
    """One sentence about the first of the packages that is not installed, empty when all are."""
    lacking = next((name for name in names if find_spec(name) is None), None)
    return f"The package {lacking} is not installed: pip install --no-deps {lacking}." if lacking else ""


def onnx_runtime() -> Any:
    """The package, silent and without its reports to its makers."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


def runs_on_card() -> bool:
    """Whether the installed package computes on an NVIDIA card (``onnxruntime-gpu``)."""
    return "CUDAExecutionProvider" in onnx_runtime().get_available_providers()


def found_file(folder: Path, ending: str = ".onnx") -> Path | None:
    """The first file with the ending in a folder, by name; nothing where there is none."""
    return min((file for file in folder.glob(f"*{ending}") if file.is_file()), default=None) if folder.is_dir() else None


@contextmanager
def one_sentence(file: Path, again: str) -> Iterator[None]:
    """Whatever the package raises while it opens or runs ``file``, as an ``EngineError``. again: what to do next, a sentence."""
    try:
        yield
    except EngineError:
        raise
    except MemoryError as error:
        raise EngineError(f"There is not enough memory for {file}: close what else uses it.") from error
    except Exception as error:  # the package raises classes of its own
        raise EngineError(f"{file} cannot be used by onnxruntime ({first_line(error)}). {again}") from error


def check_size(file: Path, again: str) -> None:
    """Before anything is allocated. Raises ``EngineError``."""
    size = file.stat().st_size
    if not SMALLEST <= size <= LARGEST:
        raise EngineError(f"{file} has {size} bytes, which is no ONNX network. {again}")


def input_size(session: Any, file: Path, again: str) -> tuple[int, int]:
    """Width and height of the one picture ``(N, 3, h, w)`` that a session takes. Raises ``EngineError`` where it takes something else."""
    shapes = [list(found.shape) for found in session.get_inputs()]
    count, channels, high, wide = shapes[0] if len(shapes) == 1 and len(shapes[0]) == 4 else (0, 0, 0, 0)
    if channels != 3 or (type(count) is int and count != 1) or not all(type(side) is int and side > 0 for side in (high, wide)):
        raise EngineError(f"{file} takes {shapes!s:.80}; a network for one picture of a fixed size is needed. {again}")
    return wide, high


class OnnxNetwork:
    """One picture in, the file's outputs out. size: width and height of the picture. notes: what the exporter wrote into the file."""

    def __init__(self, file: Path, again: str) -> None:
        """Raises ``EngineError``, one sentence, for a file that is none."""
        self.file, self.again = file, again
        with one_sentence(file, again):
            check_size(file, again)
            package = onnx_runtime()
            names = ("CUDAExecutionProvider", "CPUExecutionProvider") if runs_on_card() else ("CPUExecutionProvider",)
            self._session: Any = package.InferenceSession(str(file), providers=list(names))
            self.size = input_size(self._session, file, again)
            self.notes: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def __call__(self, pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """``(1, 3, h, w)`` float32 in, what the file's outputs give out."""
        name = self._session.get_inputs()[0].name
        with one_sentence(self.file, self.again):
            return [np.asarray(found) for found in self._session.run(None, {name: np.ascontiguousarray(pixels, np.float32)})]
