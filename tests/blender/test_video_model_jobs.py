"""Step previews, the download of a model and the look at its weights: the session and a real backend with stages of the test's own."""

import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = ROOT / "tests" / "gui" / "video_stages.py"
PATIENCE = 120.0
GATED = "stabilityai/stable-video-diffusion-img2vid-xt-1-1"


@pytest.fixture
def session(scene, room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A saved scene with a backend of its own that works by the test's stages, and an empty cache of the model hub."""
    python = Path(os.environ.get("REVISION_PYTHON") or ROOT / ".venv-backend" / "bin" / "python")
    if not python.is_file():
        pytest.skip("no backend environment: python run.py setup makes it")
    script = tmp_path / "backend.sh"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} "$@" --test-stages {shlex.quote(str(STAGES))}\n')
    script.chmod(0o755)
    monkeypatch.setenv("REVISION_PYTHON", str(script))
    monkeypatch.setenv("REVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    current, pump = room("operators.session").current(), room("operators.pump")
    monkeypatch.setattr(current.link, "_looked", (0.0, "", None))
    current.models.look_again()
    pump.step()
    yield current
    if bpy.ops.revision.stop_backend.poll():
        bpy.ops.revision.stop_backend()
        stopping = current.link._stopping
        assert pump.run_until(lambda: stopping.finished, 60.0)
        pump.step()
    current.tickets.clear()


def _seen(session, room, scene):
    chosen = room("operators.chosen_model")
    session.models.look_again()
    chosen.view(scene.revision)
    assert room("operators.pump").run_until(lambda: not session.models.looking, 20.0)
    return chosen.view(scene.revision).state


def test_previews_are_kept_while_the_job_runs_and_in_no_file(session, scene, room, tmp_path: Path) -> None:
    pump = room("operators.pump")
    picture = tmp_path / "plaza.png"
    room("revision_blender.wire.png").write_png(picture, np.full((48, 64, 3), 90, np.uint8))
    scene.revision.picture = str(picture)
    bpy.ops.revision.generate_coarse()
    (ticket,) = session.tickets.values()
    assert pump.run_until(lambda: session.previews.count(ticket.job_id) or ticket.ended, PATIENCE), ticket
    assert session.previews.count(ticket.job_id) == 8
    bpy.ops.wm.save_mainfile()
    assert not bpy.data.images
    assert pump.run_until(lambda: ticket.ended, PATIENCE)
    assert (ticket.status, session.previews.count(ticket.job_id)) == ("DONE", 0)


def test_a_preview_is_the_right_way_up_and_the_newest_counts(scene, room) -> None:
    previews = room("operators.step_previews").StepPreviews()
    old, new = (np.random.default_rng(seed).integers(0, 255, (3, 8, 12, 3), dtype=np.uint8) for seed in (0, 1))
    try:
        previews.take("job", old)
        previews.take("job", new)
        for index, frame in enumerate(new):
            picture = previews._pictures[f"job {index}"]
            assert tuple(picture.image_size) == (12, 8)
            kept = np.empty(12 * 8 * 4, np.float32)
            picture.image_pixels_float.foreach_get(kept)
            shown = np.round(kept.reshape(8, 12, 4)[::-1] * 255.0)
            assert np.array_equal(shown[..., :3], frame)
            assert (shown[..., 3] == 255).all()
    finally:
        previews.close()
    assert previews.icon("job") == 0


def test_a_preview_plays_each_frame_and_rests_on_the_last(room) -> None:
    module = room("operators.step_previews")
    times = np.arange(0.0, 8 / module.RATE + module.REST, 0.01)
    shown = [module.frame_at(seconds, 8) for seconds in times]
    assert set(shown) == set(range(8))
    assert shown == sorted(shown)
    assert shown.count(7) * 0.01 == pytest.approx(module.REST + 1 / module.RATE, abs=0.03)
    assert {module.frame_at(seconds, 1) for seconds in times} == {0}


def test_the_weights_are_looked_at_off_the_main_thread_and_again(session, scene, room, tmp_path: Path) -> None:
    scene.revision.engine, scene.revision.model_choice = "svd", GATED
    state = _seen(session, room, scene)
    assert (state.kind, state.downloadable) == ("missing", True)
    assert "Stability AI Community License" in state.licence
    blobs = tmp_path / "hub" / f"models--{GATED.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "abc.incomplete").write_bytes(bytes(2_000_000))
    assert _seen(session, room, scene).kind == "incomplete"
    (tmp_path / "diary").mkdir()
    scene.revision.model_choice, scene.revision.model_folder = "folder", str(tmp_path / "diary")
    assert not _seen(session, room, scene).found
    reason = room("operators.reasons").why_not_fine
    assert "Lift" in reason(scene) or "coarse" in reason(scene)


def test_nothing_is_downloaded_unless_the_licence_is_accepted(session, scene, room) -> None:
    scene.revision.engine, scene.revision.model_choice = "svd", GATED
    _seen(session, room, scene)
    assert bpy.ops.revision.download_model.poll()
    assert bpy.ops.revision.download_model() == {"CANCELLED"}
    assert session.tickets == {}


def test_a_download_is_a_job_that_waits_for_no_moment(session, scene, room) -> None:
    pump = room("operators.pump")
    scene.revision.engine, scene.revision.model_choice = "svd", GATED
    _seen(session, room, scene)
    mesh = bpy.data.objects.new("Wall", bpy.data.meshes.new("Wall"))
    scene.collection.objects.link(mesh)
    bpy.context.view_layer.objects.active = mesh
    bpy.ops.object.mode_set(mode="EDIT")
    assert bpy.ops.revision.download_model(accept_licence=True) == {"FINISHED"}
    (ticket,) = session.tickets.values()
    assert (ticket.kind, ticket.title, ticket.provenance["licence"]) == ("model", f"Download · {GATED}", "accepted")
    assert room("operators.reasons").why_not_download(scene) == "It is being downloaded"
    assert pump.run_until(lambda: "safetensors" in ticket.words or ticket.ended, PATIENCE), ticket
    assert pump.run_until(lambda: ticket.ended, PATIENCE)
    assert ticket.status == "DONE", ticket
    assert scene.revision.job_of(ticket.job_id).status == "DONE"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_download_can_be_cancelled(session, scene, room) -> None:
    pump = room("operators.pump")
    scene.revision.engine, scene.revision.model_choice = "svd", GATED
    _seen(session, room, scene)
    bpy.ops.revision.download_model(accept_licence=True)
    (ticket,) = session.tickets.values()
    assert pump.run_until(lambda: "safetensors" in ticket.words, PATIENCE), ticket
    pressed = time.monotonic()
    bpy.ops.revision.cancel_job(job_id=ticket.job_id)
    assert pump.run_until(lambda: ticket.ended, PATIENCE)
    print(f"cancelled after {time.monotonic() - pressed:.2f} s")
    assert ticket.status == "CANCELLED"
