"""The whole loop without a window: the real buttons' operators, the real backend, a tiny clip; and cancelling in the middle."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # seconds; two cores may be shared with everything else
FRAMES = 4


@pytest.fixture
def backend(scene, room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The session of a saved scene, with a backend home of its own; the backend is ended afterwards."""
    python = Path(os.environ.get("REVISION_PYTHON") or ROOT / ".venv-backend" / "bin" / "python")
    if not python.is_file():
        pytest.skip("no backend environment: python run.py setup makes it")
    monkeypatch.setenv("REVISION_PYTHON", str(python))
    monkeypatch.setenv("REVISION_HOME", str(tmp_path / "home"))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    session, pump = room("operators.session").current(), room("operators.pump")
    monkeypatch.setattr(session.link, "_looked", (0.0, "", None))
    pump.step()
    yield session
    if bpy.ops.revision.stop_backend.poll():
        bpy.ops.revision.stop_backend()
        stopping = session.link._stopping
        assert pump.run_until(lambda: stopping.finished, 60.0)
        pump.step()
    session.tickets.clear()


@pytest.fixture
def picture(room) -> Path:
    data = ROOT / "revision_blender" / "data" / "demo_picture.png"
    chosen = Path(os.environ.get("REVISION_DEMO_PICTURE") or data)
    if not chosen.is_file():
        pytest.skip(f"{chosen} is not there")
    return chosen


def _press(session, pump, operator: str) -> object:
    known = set(session.tickets)
    assert getattr(bpy.ops.revision, operator)() == {"FINISHED"}
    (ticket,) = [ticket for job_id, ticket in session.tickets.items() if job_id not in known]
    assert pump.run_until(lambda: ticket.ended, PATIENCE), ticket.words
    assert ticket.status == "DONE", ticket.message
    return ticket


def test_from_the_picture_to_the_fine_strip(backend, scene, room, picture: Path, tmp_path: Path) -> None:
    pump = room("operators.pump")
    scene.revision.picture, scene.revision.frames, scene.revision.prompt = str(picture), FRAMES, "wave"
    for operator in ("generate_coarse", "lift", "refine", "render_masks", "generate_fine"):
        _press(backend, pump, operator)
    strips = sorted(scene.sequence_editor.strips, key=lambda strip: strip.channel)
    assert [strip.name.split(" ")[0] for strip in strips] == ["Coarse", "Fine"]
    assert [row.status for row in scene.revision.jobs] == ["DONE"] * 5
    take = scene.revision.take()
    assert take.frames.startswith("//revision_results")
    (lifted,) = room("revision_blender.scene.take").find_takes(scene)
    assert lifted.take_id == take.take_id
    roles = {action.get("revision_role") for action in bpy.data.actions}
    assert {"lift", "raw", "refined"} <= roles
    rig = bpy.data.objects[lifted.bodies[0][1]]
    assert "refined" in rig.animation_data.action.name
    # masks of a motion that is no longer the rig's are not used
    rig.location.x += 0.5
    with pytest.raises(RuntimeError, match="Render Part Masks again"):
        bpy.ops.revision.generate_fine()


def test_cancel_is_acknowledged_at_once(backend, scene, room, picture: Path) -> None:
    pump = room("operators.pump")
    scene.revision.picture, scene.revision.frames = str(picture), 24
    bpy.ops.revision.generate_coarse()
    (ticket,) = backend.tickets.values()
    assert pump.run_until(lambda: ticket.fraction > 0.0 or ticket.ended, PATIENCE)
    pressed = time.monotonic()
    bpy.ops.revision.cancel_job(job_id=ticket.job_id)
    assert pump.run_until(lambda: ticket.ended, PATIENCE)
    assert ticket.status == "CANCELLED"
    print(f"cancelled after {time.monotonic() - pressed:.2f} s")
    assert scene.sequence_editor is None or not scene.sequence_editor.strips
    bpy.ops.revision.dismiss_job(job_id=ticket.job_id)
    assert len(scene.revision.jobs) == 0


def test_a_shown_thing_is_lifted_and_lifted_again(backend, scene, room, tmp_path: Path) -> None:
    """A red square that slides over a field: no person in it, one box drawn on its first frame."""
    pump, frames = room("operators.pump"), np.full((FRAMES, 120, 160, 3), (90, 140, 80), dtype=np.uint8)
    frames += np.random.default_rng(0).integers(0, 12, frames.shape, dtype=np.uint8)
    for index, frame in enumerate(frames):
        frame[60:90, 30 + 6 * index : 60 + 6 * index] = (210, 40, 30)
    files = room("revision_blender.wire.collect").write_frames(tmp_path / "square", frames, "job")
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.frames, entry.fps = "square", "take-square", str(files[0].parent), 12.0
    scene.revision.find_people = False
    bpy.ops.revision.add_subject(kind="object")
    bpy.ops.revision.draw_box(box=(30.0, 60.0, 60.0, 90.0))
    _press(backend, pump, "lift")
    (take,) = room("revision_blender.scene.take").find_takes(scene)
    ((name, _box, _points),) = take.objects
    assert name == "object_1" and take.bodies == ()
    capture = room("revision_blender.scene.capture").capture_clip
    before = capture(scene, take)
    pixels = before.camera.project(before.tracks[0].points)[0][:, -1]
    wanted = np.array([[45.0 + 6.0 * index, 75.0] for index in range(FRAMES)])
    assert np.abs(pixels - wanted).max() < 8.0
    _press(backend, pump, "lift_again")
    (again,) = room("revision_blender.scene.take").find_takes(scene)
    assert again.objects == take.objects and again.take_id == take.take_id
    np.testing.assert_allclose(capture(scene, again).camera.T_world_camera, before.camera.T_world_camera, atol=1e-5)
