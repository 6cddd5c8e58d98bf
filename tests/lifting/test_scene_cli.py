"""``python -m backend lift``: a video and a list of subjects in, a clip, a report and a picture of it out."""

import json
from dataclasses import replace

import numpy as np
import pytest

from backend.__main__ import main
from backend.video_file import write_video
from revision_blender.motion.clip_file import load_clip
from revision_blender.motion.subjects import Prompt, prompts_to_json

FRAMES = 4


@pytest.fixture
def case(tmp_path):
    """A ball that rolls over a plain floor, and what a user shows of it."""
    frames = np.full((FRAMES, 180, 320, 3), 105, np.uint8)
    rows, columns = np.mgrid[:180, :320]
    for index, frame in enumerate(frames):
        frame[(rows - 120) ** 2 + (columns - 80 - 12 * index) ** 2 < 20**2] = (220, 50, 30)
    write_video(tmp_path / "ball.mp4", frames, 12.0)
    prompt = Prompt("ball", "object", 0, (58.0, 98.0, 102.0, 142.0), (), "ball")
    (tmp_path / "boxes.json").write_text(prompts_to_json((prompt,)), encoding="utf-8")
    return tmp_path


def _words(case, *more: str) -> list[str]:
    return [
        "lift",
        str(case / "ball.mp4"),
        "--out",
        str(case / "clip.npz"),
        "--frames",
        str(FRAMES),
        "--prompts",
        str(case / "boxes.json"),
        *more,
    ]


def test_a_ball_becomes_a_clip_a_report_and_an_overlay(case, capsys):
    assert main(_words(case, "--json", str(case / "report.json"), "--overlay", str(case / "over.mp4"))) == 0
    clip = load_clip(case / "clip.npz")
    assert [track.track_id for track in clip.tracks] == ["ball"] and (clip.camera.width, clip.camera.height) == (320, 180)
    centers = clip.camera.project(clip.tracks[0].points[:, -1:])[0][:, 0]
    assert np.abs(centers - [[80.5 + 12 * index, 120.5] for index in range(FRAMES)]).max() < 4.0
    report = json.loads((case / "report.json").read_text(encoding="utf-8"))
    (track,) = report["tracks"]
    assert track["name"] == "ball" and track["kind"] == "object" and track["frames_seen"] == track["frames"] == FRAMES
    assert track["silhouette_iou"] > 0.85 and 0.0 < track["confidence"] <= 1.0 and track["landmark_error"] is None
    assert report["shots"] == [0] and report["fps"] == 12.0 and any("guessed" in note for note in report["notes"])
    assert report["camera"]["focal_from"] == "assumed" and report["camera"]["focal_spread"] is None
    assert (case / "over.mp4").stat().st_size > 500
    said = capsys.readouterr().out
    assert "ball: object, seen on 4 of 4 frames" in said and f"focal length: {np.hypot(320, 180):.0f} pixels are assumed" in said


def test_the_report_can_go_to_the_terminal_alone(case, capsys):
    assert main(_words(case, "--json", "-", "--no-people")) == 0
    assert json.loads(capsys.readouterr().out)["tracks"][0]["name"] == "ball"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"video": "none.mp4"}, "There is no file"),
        ({"out": "clip.txt"}, "has to end in .npz"),
        ({"out": "nowhere/clip.npz"}, "There is no folder"),
        ({"prompts": "none.json"}, "cannot be read"),
        ({"frames": "400"}, "ends after 4"),
        ({"provider": "people=nobody"}, "no provider 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_nothing_is_written(case, capsys, change, words):
    video, out, prompts = (
        str(case / change.get(name, usual)) for name, usual in (("video", "ball.mp4"), ("out", "clip.npz"), ("prompts", "boxes.json"))
    )
    arguments = ["lift", video, "--out", out, "--prompts", prompts, "--frames", change.get("frames", "4")]
    before = sorted(case.iterdir())
    assert main([*arguments, *(["--provider", change["provider"]] if "provider" in change else [])]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if words in line]
    assert len(said) == 1 and sorted(case.iterdir()) == before


def test_files_that_are_there_are_kept_unless_told_otherwise(case, capsys):
    (case / "clip.npz").write_bytes(b"mine")
    assert main(_words(case)) == 1 and (case / "clip.npz").read_bytes() == b"mine"
    assert "--force" in capsys.readouterr().err
    assert main(_words(case, "--force")) == 0 and load_clip(case / "clip.npz").n_frames == FRAMES


def test_what_is_no_list_of_subjects_is_refused(case, capsys):
    for text in ("{", '[{"name": "x"}]', "\udcff"):
        (case / "boxes.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        assert main(_words(case)) == 1 and capsys.readouterr().err.strip()


def test_a_large_video_is_answered_in_its_own_pixels(case):
    frames = np.full((2, 1080, 1920, 3), 105, np.uint8)
    frames[:, 500:700, 600:800] = (220, 50, 30)
    write_video(case / "ball.mp4", frames, 12.0)
    prompt = Prompt("ball", "object", 0, (590.0, 490.0, 810.0, 710.0), (), "box")
    (case / "boxes.json").write_text(prompts_to_json((replace(prompt, name="box"),)), encoding="utf-8")
    arguments = ["lift", str(case / "ball.mp4"), "--out", str(case / "clip.npz"), "--frames", "2", "--focal", "1500", "--no-people"]
    assert main([*arguments, "--prompts", str(case / "boxes.json"), "--json", str(case / "report.json")]) == 0
    assert json.loads((case / "report.json").read_text(encoding="utf-8"))["camera"]["focal_from"] == "given"
    clip = load_clip(case / "clip.npz")
    assert (clip.camera.width, clip.camera.height) == (1920, 1080) and clip.camera.focal == pytest.approx(1500.0)
    assert np.abs(clip.camera.project(clip.tracks[0].points[:, -1:])[0][:, 0] - [700.0, 600.0]).max() < 12.0
