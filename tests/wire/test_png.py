"""PNG files come back bit for bit; damaged ones end in a WireError."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from revision_blender.wire.errors import WireError
from revision_blender.wire.png import decode_png, encode_png, read_png, write_png

GRAY = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12))
RGB = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))


@given(GRAY | RGB)
def test_pictures_come_back_bit_for_bit(picture):
    found = decode_png(encode_png(picture))
    assert found.shape == picture.shape and np.array_equal(found, picture)


def test_files_come_back(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    write_png(tmp_path / "a.png", picture)
    assert np.array_equal(read_png(tmp_path / "a.png"), picture)


@pytest.mark.parametrize("shape", [(9, 11), (9, 11, 3)])
def test_another_program_reads_ours_and_we_read_its(shape):
    cv2 = pytest.importorskip("cv2")
    ramp = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape)
    picture = (ramp * 7 % 251).astype(np.uint8)
    theirs = cv2.imdecode(np.frombuffer(encode_png(picture), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(theirs[..., ::-1] if theirs.ndim == 3 else theirs, picture)
    for strategy in range(5):
        _, data = cv2.imencode(".png", theirs, [cv2.IMWRITE_PNG_STRATEGY, strategy, cv2.IMWRITE_PNG_COMPRESSION, 9])
        assert np.array_equal(decode_png(data.tobytes()), picture)


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_of_the_specification_is_undone(kind):
    picture = np.random.default_rng(kind).integers(0, 256, (5, 4, 3), np.uint8)
    assert np.array_equal(decode_png(_filtered_by_definition(picture, kind)), picture)


def _filtered_by_definition(picture, kind):
    """Written straight from the specification, byte by byte."""
    height, width, channels = picture.shape
    flat = picture.reshape(height, -1).astype(int)
    rows = bytearray()
    for y in range(height):
        rows.append(kind)
        for x in range(width * channels):
            left = flat[y, x - channels] if x >= channels else 0
            up = flat[y - 1, x] if y else 0
            corner = flat[y - 1, x - channels] if y and x >= channels else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(guess - value))
            rows.append((flat[y, x] - (0, left, up, (left + up) // 2, paeth)[kind]) % 256)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@given(st.data())
def test_damaged_files_raise_nothing_but_a_wire_error(data):
    whole = bytearray(encode_png(np.arange(60, dtype=np.uint8).reshape(5, 4, 3)))
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        del whole[place:]
    else:
        whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        decode_png(bytes(whole))


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 2, 4), (3,), (1, 2, 3, 3)])
def test_what_is_no_picture_is_not_written(shape):
    with pytest.raises(WireError, match="cannot be written"):
        encode_png(np.zeros(shape, np.uint8))
