"""The pump, called directly: safe moments, undo, errors; nothing is lost or done twice."""

from pathlib import Path

import bpy
import numpy as np
import pytest


@pytest.fixture
def session(scene, room):
    current = room("operators.session").current()
    room("operators.pump").step()
    yield current
    current.tickets.clear()


@pytest.fixture
def pump(room):
    return room("operators.pump")


@pytest.fixture
def new_ticket(room, scene):
    def make(kind: str = "coarse", job_id: str = "11111111-aaaa", **made):
        return room("operators.tickets").Ticket(job_id, kind, "take-1", f"{kind} · dancer", scene.session_uid, {"take": "dancer", **made})

    return make


def test_a_step_measures_itself(session, pump) -> None:
    pump.durations.clear()
    assert pump.step() == pump.IDLE
    assert len(pump.durations) == 1
    assert pump.durations[0] >= 0.0


def test_an_error_is_shown_and_does_not_stop_the_pump(session, pump, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def broken(_deadline: float) -> None:
        raise ValueError("the 13th strip")

    monkeypatch.setattr(session, "step", broken)
    pump.step()
    assert session.trouble == "ValueError: the 13th strip"
    assert "the 13th strip" in capsys.readouterr().err
    monkeypatch.undo()
    pump.step()
    session.trouble = ""


def _video(room, folder: Path, job_id: str, frames: int = 4):
    requests, events, collect = (
        room("revision_blender.wire.requests"),
        room("revision_blender.wire.events"),
        room("revision_blender.wire.collect"),
    )
    video = np.random.default_rng(0).integers(0, 255, (frames, 32, 48, 3), dtype=np.uint8)
    files = collect.write_frames(folder, video, job_id)
    return events.Collected(job_id, "coarse", requests.VideoResult(video, 12.0, {"psnr": 40.0}), files)


def _strips(scene) -> list[str]:
    return [strip.name for strip in scene.sequence_editor.strips] if scene.sequence_editor else []


def _deliver(session, ticket, collected, folder: Path) -> None:
    session.tickets[ticket.job_id] = ticket
    session._set(ticket, "PLACING")
    session._queue(ticket, collected, folder)


def test_a_result_waits_for_the_end_of_edit_mode(session, pump, scene, room, new_ticket, tmp_path: Path) -> None:
    mesh = bpy.data.objects.new("Wall", bpy.data.meshes.new("Wall"))
    scene.collection.objects.link(mesh)
    bpy.context.view_layer.objects.active = mesh
    mesh.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    ticket = new_ticket()
    _deliver(session, ticket, _video(room, tmp_path / "coarse-1", ticket.job_id), tmp_path)
    for _ in range(5):
        pump.step()
    assert _strips(scene) == []
    assert ticket.words == "waits until you leave Edit Mode"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert pump.run_until(lambda: ticket.ended, 10.0)
    assert _strips(scene) == ["coarse · dancer"]
    assert bpy.context.view_layer.objects.active == mesh
    assert mesh.select_get()
    assert scene.revision.take().name == "dancer"
    assert scene.revision.job_of(ticket.job_id).status == "DONE"


def test_strips_carry_how_they_were_made(session, pump, scene, room, new_ticket, tmp_path: Path) -> None:
    ticket = new_ticket(prompt="kick", seed=7)
    _deliver(session, ticket, _video(room, tmp_path / "coarse-1", ticket.job_id), tmp_path)
    assert pump.run_until(lambda: ticket.ended, 10.0)
    made = room("revision_blender.scene.provenance").read_provenance(scene.sequence_editor.strips[0])
    assert (made["prompt"], made["seed"], made["job_id"], made["report_psnr"]) == ("kick", 7, ticket.job_id, 40.0)


def test_rows_lost_by_undo_come_back_and_dismissed_ones_stay_away(session, pump, scene, new_ticket) -> None:
    ticket, dismissed = new_ticket(), new_ticket("lift", "22222222-bbbb")
    for each in (ticket, dismissed):
        session.tickets[each.job_id] = each
        session._set(each, "DONE")
    session.dismiss(dismissed.job_id)
    # what an undo does to the scene: rows are as they were before
    scene.revision.jobs.clear()
    scene.revision.jobs.add().job_id = dismissed.job_id
    session.undone = True
    pump.step()
    assert [(row.job_id, row.status) for row in scene.revision.jobs] == [(ticket.job_id, "DONE")]


def test_a_delivery_cut_by_undo_begins_anew(session, pump, scene, room, new_ticket, tmp_path: Path) -> None:
    ticket = new_ticket()
    _deliver(session, ticket, _video(room, tmp_path / "coarse-1", ticket.job_id), tmp_path)
    session.step(0.0)  # no time left after the first small step
    assert session.placing
    session.undone = True
    assert pump.run_until(lambda: ticket.ended, 10.0)
    assert ticket.status == "DONE"
    assert _strips(scene) == ["coarse · dancer"]


def test_a_cancelled_job_that_waits_for_its_moment_never_comes(session, pump, scene, room, new_ticket, tmp_path: Path) -> None:
    ticket = new_ticket()
    _deliver(session, ticket, _video(room, tmp_path / "coarse-1", ticket.job_id), tmp_path)
    session.cancel(ticket.job_id)
    pump.step()
    assert ticket.status == "CANCELLED"
    assert _strips(scene) == []


def test_an_unfinished_job_is_remembered_by_the_file(session, pump, scene, room, new_ticket, tmp_path: Path, monkeypatch) -> None:
    started = []
    monkeypatch.setattr(session, "start_backend", lambda: started.append(True))
    ticket = new_ticket(prompt="wave")
    session.tickets[ticket.job_id] = ticket
    session._set(ticket, "RUNNING")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    pump.step()
    assert session.tickets == {}
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    pump.step()
    found = session.tickets[ticket.job_id]
    assert (found.status, found.kind, found.provenance["prompt"]) == ("RUNNING", "coarse", "wave")
    assert started, "the backend is asked about unfinished jobs"


def test_a_job_that_the_backend_never_saw_fails_with_a_sentence(session, scene, room, new_ticket) -> None:
    ticket = new_ticket()
    session.tickets[ticket.job_id] = ticket
    session._set(ticket, "RUNNING")
    session._heed(room("revision_blender.wire.events").JobsListed(()))
    assert ticket.status == "FAILED"
    assert "Press the button again" in scene.revision.job_of(ticket.job_id).message
