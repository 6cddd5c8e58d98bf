"""Arrays in ``.npz`` files, read without trust: no pickles, and every size is checked before memory is taken for it."""

import re
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .bounded_zip import bounded_zip, read_exactly
from .errors import RevisionError
from .whole_file import whole_file

AnyArray = NDArray[Any]

_MAGIC = b"\x93NUMPY"
_NUMBER = rb"\d{1,12}L?"  # Python 2 wrote an L behind long numbers
_SHAPE = rb"(|" + _NUMBER + rb",|" + _NUMBER + rb"(?:, " + _NUMBER + rb"){1,7})"
_HEADER = re.compile(rb"\{'descr': '([<>|])([fiubSU])(\d{1,6})', 'fortran_order': (False|True), 'shape': \(" + _SHAPE + rb"\),? \} *\n?")
_ANY_HEADER = re.compile(rb"\{'descr': .{1,8000}, 'fortran_order': (?:False|True), 'shape': \(" + _SHAPE + rb"\),? \} *\n?", re.DOTALL)
_MAX_HEADER = 10_000  # bytes, as numpy has it
_SIZES = {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,)}


@dataclass(frozen=True)
class NpzArray:
    """What a member's header promises, before any of its data is read.

    dtype: None where it is not made of plain numbers or text (Python objects, records). n_bytes: 0 for such.
    """

    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    fortran: bool
    n_bytes: int

    @property
    def is_number(self) -> bool:
        return self.dtype is not None and self.dtype.kind in "fiub"

    @property
    def is_text(self) -> bool:
        return self.dtype is not None and self.dtype.kind in "SU"


def npz_arrays(path: Path, *, error: type[RevisionError], what: str) -> dict[str, NpzArray]:
    """What the file holds, by name, from the headers alone; members that are no arrays are left out. Errors as in ``read_npz``."""
    with bounded_zip(path, error=error, what=what) as archive:
        found: dict[str, NpzArray] = {}
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name != entry.filename and name not in found:
                with archive.open(entry) as stream:
                    found[name] = _read_header(stream, name)
        return found


def read_npz(
    path: Path, *, max_bytes: int, error: type[RevisionError], what: str, wanted: Collection[str] | None = None, text: bool = False
) -> dict[str, AnyArray]:
    """Arrays of plain numbers by name, in the machine's byte order.

    max_bytes: what all arrays may take together. error: what is raised, with a sentence, for a file that is missing,
    damaged, too large or of another kind. what: names the file in that sentence ("clip file"). wanted: only these members
    are looked at, as far as they are there; None for all, and then all must be arrays. text: whether arrays of text are read too.
    """
    with bounded_zip(path, error=error, what=what) as archive:
        return _read_members(archive, max_bytes, wanted, text)


def _read_members(archive: zipfile.ZipFile, max_bytes: int, wanted: Collection[str] | None, text: bool) -> dict[str, AnyArray]:
    arrays: dict[str, AnyArray] = {}
    left = max_bytes
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        if wanted is not None and name not in wanted:
            continue
        if name == entry.filename or name in arrays:
            raise ValueError(f"member {entry.filename!r} is not an array")
        with archive.open(entry) as stream:
            member = _read_header(stream, name)
            if not (member.is_number or (text and member.is_text)):
                raise ValueError(f"array {name!r} is not made of plain numbers")
            left -= member.n_bytes
            if left < 0:
                raise ValueError(f"array {name!r} of shape {member.shape} goes beyond the {max_bytes} bytes that are allowed")
            arrays[name] = _read_data(stream, member, name)
    return arrays


def _read_header(stream: IO[bytes], name: str) -> NpzArray:
    start = stream.read(8)
    version = start[6:7]
    if start[:6] != _MAGIC or version not in (b"\x01", b"\x02", b"\x03"):
        raise ValueError(f"array {name!r} has no header")
    length = int.from_bytes(stream.read(2 if version == b"\x01" else 4), "little")
    if length > _MAX_HEADER:
        raise ValueError(f"array {name!r} has a header of {length} bytes")
    header = stream.read(length)
    match = _HEADER.fullmatch(header)
    if match is None:
        return _other_array(header, name)
    order, kind, digits, fortran, shape_text = match.groups()
    size, letter = int(digits), kind.decode()
    if size not in _SIZES.get(letter, (size,)):
        raise ValueError(f"array {name!r} is of type {letter}{size}, which does not exist")
    dtype = np.dtype((order + kind + digits).decode())
    return NpzArray(dtype, *_sizes(shape_text, dtype.itemsize, fortran == b"True"))


def _sizes(shape_text: bytes, itemsize: int, fortran: bool) -> tuple[tuple[int, ...], bool, int]:
    shape = tuple(int(number.rstrip(b"L")) for number in shape_text.replace(b" ", b"").split(b",") if number)
    n_bytes = itemsize
    for extent in shape:
        n_bytes *= extent
    return shape, fortran, n_bytes


def _other_array(header: bytes, name: str) -> NpzArray:
    match = _ANY_HEADER.fullmatch(header)
    if match is None:
        raise ValueError(f"array {name!r} has a header that is not numpy's")
    return NpzArray(None, _sizes(match.group(1), 0, False)[0], False, 0)


def _read_data(stream: IO[bytes], member: NpzArray, name: str) -> AnyArray:
    assert member.dtype is not None  # the caller has asked for numbers or text
    data = read_exactly(stream, member.n_bytes, name)
    if stream.read(1):
        raise ValueError(f"array {name!r} has more than the {member.n_bytes} bytes of its shape {member.shape}")
    array = data.view(member.dtype) if member.dtype.itemsize else np.zeros(int(np.prod(member.shape)), member.dtype)
    array = array.reshape(member.shape, order="F" if member.fortran else "C")
    return array.astype(member.dtype.newbyteorder("="), copy=False)


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
