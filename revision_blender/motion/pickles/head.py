"""The beginning of a pickle or joblib file, unpacked: enough to tell whose it is."""

import zlib
from pathlib import Path

_PACKED = 64 * 1024
_HEAD = 512 * 1024


def is_pickle(head: bytes) -> bool:
    """Whether a file may be a pickle: by its protocol mark, or packed as joblib does."""
    return head[:1] == b"\x80" or _packed(head)


def _packed(head: bytes) -> bool:
    return head[:2] == b"\x1f\x8b" or (head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0)


def pickle_head(path: Path, head: bytes) -> bytes:
    """Up to half a megabyte of the pickle's content; empty for what is none."""
    if not is_pickle(head):
        return b""
    try:
        with path.open("rb") as stream:
            if not _packed(head):
                return stream.read(_HEAD)
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(stream.read(_PACKED), _HEAD)
    except (OSError, zlib.error):
        return b""
