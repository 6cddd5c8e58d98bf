"""The loop as an animator works it: real buttons, pressed with the mouse in a real window, from the picture to the fine strip."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gui.window import ROOT, Window

PATIENCE = 300.0  # seconds for one job; two cores may be shared with everything else
FRAMES = 6
ENDED = ("DONE", "FAILED", "CANCELLED")
DEMO_PICTURE = ROOT / "revision_blender" / "data" / "demo_picture.png"


@pytest.fixture
def first_frame() -> Path:
    """The project's own picture, or the one that REVISION_DEMO_PICTURE names."""
    chosen = Path(os.environ.get("REVISION_DEMO_PICTURE") or DEMO_PICTURE)
    if not chosen.is_file():
        pytest.skip(f"{chosen} is not there")
    return chosen


def _job(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((job for job in reversed(status["jobs"]) if job["kind"] == kind), {"status": "", "fraction": 0.0, "message": ""})


def _done(window: Window, kind: str) -> dict[str, Any]:
    status = window.wait(lambda s: _job(s, kind)["status"] in ENDED, PATIENCE, f"the end of {kind}")
    assert _job(status, kind)["status"] == "DONE", _job(status, kind)["message"]
    return status


def _press(window: Window, operator: str, kind: str) -> None:
    known = len(window.status()["jobs"])
    window.press(operator)
    window.wait(lambda s: len(s["jobs"]) > known, 60.0, f"a job after {operator} was pressed")
    assert _job(window.status(), kind)["status"]


def test_from_generate_coarse_to_the_fine_strip(
    window: Window, first_frame: Path, picture: Callable[[str, Path], Path], tmp_path: Path
) -> None:
    window.start()
    before = window.beat()
    window.fill("picture", str(first_frame))
    window.fill("prompt", "wave")
    window.fill("frames", str(FRAMES))
    window.press("use_standard_view")
    window.wait(lambda s: s["view_transform"] == "Standard", 20.0, "the Standard view")

    _press(window, "generate_coarse", "coarse")
    window.wait(lambda s: _job(s, "coarse")["fraction"] > 0.0 or _job(s, "coarse")["status"] in ENDED, PATIENCE, "the bar")
    window.beat(6)
    window.shot(picture("1_coarse_running", tmp_path))
    coarse = _done(window, "coarse")
    assert [strip["channel"] for strip in coarse["strips"]] == [1]
    # while the backend worked, only the sidebar was drawn: the viewport as often as mouse and strip asked for
    assert coarse["draws"] - before["draws"] < 60
    window.beat(6)
    window.shot(picture("2_coarse_done", tmp_path))

    _press(window, "lift", "lift")
    lifted = _done(window, "lift")
    assert len(lifted["takes"]) == 1
    assert set(lifted["objects"]) > {"Cube", "Light", "Camera"}
    assert (lifted["active"], lifted["selected"], lifted["mode"], lifted["frame"]) == ("Cube", ["Cube"], "OBJECT", before["frame"])
    window.over_view()
    window.key("Delete")
    window.wait(lambda s: "Cube" not in s["objects"], 20.0, "the cube's deletion")
    window.key("KP_0")  # through the take's camera: the body stands over the picture
    window.beat(6)
    window.shot(picture("3_lift_done", tmp_path))

    _press(window, "refine", "refine")
    refined = _done(window, "refine")
    assert any("refined" in name for name in refined["actions"])
    assert any("raw" in name for name in refined["actions"])
    window.beat(6)
    window.shot(picture("4_refine_done", tmp_path))

    _press(window, "render_masks", "masks")
    _done(window, "masks")
    window.beat(6)
    window.shot(picture("5_masks_done", tmp_path))

    _press(window, "generate_fine", "fine")
    fine = _done(window, "fine")
    assert [strip["channel"] for strip in fine["strips"]] == [1, 2]
    assert fine["strips"][1]["name"].startswith("Fine")
    window.beat(10)
    window.shot(picture("6_fine_done", tmp_path))
    window.status_file.with_name("show_strips").touch()
    window.wait(lambda s: s["strips_shown"] > 25, 60.0, "the strips in view")
    window.shot(picture("7_strips", tmp_path))

    assert fine["trouble"] == ""
    pump = fine["pump"]  # figures, not bars: speed is judged in tests/benchmarks/bench_pump.py
    print(json.dumps({"name": "pump in the window", "steps": pump["steps"], "p99_s": pump["p99"], "longest_s": max(pump["longest"])}))


def test_blender_killed_in_the_middle_of_a_job_gets_its_result_later(window: Window, first_frame: Path, tmp_path: Path) -> None:
    blend = tmp_path / "scene.blend"
    window.new_file(blend)
    window.start(blend)
    window.fill("picture", str(first_frame))
    window.fill("frames", str(FRAMES))
    _press(window, "generate_coarse", "coarse")
    window.save(blend)
    window.wait(lambda s: _job(s, "coarse")["status"] in ("RUNNING", *ENDED), PATIENCE, "a running job")
    assert window.process is not None
    os.killpg(window.process.pid, signal.SIGKILL)
    window.process.wait(20)
    window.start(blend)
    status = _done(window, "coarse")
    assert [strip["channel"] for strip in status["strips"]] == [1]
    assert len(status["jobs"]) == 1
    assert list(tmp_path.glob("revision_results/*/coarse-*/frame_0000.png")), "results lie beside the .blend"
