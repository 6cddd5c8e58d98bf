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
        ("Frames: 2", "Frames: 3", "cut off"),
        ("Frames: 2", "Frames: 1", "holds 18 values; 1 frames of 9 channels need 9"),
        ("Frames: 2", "Frames: 4000", "cut off"),
        ("Frames: 2", "Frames: 1000000000", "frame count"),
        ("Frames: 2", "Frames: 0", "at least one"),
        ("Frames: 2", "Frames: -2", "frame count"),
        ("Frame Time: 0.0333333", "Frame Time: nan", "sensible"),
        ("MOTION", "MOTLEY", "cut off or damaged"),
        ("End Site", "End of the line and of everything that is in this file", "should stand"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "0.0001"),
        ("90 0 0  0 0 90", "90 0 0  0 0 inf", "not finite"),
        ("90 0 0  0 0 90", "90 0 0  0 0 ninety", "not a number"),
        ("JOINT Knee", "JUNK Knee", "should stand"),
    ],
)
def test_damage_is_refused_with_a_sentence(old: str, new: str, words: str) -> None:
    with pytest.raises(MotionFileError, match=words):
        parse_bvh(TEXT.replace(old, new, 1))


def test_depth_cannot_exhaust_the_stack() -> None:
    deep = "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 0 " + "".join(f"JOINT j{k} {{ OFFSET 0 0 0 CHANNELS 0 " for k in range(5000))
    deep += " MOTION Frames: 1 Frame Time: 1 0"
    with pytest.raises(MotionFileError, match="more than 1024 joints"):
        parse_bvh(deep)


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionFileError, match="cannot be read"):
        read_bvh(tmp_path / "missing.bvh")
    picture = tmp_path / "picture.bvh"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(MotionFileError, match="not a text file"):
        read_bvh(picture)


ODD = """\ufeffhierarchy
root  Bip01 Pelvis{offset 0 0 0
  CHANNELS 6 Zrotation XROTATION yrotation Yposition Xposition Zposition
  JOINT Bip01 L Thigh { CHANNELS 1 Xrotation
    OFFSET 1 0 0
    JOINT Site {OFFSET 0 -1 0 CHANNELS 0 EndSite{ OFFSET 0 -1 0 }}}
  JOINT Site { OFFSET -1 0 0 CHANNELS 3 Xrotation Yrotation Zrotation End Site the toe { OFFSET 0 -1 0 } }
}
ROOT Prop { OFFSET 0 0 0 CHANNELS 3 Xposition Yposition Zposition }
Motion
Frames : 1
Frame Time:.04
90\t0 0 2 1 3 0
0 0 0 7 8 9
"""


def test_odd_spelling_is_read() -> None:
    bvh = parse_bvh(ODD.removeprefix("\ufeff").replace("\n", "\r\n"))
    assert bvh.names == ("Bip01 Pelvis", "Bip01 L Thigh", "Site", "Site End Site", "Site.2", "Site.2 End Site", "Prop")
    assert bvh.parents.tolist() == [-1, 0, 1, 2, 0, 4, -1]
    assert bvh.fps == 25.0
    _, places = world_motion(bvh)
    np.testing.assert_allclose(places[0], [[1, 2, 3], [1, 3, 3], [2, 3, 3], [3, 3, 3], [1, 1, 3], [2, 1, 3], [7, 8, 9]], atol=1e-12)


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "odd.bvh").write_text(ODD, encoding="utf-8")
    assert read_bvh(tmp_path / "odd.bvh").names[0] == "Bip01 Pelvis"


@pytest.mark.parametrize(("frame_time", "fps"), [("0.0083333", 120.0), ("0.0333333", 30.0), ("0.033367", 29.97), ("0.01", 100.0)])
def test_short_frame_times_mean_whole_rates(frame_time: str, fps: float) -> None:
    assert parse_bvh(TEXT.replace("0.0333333", frame_time)).fps == pytest.approx(fps, rel=1e-6 if fps % 1 == 0 else 1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "HIERARCHY " + "x" * 2**20,
        "HIERARCHY ROOT " + "x " * 2**18 + "MOTION Frames: 1 Frame Time: 1 0",
        "HIERARCHY ROOT " + "x" * (3 * 2**20) + " { OFFSET 0 0 0 } MOTION Frames: 1 Frame Time: 1 0",
        "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 0 } " * 2**15 + "MOTION Frames: 1 Frame Time: 1 0",
        TEXT[:-30] + "9" * 2**20,
        TEXT.replace("Frames: 2", "Frames: " + "9" * 2**20),
        TEXT.replace("Frame Time: 0.0333333", "Frame Time: " + "1" * 2**20),
        "MOTION " * 2**17,
        "HIERARCHY MOTION" + " " * 2**20 + "Frames",
        "",
        "\0" * 100,
    ],
)
def test_huge_words_and_endless_lists_are_refused(text: str) -> None:
    with pytest.raises(MotionFileError) as refused:
        parse_bvh(text)
    assert len(str(refused.value)) < 400


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
    words = data.draw(st.sampled_from([TEXT, ODD])).split()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(words) - 1))
        replacement = st.sampled_from([*sorted(set(words)), "", "nan", "1e400", "-7", "²", "1_0", "{ {", "} }"]) | st.text(max_size=5)
        words[at] = data.draw(replacement)
    _parses_or_refuses(" ".join(words))
