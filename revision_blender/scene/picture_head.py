"""How large a picture is, from its file's head alone: a picture too large to use need not be decoded to be refused."""

import struct
from pathlib import Path
from typing import IO

_HEAD = 32  # bytes that tell the format, and PNG's and BMP's size
_MOST_SEGMENTS = 1000  # of a JPEG before its size, and entries of a TIFF's directory
_NO_SIZE = (0xC4, 0xC8, 0xCC)  # tables among JPEG's start-of-frame markers
_UNKNOWN = (0, 0)


def size_in_head(path: Path) -> tuple[int, int]:
    """Width and height that a PNG, JPEG, BMP or TIFF file tells, (0, 0) where it tells none or is another format."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        try:
            if head.startswith(b"\x89PNG\r\n\x1a\n"):
                return struct.unpack(">II", head[16:24])
            if head.startswith(b"\xff\xd8"):
                return _size_of_jpeg(file)
            if head.startswith(b"BM"):
                width, height = struct.unpack("<ii", head[18:26])
                return abs(width), abs(height)  # rows may go upward
            if head.startswith((b"II*\x00", b"MM\x00*")):
                return _size_of_tiff(file, "<" if head.startswith(b"II") else ">")
        except struct.error:
            return _UNKNOWN  # cut off: decoding says what is wrong with it
    return _UNKNOWN


def _size_of_jpeg(file: IO[bytes]) -> tuple[int, int]:
    """The size in the first start-of-frame segment (ITU T.81, B.2.2)."""
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        begin, marker, length = struct.unpack(">BBH", file.read(4))
        if begin != 0xFF:
            return _UNKNOWN
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            _bits, height, width = struct.unpack(">BHH", file.read(5))
            return width, height
        file.seek(length - 2, 1)
    return _UNKNOWN


def _size_of_tiff(file: IO[bytes], order: str) -> tuple[int, int]:
    """ImageWidth (256) and ImageLength (257) of the first directory (TIFF 6.0, section 2)."""
    file.seek(4)
    file.seek(struct.unpack(order + "I", file.read(4))[0])
    sizes = {256: 0, 257: 0}
    for _ in range(min(struct.unpack(order + "H", file.read(2))[0], _MOST_SEGMENTS)):
        tag, kind, _count = struct.unpack(order + "HHI", file.read(8))
        value = struct.unpack(order + ("H2x" if kind == 3 else "I"), file.read(4))[0]
        if tag in sizes:
            sizes[tag] = value
    return sizes[256], sizes[257]
