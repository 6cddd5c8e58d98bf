"""A real Blender with a window for each test, or a skip that says what is missing."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gui.window import ROOT, Window, display_of, environment_for, executable_of, gui_blender, have, install_into


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.gui)


@pytest.fixture(scope="session")
def archive() -> Path:
    """The built zip: what REVISION_ZIP names, else the newest in dist/."""
    named = os.environ.get("REVISION_ZIP", "")
    archives = [Path(named)] if named else sorted((ROOT / "dist").glob("revision_blender-*.zip"))
    if not archives:
        pytest.skip("no built zip: run python run.py package first")
    return archives[-1].resolve()


@pytest.fixture
def window(archive: Path, tmp_path: Path) -> Iterator[Window]:
    """Blender with the extension installed from the zip, in folders of its own; started by the test."""
    tool = gui_blender()
    executable = executable_of(tool) if tool is not None else None
    if tool is None or executable is None:
        pytest.skip("no gui-blender (REVISION_SHARED/tools): the tests in a real window need it")
    if not have("xdotool", "import"):
        pytest.skip("xdotool and ImageMagick are needed to work a real window")
    env = environment_for(tmp_path, display_of(tool))
    install_into(tmp_path / "resources", archive, executable, env)
    window = Window(executable, env["DISPLAY"], tmp_path, tmp_path / "resources", env)
    yield window
    window.kill()
    stop = [env["REVISION_PYTHON"], "-m", "backend", "stop", "--home", env["REVISION_HOME"]]
    subprocess.run(stop, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60, check=False)


@pytest.fixture
def picture() -> Callable[[str], Path]:
    """Where a screenshot goes: REVISION_PICTURES where it is set, else the test's own folder."""
    chosen = os.environ.get("REVISION_PICTURES", "")

    def path(name: str, beside: Path) -> Path:
        return (Path(chosen) if chosen else beside) / f"{name}.png"

    return path
