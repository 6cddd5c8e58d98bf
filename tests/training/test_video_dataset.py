"""The dataset folder: read from pictures and from the packed copy alike; what is wrong with one is said before training starts."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.__main__ import main
from backend.errors import InputError
from backend.training.video.dataset import ClipFolder
from backend.training.video.examples import Places
from backend.training.video.validate import validate
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import Clip, GroundPlane
from revision_blender.motion.clip_file import save_clip
from tests.training.four_motions import FRAMES, SIDE, write_four


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_four(tmp_path / "data")


def pack(folder: Path) -> None:
    clips, rng = ClipFolder(folder), np.random.default_rng(0)
    read = [clips.clip(index, rng) for index in range(len(clips))]
    (folder / "packed").mkdir()
    np.save(folder / "packed" / "frames.npy", np.stack([clip.frames for clip in read]))
    np.save(folder / "packed" / "labels.npy", np.stack([clip.labels for clip in read]))
    (folder / "packed" / "names.json").write_text(json.dumps(list(clips.names)))


def set_frames(folder: Path, frames: int) -> None:
    facts = json.loads((folder / "dataset.json").read_text()) | {"frames": frames}
    (folder / "dataset.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("frames", [FRAMES, 5])
def test_packed_and_unpacked_clips_are_the_same(folder: Path, frames: int) -> None:
    set_frames(folder, FRAMES)
    pack_source = ClipFolder(folder)
    pack(folder)
    set_frames(folder, frames)
    packed, plain = ClipFolder(folder), pack_source
    plain.facts = packed.facts
    firsts = set()
    for seed in range(12):
        left, right = packed.clip(2, np.random.default_rng(seed)), plain.clip(2, np.random.default_rng(seed))
        assert left.name == right.name == "way_2"
        assert left.frames.shape == (frames, SIDE, SIDE, 3) and np.array_equal(left.frames, right.frames)
        assert left.labels.any() and np.array_equal(left.labels, right.labels)
        firsts.add(int(np.flatnonzero(left.labels[0].any(axis=1))[0]))
    assert (len(firsts) > 1) == (frames < FRAMES)  # a longer clip gives stretches from different places


def test_colours_come_back_as_they_were_written(folder: Path) -> None:
    clip = ClipFolder(folder).clip(0, np.random.default_rng(0))
    assert (clip.frames[0][clip.labels[0] == 4] == (200, 40, 30)).all()


def test_every_clip_once_an_epoch_and_no_process_sees_anothers(tmp_path: Path) -> None:
    def indices(first: int, rank: int, world: int) -> list[list[int]]:
        return [[place.index for place in places] for places in Places(10, 5, 3, first, 8, rank=rank, world=world)]

    alone = [index for places in indices(0, 0, 1) for index in places]
    for epoch in range(4):
        assert sorted(alone[10 * epoch : 10 * epoch + 10]) == list(range(10))
    assert alone[:10] != alone[10:20]
    assert indices(3, 0, 1) == indices(0, 0, 1)[3:]  # resumed
    both = [left + right for left, right in zip(indices(0, 0, 2), indices(0, 1, 2), strict=True)]
    assert all(sorted(step) == list(range(10)) for step in both)


def test_a_good_dataset_has_nothing_to_mend(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack(folder)
    assert main(["train", "validate", str(folder)]) == 0
    assert "4 clips, 32 frames: nothing to mend" in capsys.readouterr().out
    assert main(["train", "validate", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"clips": 4, "frames": 32, "empty": 0, "packed": True, "findings": []}


def remove_a_frame(clip: Path) -> None:
    (clip / "frames" / "00003.png").unlink()


def another_size(clip: Path) -> None:
    cv2.imwrite(str(clip / "frames" / "00002.png"), np.zeros((SIDE, SIDE + 8, 3), np.uint8))


def gray_frames(clip: Path) -> None:
    cv2.imwrite(str(clip / "frames" / "00002.png"), np.zeros((SIDE, SIDE), np.uint8))


def no_labels(clip: Path) -> None:
    (clip / "labels" / "00005.png").unlink()


def unknown_label(clip: Path) -> None:
    cv2.imwrite(str(clip / "labels" / "00001.png"), np.full((SIDE, SIDE), 200, np.uint8))


def cut_off(clip: Path) -> None:
    file = clip / "frames" / "00001.png"
    file.write_bytes(file.read_bytes()[:40])


def other_motion(clip: Path) -> None:
    save_clip(clip / "clip.npz", Clip(12.0, static_camera(SIDE, 32, 50.0, 3), GroundPlane(np.array([0.0, -1.0, 0.0]), np.zeros(3)), ()))


def empty_caption(clip: Path) -> None:
    (clip / "caption.txt").write_text(" \n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_a_frame, "3 frames numbered"),
        (another_size, "00002.png"),
        (gray_frames, "8-bit RGB"),
        (no_labels, "00005.png is missing"),
        (unknown_label, "label 200 in frame 1"),
        (cut_off, "00001.png is missing or no picture"),
        (other_motion, "clip.npz has 3 frames"),
        (other_motion, "12 frames a second"),
        (other_motion, "48 x 32 px"),
        (empty_caption, "caption.txt is empty"),
    ],
)
def test_what_is_wrong_with_a_clip_is_named_with_the_clip(folder: Path, damage, words: str) -> None:
    damage(folder / "clips" / "way_1")
    findings = validate(folder).findings
    assert {finding.where for finding in findings} == {"way_1"}
    assert any(words in finding.words for finding in findings), findings


def test_a_packed_copy_that_does_not_match_is_found(folder: Path) -> None:
    pack(folder)
    names = folder / "packed" / "names.json"
    names.write_text(json.dumps(["a", "b", "c", "d"]))
    assert "under other names" in validate(folder).findings[0].words
    names.write_text(json.dumps(["a"]))
    with pytest.raises(InputError, match="pack the dataset again"):
        ClipFolder(folder)
    frames = folder / "packed" / "frames.npy"
    frames.write_bytes(frames.read_bytes()[:1000])
    assert "frames.npy cannot be read" in validate(folder).findings[0].words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"version": 2}, "version 1"),
        ({"fps": 0}, "fps is 0"),
        ({"fps": True}, "fps is True"),
        ({"size": [64]}, "size is"),
        ({"size": [64, 1.5]}, "size is"),
        ({"frames": 1}, "frames is 1"),
    ],
)
def test_facts_out_of_range_are_named(folder: Path, values: dict, words: str) -> None:
    file = folder / "dataset.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    with pytest.raises(InputError, match=words.replace("[", r"\[")):
        ClipFolder(folder)


def test_a_clip_that_is_too_short_and_a_folder_without_clips_are_refused(folder: Path, tmp_path: Path) -> None:
    set_frames(folder, FRAMES + 1)
    with pytest.raises(InputError, match="8 frames; 9 are needed"):
        ClipFolder(folder).clip(0, np.random.default_rng(0))
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "dataset.json").write_text((folder / "dataset.json").read_text())
    with pytest.raises(InputError, match="holds no clips"):
        ClipFolder(tmp_path / "none")
    with pytest.raises(InputError, match=r"dataset.json cannot be read"):
        ClipFolder(tmp_path)
