"""Tensors of files that PyTorch or NumPy pickled, read without either's pickle: nothing of a file is ever executed.

``torch.save`` writes a zip archive: ``<name>/data.pkl`` describes the tensors, ``<name>/data/<key>`` holds each storage's raw
numbers. ``numpy.save`` of a dictionary writes one pickle, in which tensors carry their storages in torch's older format. Both
are read by ``PlainPickle`` with the few names that arrays need; a tensor's numbers are read when they are asked for.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from ..bounded_zip import bounded_zip, read_exactly
from ..errors import MotionFileError
from .plain_pickle import Call, PickledName, PlainPickle, PlainPickleError

MAX_BYTES = 256 * 2**20  # of one tensor, and of one pickled .npy
MAX_PICKLE = 16 * 2**20
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001

_TYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip

Raw = Callable[[int], NDArray[np.uint8]]


@dataclass(frozen=True)
class _Storage:
    """Numbers in a row that tensors look at. raw: reads the first n bytes of them."""

    dtype: str
    n_items: int
    raw: Raw

    def items(self, count: int) -> NDArray[Any]:
        if self.dtype == "bfloat16":  # the upper half of a float32
            return (self.raw(2 * count).view("<u2").astype(np.uint32) << 16).view(np.float32)
        return self.raw(count * np.dtype(self.dtype).itemsize).view(self.dtype)


@dataclass(frozen=True)
class Tensor:
    """A tensor that has not been read yet. offset, strides: in items of the storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """Its numbers; ``PlainPickleError`` where the storage does not have them."""
        if math.prod(self.shape) == 0:
            return np.zeros(self.shape)
        last = self.offset + sum((extent - 1) * stride for extent, stride in zip(self.shape, self.strides, strict=True))
        if last >= self.storage.n_items:
            raise PlainPickleError(f"a tensor of shape {self.shape} goes beyond the {self.storage.n_items} numbers that it looks at")
        items = self.storage.items(last + 1)[self.offset :]
        steps = tuple(stride * items.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(items, self.shape, steps, writeable=False).copy()


def _tensor(storage: object, offset: object, shape: object, strides: object, *_rest: object) -> Tensor:
    """What ``torch._utils._rebuild_tensor_v2`` stands for; the rest is gradients and hooks."""
    if not isinstance(storage, _Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise PlainPickleError("a tensor has no storage")
    whole = (offset, *shape, *strides)
    if len(shape) != len(strides) or len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**40 for n in whole):
        raise PlainPickleError(f"a tensor has the shape {str(shape)[:60]} and strides {str(strides)[:60]}")
    if max(math.prod(shape), 1) * 8 > MAX_BYTES:
        raise PlainPickleError(f"a tensor of shape {shape} goes beyond the {MAX_BYTES} bytes that are read")
    return Tensor(storage, int(str(offset)), shape, strides)


def _ordered(*pairs: object) -> dict[object, object]:
    if pairs:
        raise PlainPickleError("an ordered dictionary comes with arguments")
    return {}


class _Ignored(dict[Any, Any]):
    """An ordered dictionary of hooks, whose attributes are of no interest."""

    def build(self, _state: object) -> None: ...


_TORCH_CALLS: Mapping[str, Call | None] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "collections.OrderedDict": _ordered,
    "torch.Size": lambda items=(): tuple(items),
    **{f"torch.{name}": None for name in _TYPES},
}


def _type_of(name: object) -> str:
    short = name.dotted.removeprefix("torch.") if isinstance(name, PickledName) else ""
    if short not in _TYPES:
        raise PlainPickleError("a tensor holds numbers of a type that is not read")
    return _TYPES[short]


def _identity(identity: object) -> tuple[str, str, int]:
    """dtype, key and number of items of a storage's persistent id."""
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise PlainPickleError("it points at something that is no storage")
    key, n_items = identity[2], identity[4]
    if not isinstance(key, str) or type(n_items) is not int or not 0 <= n_items < 2**40:
        raise PlainPickleError("a storage has no key or size")
    return _type_of(identity[1]), key, n_items


@contextmanager
def torch_tensors(path: Path, what: str) -> Iterator[object]:
    """What ``torch.save`` wrote: dictionaries, lists, numbers, text and ``Tensor``; these can be read inside the block.

    ``MotionFileError`` with a sentence for a file that is damaged, names anything else, or is in torch's format before 1.6.
    """
    with bounded_zip(path, error=MotionFileError, what=what) as archive:
        yield _archive_root(archive, path)


def _archive_root(archive: ZipFile, path: Path) -> object:
    entries = {entry.filename: entry for entry in archive.infolist()}
    described = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(described) != 1:
        raise MotionFileError(f"{path.name} is an archive without torch's data.pkl; choose a file that torch.save wrote")
    folder = described[0].removesuffix("data.pkl")
    size = entries[described[0]].file_size
    if size > MAX_PICKLE:
        raise ValueError(f"its description takes {size} bytes, at most {MAX_PICKLE} are read")
    if f"{folder}byteorder" in entries and archive.open(entries[f"{folder}byteorder"]).read(16) == b"big":
        raise ValueError("its numbers are in big-endian order")

    def storage(identity: object) -> _Storage:
        dtype, key, n_items = _identity(identity)
        entry = entries.get(f"{folder}data/{key}")
        if entry is None:
            raise PlainPickleError(f"the storage {key[:40]!r} is missing")

        def raw(n_bytes: int) -> NDArray[np.uint8]:
            if n_bytes > MAX_BYTES:
                raise PlainPickleError(f"the storage {key[:40]!r} is larger than the {MAX_BYTES} bytes that are read")
            with archive.open(entry) as stream:
                return read_exactly(stream, n_bytes, key)

        return _Storage(dtype, n_items, raw)

    with archive.open(entries[described[0]]) as stream:
        data = read_exactly(stream, size, "data.pkl").tobytes()
    return PlainPickle(data, _TORCH_CALLS, storage).load()


class _Shell:
    """A NumPy array or scalar while its pickle is being read."""

    def __init__(self) -> None:
        self.found: NDArray[Any] | None = None
        self.held: object = None  # of an array of one object, which is how a dictionary is saved

    def build(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _Type):
            raise PlainPickleError("an array has no state")
        _, shape, kind, fortran, data = state
        if kind.of_objects:
            if not isinstance(data, list) or len(data) != 1:
                raise PlainPickleError("an array holds Python objects")
            self.held = data[0]
            return
        self.found = _plain_array(shape, kind, data, fortran is True)

    def array(self) -> NDArray[Any]:
        if self.found is None:
            raise PlainPickleError("an array has no numbers")
        return self.found


class _Type:
    """A NumPy dtype while its pickle is being read."""

    def __init__(self, name: object, *_flags: object) -> None:
        self.of_objects = name in ("O", "O8")
        if not isinstance(name, str) or name not in ("O", "O8", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
            raise PlainPickleError(f"an array is of type {str(name)[:20]!r}, which is not read")
        self.dtype = np.dtype(name)

    def build(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] == ">" and not self.of_objects:
            self.dtype = self.dtype.newbyteorder(">")


def _plain_array(shape: object, kind: "_Type", data: object, fortran: bool) -> NDArray[Any]:
    if kind.of_objects or not isinstance(shape, tuple) or len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise PlainPickleError(f"an array has the shape {str(shape)[:60]}")
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * kind.dtype.itemsize:
        raise PlainPickleError(f"an array of shape {shape} does not have its bytes")
    flat = np.frombuffer(data, dtype=kind.dtype).astype(kind.dtype.newbyteorder("="))
    return flat.reshape(shape, order="F" if fortran else "C")


def _scalar(kind: object, data: object = None) -> _Shell:
    if not isinstance(kind, _Type):
        raise PlainPickleError("a number has no type")
    made = _Shell()
    made.found = _plain_array((), kind, data, False)
    return made


def _from_buffer(data: object, kind: object, shape: object, order: object = "C") -> _Shell:
    """Protocol 5's way to an array."""
    if not isinstance(kind, _Type):
        raise PlainPickleError("an array has no type")
    made = _Shell()
    made.found = _plain_array(shape, kind, data, order == "F")
    return made


def _older_storage(data: object) -> _Storage:
    """A storage in torch's format before 1.6, as a tensor carries it inside another pickle."""
    if not isinstance(data, bytes):
        raise PlainPickleError("a storage has no bytes")
    found: list[tuple[str, str, int]] = []
    stream = PlainPickle(data, _TORCH_CALLS, lambda identity: found.append(_identity(identity)))
    if stream.load() != _LEGACY_MAGIC or stream.load() != _LEGACY_PROTOCOL:
        raise PlainPickleError("a storage is in no format of torch's")
    system = stream.load()
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise PlainPickleError("its numbers are in big-endian order")
    stream.load()
    keys = stream.load()
    if len(found) != 1 or keys != [found[0][1]]:
        raise PlainPickleError("a storage is not alone in its place")
    dtype, _, n_items = found[0]
    start = stream.at + 8
    if int.from_bytes(data[stream.at : start], "little") != n_items:
        raise PlainPickleError("a storage contradicts itself on its size")
    return _Storage(dtype, n_items, lambda n_bytes: np.frombuffer(_part(data, start, n_bytes), dtype=np.uint8))


def _part(data: bytes, start: int, n_bytes: int) -> bytes:
    if len(data) - start < n_bytes:
        raise PlainPickleError("a storage is cut off")
    return data[start : start + n_bytes]


def _numpy_calls() -> dict[str, Call | None]:
    calls: dict[str, Call | None] = {**_TORCH_CALLS, "torch.storage._load_from_bytes": _older_storage}
    calls |= {"numpy.dtype": _Type, "numpy.ndarray": None}
    for module in ("numpy.core", "numpy._core"):
        calls[f"{module}.multiarray._reconstruct"] = lambda *_: _Shell()
        calls[f"{module}.multiarray.scalar"] = _scalar
        calls[f"{module}.numeric._frombuffer"] = _from_buffer
    calls["_codecs.encode"] = lambda text, _coding: text.encode("latin-1")  # how protocol 2 holds bytes
    calls |= {f"{module}.bytes": lambda: b"" for module in ("builtins", "__builtin__")}  # and none of them
    return calls


def read_pickled_npy(path: Path, what: str) -> object:
    """The one Python object of an ``.npy`` file: dictionaries, lists, numbers, text, and things with ``array()``.

    ``MotionFileError`` with a sentence for a file that is damaged, too large, or names anything but arrays and tensors.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MotionFileError(f"{path.name} has {path.stat().st_size} bytes; up to {MAX_BYTES} are read. Cut it into parts")
        data = path.read_bytes()
    except OSError as reason:
        raise MotionFileError(f"{path} cannot be read ({reason.strerror or reason}); check the disk and the file's permissions") from reason
    wide = data[6:7] != b"\x01"
    start = (12 if wide else 10) + int.from_bytes(data[8 : 12 if wide else 10], "little")
    if not data.startswith(b"\x93NUMPY") or b"'|O'" not in data[:start] or start > 4096:
        raise MotionFileError(f"{path.name} is not a whole {what}: a pickled dictionary in an .npy file is needed; choose another one")
    try:
        found = PlainPickle(data[start:], _numpy_calls()).load()
        return found.held if isinstance(found, _Shell) and found.found is None else found
    except PlainPickleError as reason:
        raise MotionFileError(f"{path.name} is not a whole {what} ({reason}); make it again or choose another one") from reason
