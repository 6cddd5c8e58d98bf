"""ONNX files written by hand, without the package of that name: just enough of the format for small networks whose answers are known.

The format is a protocol buffer (github.com/onnx/onnx, onnx.proto): fields are a number and a kind, then a varint or a length and bytes.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FLOAT, INT64 = 1, 7
VARINT, FIXED, BYTES = 0, 5, 2


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | VARINT) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | BYTES) + _varint(len(raw)) + raw


def _tensor(name: str, values: np.ndarray) -> bytes:
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, kind) + _bytes(8, name) + _bytes(9, np.ascontiguousarray(values).tobytes())


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, size)) for size in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, dims)))


def _attribute(name: str, value: int | float | list[int]) -> bytes:
    if isinstance(value, list):
        return _bytes(1, name) + b"".join(_number(8, item) for item in value) + _number(20, 7)
    if isinstance(value, float):
        return _bytes(1, name) + _varint(2 << 3 | FIXED) + struct.pack("<f", value) + _number(20, 1)
    return _bytes(1, name) + _number(3, value) + _number(20, 2)


@dataclass(frozen=True)
class Node:
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[tuple[str, int | float | list[int]], ...] = ()

    def bytes(self) -> bytes:
        named = b"".join(_bytes(1, name) for name in self.inputs) + b"".join(_bytes(2, name) for name in self.outputs)
        return (
            named
            + _bytes(3, self.outputs[0] + "_node")
            + _bytes(4, self.kind)
            + b"".join(_bytes(5, _attribute(*item)) for item in self.attributes)
        )


def write(
    file: Path,
    nodes: list[Node],
    constants: dict[str, np.ndarray],
    given: tuple[str, tuple[int, ...]],
    answers: dict[str, tuple[int, ...]],
    notes: dict[str, str] | None = None,
) -> Path:
    """One input, named answers with their shapes. notes: what an exporter writes beside the graph."""
    graph = b"".join(_bytes(1, node.bytes()) for node in nodes) + _bytes(2, "handmade")
    graph += b"".join(_bytes(5, _tensor(name, values)) for name, values in constants.items())
    graph += _bytes(11, _value(*given)) + b"".join(_bytes(12, _value(*answer)) for answer in answers.items())
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = b"".join(_bytes(14, _bytes(1, key) + _bytes(2, value)) for key, value in (notes or {}).items())
    file.write_bytes(_number(1, 8) + _bytes(8, _bytes(1, "") + _number(2, 13)) + _bytes(7, graph) + beside)
    return file


def yolo(file: Path, *, masks: bool, classes: int = 80, notes: dict[str, str] | None = None) -> Path:
    """A network in YOLOv8's form that sees a person where it is red and a dog (class 16) where it is blue, in cells of 16 pixels.

    Every box is 64 x 64 about its cell's middle; every mask is where it is red.
    """
    cells, extra = 40, 32 if masks else 0
    grid = (np.arange(cells, dtype=np.float32) + 0.5) * 16
    columns, rows = np.tile(grid, cells), np.repeat(grid, cells)
    boxes = np.stack([columns, rows, np.full(cells * cells, 64, np.float32), np.full(cells * cells, 64, np.float32)])[None]
    look = np.zeros((classes, 3, 16, 16), np.float32)
    look[0, 0], look[0, 1:] = 1 / 256, -1 / 256
    look[16, 2], look[16, :2] = 1 / 256, -1 / 256
    constants = {"look": look, "boxes": boxes.astype(np.float32), "flat": np.array([1, classes, cells * cells], np.int64)}
    nodes = [
        Node("Conv", ("images", "look"), ("cells",), (("kernel_shape", [16, 16]), ("strides", [16, 16]))),
        Node("Reshape", ("cells", "flat"), ("scores",)),
    ]
    answers = {"output0": (1, 4 + classes + extra, cells * cells)}
    if masks:
        weights = np.zeros((32, 3, 4, 4), np.float32)
        weights[0, 0], weights[0, 1:] = 1.0, -1.0
        coefficients = np.zeros((1, 32, cells * cells), np.float32)
        coefficients[:, 0] = 1.0
        bias = np.zeros(32, np.float32)
        bias[0] = -8.0
        constants |= {"prototype": weights, "bias": bias, "coefficients": coefficients}
        nodes.append(Node("Conv", ("images", "prototype", "bias"), ("output1",), (("kernel_shape", [4, 4]), ("strides", [4, 4]))))
        answers["output1"] = (1, 32, 160, 160)
    parts = ("boxes", "scores", "coefficients") if masks else ("boxes", "scores")
    nodes.append(Node("Concat", parts, ("output0",), (("axis", 1),)))
    return write(file, nodes, constants, ("images", (1, 3, 640, 640)), answers, notes)


def rtmpose(file: Path, width: int = 192, height: int = 256, points: int = 17, *, rows_first: bool = False) -> Path:
    """A network in RTMPose's form whose point k lies where the picture is brightest in channel k modulo 3; scores are the values there."""
    look = np.zeros((points, 3, 1, 1), np.float32)
    look[np.arange(points), np.arange(points) % 3] = 1.0
    spread = {}
    for name, size in (("wide", width), ("high", height)):
        matrix = np.zeros((size, 2 * size), np.float32)
        matrix[np.arange(size), 2 * np.arange(size)] = 1.0
        spread[name] = matrix
    nodes = [
        Node("Conv", ("input", "look"), ("channels",), (("kernel_shape", [1, 1]),)),
        Node("ReduceMax", ("channels",), ("columns",), (("axes", [2]), ("keepdims", 0))),
        Node("ReduceMax", ("channels",), ("rows",), (("axes", [3]), ("keepdims", 0))),
        Node("MatMul", ("columns", "wide"), ("simcc_x",)),
        Node("MatMul", ("rows", "high"), ("simcc_y",)),
    ]
    answers = {"simcc_x": (1, points, 2 * width), "simcc_y": (1, points, 2 * height)}
    answers = dict(reversed(answers.items())) if rows_first else answers
    return write(file, nodes, {"look": look, **spread}, ("input", (1, 3, height, width)), answers)
