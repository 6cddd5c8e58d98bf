"""Showing the lifter a dog and a ball with the mouse over the clip, lifting, and working with the tracks, in a real window."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gui.window import HEIGHT, ROOT, Window

PATIENCE = 300.0
FRAMES, STRIDE = 4, 2
DOG = (448.0, 380.0, 702.0, 548.0)
PARTS = ((455, 410), (683, 420), (527, 518), (552, 531), (655, 541), (675, 518))  # nose, tail base, paws: front left, right, back left, right
BALL = (447.0, 417.0, 483.0, 445.0)
SIDEBAR = "262x880+1022+84"  # width x height + x + y
VIEW = "1028x800+0+84"
Picture = Callable[[str, Path], Path]


@pytest.fixture
def footage() -> Path:
    shared = Path(os.environ.get("REVISION_SHARED") or ROOT.parent / "shared")
    path = shared / "data" / "videos" / "dog_and_person.mp4"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def _keep(window: Window, path: Path, box: str) -> None:
    """Part of the window, in few colours."""
    window.shot(path)
    subprocess.run(["convert", path, "-crop", box, "+repage", "+dither", "-colors", "256", path], check=True, timeout=30)


def _done(window: Window, kind: str, count: int = 1) -> dict[str, Any]:
    def jobs(status: dict[str, Any]) -> list[dict[str, Any]]:
        return [job for job in status["jobs"] if job["kind"] == kind]

    status = window.wait(
        lambda s: len(jobs(s)) == count and jobs(s)[-1]["status"] in ("DONE", "FAILED"), PATIENCE, f"the end of {kind} number {count}"
    )
    assert jobs(status)[-1]["status"] == "DONE", jobs(status)[-1]["message"]
    return window.beat(6)


def _below(window: Window, x: int, y: int, command: str, reach: int = 420) -> tuple[int, int]:
    """The button of a command under a place in the panel; quicker than looking through the whole sidebar."""
    for further in range(y, y + reach, 9):
        if command in window.copied_at(x, further):
            return x, further
    window.shot(window.folder / "failed.png")
    raise AssertionError(f"{command} is not below {y}; see {window.folder}/failed.png")


class Screen:
    """Pixels of the clip as places on the screen."""

    def __init__(self, window: Window) -> None:
        self.at = window.ask("clip_in_view")

    def __call__(self, x: float, y: float) -> tuple[int, int]:
        return round(self.at["x"] + x * self.at["across"]), round(self.at["y"] + y * self.at["across"])


def _draw(window: Window, box: tuple[float, float, float, float], picture: Path | None = None) -> None:
    screen = Screen(window)
    window.drag(screen(box[0], box[1]), screen(box[2], box[3]))
    if picture is not None:
        window.beat(4)
        _keep(window, picture, VIEW)
    window.let_go()


def _is_box(window: Window, prompt: dict[str, Any], box: tuple[float, ...]) -> bool:
    """To two pixels of the screen."""
    slack = 2.0 / Screen(window).at["across"]
    return "box" in prompt and all(abs(found - wanted) <= slack for found, wanted in zip(prompt["box"], box, strict=True))


def test_a_dog_and_a_ball_are_shown_and_lifted(window: Window, footage: Path, picture: Picture, tmp_path: Path) -> None:
    window.start()
    window.ask("change", source="FOOTAGE", footage=str(footage), frames=FRAMES, footage_stride=STRIDE)
    window.press("load_footage")
    _done(window, "decode")

    x, y = window.find("bpy.ops.revision.lift(")
    right = window.status()["sidebar"]["x"] + window.status()["sidebar"]["width"] - 40
    window.shot(tmp_path / "before.png")
    animal = _below(window, right, y - 160, "add_subject(kind='animal')")
    window.click(*animal)
    window.beat(4)
    box = _below(window, x - 90, y - 60, "draw_box(")
    window.click(*box)
    window.beat(6)
    _draw(window, DOG, tmp_path / "rubber.png")
    assert _is_box(window, window.ask("subjects")[0], DOG)
