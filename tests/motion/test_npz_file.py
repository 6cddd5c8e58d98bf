"""Arrays come out of npz files as they went in, whatever wrote them, and a file cannot ask for memory that it has no data for."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from revision_blender.motion.errors import ClipError, MotionFileError
from revision_blender.motion.npz_file import npz_arrays, read_npz, write_npz

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
PLAIN = ("<f2", "<f4", "<f8", ">f8", ">f4", "<i4", "<i8", ">i2", "|u1", "<u2", "|b1")


def read(path: Path, **options):
    return read_npz(path, max_bytes=1 << 24, error=MotionFileError, what="test file", **options)


def described(path: Path):
    return npz_arrays(path, error=MotionFileError, what="test file")


@relaxed
@given(st.data())
def test_what_numpy_writes_is_read(tmp_path, data):
    dtype = np.dtype(data.draw(st.sampled_from(PLAIN)))
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    if data.draw(st.booleans()):
        array = np.asfortranarray(array)
    np.savez(tmp_path / "a.npz", a=array)
    found = read(tmp_path / "a.npz")["a"]
    assert found.shape == array.shape
    assert found.dtype == dtype.newbyteorder("=")
    assert np.array_equal(found, array, equal_nan=dtype.kind == "f")
    promised = described(tmp_path / "a.npz")["a"]
    assert (promised.shape, promised.dtype, promised.n_bytes) == (array.shape, dtype, array.nbytes)


@pytest.mark.parametrize("text", [np.array("male"), np.array(b"female"), np.array(["a", "bcd"]), np.array("", "<U5"), np.array([], "<U1")])
def test_text_is_read_only_where_it_is_wanted(tmp_path, text):
    np.savez_compressed(tmp_path / "a.npz", gender=text)
    assert np.array_equal(read(tmp_path / "a.npz", text=True)["gender"], text)
    with pytest.raises(MotionFileError, match="plain numbers"):
        read(tmp_path / "a.npz")


def test_members_that_are_not_wanted_are_not_looked_at(tmp_path):
    np.savez(tmp_path / "a.npz", good=np.arange(3.0), objects=np.array([None, "a"], dtype=object), records=np.zeros(2, [("a", "f4")]))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("damaged.npy", b"nothing of an array")
    assert set(read(tmp_path / "a.npz", wanted={"good", "absent"})) == {"good"}
    with pytest.raises(MotionFileError):
        read(tmp_path / "a.npz")
    with pytest.raises(MotionFileError, match="'objects' is not made of plain numbers"):
        read(tmp_path / "a.npz", wanted={"objects"})


def test_the_kinds_of_arrays_are_known_before_they_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", n=np.zeros((4, 2)), t=np.array("male"), o=np.array({"a": 1}, dtype=object), r=np.zeros(2, [("a", "f4")]))
    found = described(tmp_path / "a.npz")
    assert found["n"].is_number and not found["n"].is_text and found["n"].shape == (4, 2)
    assert found["t"].is_text and not found["t"].is_number
    assert found["o"].dtype is None and found["r"].dtype is None and found["r"].shape == (2,)


def one_member(path: Path, content: bytes, name: str = "a.npy", method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, content)
    return path


def header(text: str) -> bytes:
    body = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body


def test_headers_of_python_2_are_read(tmp_path):
    content = header("{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L), }") + np.arange(6.0).tobytes()
    assert np.array_equal(read(one_member(tmp_path / "a.npz", content))["a"], np.arange(6.0).reshape(2, 3))


HOSTILE = {
    "a shape of 10^24 bytes": header("{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999, 999999999999), }"),
    "10^9 frames": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 156), }") + bytes(1 << 20),
    "too much, but declared rightly": header("{'descr': '|u1', 'fortran_order': False, 'shape': (33554432,), }") + bytes(1 << 25),
    "text of any size": header("{'descr': '<U999999', 'fortran_order': False, 'shape': (1000,), }"),
    "a type that does not exist": header("{'descr': '<f3', 'fortran_order': False, 'shape': (2,), }"),
    "code in the header": header("__import__('os').system('true')"),
    "code in the type": header("{'descr': __import__('os'), 'fortran_order': False, 'shape': (open('x'),), }"),
    "a header without end": b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    "negative numbers": header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"),
    "too many dimensions": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }"),
    "nothing": b"",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_members_are_refused(tmp_path, what):
    path = one_member(tmp_path / "a.npz", HOSTILE[what])
    with pytest.raises(MotionFileError):
        read(path, text=True)


def test_a_flood_of_members_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for number in range(5000):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(MotionFileError, match="5000 members"):
        read(tmp_path / "a.npz")


def test_a_huge_directory_is_refused_before_it_is_read(tmp_path):
    names = [f"{'x' * 60000}{number}.npy" for number in range(40)]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    with pytest.raises(MotionFileError, match="directory takes"):
        read(tmp_path / "a.npz")


def test_other_packings_and_doubles_are_refused(tmp_path):
    with pytest.raises(MotionFileError, match="packed in a way"):
        read(one_member(tmp_path / "a.npz", b"", method=zipfile.ZIP_LZMA))
    stream = io.BytesIO()
    np.save(stream, np.zeros(2))
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.npy", stream.getvalue())
        archive.writestr("a.npy", stream.getvalue())
    with pytest.raises(MotionFileError):
        read(tmp_path / "b.npz")


def test_the_error_is_the_callers(tmp_path):
    with pytest.raises(ClipError, match=r"no clip file at .*gone\.npz"):
        read_npz(tmp_path / "gone.npz", max_bytes=10, error=ClipError, what="clip file")


@relaxed
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(MotionFileError):
        described(tmp_path / "a.npz")


@relaxed
@given(st.data())
def test_a_changed_byte_never_does_more_than_change_numbers(tmp_path, data):
    write_npz(tmp_path / "a.npz", {"a": np.arange(12.0).reshape(3, 4), "b": np.array("male")})
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "b.npz").write_bytes(content)
    try:
        found = read(tmp_path / "b.npz", text=True)
    except MotionFileError:
        return
    assert all(array.nbytes <= 1 << 20 for array in found.values())
