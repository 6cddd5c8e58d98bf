"""PNG files of 8-bit gray and RGB pictures, written and read with the standard library alone; lossless, sRGB bytes as they are.

Format: W3C Recommendation "Portable Network Graphics (PNG) Specification (Third Edition)".
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import WireError

_MAGIC = b"\x89PNG\r\n\x1a\n"
_COLOUR_OF_CHANNELS = {1: 0, 3: 2}  # channels -> PNG colour type
_CHANNELS_OF_COLOUR = {0: 1, 2: 3}
_UP = 2  # each row minus the one above: cheap, and pictures of our kind shrink well by it
MAX_SIDE = 20_000
MAX_PIXELS = 1 << 28


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """A ``(H, W)`` gray or ``(H, W, 3)`` RGB picture as the bytes of a PNG file."""
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3) or 0 in picture.shape:
        raise WireError(f"A picture of {picture.dtype} and shape {picture.shape} cannot be written; 8-bit gray or RGB is needed.")
    height, width = picture.shape[:2]
    channels = 1 if picture.ndim == 2 else 3
    rows = picture.reshape(height, width * channels)
    lines = np.empty((height, 1 + width * channels), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_OF_CHANNELS[channels], 0, 0, 0)
    # Level 1: three times as fast as the default for a tenth more bytes.
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(lines.data, 1)), _chunk(b"IEND", b""))
    return b"".join((_MAGIC, *chunks))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


def decode_png(data: bytes) -> NDArray[np.uint8]:
    """The ``(H, W)`` or ``(H, W, 3)`` picture in the bytes of an 8-bit, non-interlaced PNG; raises WireError for any other."""
    if not data.startswith(_MAGIC):
        raise WireError("This is no PNG file.")
    header, packed = _chunks(data)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth != 8 or colour not in _CHANNELS_OF_COLOUR or interlaced:
        raise WireError(
            f"A PNG of bit depth {depth}, colour type {colour}, interlace {interlaced} cannot be read; 8-bit gray or RGB is needed."
        )
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise WireError(f"A PNG of {width} x {height} pixels cannot be read; 1 to {MAX_SIDE} a side are possible.")
    channels = _CHANNELS_OF_COLOUR[colour]
    lines = _inflated(packed, height, 1 + width * channels)
    rows = _unfiltered(lines, channels)
    return rows.reshape((height, width) if channels == 1 else (height, width, 3))


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """IHDR's bytes and the joined IDATs; every check sum is looked at."""
    found: dict[bytes, list[bytes]] = {}
    start = len(_MAGIC)
    while start + 12 <= len(data) and b"IEND" not in found:
        length, name = struct.unpack_from(">I4s", data, start)
        body = data[start + 8 : start + 8 + length]
        if data[start + 8 + length : start + 12 + length] != struct.pack(">I", zlib.crc32(body, zlib.crc32(name))):
            break
        found.setdefault(name, []).append(body)
        start += 12 + length
    header = found.get(b"IHDR", [b""])[0]
    if len(header) != 13 or b"IEND" not in found:
        raise WireError("This PNG file is damaged or cut short.")
    return header, b"".join(found.get(b"IDAT", []))


def _inflated(packed: bytes, height: int, width: int) -> NDArray[np.uint8]:
    size = height * width
    try:
        plain = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error as error:
        raise WireError(f"This PNG file is damaged ({error}).") from error
    if len(plain) != size:
        raise WireError("This PNG file is damaged: it does not hold the pixels that it announces.")
    return np.frombuffer(plain, np.uint8).reshape(height, width)


def _unfiltered(lines: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Undoes the filter of each row (first byte of the row); rows depend on the row above."""
    rows = np.zeros((len(lines), lines.shape[1] - 1), np.uint8)
    above = np.zeros(rows.shape[1], np.uint8)
    for index, line in enumerate(lines):
        kind, row = int(line[0]), line[1:]
        if kind == 0:
            rows[index] = row
        elif kind == 1:
            rows[index] = np.add.accumulate(row.reshape(-1, channels), axis=0, dtype=np.uint8).reshape(-1)
        elif kind == _UP:
            np.add(row, above, out=rows[index])
        elif kind in (3, 4):
            rows[index] = _average_or_paeth(row, above, channels, paeth=kind == 4)
        else:
            raise WireError(f"This PNG file is damaged: row {index} has the unknown filter {kind}.")
        above = rows[index]
    return rows


def _average_or_paeth(row: NDArray[np.uint8], above: NDArray[np.uint8], channels: int, *, paeth: bool) -> NDArray[np.uint8]:
    """Each byte depends on the one before, so this goes byte by byte; our own files never need it."""
    line, upper = bytearray(row), bytes(above)
    for index in range(len(line)):
        left, corner = (line[index - channels], upper[index - channels]) if index >= channels else (0, 0)
        line[index] = (line[index] + (_paeth(left, upper[index], corner) if paeth else (left + upper[index]) >> 1)) & 255
    return np.frombuffer(line, np.uint8)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    distances = (abs(guess - left), abs(guess - up), abs(guess - corner))
    return (left, up, corner)[distances.index(min(distances))]


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Writes a new file; for a whole or no folder of frames see ``collect.write_frames``."""
    path.write_bytes(encode_png(picture))


def read_png(path: Path) -> NDArray[np.uint8]:
    """Raises WireError for a file that ``decode_png`` refuses, OSError for one that cannot be opened."""
    return decode_png(path.read_bytes())
