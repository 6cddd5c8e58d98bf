"""ASF/AMC: the database's own files agree with its BVH conversions; what is damaged is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.acclaim import CMU_FPS, capture_of, matches, parse_amc, read, skeleton_beside, summary
from revision_blender.motion.files.asf import parse_asf
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.retargeting.capture import Capture
from revision_blender.motion.retargeting.match import leg_length, roles_of
from revision_blender.motion.retargeting.measures import directions, frames_beyond
from revision_blender.motion.retargeting.retarget import retarget
from revision_blender.motion.rotation import angle_between
from tests.motion.captures import SHELF, archived, archived_text, body, cmu

ASF = """# a leg
:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name thigh
     direction 0 -1 0
     length 8
     axis 0 0 20 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 inf)
  end
  begin
     id 2
     name shin
     direction 0 -1 0
     length 7
     axis 0 90 0 XYZ
    dof rx
    limits (-10.0 170.0)
  end
:hierarchy
  begin
    root thigh
    thigh shin
  end
"""
AMC = """#!OML:ASF somewhere
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
thigh 0 0 0
shin 0
2
root 1 2 3 0 90 0
thigh 0 0 -9e1
shin 30
"""
_JOINTS = {
    "Hips": "root", "LFemur": "lfemur", "LTibia": "ltibia", "RFoot": "rfoot", "LToes": "ltoes", "Thorax": "thorax", "Head": "head",
    "LHumerus": "lhumerus", "RRadius": "rradius", "RHand": "rhand", "LFingers": "lfingers", "RThumb": "rthumb",
}  # fmt: skip


def leg(asf: str = ASF, amc: str = AMC) -> Capture:
    skeleton = parse_asf(asf)
    return capture_of(skeleton, *parse_amc(amc, skeleton), CMU_FPS)


def test_a_small_skeleton_is_read() -> None:
    capture = leg()
    assert capture.names == ("root", "thigh", "shin", "shin End Site")
    np.testing.assert_allclose(capture.places[0], [[1, 2, 3], [1, 2, 3], [1, -6, 3], [1, -13, 3]], atol=1e-12)
    # the root a quarter turn about y, then the thigh a quarter turn back about its own z (which is the world's): down becomes -x, then +z
    np.testing.assert_allclose(capture.places[1, 2] - capture.places[1, 1], [0, 0, 8], atol=1e-12)
    skeleton = parse_asf(ASF)
    assert skeleton.metres == pytest.approx(0.0254 / 0.45)
    assert skeleton.bones[0].limits == ((-160.0, 20.0), (-70.0, 70.0), (-60.0, 1e6))
    bent = np.degrees(angle_between(capture.rotations[1, 1], capture.rotations[1, 2]))
    assert bent == pytest.approx(30.0)


def amc_02(number: int) -> tuple[Capture, float]:
    skeleton = parse_asf(archived_text("cmu_amc_02.tar.xz", "02.asf"))
    values = parse_amc(archived_text("cmu_amc_02.tar.xz", f"02_{number:02d}.amc"), skeleton)
    return capture_of(skeleton, *values, CMU_FPS).in_unit(skeleton.metres), skeleton.metres


def test_the_same_take_as_its_conversion() -> None:
    """02_01.amc and walking_1.bvh are one take; the conversion has another skeleton, so that places differ by its lengths."""
    ours, _ = amc_02(1)
    theirs = cmu("walking_1")
    assert ours.n_frames == theirs.n_frames
    for bvh, asf in _JOINTS.items():
        a, b = theirs.rotations[:, theirs.names.index(bvh)], ours.rotations[:, ours.names.index(asf)]
        assert np.degrees(angle_between(a, b)).max() < 1.0, asf  # the conversion turned the whole take by half a degree
        by_itself = angle_between(np.swapaxes(theirs.rotations[:, 0], -1, -2) @ a, np.swapaxes(ours.rotations[:, 0], -1, -2) @ b)
        assert np.degrees(by_itself).max() < 0.01, asf
    for bvh, asf, most in (("Hips", "root", 1e-3), ("LTibia", "ltibia", 0.01), ("RFoot", "rfoot", 0.015), ("Thorax", "thorax", 0.005)):
        apart = np.linalg.norm(theirs.places[:, theirs.names.index(bvh)] - ours.places[:, ours.names.index(asf)], axis=-1)
        assert apart.max() < most, asf


@pytest.mark.parametrize("number", [1, 4, 10])
def test_the_databases_files_on_the_body(number: int) -> None:
    capture, _ = amc_02(number)
    roles = roles_of(capture)
    assert roles.by_name
    assert 0.7 < leg_length(capture, roles) < 1.0
    moved = retarget(capture, roles, body())
    found = directions(capture, roles, moved, body())
    assert found.mean() < 2.0
    assert max(row.mean() for row in found.limbs.values()) < 0.5
    assert not frames_beyond("smpl", moved.rotations).any()


def test_a_file_as_a_clip(tmp_path: Path) -> None:
    for name in ("02.asf", "02_03.amc"):
        (tmp_path / name).write_bytes(archived("cmu_amc_02.tar.xz", name))
    path = tmp_path / "02_03.amc"
    found = read(path, SHELF, ReadOptions(clean_contacts=True))
    assert found.clip.fps == 120.0
    assert found.clip.n_frames == summary(path).n_frames == 173
    assert found.sources == (path, tmp_path / "02.asf")
    assert any("120 frames a second" in note for note in found.notes)
    assert read(path, SHELF, ReadOptions(fps=60.0)).clip.fps == 60.0


def test_its_skeleton_has_to_be_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "07_01.amc"
    path.write_text(AMC)
    with pytest.raises(MotionFileError, match="needs its skeleton"):
        skeleton_beside(path)
    (tmp_path / "other.ASF").write_text(ASF)
    assert skeleton_beside(path).name == "other.ASF"
    (tmp_path / "07.asf").write_text(ASF)
    assert skeleton_beside(path).name == "07.asf"
    with pytest.raises(MotionFileError, match="skeleton without motion"):
        skeleton_beside(tmp_path / "07.asf")
    assert matches(path, AMC.encode())
    assert matches(tmp_path / "plain.txt", AMC.encode())
    assert not matches(tmp_path / "plain.txt", b"1\nroot 0")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (":bonedata", ":bones", "no part ':bonedata'"),
        (":hierarchy", ":tree", "no part ':hierarchy'"),
        ("length 8", "length -8", "a direction and a length"),
        ("length 8", "length nan", "sensible"),
        ("length 8", "length", "1 are needed"),
        ("direction 0 -1 0", "direction 0 0 0", "a direction and a length"),
        ("axis 0 0 20 XYZ", "axis 0 0 20 XXZ", "order of X, Y and Z"),
        ("dof rx ry rz", "dof rx ry rw", "are known"),
        ("(-70.0 70.0)", "", "limits; 6 are needed"),
        ("thigh shin", "shin thigh", "goes in a circle"),
        ("thigh shin", "thigh chin", "is no bone"),
        ("name shin", "name", "without a name"),
        ("length 0.45", "length 0", "must be positive"),
        ("order TX TY TZ RX RY RZ", "order TX TX", "at most once"),
    ],
)
def test_damaged_skeletons_are_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(MotionFileError, match=words):
        leg(ASF.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("shin 30", "shin", "cut off|values"),
        ("shin 30", "chin 30", "other bones"),
        ("shin 30\n", "", "cut off"),
        ("shin 30", "shin 30 4", "many more|holds 2[0-9] values"),
        ("\n2\n", "\n7\n", "one after another"),
        ("shin 30", "shin thirty", "not a number"),
        ("shin 30", "shin inf", "not finite"),
        ("shin 0\n", "shin 0 0\n", "2 values where its skeleton has 1"),
        ("shin 0\n", "fin 0\n", "belongs to another ASF"),
        ("root 1 2 3 0 0 0\n", "", "does not move the root"),
        ("1\nroot", "one\nroot", "no frame 1"),
        ("2\nroot", "2\nroot 1 2 3 0 0 0\nroot", "other bones"),
    ],
)
def test_damaged_motions_are_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(MotionFileError, match=words):
        leg(amc=AMC.replace(old, new, 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":bonedata\n:hierarchy",
        "begin\n" * 100000,
        ":bonedata\n" + "begin\nend\n" * 2000,
        "x" * 2**20,
        ":units\nlength\n:bonedata\n:hierarchy\nroot a",
    ],
)
def test_no_skeleton_is_refused(text: str) -> None:
    with pytest.raises(MotionFileError):
        leg(text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    texts = [ASF.split("\n"), AMC.split("\n")]
    lines = data.draw(st.sampled_from(texts))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        words = lines[at].split() or [""]
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(
            st.sampled_from(["", "nan", "1e400", "-7", "²", "(", "root", "end", ":x", "#"]) | st.text(max_size=4)
        )
        lines[at] = " ".join(words)
    try:
        capture = leg("\n".join(texts[0]), "\n".join(texts[1]))
    except MotionFileError as refusal:
        assert str(refusal)
        return
    assert np.isfinite(capture.rotations).all() and np.isfinite(capture.places).all()
