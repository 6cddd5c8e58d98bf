"""Showing the lifter a dog and a ball with the mouse over the clip, lifting, and working with the tracks, in a real window."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gui.window import ROOT, Window

PATIENCE = 600.0
FRAMES, STRIDE = 4, 2
DOG = (448.0, 380.0, 702.0, 548.0)
PARTS = (
    (455, 410),
    (683, 420),
    (527, 518),
    (552, 531),
    (655, 541),
    (675, 518),
)  # nose, tail base, paws: front left, right, back left, right
BALL = (447.0, 417.0, 483.0, 445.0)
NAMES = ("nose", "tail_base", "front_left_paw", "front_right_paw", "back_left_paw", "back_right_paw")
VIEW, SIDEBAR = "1028x800+0+84", "290x800+1024+84"  # width x height + x + y
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


def _name(window: Window, x: int, y: int, name: str) -> None:
    """Double click on a row of the list, all out, type, Enter."""
    window.double_click(x, y)
    window.beat(4)
    window.key("ctrl+a")
    window.type(name)
    window.key("Return")
    window.beat(4)


def _without_cube(window: Window) -> None:
    window.over_view()
    window.key("x")
    window.beat(4)
    window.key("Return")
    window.wait(lambda s: "Cube" not in s["objects"], 20.0, "the cube's deletion")


def _show_the_dog(window: Window, x: int, y: int, picture: Path) -> tuple[int, int]:
    """A box and six clicks; returns the button Draw Box. x, y: the button Lift as long as the list is empty."""
    right = window.status()["sidebar"]["x"] + window.status()["sidebar"]["width"] - 40
    animal = _below(window, right, y - 160, "add_subject(kind='animal')")
    window.click(*animal)
    window.beat(4)
    _name(window, x - 90, animal[1] - 10, "dog")
    box = _below(window, x - 90, y - 60, "draw_box(")
    window.click(*box)
    window.beat(6)
    _draw(window, DOG)
    assert _is_box(window, window.ask("subjects")[0], DOG)

    window.click(*_below(window, box[0] + 110, box[1] - 9, "click_parts("))
    window.beat(6)
    screen = Screen(window)
    for place in PARTS[:3]:
        window.click(*screen(*place))
        window.beat(2)
    window.key("ctrl+z")  # the last of these clicks, not the box
    window.beat(4)
    assert len(window.ask("subjects")[0]["clicks"]) == 2
    for place in PARTS[2:]:
        window.click(*screen(*place))
        window.beat(2)
    window.beat(4)
    _keep(window, picture, VIEW)
    window.key("Return")
    window.beat(4)
    return box


def _is_shown(window: Window) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = window.ask("subjects")
    return found


def _undo_and_redo_the_clicks(window: Window, dog: dict[str, Any]) -> None:
    """All clicks are one step of undo, the box before is another."""
    window.over_view()
    for key, shown in (("ctrl+z", {**dog, "clicks": []}), ("ctrl+shift+z", dog)):
        window.key(key)
        window.beat(6)
        (now,) = _is_shown(window)
        assert now.get("clicks", []) == shown["clicks"] and now["box"] == dog["box"]


def _show_the_ball(window: Window, draw_box: tuple[int, int]) -> None:
    """A small thing, after zooming in with the wheel; Esc in the middle of a second box leaves the first."""
    right = window.status()["sidebar"]["x"] + window.status()["sidebar"]["width"] - 40
    window.click(*_below(window, right, draw_box[1] - 140, "add_subject(kind='object')"))
    window.beat(4)
    before = Screen(window).at["across"]
    window.click(*draw_box)
    window.beat(4)
    window.move(*Screen(window)(*BALL[:2]))
    window.scroll(-3)
    window.beat(6)
    assert Screen(window).at["across"] > 1.2 * before
    _draw(window, BALL)
    assert _is_box(window, _is_shown(window)[1], BALL)
    window.click(*draw_box)
    window.beat(4)
    screen = Screen(window)
    window.drag(screen(500.0, 300.0), screen(560.0, 340.0))
    window.key("Escape")
    window.let_go()
    window.beat(4)
    assert _is_box(window, _is_shown(window)[1], BALL)


def _lift_and_choose(window: Window, picture: Path) -> dict[str, Any]:
    """The lift waits until the picker's button is pressed: the woman is left out."""
    window.ask("change", choose_found=True)
    window.press("lift")

    def waiting(status: dict[str, Any]) -> bool:
        job = status["jobs"][-1]
        assert job["status"] != "FAILED", job["message"]
        return job["kind"] == "lift" and job["words"].startswith("waiting: choose")

    assert not any("rig" in name for name in window.wait(waiting, PATIENCE, "the list of what was found")["objects"])
    x, y = window.find("bpy.ops.revision.place_found(")
    window.beat(4)
    _keep(window, picture, SIDEBAR)
    names = list(window.ask("found"))
    window.click(x - 70, y - 28 - 21 * (len(names) - 1 - names.index("person_1")))  # her tick
    window.beat(4)
    assert window.ask("found") == {"person_1": False, "dog": True, "object_1": True}
    window.click(x, y)
    return _done(window, "lift")


def _choose_the_dogs_track(window: Window, picture: Path) -> None:
    x, y = window.find("bpy.ops.revision.delete_track(")
    window.click(*_below(window, x, y - 110, "dog"))
    window.wait(lambda s: s["selected"] == ["dog_and_person rig"], 20.0, "the dog's rig being selected")
    window.over_view()
    window.ask("change", show_subjects=False)
    window.key("Home")
    window.scroll(3)
    window.beat(8)
    _keep(window, picture, "1060x620+232+84")


def test_a_dog_and_a_ball_are_shown_and_lifted(window: Window, footage: Path, picture: Picture, tmp_path: Path) -> None:
    window.start()
    _without_cube(window)
    window.ask("change", source="FOOTAGE", footage=str(footage), frames=FRAMES, footage_stride=STRIDE)
    window.press("load_footage")
    _done(window, "decode")

    x, y = window.find("bpy.ops.revision.lift(")
    draw_box = _show_the_dog(window, x, y, picture("lift_showing", tmp_path))
    (dog,) = _is_shown(window)
    assert (dog["name"], dog["kind"], dog["frame"]) == ("dog", "animal", 0)
    assert [click["part"] for click in dog["clicks"]] == list(NAMES)
    slack = 2.0 / Screen(window).at["across"]
    for click, place in zip(dog["clicks"], PARTS, strict=True):
        assert abs(click["x"] - place[0]) <= slack and abs(click["y"] - place[1]) <= slack
    _undo_and_redo_the_clicks(window, dog)
    _show_the_ball(window, draw_box)

    status = _lift_and_choose(window, picture("lift_found", tmp_path))
    assert {"dog_and_person rig", "dog_and_person object_1 box", "dog_and_person camera"} < set(status["objects"])
    assert "dog_and_person clip view" not in status["objects"] and not any("person_1" in name for name in status["objects"])
    assert Screen(window).at["camera"] == "dog_and_person camera"
    _choose_the_dogs_track(window, picture("lift_tracks", tmp_path))
    assert status["trouble"] == ""
    assert "Traceback" not in (tmp_path / "blender.log").read_text(errors="replace")
