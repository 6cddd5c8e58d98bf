"""Small random files of YOLOv8 in the layout in which ultralytics publishes them: the whole network pickled as an object.

Names and shapes are written down here from the published layout, not taken from the module under test. Classes with ultralytics' names
are made while a file is written and cannot be imported afterwards: who reads the file has to do without them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

CLASSES = 80
Shapes = dict[str, tuple[int, ...]]


def _block(name: str, into: int, out: int, side: int) -> Shapes:
    norms = {f"{name}.bn.{part}": (out,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.conv.weight": (out, into, side, side), **norms, f"{name}.bn.num_batches_tracked": ()}


def _chain(name: str, into: int, out: int, depth: int) -> Shapes:
    half = out // 2
    pairs = [_block(f"{name}.m.{index}.cv{part}", half, half, 3) for index in range(depth) for part in (1, 2)]
    ends = _block(f"{name}.cv1", into, out, 1) | _block(f"{name}.cv2", half * (2 + depth), out, 1)
    return {key: shape for part in (ends, *pairs) for key, shape in part.items()}


def _branch(name: str, into: int, inside: int, out: int) -> Shapes:
    last = {f"{name}.2.weight": (out, inside, 1, 1), f"{name}.2.bias": (out,)}
    return _block(f"{name}.0", into, inside, 3) | _block(f"{name}.1", inside, inside, 3) | last


def shapes_of(widths: tuple[int, int, int, int, int], depths: tuple[int, int], *, masks: bool, classes: int = CLASSES) -> Shapes:
    """widths: channels of the five halvings. depths: of the chains, outer and inner. yolov8n: (16, 32, 64, 128, 256), (1, 2)."""
    a, b, c, d, e = widths
    outer, inner = depths
    parts = [
        _block("0", 3, a, 3), _block("1", a, b, 3), _chain("2", b, b, outer), _block("3", b, c, 3), _chain("4", c, c, inner),
        _block("5", c, d, 3), _chain("6", d, d, inner), _block("7", d, e, 3), _chain("8", e, e, outer),
        _block("9.cv1", e, e // 2, 1), _block("9.cv2", 2 * e, e, 1), _chain("12", d + e, d, outer), _chain("15", c + d, c, outer),
        _block("16", c, c, 3), _chain("18", c + d, d, outer), _block("19", d, d, 3), _chain("21", d + e, e, outer),
    ]  # fmt: skip
    sides, labels = max(16, c // 4, 64), max(c, min(classes, 100))
    for level, into in enumerate((c, d, e)):
        parts += [_branch(f"22.cv2.{level}", into, sides, 64), _branch(f"22.cv3.{level}", into, labels, classes)]
        parts += [_branch(f"22.cv4.{level}", into, max(c // 4, 32), 32)] if masks else []
    inside = 256 * a // 64
    if masks:
        upscale = {"22.proto.upsample.weight": (inside, inside, 2, 2), "22.proto.upsample.bias": (inside,)}
        parts += [_block("22.proto.cv1", c, inside, 3), upscale, _block("22.proto.cv2", inside, inside, 3)]
        parts += [_block("22.proto.cv3", inside, 32, 1)]
    parts.append({"22.dfl.conv.weight": (1, 16, 1, 1)})
    return {f"model.{key}": shape for part in parts for key, shape in part.items()}


def tiny_state(*, masks: bool = True, classes: int = CLASSES, seed: int = 0) -> dict[str, Tensor]:
    """Random weights of a network a quarter as wide as the smallest published one, which see something."""
    numbers = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes_of((4, 8, 16, 32, 64), (1, 2), masks=masks, classes=classes).items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith(("bn.weight", "running_var")):
            state[name] = 0.5 + torch.rand(shape, generator=numbers)
        elif name.endswith("dfl.conv.weight"):
            state[name] = torch.arange(16.0).view(shape)
        else:
            state[name] = torch.randn(shape, generator=numbers) / max(int(np.prod(shape[1:])), 1) ** 0.5
    return state


@contextmanager
def _ultralytics() -> Iterator[type]:
    """A class that files can name ``ultralytics.nn.tasks.SegmentationModel`` while the block runs."""
    made = type("SegmentationModel", (), {"__module__": "ultralytics.nn.tasks"})
    modules = {name: ModuleType(name) for name in ("ultralytics", "ultralytics.nn", "ultralytics.nn.tasks")}
    setattr(modules["ultralytics.nn.tasks"], made.__name__, made)
    sys.modules.update(modules)
    try:
        yield made
    finally:
        for name in modules:
            del sys.modules[name]


def _module(kind: type, state: dict[str, Tensor]) -> object:
    """Nested objects with what torch keeps in every module, which give the state by its names."""
    made = kind()
    inner: dict[str, dict[str, Tensor]] = {}
    own: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}, "training": False}
    for name, value in state.items():
        first, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(first, {})[rest] = value
        elif "running" in name or "num_batches" in name:
            own["_buffers"][name] = value
        else:
            own["_parameters"][name] = torch.nn.Parameter(value, requires_grad=False)
    own["_modules"] = {name: _module(kind, values) for name, values in inner.items()}
    made.__dict__.update(own)
    return made


def write(file: Path, state: dict[str, Tensor] | None = None, *, names: object = None, trained: bool = False) -> Path:
    """A ``.pt`` file as ultralytics writes it, in half precision; trained: in the middle of a training, where ``model`` is empty."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in (state or tiny_state()).items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    with _ultralytics() as kind:
        network: Any = _module(kind, state)
        network.names = names
        network.yaml = {"nc": CLASSES, "scale": "n"}
        around = {"epoch": -1, "best_fitness": np.float64(0.5), "train_args": {"imgsz": 640}, "license": "as ours"}
        torch.save({**around, "model": None if trained else network, "ema": network if trained else None}, file)
    return file
