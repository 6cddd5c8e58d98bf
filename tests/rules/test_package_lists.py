"""Version and file lists that stand in several places say the same."""

import tomllib
from pathlib import Path

from authoring.package import manifest_with, shipped_files
from revision_blender.wire.protocol import VERSION

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = tomllib.loads((ROOT / "blender_manifest.toml").read_text())


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert MANIFEST["version"] == project == VERSION


def test_the_allow_list_is_what_ships() -> None:
    assert MANIFEST["build"]["paths"] == shipped_files(ROOT), "run python run.py package and commit blender_manifest.toml"


def test_renewing_the_lists_keeps_the_rest_of_the_manifest() -> None:
    text = (ROOT / "blender_manifest.toml").read_text()
    again = tomllib.loads(manifest_with(text, ["a.whl"], ["__init__.py", "b.py"]))
    assert again["wheels"] == ["./wheels/a.whl"]
    assert again["build"]["paths"] == ["__init__.py", "b.py"]
    assert {key: again[key] for key in ("id", "version", "permissions")} == {key: MANIFEST[key] for key in ("id", "version", "permissions")}
