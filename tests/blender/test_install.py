"""The zip installs from disk, brings its own pyzmq, and holds the files of its allow-list and no others."""

import importlib.util
import os
import sys
import tomllib
import zipfile
from pathlib import Path

import bpy
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def archive() -> Path:
    if not os.environ.get("REVISION_ZIP"):
        pytest.skip("REVISION_ZIP is not set: python run.py test builds the zip and sets it")
    return Path(os.environ["REVISION_ZIP"])


def test_this_environment_has_no_pyzmq_of_its_own() -> None:
    site = Path(bpy.__file__).parents[1]
    assert not (site / "zmq").exists(), "pyzmq in this environment would hide a missing wheel"


def test_pyzmq_comes_from_the_extension(archive: Path, extension_name: str) -> None:
    import zmq

    sites = Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions" / ".local"
    assert Path(zmq.__file__).resolve().is_relative_to(sites.resolve())
    assert f"python{sys.version_info.major}.{sys.version_info.minor}" in zmq.__file__


def test_the_extension_is_enabled_and_registered(archive: Path, extension_name: str) -> None:
    assert extension_name in bpy.context.preferences.addons
    assert hasattr(bpy.types.Scene, "revision")


def test_the_zip_holds_its_allow_list_and_nothing_else(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        names = {name for name in opened.namelist() if not name.endswith("/")}
        manifest = tomllib.loads(opened.read("blender_manifest.toml").decode())
    checkout = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    allowed = set(checkout["build"]["paths"]) | {wheel.removeprefix("./") for wheel in manifest["wheels"]}
    assert names == allowed | {"blender_manifest.toml"}
    assert not [name for name in names if name.startswith(("tests/", "demo/", "authoring/", "."))]


def test_wheels_cover_three_systems_and_both_python_lines(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        wheels = [name for name in opened.namelist() if name.endswith(".whl")]
    for system in ("manylinux", "win_amd64", "macosx"):
        assert len([wheel for wheel in wheels if system in wheel]) == 2
    assert len([wheel for wheel in wheels if "-cp311-cp311-" in wheel]) == 3


def test_the_root_package_imports_nothing_of_blender_at_import_time() -> None:
    spec = importlib.util.spec_from_file_location("revision_root_probe", ROOT / "__init__.py")
    assert spec is not None and spec.loader is not None
    before = set(sys.modules)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not [name for name in set(sys.modules) - before if name.split(".")[0] in ("zmq", "operators", "panels")]
