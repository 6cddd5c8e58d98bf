"""What a pickle may be made of: plain values, arrays of numbers, sparse matrices. Nothing here calls what a file names.

A name in a pickle ("numpy.dtype") is only ever looked up in ``MEANINGS``; what stands for it is built by the functions of this
module from values that are there already. Nothing is imported, no size is believed before the bytes for it were read.
"""

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]

_DTYPE = re.compile(r"([<>|=]?)([biufcSUO])([1-9]\d{0,4})")
_MAX_EXTENT = 1 << 40
_MAX_DIMENSIONS = 16


class Refusal(Exception):
    """A pickle is refused; the text says why, without the file's name."""


@dataclass(frozen=True)
class Named:
    """A name that the file mentioned and that is allowed. dotted: as in the file. meaning: a value of ``MEANINGS``."""

    dotted: str
    meaning: str


@dataclass(frozen=True)
class Unread:
    """Stands where the file has something harmless that is not read. what: says what, for sentences."""

    what: str


@dataclass(frozen=True, eq=False)
class Sparse:
    """A sparse matrix as it was in the file, unchecked until ``dense`` is asked for. kind: "csc", "csr" or "coo"."""

    kind: str
    shape: tuple[int, int]
    data: AnyArray
    first: AnyArray
    second: AnyArray

    def triplets(self) -> tuple[AnyArray, AnyArray, AnyArray]:
        """Rows, columns and values, each ``(N,)``; ``Refusal`` where the indices do not fit the shape."""
        count = len(self.data)
        if self.kind == "coo":
            rows, columns = self.first, self.second
        else:
            along = self.shape[1] if self.kind == "csc" else self.shape[0]
            bounds = self.second
            if bounds.shape != (along + 1,) or bounds[0] != 0 or bounds[-1] != count or (bounds[1:] < bounds[:-1]).any():
                raise Refusal(f"a sparse matrix of shape {self.shape} has bounds that do not fit its {count} entries")
            other = np.repeat(np.arange(along), np.diff(bounds))
            rows, columns = (self.first, other) if self.kind == "csc" else (other, self.first)
        for index, extent in ((rows, self.shape[0]), (columns, self.shape[1])):
            if index.shape != (count,) or (count and not 0 <= index.min() <= index.max() < extent):
                raise Refusal(f"a sparse matrix of shape {self.shape} names places outside itself")
        return rows, columns, self.data

    def dense(self, max_bytes: int) -> NDArray[np.float64]:
        """``(rows, columns)``; ``Refusal`` above ``max_bytes``. Entries at the same place add up, as in scipy."""
        rows, columns, values = self.triplets()
        if 8 * prod(self.shape) > max_bytes:
            raise Refusal(f"a sparse matrix of shape {self.shape} is too large to be filled in")
        full = np.zeros(self.shape)
        np.add.at(full, (rows, columns), values)
        return full


def _named(meaning: str, modules: str, names: str) -> dict[str, str]:
    return {f"{module}.{name}": meaning for module in modules.split() for name in names.split()}


MEANINGS: dict[str, str] = {
    **_named("array", "numpy.core.multiarray numpy._core.multiarray", "_reconstruct"),
    **_named("scalar", "numpy.core.multiarray numpy._core.multiarray", "scalar"),
    **_named("buffer", "numpy.core.numeric numpy._core.numeric", "_frombuffer"),
    **_named("array class", "numpy", "ndarray matrix memmap"),
    **_named("array class", "numpy.matrixlib.defmatrix", "matrix"),
    **_named("array class", "numpy.core.memmap numpy._core.memmap", "memmap"),
    "numpy.dtype": "dtype",
    "_codecs.encode": "encode",
    "collections.OrderedDict": "dict",
    "collections.defaultdict": "defaultdict",
    **_named("instance", "copy_reg copyreg", "_reconstructor"),
    **{f"{module}.{name}": name for module in ("builtins", "__builtin__") for name in ("set", "frozenset", "list", "dict", "tuple")},
    **_named("bytes", "builtins __builtin__", "bytes bytearray"),
    **_named("complex", "builtins __builtin__", "complex"),
    **_named("plain class", "builtins __builtin__", "object int float str bool unicode long"),
    **_named("csc", "scipy.sparse.csc scipy.sparse._csc", "csc_matrix csc_array"),
    **_named("csr", "scipy.sparse.csr scipy.sparse._csr", "csr_matrix csr_array"),
    **_named("coo", "scipy.sparse.coo scipy.sparse._coo", "coo_matrix coo_array"),
    "chumpy.ch.Ch": "chumpy",
    "chumpy.reordering.Select": "chumpy select",
    "chumpy.reordering.Reshape": "chumpy reshape",
    "joblib.numpy_pickle.NumpyArrayWrapper": "joblib",
}
BUILT_IN_TWO_STEPS = {"csc", "csr", "coo", "chumpy", "chumpy select", "chumpy reshape", "joblib"}


def dtype_of(text: object, order: object = None) -> "np.dtype[Any] | Unread":
    """A dtype of plain numbers or text by its code ("f8"); ``Unread`` for objects. order: "<", ">", "|" or "=", overrides the code's."""
    match = _DTYPE.fullmatch(text) if isinstance(text, str) else None
    if text == "?":
        return np.dtype(bool)
    if match is None or order not in (None, "<", ">", "|", "="):
        raise Refusal(f"an array has the type {str(text)[:40]!r}; only plain numbers and text are read")
    if match.group(2) == "O":
        return Unread("an array of objects")
    try:
        return np.dtype((str(order) if order else match.group(1)) + match.group(2) + match.group(3))
    except TypeError as reason:
        raise Refusal(f"an array has the type {text!r}, which does not exist") from reason


def shape_of(value: object) -> tuple[int, ...]:
    """A shape that is one: whole numbers, not negative, not absurd."""
    if not isinstance(value, tuple) or len(value) > _MAX_DIMENSIONS:
        raise Refusal(f"an array has the shape {str(value)[:60]}")
    extents = tuple(int(extent) for extent in value if isinstance(extent, int | np.integer) and not isinstance(extent, bool))
    if len(extents) != len(value) or any(not 0 <= extent <= _MAX_EXTENT for extent in extents):
        raise Refusal(f"an array has the shape {str(value)[:60]}")
    return extents


def array_of(dtype: object, shape: tuple[int, ...], data: object, column_order: bool) -> "AnyArray | Unread":
    """An array over bytes that were read; their count must be what shape and dtype need. Read-only."""
    if isinstance(dtype, Unread):
        return dtype
    if not isinstance(dtype, np.dtype):
        raise Refusal("an array has no type")
    if isinstance(data, str):
        data = data.encode("latin1")
    if not isinstance(data, bytes | bytearray | memoryview):
        raise Refusal(f"an array of shape {shape} has no bytes")
    if prod(shape) * dtype.itemsize != len(data):
        raise Refusal(f"an array of shape {shape} needs {prod(shape) * dtype.itemsize} bytes and has {len(data)}")
    if not prod(shape):
        return np.zeros(shape if max(shape, default=0) < 1 << 31 else (0,), dtype)
    flat = np.frombuffer(data, dtype=dtype)
    return flat.reshape(shape[::-1]).transpose() if column_order else flat.reshape(shape)


def sparse_of(kind: str, state: dict[Any, Any]) -> Sparse:
    """A scipy matrix from the dictionary of its pickle, of old and new versions."""
    shape = shape_of(state.get("_shape", state.get("shape")))
    names = ("row", "col") if kind == "coo" else ("indices", "indptr")
    parts = [state.get(name) for name in names]
    coords = state.get("coords")
    if kind == "coo" and isinstance(coords, tuple) and len(coords) == 2:
        parts = list(coords)
    arrays = [part for part in (state.get("data"), *parts) if isinstance(part, np.ndarray) and part.ndim == 1]
    if len(shape) != 2 or len(arrays) != 3 or arrays[0].dtype.kind not in "fiub" or any(part.dtype.kind not in "iu" for part in arrays[1:]):
        raise Refusal(f"a scipy {kind} matrix of shape {shape} lacks its arrays")
    return Sparse(kind, (shape[0], shape[1]), *arrays)


def chumpy_of(meaning: str, state: dict[Any, Any]) -> AnyArray:
    """The numbers that a chumpy expression stands for: an array, a choice from one, or one in another shape."""
    inner = state.get("x" if meaning == "chumpy" else "a")
    if not isinstance(inner, np.ndarray) or inner.dtype.kind not in "fiub":
        raise Refusal("a chumpy object holds something else than an array of numbers")
    if meaning == "chumpy":
        return inner
    if meaning == "chumpy reshape":
        wanted = state.get("newshape")
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        free = [extent if isinstance(extent, int) and extent != -1 else None for extent in wanted]
        if free.count(None) > 1:
            raise Refusal("a chumpy object is brought to a shape that is none")
        known = shape_of(tuple(extent for extent in free if extent is not None))
        rest = inner.size // max(prod(known), 1)
        return _reshaped(inner, tuple(rest if extent is None else extent for extent in free))
    index = state.get("idxs")
    if not isinstance(index, np.ndarray) or index.dtype.kind not in "iu" or index.size > inner.size:
        raise Refusal("a chumpy object chooses from an array by something else than numbers")
    if index.size and not 0 <= index.min() <= index.max() < inner.size:
        raise Refusal("a chumpy object chooses beyond the end of its array")
    chosen = inner.ravel()[index]
    return _reshaped(chosen, shape_of(tuple(state["preferred_shape"]))) if "preferred_shape" in state else chosen


def _reshaped(array: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    if prod(shape) != array.size:
        raise Refusal(f"a chumpy object brings {array.size} numbers to the shape {shape}")
    return array.reshape(shape)


def key_of(value: object) -> Any:
    """A dictionary's key or a set's member: text, bytes, whole numbers, or a short tuple of these; anything else is refused."""
    if value is None or isinstance(value, str | bytes | bool | np.integer | np.str_):
        return value
    if isinstance(value, int) and abs(value) < 1 << 60:
        return value
    if isinstance(value, tuple) and len(value) <= 8 and not any(isinstance(part, tuple) for part in value):
        return tuple(key_of(part) for part in value)
    raise Refusal(f"a dictionary has a key of type {type(value).__name__}")
