"""``python -m backend motion``: says what is in files, converts them, and never writes over anything unasked."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backend.__main__ import main
from revision_blender.motion.clip_file import load_clip
from revision_blender.motion.clip_resample import clip_at
from revision_blender.motion.files.reading import read_motion
from revision_blender.motion.rotation import angle_between
from tests.motion.files_samples import NO_BODIES, PhalpVideo, facing, joblib_file, npz, phalp_camera, smplh_members, stageii_members

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("REVISION_HOME", str(tmp_path / "home"))


def two_people(path: Path) -> Path:
    video = PhalpVideo(4)
    for number in range(4):
        for tid in (3, 5):
            video.add(number, tid, facing(4, tid)[number], phalp_camera(np.array([100.0 * tid, 180.0]), 60.0, 640, 360))
    return joblib_file(path, video.content())


def run(*words: object) -> int:
    return main(["motion", *(str(word) for word in words)])


def test_info_for_people(tmp_path, capsys):
    assert run("info", npz(tmp_path / "a.npz", smplh_members())) == 0
    assert (
        capsys.readouterr()
        .out.strip()
        .endswith("a.npz: AMASS, 6 frames at 120 frames a second, smplh, no camera\n  person 1: 6 frames from frame 0")
    )
    assert run("info", two_people(tmp_path / "b.pkl")) == 0
    assert "(the file names no rate)" in capsys.readouterr().out


def test_info_for_machines(tmp_path, capsys):
    two_people(tmp_path / "b.pkl")
    npz(tmp_path / "a.npz", smplh_members())
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    assert run("info", "--json", tmp_path / "*.*") == 1
    found = capsys.readouterr()
    rows = {Path(row["file"]).name: row for row in map(json.loads, found.out.splitlines())}
    assert set(rows) == {"a.npz", "b.pkl", "broken.npz"}
    assert [person["track_id"] for person in rows["b.pkl"]["people"]] == ["person 3", "person 5"] and rows["b.pkl"]["fps"] is None
    assert rows["a.npz"]["fps"] == 120.0 and "error" in rows["broken.npz"] and "broken.npz" in found.err


@pytest.mark.parametrize(("out", "more"), [("b.npz", ()), ("b.npz", ("--format", "amass"))])
def test_convert_and_back(tmp_path, out, more, capsys):
    path = npz(tmp_path / "a.npz", stageii_members())
    assert run("convert", path, tmp_path / out, *more) == 0
    assert f"wrote {tmp_path / out}: 6 frames at 60 frames a second" in capsys.readouterr().out
    before, after = (read_motion(file, NO_BODIES).clip for file in (path, tmp_path / out))
    assert angle_between(before.bodies[0].rotations, after.bodies[0].rotations).max() < 1e-6
    assert np.array_equal(before.bodies[0].translation, after.bodies[0].translation) and before.fps == after.fps


def test_bvh_goes_out_and_in(tmp_path, capsys):
    path = npz(tmp_path / "a.npz", smplh_members(poses=np.zeros((6, 72)), gender=np.array("neutral")))
    assert run("convert", path, tmp_path / "b.bvh", "--json") == 0
    assert json.loads(capsys.readouterr().out)["written"] == [str(tmp_path / "b.bvh")]
    assert run("info", tmp_path / "b.bvh") == 0 and "BVH, 6 frames at 120 frames a second" in capsys.readouterr().out


def test_nothing_is_written_over(tmp_path, capsys):
    path = npz(tmp_path / "a.npz", smplh_members())
    (tmp_path / "b.npz").write_text("mine")
    assert run("convert", path, tmp_path / "b.npz") == 1
    assert "is there already" in capsys.readouterr().err and (tmp_path / "b.npz").read_text() == "mine"
    assert run("convert", path, tmp_path / "b.npz", "--force") == 0 and load_clip(tmp_path / "b.npz").n_frames == 6
    assert run("convert", path, path, "--force") == 1 and "replace the file that it is made from" in capsys.readouterr().err


def test_several_people_become_several_files_of_one_body_each(tmp_path, capsys):
    path = two_people(tmp_path / "b.pkl")
    assert run("convert", path, tmp_path / "out.npz", "--format", "amass", "--json", "--source-fps", "25") == 0
    facts = json.loads(capsys.readouterr().out)
    assert [Path(name).name for name in facts["written"]] == ["out_person_3.npz", "out_person_5.npz"] and facts["fps"] == 25.0
    assert run("convert", path, tmp_path / "one.npz", "--format", "amass", "--person", "person 5") == 0
    assert (tmp_path / "one.npz").is_file()
    assert run("convert", path, tmp_path / "clip.npz") == 0 and len(load_clip(tmp_path / "clip.npz").bodies) == 2
    assert run("convert", path, tmp_path / "none.npz", "--person", "bob") == 1 and "nobody called 'bob'" in capsys.readouterr().err


def test_a_folder_of_files(tmp_path, capsys):
    for name in ("a", "b", "c"):
        npz(tmp_path / f"{name}.npz", smplh_members())
    (tmp_path / "d.npz").write_bytes(b"nothing")
    assert run("convert", tmp_path / "*.npz", tmp_path / "out") == 1
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.npz", "b.npz", "c.npz"]
    assert "d.npz" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    npz(tmp_path / "other" / "a.npz", smplh_members())
    assert run("convert", tmp_path / "a.npz", tmp_path / "other" / "a.npz", tmp_path / "out2") == 1
    assert "would both be written" in capsys.readouterr().err and not (tmp_path / "out2").exists()


@pytest.mark.parametrize("fps", [30.0, 24.0, 240.0, 59.94])
def test_another_rate_keeps_the_seconds(tmp_path, fps):
    path = npz(tmp_path / "a.npz", smplh_members(121))
    assert run("convert", path, tmp_path / "b.npz", "--fps", fps) == 0
    before, after = read_motion(path, NO_BODIES).clip, load_clip(tmp_path / "b.npz")
    assert after.fps == fps and abs((after.n_frames - 1) / fps - 1.0) <= 1.0 / fps
    assert np.allclose(before.bodies[0].translation[0], after.bodies[0].translation[0])
    shared = after.n_frames - 1 if fps == 30.0 else 0
    assert angle_between(before.bodies[0].rotations[shared * 4], after.bodies[0].rotations[shared]).max() < 1e-6
    assert clip_at(before, before.fps) is before


def test_what_is_wrong_is_said_in_one_sentence(tmp_path, capsys):
    path = npz(tmp_path / "a.npz", smplh_members())
    for words in (
        ("info", tmp_path / "gone.npz"),
        ("info", tmp_path / "*.bvh"),
        ("convert", path, tmp_path / "b.txt"),
        ("convert", path, tmp_path / "b.bvh", "--format", "amass"),
        ("convert", path, tmp_path / "no" / "b.npz"),
    ):
        assert run(*words) == 1
        said = capsys.readouterr()
        assert len(said.err.strip().splitlines()) == 1 and not said.out
    for words in (("convert", path, "b.npz", "--fps", "-1"), ("convert", path, "b.npz", "--size", "big"), ("convert", path)):
        with pytest.raises(SystemExit, match="2"):
            run(*words)
        capsys.readouterr()


def test_it_is_a_command_of_the_backend(tmp_path):
    path = npz(tmp_path / "a.npz", smplh_members())
    done = subprocess.run(
        [sys.executable, "-m", "backend", "motion", "info", "--json", str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["format"] == "AMASS" and "torch" not in done.stderr
