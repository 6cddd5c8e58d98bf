"""Pickles read without running them: numbers, text, containers, arrays, sparse matrices, chumpy and joblib arrays.

Everything else that a pickle can do is refused with the name it asked for. Compressed files (zlib and gzip, as joblib writes
them) are unpacked up to a limit.
"""

import zlib
from pathlib import Path

import numpy as np

from ..errors import RevisionError
from .machine import Machine
from .opcodes import OPCODES
from .values import Refusal, Sparse, Unread

__all__ = ["Sparse", "Unread", "read_pickle"]

_CHUNK = 1 << 18
_HONEST_RATIO = 16  # numbers are hardly packed any better
_COPIES, _MORE_COPIES = 4, 64 << 20  # bytes of text and arrays that are copied: of the file's size, and more
_MAX_UNPACKED = 64 << 20
_MAX_DEPTH = 64
_MAX_LEAVES = 50_000_000
_MAX_PIECES = 256 << 20  # bytes that everything besides arrays and text may take
_OTHER_PACKINGS = {b"BZ": "bzip2", b"\xfd7": "xz", b"]\x00": "lzma", b"\x04\x22": "lz4", b"ZF": "an old joblib's own way"}
_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, np.dtype, Sparse, Unread)


def read_pickle(
    path: Path, *, error: type[RevisionError], max_bytes: int, what: str, max_pieces: int = _MAX_PIECES, max_unpacked: int = _MAX_UNPACKED
) -> object:
    """The value in a pickle or joblib file. Arrays are read-only; text of Python 2 is read as Latin-1.

    error: what is raised, with a sentence, for a file that is missing, damaged, too large, or that asks for anything besides
    values. max_bytes: size of the file, and of its content after unpacking. what: names the file in the sentence ("body model file").
    max_pieces: bytes for what is neither array nor text; a dictionary of arrays needs few.
    max_unpacked: what a small compressed file may unpack to, a large one to more. Arrays of objects become ``Unread``.
    """
    path = Path(path)
    try:
        content, size = _content(path, max_bytes, max_unpacked)
        value = Machine(content, max_pieces, _COPIES * size + _MORE_COPIES, OPCODES).run()
        _weigh(value)
    except FileNotFoundError as reason:
        raise error(f"there is no {what} at {path}; choose another file") from reason
    except OSError as reason:
        raise error(
            f"the {what} {path} cannot be read ({reason.strerror or reason}); check the disk and the file's permissions"
        ) from reason
    except Refusal as reason:
        raise error(f"the {what} {path} is refused: {reason}; get it anew from where it is published") from reason
    except IndexError as reason:
        raise error(f"the {what} {path} is damaged (it ends early, or takes what is not there); get it anew or choose another") from reason
    except Exception as reason:  # a damaged pickle breaks in many ways
        raise error(
            f"the {what} {path} is damaged ({type(reason).__name__}: {str(reason)[:120]}); get it anew or choose another"
        ) from reason
    return value


def _content(path: Path, max_bytes: int, max_unpacked: int) -> tuple[bytes | bytearray, int]:
    """The pickle without its packing, and the size of the file."""
    with path.open("rb") as stream:
        size = path.stat().st_size
        if size > max_bytes:
            raise Refusal(f"its {size} bytes are more than the {max_bytes} that are read")
        head = stream.read(2)
        stream.seek(0)
        if head[:2] in _OTHER_PACKINGS:
            raise Refusal(f"it is packed with {_OTHER_PACKINGS[head[:2]]}, and only zlib and gzip are read; save it again with these")
        content = stream.read(size)
        packed = head == b"\x1f\x8b" or (head[:1] == b"\x78" and int.from_bytes(head, "big") % 31 == 0)
        return (_unpacked(content, min(max_bytes, max(max_unpacked, _HONEST_RATIO * size))) if packed else content), size


def _unpacked(packed: bytes, limit: int) -> bytearray:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # zlib or gzip, whichever it is
    found = bytearray()
    for start in range(0, len(packed), _CHUNK):
        left = packed[start : start + _CHUNK]
        while left:
            found += unpacker.decompress(left, _CHUNK)
            left = unpacker.unconsumed_tail
            if len(found) > limit:
                raise Refusal(f"it unpacks to more than the {limit} bytes that are read")
        if unpacker.eof:
            return found
    raise Refusal("its packed content ends early")


def _weigh(root: object) -> None:
    """Refuses half-built values, circles, deep nests, and lists that contain each other so often that they would fill any memory."""
    weights: dict[int, int] = {}
    open_now: set[int] = set()
    waiting: list[tuple[object, bool]] = [(root, False)]
    while waiting:
        value, done = waiting.pop()
        if isinstance(value, _PLAIN) or type(value) is np.ndarray:
            continue
        parts = _parts(value)
        if done:
            open_now.discard(id(value))
            weights[id(value)] = sum(weights.get(id(part), 1) for part in parts) + 1
            if weights[id(value)] > _MAX_LEAVES:
                raise Refusal(f"its lists contain each other more than {_MAX_LEAVES} times")
        elif id(value) not in weights:
            if id(value) in open_now or len(open_now) >= _MAX_DEPTH:
                raise Refusal(f"it contains itself, or is nested more than {_MAX_DEPTH} deep")
            open_now.add(id(value))
            waiting.append((value, True))
            waiting += [(part, False) for part in parts]


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    raise Refusal("it ends before all that it began is made")
