"""Weights out of a ``.pt`` file of ultralytics (``yolov8n-seg.pt``) without the package and without running anything of it.

Such a file is a dictionary whose ``model`` (``ema`` while it is trained) is the whole network, pickled as an object of ultralytics'
classes. ``checkpoint`` stands inert objects in for all classes; what torch keeps in every ``nn.Module`` (``_parameters``, ``_buffers``,
``_modules``) is then walked for the tensors, and ``names`` holds the classes that the network knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from backend.errors import EngineError
from backend.lifting.providers.checkpoint import honest, read_values

WHAT = "YOLOv8"
MAX_DEPTH = 16  # of modules in modules; YOLOv8 has 7
MAX_TENSORS = 10_000  # the largest YOLOv8 has 900


@dataclass(frozen=True, eq=False)
class Weights:
    """state: tensors by the names that ``state_dict`` would give them. names: what the file says about its classes, unchecked."""

    state: dict[str, Tensor]
    names: object


def read_weights(path: Path) -> Weights:
    """Raises ``EngineError``, one sentence, for a file that is missing, cut off, or holds no network."""
    values = read_values(path, WHAT)
    network = values.get("ema") if values.get("ema") is not None else values.get("model")
    state: dict[str, Tensor] = {}
    for name, value in _tensors(network, "", 0):
        state[name] = value
        if len(state) > MAX_TENSORS:
            raise EngineError(f"{path.name} holds more than {MAX_TENSORS} tensors; choose a file of {WHAT} as it was published.")
    if not state:
        raise EngineError(f"{path.name} holds no network; choose a file of {WHAT} as it was published.")
    return Weights(honest(state, path, WHAT), _attributes(network).get("names"))


def _attributes(thing: object) -> dict[str, object]:
    return getattr(thing, "__dict__", {})


def _tensors(module: object, prefix: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors of a module and all within it."""
    if depth > MAX_DEPTH:
        return
    attributes = _attributes(module)
    for kind in ("_parameters", "_buffers"):
        yield from ((prefix + name, value) for name, value in _entries(attributes.get(kind)) if isinstance(value, Tensor))
    for name, inner in _entries(attributes.get("_modules")):
        yield from _tensors(inner, f"{prefix}{name}.", depth + 1)


def _entries(values: object) -> list[tuple[str, object]]:
    return [(str(name), value) for name, value in values.items()] if isinstance(values, dict) else []
