"""Zip archives opened without trust: the directory, every read and every failure are bounded and put into a sentence."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .errors import RevisionError

MAX_MEMBERS = 4096
_AT_ONCE = 1 << 20  # bytes: also the most that the archive's directory may take, 250 a member
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class _BoundedReader(io.BufferedReader):
    """A file that never hands out much at once: `zipfile` would take a directory of any size into memory whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _AT_ONCE:
            raise ValueError(f"its directory takes {size} bytes, at most {_AT_ONCE} are read")
        return super().read(size)


@contextmanager
def bounded_zip(path: Path, *, error: type[RevisionError], what: str) -> Iterator[zipfile.ZipFile]:
    """The archive at ``path``; whatever goes wrong inside the block is raised as ``error`` with a sentence.

    what: names the file in that sentence ("clip file"). A ``ValueError`` raised in the block says what the file lacks.
    """
    try:
        with _BoundedReader(io.FileIO(path)) as stream, zipfile.ZipFile(stream) as archive:
            _check_members(archive.infolist())
            yield archive
    except RevisionError:
        raise
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


def _check_members(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_MEMBERS:
        raise ValueError(f"it has {len(entries)} members, at most {MAX_MEMBERS} are read")
    for entry in entries:
        if entry.compress_type not in _PLAIN:
            raise ValueError(f"member {entry.filename!r} is packed in a way that is not read")


def read_exactly(stream: IO[bytes], n_bytes: int, name: str) -> NDArray[Any]:
    """The next ``n_bytes`` of a member as uint8; memory is touched only as far as there is data.

    Raises ValueError where there are fewer.
    """
    data = np.empty(n_bytes, dtype=np.uint8)
    at = 0
    while at < n_bytes:
        part = stream.read(min(_AT_ONCE, n_bytes - at))
        if not part:
            raise ValueError(f"{name!r} ends after {at} of {n_bytes} bytes")
        data[at : at + len(part)] = np.frombuffer(part, dtype=np.uint8)
        at += len(part)
    return data
