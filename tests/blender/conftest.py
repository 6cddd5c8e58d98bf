"""The extension as a user has it: built as a zip, installed from disk into an empty Blender, enabled.

``REVISION_ZIP`` names the zip (``python run.py test`` builds and sets it). Without it the newest one in dist/ serves; run
``python run.py package`` after a change.
"""

import atexit
import importlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Blender reads its folders once, when bpy is imported: no test may see the user's own extensions or settings.
_RESOURCES = tempfile.TemporaryDirectory(prefix="revision-blender-resources-")
os.environ["BLENDER_USER_RESOURCES"] = _RESOURCES.name
atexit.register(_RESOURCES.cleanup)  # a worker process ends without unloading its modules, which would be warned of

bpy = pytest.importorskip("bpy", reason="needs Blender as a module: python run.py test runs these in its Blender environments")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.blender)


def _installed() -> str:
    named = os.environ.get("REVISION_ZIP", "")
    archives = [Path(named)] if named else sorted((ROOT / "dist").glob("revision_blender-*.zip"))
    if not archives:
        pytest.skip("no built zip: run python run.py package first")
    result = bpy.ops.extensions.package_install_files(filepath=str(archives[-1]), repo="user_default", enable_on_install=True)
    assert result == {"FINISHED"}
    return "bl_ext.user_default.revision_blender"


@pytest.fixture(scope="session")
def extension_name() -> Iterator[str]:
    """The package under which the extension was enabled; it stays enabled for the whole session."""
    os.environ.setdefault("REVISION_HOME", str(Path(_RESOURCES.name) / "revision-home"))
    yield _installed()


@pytest.fixture
def scene(extension_name: str) -> Iterator["bpy.types.Scene"]:
    """A new, empty file with the extension enabled."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    yield bpy.context.scene


@pytest.fixture
def room(extension_name: str):
    """Imports a module of the extension by its path below the package: ``room("revision_blender.scene.take")``."""

    def load(path: str) -> ModuleType:
        return importlib.import_module(f"{extension_name}.{path}")

    return load


@pytest.fixture
def lifted(room, scene, tmp_path):
    """A lifted take: its clip, the raw fit and its entry in the panel."""
    from lifted_samples import lifted_take

    return lifted_take(room, scene, tmp_path)
