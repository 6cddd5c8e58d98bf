"""``python run.py backend`` works where the user stands, not where the checkout lies."""

import argparse
import sys
from pathlib import Path

import pytest

import run


def test_files_are_named_from_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "here.mp4").write_bytes(b"")
    (tmp_path / "backend.py").write_text("raise SystemExit('what lies in the folder is not imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "backend_python", lambda: Path(sys.executable))
    assert run.command_backend(argparse.Namespace(), ["lift", "here.mp4", "--out", "clip.txt"]) == 1
    assert "clip.txt has to end in .npz" in capfd.readouterr().err
