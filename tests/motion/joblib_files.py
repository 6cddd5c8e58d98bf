"""Files as joblib writes them, made without joblib: array bytes stand between the opcodes, behind a wrapper that describes them."""

import gzip
import io
import pickle
import sys
import types
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


class NumpyArrayWrapper:
    """What joblib's class of that name is in a file: its dictionary."""


@contextmanager
def _joblib_names() -> Iterator[None]:
    names = ("joblib", "joblib.numpy_pickle")
    kept = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["joblib.numpy_pickle"].NumpyArrayWrapper = NumpyArrayWrapper  # type: ignore[attr-defined]
    NumpyArrayWrapper.__module__ = "joblib.numpy_pickle"
    try:
        yield
    finally:
        for name, module in kept.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


class _Pickler(pickle._Pickler):  # type: ignore[name-defined]
    def __init__(self, stream: io.BytesIO, protocol: int, aligned: bool) -> None:
        super().__init__(stream, protocol=protocol)
        self.stream, self.aligned = stream, aligned

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if type(obj) is not np.ndarray:
            super().save(obj, save_persistent_id)
            return
        wrapper = NumpyArrayWrapper()
        order = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
        wrapper.__dict__ = {"subclass": np.ndarray, "shape": obj.shape, "order": order, "dtype": obj.dtype, "allow_mmap": False}
        if self.aligned:
            wrapper.__dict__["numpy_array_alignment_bytes"] = 16
        super().save(wrapper)
        if self.proto >= 4:
            self.framer.commit_frame(force=True)
        self._array(obj, order)

    def _array(self, array: Any, order: Any) -> None:
        if array.dtype.hasobject:
            pickle.dump(array, self.stream, protocol=2)
            return
        if self.aligned:
            padding = 16 - (self.stream.tell() + 1) % 16
            self.stream.write(bytes([padding]) + b"\xff" * padding)
        self.stream.write(array.tobytes(order))


def joblib_dump(path: Path, value: object, compress: str = "zlib", protocol: int = 4, aligned: bool = True) -> Path:
    """Writes ``value`` as ``joblib.dump(value, path, compress=3)`` would. compress: "zlib", "gzip" or "". aligned: from 1.2 on."""
    stream = io.BytesIO()
    with _joblib_names():
        _Pickler(stream, protocol, aligned).dump(value)
    content = stream.getvalue()
    packed = {"zlib": lambda: zlib.compress(content, 3), "gzip": lambda: gzip.compress(content, 3), "": lambda: content}
    path.write_bytes(packed[compress]())
    return path
