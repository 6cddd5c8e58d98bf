"""The backend's copy holds what the backend needs, is named after its content, and goes when nobody uses it."""

import time

import pytest

from revision_blender.wire import source_copy
from revision_blender.wire.errors import WireError
from revision_blender.wire.source_copy import KEEP_SECONDS, make_copy, prune_copies, source_files, source_hash


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "source"
    for name in (
        "backend/__main__.py",
        "backend/x/__pycache__/a.pyc",
        "revision_blender/scene/take.py",
        "revision_blender/data/a.npz",
        "docs/a.md",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    yield root
    source_hash.cache_clear()


def test_it_holds_what_the_backend_needs(source, tmp_path):
    copy = make_copy(source, tmp_path / "copies")
    assert [path.as_posix() for path in source_files(copy)] == ["backend/__main__.py", "revision_blender/data/a.npz"]
    assert source_hash(copy) == source_hash(source) and copy.name.endswith(source_hash(source))
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [copy.name]


def test_it_is_made_once(source, tmp_path):
    copy = make_copy(source, tmp_path / "copies")
    (copy / "mark").touch()
    assert make_copy(source, tmp_path / "copies") == copy and (copy / "mark").exists()


def test_another_content_is_another_copy(source, tmp_path):
    first = make_copy(source, tmp_path / "copies")
    source_hash.cache_clear()
    (source / "backend/__main__.py").write_text("changed")
    assert make_copy(source, tmp_path / "copies") != first


def test_an_interrupted_copy_leaves_no_folder_of_that_name(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(source_copy.shutil, "copyfile", full)
    with pytest.raises(WireError, match="Make room"):
        make_copy(source, tmp_path / "copies")
    assert list((tmp_path / "copies").iterdir()) == []


def test_unused_copies_go(source, tmp_path):
    copy = make_copy(source, tmp_path / "copies")
    old = tmp_path / "copies" / "0.0.1-abc"
    old.mkdir()
    assert prune_copies(tmp_path / "copies", copy) == []
    assert prune_copies(tmp_path / "copies", copy, time.time() + KEEP_SECONDS + 1) == [old] and copy.exists()
