"""A folder of frames is whole or not there, and nothing is overwritten."""

import numpy as np
import pytest

from revision_blender.wire import collect
from revision_blender.wire.codec import content_of_result
from revision_blender.wire.errors import WireError
from revision_blender.wire.png import read_png
from revision_blender.wire.requests import MasksResult, VideoResult

VIDEO = np.random.default_rng(0).integers(0, 256, (3, 6, 5, 3), np.uint8)
CONTENT = content_of_result("coarse", VideoResult(VIDEO, 12.0))


def test_frames_are_written_in_order(tmp_path):
    found = collect.collected("job", CONTENT, tmp_path / "clips" / "coarse")
    assert [path.name for path in found.files] == ["frame_0000.png", "frame_0001.png", "frame_0002.png"] and found.kind == "coarse"
    assert np.array_equal(np.stack([read_png(path) for path in found.files]), VIDEO)
    assert [path.name for path in (tmp_path / "clips").iterdir()] == ["coarse"]


def test_collecting_again_uses_what_is_there(tmp_path):
    first = collect.collected("job", CONTENT, tmp_path / "coarse").files
    when = first[0].stat().st_mtime_ns
    assert collect.collected("job", CONTENT, tmp_path / "coarse").files == first and first[0].stat().st_mtime_ns == when


def test_another_folder_of_that_name_is_left_alone(tmp_path):
    first = collect.collected("one", CONTENT, tmp_path / "coarse").files
    second = collect.collected("two", CONTENT, tmp_path / "coarse").files
    assert first[0].parent.name == "coarse" and second[0].parent.name == "coarse-2"


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "coarse").mkdir()
    assert collect.collected("one", CONTENT, tmp_path / "coarse").files[0].parent.name == "coarse"


def test_no_folder_and_no_video_write_nothing(tmp_path):
    maps = np.zeros((1, 2, 2), np.uint8)
    assert collect.collected("job", CONTENT, None).files == ()
    assert collect.collected("job", content_of_result("masks", MasksResult(maps, maps)), tmp_path / "masks").files == ()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    written = []

    def fails_at_the_second(path, picture):
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)
        path.write_bytes(b"x")

    monkeypatch.setattr(collect, "write_png", fails_at_the_second)
    with pytest.raises(WireError, match="No space left on device"):
        collect.collected("job", CONTENT, tmp_path / "coarse")
    assert list(tmp_path.iterdir()) == []
