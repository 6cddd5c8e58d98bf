"""Refine in a real window: a shaking kick comes in, one pose is pinned, the prior refines it, a ghost shows what it was."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.motion.clip_file import save_clip
from revision_blender.motion.files.framing import floor, framing_camera
from revision_blender.motion.library import motions
from revision_blender.motion.rotation import matrix_from_axis_angle
from tests.gui.window import ROOT, Window

PATIENCE = 240.0
SCENE_FPS = 24.0
SIDEBAR = "256x880+1028+84"  # width x height + x + y
VIEW = "1028x800+0+84"
BUTTON = 100  # pixels from Pin Hand/Foot to Pin Pose at its left
Picture = Callable[[str, Path], Path]


def shaking_kick(path: Path) -> int:
    """A recorded kick with noise on every joint; the scene's frame at which its foot is highest."""
    motion = next(motion for motion in motions() if "kick" in motion.words)
    betas, rng = np.zeros(BodyShelf(None).load("open_human").n_betas), np.random.default_rng(3)
    place = motion.translation - [*motion.pelvis.mean(axis=0)[[0]], 0.0, *motion.pelvis.mean(axis=0)[[2]]]
    track = BodyTrack("kicker", "smpl", "open_human", betas, motion.rotations, place, np.ones(motion.rotations.shape[:2]))
    shaken = motion.rotations @ matrix_from_axis_angle(rng.normal(size=(*motion.rotations.shape[:2], 3)) * np.radians(5.0))
    track = replace(track, rotations=shaken, translation=place + rng.normal(size=place.shape) * 0.02)
    save_clip(path, Clip(motion.fps, framing_camera("y", place, motion.n_frames), floor("y"), (track,)))
    return round(1.0 + 0.45 * motion.n_frames * SCENE_FPS / motion.fps)


@pytest.fixture
def with_weights(window: Window) -> Window:
    folder = Path(os.environ.get("REVISION_PRIOR") or ROOT / "revision_blender" / "data" / "motion_prior")
    if not (folder / "weights.safetensors").is_file():
        pytest.skip(f"the motion prior's weights are not in {folder}")
    return window


def _keep(window: Window, path: Path, box: str) -> None:
    """Part of the window, in few colours."""
    window.shot(path)
    subprocess.run(["convert", path, "-crop", box, "+repage", "+dither", "-colors", "256", path], check=True, timeout=30)


def _below(window: Window, x: int, y: int, operator: str) -> tuple[int, int]:
    """The button of ``operator`` under a place in the panel; quicker than looking through the whole sidebar."""
    for further in range(y + 12, y + 420, 9):
        if f"bpy.ops.revision.{operator}(" in window.copied_at(x, further):
            return x, further
    raise AssertionError(f"{operator} is not below {y}")


def test_a_shaking_motion_is_refined_beside_its_ghost(with_weights: Window, picture: Picture, tmp_path: Path) -> None:
    window = with_weights
    frame = shaking_kick(tmp_path / "kick.npz")
    window.start()
    window.over_view()
    window.key("x")
    window.beat(4)
    window.key("Return")
    window.wait(lambda s: "Cube" not in s["objects"], 20.0, "the cube's deletion")
    window.ask("drop", path=str(tmp_path / "kick.npz"))
    window.beat(10)
    window.key("Return")
    window.wait(lambda s: s["jobs"] and s["jobs"][-1]["status"] == "DONE", PATIENCE, "the import")
    (rig,) = (name for name in window.beat(4)["objects"] if name.endswith(" rig"))
    window.ask("choose", name=rig)
    window.ask("look", place=[0.0, 0.0, 0.9], turn=[80.0, 105.0], distance=3.2, frame=frame)

    x, y = window.find("bpy.ops.revision.pin_place(")
    window.click(x - BUTTON, y)
    window.beat(4)
    before = window.ask("pose", name=rig)
    draws = window.status()["draws"]
    window.click(*_below(window, x, y, "refine"))
    window.wait(lambda s: len(s["jobs"]) == 2 and s["jobs"][-1]["status"] in ("DONE", "FAILED"), PATIENCE, "the refined motion")
    status = window.beat(6)
    assert status["jobs"][-1]["status"] == "DONE", status["jobs"][-1]["message"]
    assert any("refined" in name for name in status["actions"])
    assert status["draws"] - draws < 60, "the viewport was drawn for the sake of the panel"
    after = window.ask("pose", name=rig)
    moved = max(np.abs(np.subtract(before[name], after[name])).max() for name in ("head", "left_wrist", "right_foot"))
    assert moved < 1e-3, "the pinned pose is another"

    button = window.find("bpy.ops.revision.ghost(")  # may lie further down than the sidebar shows
    window.click(*button)
    window.wait(lambda s: any(name.endswith("ghost") for name in s["objects"]), 20.0, "the ghost")
    window.ask("look", place=[0.0, 0.0, 0.9], turn=[80.0, 105.0], distance=3.2, frame=frame + 5)
    window.over_view()
    window.beat(10)
    _keep(window, picture("refine_panel", tmp_path), SIDEBAR)
    _keep(window, picture("refine_ghost", tmp_path), VIEW)
    for name in ("refined", "imported"):
        assert any(name in action for action in window.status()["actions"])
    window.click(*button)
    window.wait(lambda s: not any(name.endswith("ghost") for name in s["objects"]), 20.0, "the ghost's end")
    assert window.status()["trouble"] == ""
