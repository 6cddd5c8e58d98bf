"""Clips come back as they went in, and no file can make the reader do anything but return a clip or say why not."""

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import N_OBJECT_POINTS, BodyTrack, Clip, GroundPlane, ObjectTrack
from revision_blender.motion.clip_arrays import SCHEMA_VERSION
from revision_blender.motion.clip_file import clip_from_arrays, clip_to_arrays, load_clip, save_clip
from revision_blender.motion.errors import ClipError

relaxed = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
kinds = st.sampled_from([np.float32, np.float64])


def arrays(*shape: int):
    return kinds.flatmap(lambda kind: hnp.arrays(kind, shape, elements=st.floats(-1e6, 1e6, width=32)))


@st.composite
def clips(draw):
    frames, joints = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    normal = draw(st.sampled_from([np.array([0.0, -1.0, 0.0]), np.array([0.6, 0.0, 0.8])]))
    camera = Camera(
        draw(st.integers(1, 5000)), draw(st.integers(1, 5000)), draw(st.floats(0.1, 1e5)), draw(arrays(2)), draw(arrays(frames, 4, 4))
    )
    words = st.text(max_size=20)
    body = st.builds(
        BodyTrack,
        words,
        words,
        words,
        arrays(draw(st.integers(0, 12))),
        arrays(frames, joints, 3, 3),
        arrays(frames, 3),
        arrays(frames, joints),
        st.none() | arrays(frames, 7),
    )
    thing = st.builds(ObjectTrack, words, words, arrays(3), arrays(frames, N_OBJECT_POINTS, 3), arrays(frames))
    tracks = tuple(draw(st.lists(body | thing, max_size=3)))
    return Clip(draw(st.floats(0.01, 1000.0)), camera, GroundPlane(normal, draw(arrays(3))), tracks)


def small_clip() -> Clip:
    body = BodyTrack("anna", "smpl", "open_human", np.zeros(10), np.tile(np.eye(3), (2, 24, 1, 1)), np.zeros((2, 3)), np.ones((2, 24)))
    camera = Camera(64, 48, 60.0, np.array([32.0, 24.0]), np.tile(np.eye(4), (2, 1, 1)))
    return Clip(12.0, camera, GroundPlane(np.array([0.0, -1.0, 0.0]), np.zeros(3)), (body,))


def assert_same(a: Clip, b: Clip) -> None:
    facts_a, arrays_a = clip_to_arrays(a)
    facts_b, arrays_b = clip_to_arrays(b)
    assert facts_a == facts_b
    for left, right in zip(arrays_a, arrays_b, strict=True):
        assert left.dtype == right.dtype
        assert np.array_equal(left, right)


@relaxed
@given(clips())
def test_files_give_back_every_clip(tmp_path, clip):
    save_clip(tmp_path / "clip.npz", clip)
    assert_same(load_clip(tmp_path / "clip.npz"), clip)


@relaxed
@given(clips())
def test_arrays_give_back_every_clip_through_json(clip):
    facts, parts = clip_to_arrays(clip)
    assert_same(clip_from_arrays(json.loads(json.dumps(facts)), parts), clip)


def test_the_same_clip_makes_the_same_file(tmp_path):
    for name in ("a.npz", "b.npz"):
        save_clip(tmp_path / name, small_clip())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_numpy_reads_the_file_without_pickles(tmp_path):
    save_clip(tmp_path / "clip.npz", small_clip())
    with np.load(tmp_path / "clip.npz", allow_pickle=False) as file:
        assert file["track0.rotations"].shape == (2, 24, 3, 3)


def test_a_failed_save_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "clip.npz"
    save_clip(path, small_clip())
    before = path.read_bytes()
    broken = replace(small_clip(), ground=GroundPlane(np.array([0.0, -1.0, 0.0]), np.full(3, np.nan)))
    with pytest.raises(ClipError, match="finite"):
        save_clip(path, broken)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ClipError, match="cannot be written"):
        save_clip(tmp_path / "nowhere" / "clip.npz", small_clip())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ClipError, match=r"no clip file at .*gone\.npz"):
        load_clip(tmp_path / "gone.npz")
    with pytest.raises(ClipError):
        load_clip(tmp_path)


@relaxed
@given(st.binary(max_size=400))
def test_random_bytes_are_refused(tmp_path, content):
    path = tmp_path / "random.npz"
    path.write_bytes(content)
    with pytest.raises(ClipError):
        load_clip(path)


@relaxed
@given(st.data())
def test_a_damaged_file_never_passes_for_another_clip(tmp_path, data):
    path = tmp_path / "clip.npz"
    save_clip(path, small_clip())
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        clip = load_clip(path)
    except ClipError:
        return
    assert_same(clip, small_clip())  # the damage hit bytes that mean nothing


def write_members(path: Path, **changes: bytes | None) -> None:
    """A clip file with some members replaced by raw bytes, or left out."""
    save_clip(path, small_clip())
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members.update({f"{name}.npy": content for name, content in changes.items() if content is not None})
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            if changes.get(name.removesuffix(".npy"), b"") is not None:
                new.writestr(name, content)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def hostile_members() -> dict[str, bytes]:
    huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999, 999999999999), }"
    objects = np.empty(1, dtype=object)
    objects[0] = Bomb()
    return {
        "a shape that would take all memory": header(huge),
        "pickled objects": npy(objects),
        "a pickle instead of an array": pickle.dumps(Bomb()),
        "fewer bytes than the shape says": npy(np.zeros((2, 3)))[:-8],
        "more bytes than the shape says": npy(np.zeros((2, 3))) + b"x",
        "whole numbers": npy(np.zeros((2, 3), dtype=np.int64)),
        "text": npy(np.array(["a", "b"])),
        "a structured type": npy(np.zeros(2, dtype=[("a", "f4"), ("b", "f4")])),
        "numbers that are not finite": npy(np.full((2, 3), np.nan)),
        "another shape": npy(np.zeros((3, 2))),
        "code in the header": header("__import__('os').system('true')"),
        "a header without end": b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        "nothing": b"",
    }


@pytest.mark.parametrize("what", hostile_members())
def test_hostile_arrays_are_refused(tmp_path, what):
    write_members(tmp_path / "clip.npz", **{"track0.translation": hostile_members()[what]})
    with pytest.raises(ClipError):
        load_clip(tmp_path / "clip.npz")


def facts_with(**changes: object) -> bytes:
    facts = {**clip_to_arrays(small_clip())[0], **changes}
    return npy(np.frombuffer(json.dumps(facts).encode(), np.uint8))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": SCHEMA_VERSION + 1}, {"schema": None}, {"fps": 0}, {"fps": -3.0}, {"fps": "12"}, {"fps": True}, {"fps": 10**400},
        {"fps": float("nan")}, {"fps": float("inf")}, {"width": 0}, {"width": 1.5}, {"width": 10**12}, {"height": True}, {"focal": None},
        {"tracks": None}, {"tracks": {}}, {"tracks": [1]}, {"tracks": []}, {"tracks": [{}] * 300},
        {"tracks": [{"type": "ghost", "track_id": "a"}]}, {"tracks": [{"type": "body", "track_id": 5}]},
        {"tracks": [{"type": "body", "track_id": "x" * 9999, "family": "", "model": ""}]},
    ],
)  # fmt: skip
def test_hostile_facts_are_refused(tmp_path, changes):
    write_members(tmp_path / "clip.npz", **{"clip.json": facts_with(**changes)})
    with pytest.raises(ClipError):
        load_clip(tmp_path / "clip.npz")


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff\xfe", b"[" * 100_000, b"{", b"null", b'"clip"'])
def test_a_description_that_is_none_is_refused(tmp_path, text):
    write_members(tmp_path / "clip.npz", **{"clip.json": npy(np.frombuffer(text, np.uint8))})
    with pytest.raises(ClipError):
        load_clip(tmp_path / "clip.npz")


def test_missing_and_surplus_members_are_refused(tmp_path):
    write_members(tmp_path / "a.npz", **{"ground.normal": None})
    write_members(tmp_path / "b.npz", **{"surplus": npy(np.zeros(3))})
    write_members(tmp_path / "c.npz", **{"clip.json": None})
    for name in ("a.npz", "b.npz", "c.npz"):
        with pytest.raises(ClipError):
            load_clip(tmp_path / name)


def test_more_than_a_gigabyte_is_refused_before_it_is_read(tmp_path):
    size = (1 << 30) // 8 + 1
    write_members(tmp_path / "flood.npz", surplus=header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({size},), }}"))
    with pytest.raises(ClipError, match="beyond"):
        load_clip(tmp_path / "flood.npz")


def test_wrong_numbers_of_arrays_are_refused():
    facts, parts = clip_to_arrays(small_clip())
    with pytest.raises(ClipError, match="arrays"):
        clip_from_arrays(facts, parts[:-1])
    with pytest.raises(ClipError, match="schema"):
        clip_from_arrays([], parts)  # type: ignore[arg-type]


def test_a_clip_of_the_first_schema_is_still_read():
    facts, parts = clip_to_arrays(small_clip())
    assert_same(clip_from_arrays({**facts, "schema": 1}, parts), small_clip())
