"""A request or a result in one file: a JSON header like the wire's, then the arrays' bytes; whole or not there.

Layout: 8 bytes magic, the header's length as little-endian uint64, the header (``kind values arrays``), then each array at
the next multiple of 64 bytes, so that it can be mapped into memory and used as it lies.
"""

import json
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from revision_blender.wire.codec import Content, content_from
from revision_blender.wire.errors import WireError
from revision_blender.wire.framing import DTYPES, ArrayPlan, parts_of, plan_from, plan_of
from revision_blender.wire.protocol import MAX_HEADER_BYTES

_MAGIC = b"REVJOB1\n"
_ALIGN = 64


def write_content(path: Path, content: Content) -> None:
    """Writes to a temporary file beside it, syncs, renames. Raises OSError (a full disk), leaving nothing behind."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            _write(stream, content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
        _sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write(stream: BinaryIO, content: Content) -> None:
    plans = [plan_of(name, array) for name, array in content.arrays.items()]
    header = {"kind": content.kind, "values": dict(content.values), "arrays": [[plan.name, plan.dtype, list(plan.shape)] for plan in plans]}
    data = json.dumps(header, allow_nan=False).encode()
    stream.write(_MAGIC + struct.pack("<Q", len(data)) + data)
    for plan, array in zip(plans, content.arrays.values(), strict=True):
        stream.write(bytes(-stream.tell() % _ALIGN))
        for part in parts_of(array, plan):
            stream.write(part)


def _sync_folder(folder: Path) -> None:
    """The rename itself is durable only when the folder is; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_content(path: Path) -> Content:
    """The content with arrays mapped copy-on-write: nothing is read before it is used, and the file never changes.

    Raises WireError for a file of another layout, OSError for one that cannot be opened.
    """
    with path.open("rb") as stream:
        header, start = _header(stream)
        size = os.fstat(stream.fileno()).st_size
    entries = header.get("arrays")
    plans = [plan_from(entry) for entry in entries] if isinstance(entries, list) else []
    arrays = {plan.name: _mapped(path, plan, offset) for plan, offset in _placed(plans, start, size)}
    return content_from(header, arrays)


def _header(stream: BinaryIO) -> tuple[dict[str, Any], int]:
    start = stream.read(16)
    length = struct.unpack("<Q", start[8:])[0] if len(start) == 16 and start.startswith(_MAGIC) else -1
    if not 0 <= length <= MAX_HEADER_BYTES:
        raise WireError("A job file is not one of this version; start the job again.")
    try:
        header = json.loads(stream.read(length))
    except (ValueError, RecursionError) as error:
        raise WireError(f"A job file is damaged ({error}); start the job again.") from error
    if not isinstance(header, dict):
        raise WireError("A job file is damaged; start the job again.")
    return header, 16 + length


def _placed(plans: list[ArrayPlan], start: int, size: int) -> Iterator[tuple[ArrayPlan, int]]:
    for plan in plans:
        start += -start % _ALIGN
        length = sum(plan.part_lengths)
        if start + length > size:
            raise WireError("A job file is cut short; start the job again.")
        yield plan, start
        start += length


def _mapped(path: Path, plan: ArrayPlan, offset: int) -> NDArray[Any]:
    if 0 in plan.shape:
        return np.empty(plan.shape, DTYPES[plan.dtype])  # nothing can be mapped
    mapped = np.memmap(path, DTYPES[plan.dtype], "c", offset, plan.shape if plan.shape else (1,))
    return np.asarray(mapped).reshape(plan.shape)
