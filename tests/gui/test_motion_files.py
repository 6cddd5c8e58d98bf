"""Motion files as a user brings them: dropped on the window, asked about, undone; the rig's switches pressed with the mouse."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revision_blender.motion.bodies.body_model import identity_of, joints_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.motion.files.bvh_out import write_bvh
from revision_blender.motion.files.framing import floor, framing_camera
from revision_blender.motion.library import motions
from revision_blender.motion.skeletons import SMPL
from tests.gui.motion_scene import FPS, write_scene
from tests.gui.window import Window

PATIENCE = 120.0
SCENE_FPS = 24.0
HEADER_ABOVE_STRENGTH = 59  # pixels from the field Strength up to the header of the closed panel Rig above it
FROM_FK_TO_IK = 30
AT_FIRST = {"Light", "Camera"}
Picture = Callable[[str, Path], Path]


def _keep(window: Window, path: Path, box: str) -> None:
    """What ``box`` (width x height + x + y) holds of the window, in few colours."""
    window.shot(path)
    subprocess.run(["convert", path, "-crop", box, "+repage", "+dither", "-colors", "256", path], check=True, timeout=30)


def _changes(window: Window, before: np.ndarray) -> np.ndarray:
    """Waits until a dialog stands in the viewport, or another one than before; the pixels then."""
    window.wait(lambda _s: (np.abs(window.pixels().astype(int) - before).max(axis=2) > 40).sum() > 4000, 30.0, "a dialog")
    window.beat(6)
    return window.pixels().astype(int)


def _ended(window: Window, number: int) -> dict[str, Any]:
    status = window.wait(lambda s: len(s["jobs"]) == number and s["jobs"][-1]["status"] in ("DONE", "FAILED"), PATIENCE, "the import")
    assert status["jobs"][-1]["status"] == "DONE", status["jobs"][-1]["message"]
    return window.beat(4)


def _undo_all(window: Window) -> None:
    window.over_view()
    for _ in range(8):
        if set(window.status()["objects"]) == AT_FIRST:
            return
        window.key("ctrl+z")
        window.beat(6)
    raise AssertionError(f"eight times Ctrl+Z left {window.status()['objects']}")


def _bvh(path: Path) -> float:
    """A recorded kick; the scene's frame at which the foot is highest."""
    shelf, motion = BodyShelf(None), next(motion for motion in motions() if "kick" in motion.words)
    betas = np.zeros(shelf.load("open_human").n_betas)
    place = motion.translation - [*motion.pelvis.mean(axis=0)[[0]], 0.0, *motion.pelvis.mean(axis=0)[[2]]]
    track = BodyTrack("kicker", "smpl", "open_human", betas, motion.rotations, place, np.ones(motion.rotations.shape[:2]))
    write_bvh(path, Clip(motion.fps, framing_camera("y", place, motion.n_frames), floor("y"), (track,)), "kicker", shelf)
    joints = joints_of(identity_of(shelf.load("open_human"), betas), motion.rotations, place)
    highest = joints[:, [SMPL.index("left_ankle"), SMPL.index("right_ankle")], 1].max(axis=1).argmax()
    return 1.0 + float(highest) * SCENE_FPS / motion.fps


def _switches_to_ik_in_place(window: Window, rig: str) -> None:
    """Opens the panel Rig and presses IK of the first limb: every joint stays where it was."""
    x, y = window.find("revision.refine_strength", "ctrl+shift+c")
    window.click(window.status()["sidebar"]["x"] + 40, y - HEADER_ABOVE_STRENGTH)
    window.beat(4)
    x, y = window.find("bpy.ops.revision.switch_limb(")
    before = window.ask("pose", name=rig)
    window.click(x + FROM_FK_TO_IK, y)
    window.beat(6)
    after = window.ask("pose", name=rig)
    moved = {name: np.abs(np.subtract(before[name], after[name])).max() for name in before}
    assert max(moved[name] for name in SMPL.names) < 1e-4, moved
    assert max(moved.values()) > 0.01, "the handle did not go to the hand: the switch was not pressed"


@pytest.fixture
def scene_file() -> Iterator[Path]:
    """Where anybody's temporary files are: the dialog shows the path, and its picture goes into the manual."""
    path = Path(tempfile.gettempdir()) / "playground.npz"
    yield write_scene(path)
    path.unlink()


def test_motion_files_come_in_by_hand(window: Window, picture: Picture, scene_file: Path, tmp_path: Path) -> None:
    highest = round(_bvh(tmp_path / "kick.bvh"))
    window.start()
    window.over_view()
    window.key("x")
    window.beat(4)
    window.key("Return")
    window.wait(lambda s: "Cube" not in s["objects"], 20.0, "the cube's deletion")

    # one person, retargeted from BVH, and the handles of a limb
    empty = window.pixels().astype(int)
    window.ask("drop", path=str(tmp_path / "kick.bvh"))
    _changes(window, empty)
    window.key("Return")
    status = _ended(window, 1)
    (rig,) = (name for name in status["objects"] if name.endswith(" rig"))
    window.ask("choose", name=rig)
    view = {"turn": [80.0, 105.0], "distance": 2.3, "frame": highest}
    window.ask("look", place=[0.0, 0.0, 0.0], **view)
    pelvis = window.ask("pose", name=rig)["pelvis"]
    window.ask("look", place=[pelvis[0][3], pelvis[1][3], 0.85], **view)
    _into(window, "ctrl+Tab", "POSE")
    _switches_to_ik_in_place(window, rig)
    window.scroll(4)
    window.over_view()
    window.beat(6)
    _keep(window, picture("motion_human", tmp_path), "1316x880+0+28")
    _undo_all(window)

    # a person, a dog and a box: the options, then whom; one step back and forth again
    empty = window.pixels().astype(int)
    window.ask("drop", path=str(scene_file))
    options = _changes(window, empty)
    _keep(window, picture("motion_import", tmp_path), "700x420+60+300")
    window.key("Return")
    _changes(window, options)
    _keep(window, picture("motion_people", tmp_path), "700x420+60+300")
    window.key("Return")
    brought = set(_ended(window, 2)["objects"])
    assert {"playground person rig", "playground dog rig", "playground box box", "playground box points"} < brought
    window.over_view()
    window.key("ctrl+z")
    window.wait(lambda s: set(s["objects"]) == AT_FIRST and not s["takes"], 20.0, "all of it gone in one step")
    window.key("ctrl+shift+z")
    window.wait(lambda s: set(s["objects"]) == brought and s["takes"], 20.0, "all of it back")
    _pictures_of_the_scene(window, picture, tmp_path)

    window.over_view()
    window.key("F3")
    window.beat(4)
    window.type("Motion as Rig")
    window.beat(6)
    window.key("Return")
    window.wait(lambda s: ["FILE_BROWSER"] in s["windows"], 20.0, "the file browser")
    window.key("Escape")
    window.wait(lambda s: len(s["windows"]) == 1, 20.0, "the file browser's end")


def _into(window: Window, keys: str, mode: str) -> None:
    window.over_view()
    window.key(keys)
    window.wait(lambda s: s["mode"] == mode, 10.0, mode)


def _pictures_of_the_scene(window: Window, picture: Picture, tmp_path: Path) -> None:
    def at(name: str, place: list[float], turn: list[float], distance: float, seconds: float) -> None:
        window.ask("look", place=place, turn=turn, distance=distance, frame=1 + round(seconds * SCENE_FPS))
        window.beat(8)
        _keep(window, picture(name, tmp_path), "800x640+256+180")

    window.ask("show", show_gizmo_navigate=False, show_region_ui=False)
    window.ask("choose", name="playground dog rig")
    _into(window, "ctrl+Tab", "POSE")
    at("motion_quadruped", [0.95, 0.0, 0.4], [76.0, 32.0], 1.7, 9 / FPS)
    _into(window, "ctrl+Tab", "OBJECT")

    window.ask("choose", name="playground person rig")
    _into(window, "ctrl+Tab", "POSE")
    window.ask("look", place=[0.0, 0.0, 0.0], turn=[62.0, 10.0], distance=1.0, frame=1 + round(13 / FPS * SCENE_FPS))
    hand = window.ask("pose", name="playground person rig")["right_middle1"]
    at("motion_hands", [row[3] for row in hand[:3]], [62.0, 20.0], 0.36, 13 / FPS)
    _into(window, "ctrl+Tab", "OBJECT")

    window.ask("choose", name="playground box points")
    _into(window, "Tab", "EDIT")
    at("motion_object", [-0.45, -0.3, 1.9], [82.0, 15.0], 2.4, 9 / FPS)
    _into(window, "Tab", "OBJECT")
    window.ask("show", show_gizmo_navigate=True, show_region_ui=True)
