"""Arrays in ``.npz`` files, read without trust: no pickles, and every size is checked before memory is taken for it."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .errors import RevisionError
from .whole_file import whole_file

AnyArray = NDArray[Any]

_MAGIC = b"\x93NUMPY"
_SHAPE = rb"(|\d{1,12},|\d{1,12}(?:, \d{1,12}){1,7})"
_HEADER = re.compile(rb"\{'descr': '([<|])([fiub])([1248])', 'fortran_order': False, 'shape': \(" + _SHAPE + rb"\), \} *\n?")
_MAX_HEADER = 1024
_MAX_MEMBERS = 4096
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class _Member:
    """What an array's header promises: dtype, shape and the bytes they need."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    n_bytes: int


def read_npz(path: Path, *, max_bytes: int, error: type[RevisionError], what: str) -> dict[str, AnyArray]:
    """Arrays of plain numbers by name.

    max_bytes: what all arrays may take together. error: what is raised, with a sentence, for a file that is missing,
    damaged, too large or of another kind. what: names the file in that sentence ("clip file").
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_members(archive, max_bytes)
    except FileNotFoundError as reason:
        raise error(f"there is no {what} at {path}; choose another file") from reason
    except OSError as reason:
        raise error(
            f"the {what} {path} cannot be read ({reason.strerror or reason}); check the disk and the file's permissions"
        ) from reason
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as reason:
        raise error(f"{path} is not a whole {what} ({reason}); make it again or choose another one") from reason
    except Exception as reason:  # zlib.error, struct.error and their kin: a damaged file breaks zipfile in many ways
        raise error(f"{path} is damaged ({type(reason).__name__}: {reason}); make it again or choose another one") from reason


def _read_members(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, AnyArray]:
    entries = archive.infolist()
    if len(entries) > _MAX_MEMBERS:
        raise ValueError(f"it has {len(entries)} members, at most {_MAX_MEMBERS} are read")
    arrays: dict[str, AnyArray] = {}
    left = max_bytes
    for entry in entries:
        name = entry.filename.removesuffix(".npy")
        if entry.compress_type not in _PLAIN or name == entry.filename or name in arrays:
            raise ValueError(f"member {entry.filename!r} is not an array")
        with archive.open(entry) as stream:
            member = _read_header(stream, name)
            left -= member.n_bytes
            if left < 0:
                raise ValueError(f"array {name!r} of shape {member.shape} goes beyond the {max_bytes} bytes that are allowed")
            arrays[name] = _read_data(stream, member, name)
    return arrays


def _read_header(stream: IO[bytes], name: str) -> _Member:
    start = stream.read(8)
    version = start[6:7]
    if start[:6] != _MAGIC or version not in (b"\x01", b"\x02"):
        raise ValueError(f"array {name!r} has no header")
    length = int.from_bytes(stream.read(2 if version == b"\x01" else 4), "little")
    if length > _MAX_HEADER:
        raise ValueError(f"array {name!r} has a header of {length} bytes")
    match = _HEADER.fullmatch(stream.read(length))
    if match is None:
        raise ValueError(f"array {name!r} is not made of plain numbers in row order")
    order, kind, size, shape_text = match.groups()
    dtype = np.dtype((order + kind + size).decode())
    shape = tuple(int(number) for number in shape_text.replace(b" ", b"").split(b",") if number)
    n_bytes = dtype.itemsize
    for extent in shape:
        n_bytes *= extent
    return _Member(dtype, shape, n_bytes)


def _read_data(stream: IO[bytes], member: _Member, name: str) -> AnyArray:
    data = stream.read(member.n_bytes)
    if len(data) != member.n_bytes or stream.read(1):
        raise ValueError(f"array {name!r} does not have the {member.n_bytes} bytes of its shape {member.shape}")
    return np.frombuffer(data, dtype=member.dtype).reshape(member.shape).copy()


def write_npz(path: Path, arrays: Mapping[str, AnyArray], compressed: bool = True) -> None:
    """Writes an ``.npz`` that the same arrays always fill with the same bytes; whole or not at all."""
    with whole_file(Path(path)) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            _write_member(archive, name, array, zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED)


def _write_member(archive: zipfile.ZipFile, name: str, array: AnyArray, method: int) -> None:
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = method
    plain = np.ascontiguousarray(array).reshape(np.shape(array))
    little = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    with archive.open(entry, "w", force_zip64=True) as stream:
        np.lib.format.write_array(stream, little, version=(1, 0), allow_pickle=False)
