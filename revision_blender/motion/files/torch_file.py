"""Tensors of files that PyTorch or NumPy pickled, read without either's pickle: nothing of a file is ever executed.

``torch.save`` writes a zip archive: ``<name>/data.pkl`` describes the tensors, ``<name>/data/<key>`` holds each storage's raw
numbers. ``numpy.save`` of a dictionary writes one pickle. See ``tensor_pickle`` for what these pickles may say.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from ..bounded_zip import bounded_zip, read_exactly
from ..errors import MotionFileError
from ..pickles.values import Refusal
from .tensor_pickle import MAX_TENSOR, Storage, Tensor, pickled_value, storage_facts

__all__ = ["Tensor", "read_pickled_npy", "torch_tensors"]

MAX_BYTES = 256 * 2**20  # of a pickled .npy
MAX_PICKLE = 16 * 2**20


@contextmanager
def torch_tensors(path: Path, what: str) -> Iterator[object]:
    """What ``torch.save`` wrote: dictionaries, lists, numbers, text and ``Tensor``; these can be read inside the block.

    ``MotionFileError`` with a sentence for a file that is damaged, names anything else, or is in torch's format before 1.6.
    """
    with bounded_zip(path, error=MotionFileError, what=what) as archive:
        try:
            yield _archive_root(archive, path)
        except Refusal as reason:
            raise ValueError(str(reason)) from reason


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

    def storage(identity: object) -> Storage:
        dtype, key, n_items = storage_facts(identity)
        entry = entries.get(f"{folder}data/{key}")
        if entry is None:
            raise Refusal(f"the storage {key[:40]!r} is missing")

        def raw(n_bytes: int) -> NDArray[np.uint8]:
            if n_bytes > MAX_TENSOR:
                raise Refusal(f"the storage {key[:40]!r} is larger than the {MAX_TENSOR} bytes that are read")
            with archive.open(entry) as stream:
                return read_exactly(stream, n_bytes, key)

        return Storage(dtype, n_items, raw)

    with archive.open(entries[described[0]]) as stream:
        data = read_exactly(stream, size, "data.pkl").tobytes()
    return pickled_value(data, storage)


def read_pickled_npy(path: Path, what: str) -> object:
    """The one Python object of an ``.npy`` file: dictionaries, lists, numbers, text, arrays and ``Tensor``.

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
        return pickled_value(data[start:])
    except Refusal as reason:
        raise MotionFileError(f"{path.name} is not a whole {what} ({reason}); make it again or choose another one") from reason
