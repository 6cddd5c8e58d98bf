"""The header of a safetensors file: how many numbers it holds and whether the file is whole, without reading the tensors.

Format: eight bytes with the header's length (little endian), the header as JSON, then the tensors' bytes
(https://github.com/huggingface/safetensors).
"""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

from .errors import IncompleteModelError, MissingModelFileError, ModelFileError

MAX_HEADER = 100_000_000  # bytes, the format's own limit


def check_whole(file: Path) -> int:
    """The file's size in bytes. Raises ModelFileError when it is missing, no safetensors file, or shorter or longer than its header says."""
    start, size, tensors = _header(file)
    expected = start + max((tensor.stop for tensor in tensors), default=0)
    if size != expected:
        raise IncompleteModelError(
            f"{file} is cut off: {size} of {expected} bytes are there. Download it again; it goes on where it stopped."
        )
    return size


def numbers_in(file: Path) -> int:
    """How many numbers the tensors have altogether, whatever their precision. Raises ModelFileError as ``check_whole``, but for the size."""
    return sum(tensor.numbers for tensor in _header(file)[2])


@dataclass(frozen=True)
class _Stored:
    """stop: where its bytes end, counted from the first tensor's."""

    numbers: int
    stop: int


def _header(file: Path) -> tuple[int, int, list[_Stored]]:
    """Where the tensors begin, the file's size, and the tensors."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(MAX_HEADER, max(size - 8, 0)):
                raise IncompleteModelError(f"{file} is no whole safetensors file ({size} bytes). Download it again.")
            header = json.loads(stream.read(length))
        stored = [
            _Stored(math.prod(tensor["shape"]), tensor["data_offsets"][1]) for name, tensor in header.items() if name != "__metadata__"
        ]
    except FileNotFoundError as error:
        raise MissingModelFileError(f"{file} is missing. Download it again.") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{file} is no safetensors file ({type(error).__name__}: {error}). Download it again.") from error
    return 8 + length, size, stored
