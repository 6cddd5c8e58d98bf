"""The BVH reader: what it reads is right, what it cannot read it refuses in a sentence."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.bvh import Bvh, local_motion, parse_bvh, read_bvh, world_motion

TEXT = """HIERARCHY
ROOT Hips
{
    OFFSET 0 0 0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
    JOINT Knee
    {
        OFFSET 0 -1 0
        CHANNELS 3 Zrotation Yrotation Xrotation
        End Site
        {
            OFFSET 0 -1 0.5
        }
    }
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 2 0 0 0 0  0 0 0
1 2 3 90 0 0  0 0 90
"""


def test_skeleton_and_values() -> None:
    bvh = parse_bvh(TEXT)
    assert bvh.names == ("Hips", "Knee", "Knee End Site")
    assert bvh.parents.tolist() == [-1, 0, 1]
    assert bvh.values.shape == (2, 9)
    assert bvh.joint("Knee") == 1
    assert bvh.fps == pytest.approx(30.0, rel=1e-4)


def test_world_places_follow_the_channels() -> None:
    _, places = world_motion(parse_bvh(TEXT))
    np.testing.assert_allclose(places[0], [[0, 2, 0], [0, 1, 0], [0, 0, 0.5]], atol=1e-12)
    # the root turned +90 degrees about z: its -y points along +x; then the knee turns +90 degrees about its own x
    np.testing.assert_allclose(places[1], [[1, 2, 3], [2, 2, 3], [2.5, 2, 2]], atol=1e-12)


def test_rotations_are_rotations() -> None:
    rotations, _ = local_motion(parse_bvh(TEXT))
    np.testing.assert_allclose(rotations @ np.swapaxes(rotations, -1, -2), np.broadcast_to(np.eye(3), rotations.shape), atol=1e-12)


def test_an_unknown_joint_is_named() -> None:
    with pytest.raises(MotionFileError, match="no joint 'Tail'"):
        parse_bvh(TEXT).joint("Tail")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("HIERARCHY", "BINARY", "damaged or not BVH"),
        ("CHANNELS 3", "CHANNELS 99999999999999999999", "whole number up to 6"),
        ("CHANNELS 3", "CHANNELS -1", "whole number"),
        ("OFFSET 0 -1 0\n", "OFFSET 0 nan 0\n", "sensible"),
        ("OFFSET 0 -1 0\n", "OFFSET 0 x 0\n", "number is needed"),
        ("Zrotation Yrotation Xrotation\n        End", "Wrotation Yrotation Xrotation\n        End", "Wrotation"),
        ("Zrotation Yrotation Xrotation\n        End", "Zrotation Zrotation Xrotation\n        End", "twice"),
        ("Frames: 2", "Frames: 999999999", "frame count"),
        ("Frames: 2", "Frames: 3", "need 27"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "0.0001"),
        ("90 0 0  0 0 90", "90 0 0  0 0 inf", "not finite"),
        ("90 0 0  0 0 90", "90 0 0  0 0 ninety", "not a number"),
        ("JOINT Knee", "JOINT Hips", "two joints alike"),
        ("JOINT Knee", "JUNK Knee", "should stand"),
    ],
)
def test_damage_is_refused_with_a_sentence(old: str, new: str, words: str) -> None:
    with pytest.raises(MotionFileError, match=words):
        parse_bvh(TEXT.replace(old, new, 1))


def test_depth_cannot_exhaust_the_stack() -> None:
    deep = "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 0 " + "".join(f"JOINT j{k} {{ OFFSET 0 0 0 CHANNELS 0 " for k in range(5000))
    with pytest.raises(MotionFileError, match="more than 1024 joints"):
        parse_bvh(deep)


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionFileError, match="cannot be read"):
        read_bvh(tmp_path / "missing.bvh")
    picture = tmp_path / "picture.bvh"
    picture.write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(MotionFileError, match="not a text file"):
        read_bvh(picture)


def _parses_or_refuses(text: str) -> None:
    try:
        bvh = parse_bvh(text)
    except MotionFileError as error:
        assert str(error)
        return
    assert isinstance(bvh, Bvh)
    rotations, places = world_motion(bvh)
    assert np.isfinite(rotations).all() and np.isfinite(places).all()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_parses_or_is_refused(text: str) -> None:
    _parses_or_refuses(text)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_parses_or_is_refused(data: st.DataObject) -> None:
    words = TEXT.split()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(words) - 1))
        replacement = st.sampled_from([*sorted(set(words)), "", "nan", "1e400", "-7", "²", "1_0", "{ {", "} }"]) | st.text(max_size=5)
        words[at] = data.draw(replacement)
    _parses_or_refuses(" ".join(words))
