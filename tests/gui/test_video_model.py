"""The video model in a real window: chosen with the wheel, its licence ticked with the mouse, previews that move in the panel."""

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.backend import svd_samples
from tests.gui.window import ROOT, Window

PATIENCE = 120.0
STAGES = ROOT / "tests" / "gui" / "video_stages.py"
PICTURE = ROOT / "revision_blender" / "data" / "demo_picture.png"
GATED = "stabilityai/stable-video-diffusion-img2vid-xt-1-1"
SIDEBAR = "256x880+1028+84"  # width x height + x + y
SELECTED = (71, 114, 179)  # the blue of a dialog's first button
ENDED = ("DONE", "FAILED", "CANCELLED")
Picture = Callable[[str, Path], Path]


@pytest.fixture
def staged(window: Window, tmp_path: Path) -> Window:
    """A window whose backend works by the stages of this test, and whose machine has no downloaded model."""
    script = tmp_path / "backend.sh"
    served = f'exec {shlex.quote(window.env["REVISION_PYTHON"])} "$@"'
    script.write_text(f'#!/bin/sh\ncase " $* " in *" serve "*) set -- "$@" --test-stages {shlex.quote(str(STAGES))};; esac\n{served}\n')
    script.chmod(0o755)
    window.env |= {"REVISION_PYTHON": str(script), "HF_HUB_CACHE": str(tmp_path / "hub")}
    window.start()
    window.ask("allow_online")
    return window


def _newest(status: dict[str, Any]) -> dict[str, Any]:
    return status["jobs"][-1] if status["jobs"] else {"kind": "", "status": "", "fraction": 0.0, "message": "", "words": ""}


def _under_way(window: Window, kind: str, fraction: float) -> None:
    window.wait(lambda s: _newest(s)["kind"] == kind and _newest(s)["fraction"] >= fraction, PATIENCE, f"{fraction:.0%} of {kind}")
    window.beat(4)


def _done(window: Window, kind: str) -> dict[str, Any]:
    status = window.wait(lambda s: _newest(s)["kind"] == kind and _newest(s)["status"] in ENDED, PATIENCE, f"the end of {kind}")
    assert _newest(status)["status"] == "DONE", _newest(status)
    return window.beat(6)


def _keep(window: Window, path: Path) -> None:
    """The sidebar alone, in few colours."""
    window.shot(path)
    subprocess.run(["convert", path, "-crop", SIDEBAR, "+repage", "+dither", "-colors", "256", path], check=True, timeout=30)


def _blue(pixels: np.ndarray) -> np.ndarray:
    return (np.abs(pixels.astype(int) - SELECTED) < 12).all(axis=2)


def _confirm_button(window: Window, before: np.ndarray) -> tuple[int, int, int]:
    """Left edge, right edge and middle row of the blue button that a dialog has brought."""
    window.wait(lambda _s: (_blue(window.pixels()) & ~_blue(before)).sum() > 2000, 30.0, "the dialog")
    window.beat(4)
    new = _blue(window.pixels()) & ~_blue(before)
    rows, columns = np.flatnonzero(new.sum(axis=1) > 60), np.flatnonzero(new.sum(axis=0) > 8)
    return int(columns[0]), int(columns[-1]), int(rows.mean())


def test_a_model_is_chosen_its_licence_accepted_and_the_download_seen(staged: Window, picture: Picture, tmp_path: Path) -> None:
    window = staged
    window.turn("engine", 1)
    window.wait(lambda s: s["source"]["engine"] == "svd", 10.0, "the engine svd")
    window.turn("model_choice", 1)
    window.wait(lambda s: s["source"]["model_choice"] == GATED, 10.0, "the published model")
    window.beat(20)
    _keep(window, picture("video_model_missing", tmp_path))

    before = window.pixels()
    window.press("download_model")
    left, right, row = _confirm_button(window, before)
    window.shot(picture("video_model_licence", tmp_path))
    window.click((left + right) // 2, row)
    window.beat(10)
    assert not window.status()["jobs"], "the licence was not accepted, and yet something began"

    window.press("download_model")
    left, right, row = _confirm_button(window, before)
    window.click(left - (right - left) - 3, row - 31)  # the tick is above the button at the dialog's left
    window.beat(4)
    window.click((left + right) // 2, row)
    _under_way(window, "model", 0.3)
    _keep(window, picture("video_model_download", tmp_path))
    _done(window, "model")


def test_a_running_clip_moves_in_the_panel_and_only_there(staged: Window, picture: Picture, tmp_path: Path) -> None:
    window = staged
    folder = svd_samples.tiny_folder(tmp_path / "tiny")
    window.ask("change", picture=str(PICTURE), engine="svd", model_choice="folder", model_folder=str(folder))
    window.beat(20)
    begun = window.status()["draws"]
    window.press("generate_coarse")
    window.scroll(6)  # the whole preview in sight
    _under_way(window, "coarse", 0.5)
    place = window.status()["sidebar"]
    region = slice(1000 - place["y"] - place["height"], 1000 - place["y"]), slice(place["x"], place["x"] + place["width"])
    seen = []
    for number in range(6):
        seen.append(window.pixels()[region])
        if number == 0:
            _keep(window, picture("video_model_preview", tmp_path))
        window.beat(3)
    orange = [np.argwhere((np.abs(shot.astype(int) - (240, 130, 20)) < 60).all(axis=2)) for shot in seen]
    where = {round(float(pixels[:, 1].mean())) for pixels in orange if len(pixels) > 40}
    assert len(where) >= 2, f"the square of the preview stands still at {where}"
    status = _done(window, "coarse")
    assert status["draws"] - begun < 60, "the viewport was drawn for the sake of the panel"
    _keep(window, picture("video_model_done", tmp_path))
    assert status["trouble"] == ""


def test_one_slider_says_how_closely_the_final_video_follows(staged: Window, picture: Picture, tmp_path: Path) -> None:
    window = staged
    window.ask("change", engine="svd", model_choice=GATED, follow_mode="dual-clock")
    x, y = window.find("revision.follow", "ctrl+shift+c")
    _keep(window, picture("video_model_follow", tmp_path))
    window.click(x, y)
    window._xdotool("click", 1)
    window.beat()
    window.key("ctrl+a")
    window.type("0.9")
    window.key("Return")
    window.wait(lambda s: abs(float(s["source"]["follow"]) - 0.9) < 1e-3, 10.0, "the slider at 0.9")
    window.ask("change", own_depths=True)
    window.beat(6)
    _keep(window, picture("video_model_depths", tmp_path))
