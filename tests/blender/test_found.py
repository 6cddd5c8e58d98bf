"""The person picker of a lift: who of those that were found comes into the scene."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from scene_samples import sample_clip, sample_track
from test_objects import thing

FRAMES = 4


@pytest.fixture
def session(room, scene):
    current = room("operators.session").current()
    current.step(0.0)
    yield current
    current.tickets.clear()
    current.found.forget()


def arrived(room, scene, session, tmp_path, names=("Anna", "Bert, the tall", "Cleo"), ask: bool = True):
    """A lift of these people and a ball that comes from the backend; its ticket."""
    entry = scene.revision.takes.get("Clip") or scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps, scene.revision.choose_found = "Clip", "take-1", 7.0, ask
    files = room("revision_blender.wire.collect").write_frames(tmp_path / "clip", np.zeros((FRAMES, 240, 320, 3), np.uint8), "job")
    entry.frames = str(files[0].parent)
    people = [sample_track(room, FRAMES, seed=seed, track_id=name) for seed, name in enumerate(names)]
    late = people[-1].confidence.copy()
    late[:2] = 0.0
    people[-1] = replace(people[-1], confidence=late)
    clip = sample_clip(room, FRAMES).with_tracks((*people, thing(room, FRAMES)))
    blank = np.zeros((FRAMES, 240, 320), np.uint8)
    result = room("revision_blender.wire.requests").LiftResult(
        clip, clip, blank, np.zeros((FRAMES, 33, 3), np.float32), {}, blank, np.array([0]), ""
    )
    ticket, _build = room("operators.asking_lift").lift(scene)
    session.take_result(ticket, lambda: result)
    assert room("operators.pump").run_until(lambda: ticket.ended or session.found.first is not None, 60.0)
    assert room("operators.where").results_folder("Clip", "lift", ticket.job_id).is_dir()
    return ticket


def finished(room, ticket) -> None:
    assert room("operators.pump").run_until(lambda: ticket.ended, 60.0)
    assert ticket.status == "DONE", ticket.message


def in_the_scene(room, scene) -> list[str]:
    (take,) = room("revision_blender.scene.take").find_takes(scene)
    clip = room("revision_blender.scene.capture").capture_clip(scene, take)
    entry = scene.revision.take()
    on_disk = room("operators.lifted_files").clips_on_disk(entry)
    names = [track.track_id for track in clip.tracks]
    assert all([track.track_id for track in kept.tracks] == names for kept in on_disk.values()) and set(on_disk) == {"lift", "raw"}
    return names


def test_the_ticked_ones_come(room, scene, session, tmp_path):
    ticket = arrived(room, scene, session, tmp_path)
    choices = bpy.context.window_manager.revision_found
    assert [(choice.track_id, choice.words, choice.use) for choice in choices][1:] == [
        ("Bert, the tall", "all frames", True), ("Cleo", "2 of 4 frames", True), ("ball", "all frames", True),
    ]  # fmt: skip
    assert room("revision_blender.scene.take").find_takes(scene) == () and not ticket.ended
    for choice in choices:
        choice.use = choice.track_id in ("Bert, the tall", "ball")
    assert bpy.ops.revision.place_found() == {"FINISHED"}
    finished(room, ticket)
    assert in_the_scene(room, scene) == ["Bert, the tall", "ball"]
    assert len(choices) == 0 and not bpy.ops.revision.place_found.poll()


def test_a_script_names_them_and_is_told_who_was_not_found(room, scene, session, tmp_path):
    ticket = arrived(room, scene, session, tmp_path)
    with pytest.raises(RuntimeError, match="'Dora' was not found; choose from Anna"):
        bpy.ops.revision.place_found(tracks="Cleo, Dora")
    for choice in bpy.context.window_manager.revision_found:
        choice.use = False
    with pytest.raises(RuntimeError, match="Nobody is chosen"):
        bpy.ops.revision.place_found()
    bpy.ops.revision.place_found(tracks=" Cleo,Anna ")
    finished(room, ticket)
    assert in_the_scene(room, scene) == ["Anna", "Cleo"]


@pytest.mark.parametrize(("names", "ask"), [(("Anna",), True), (("Anna", "Bert"), False)])
def test_one_person_or_no_wish_to_choose_comes_at_once(room, scene, session, tmp_path, names, ask):
    ticket = arrived(room, scene, session, tmp_path, names, ask)
    finished(room, ticket)
    assert in_the_scene(room, scene) == [*names, "ball"]


def test_a_cancelled_choice_leaves_nothing(room, scene, session, tmp_path):
    ticket = arrived(room, scene, session, tmp_path)
    bpy.context.window_manager.revision_found.clear()
    session.step(0.0)
    assert len(bpy.context.window_manager.revision_found) == 4  # whatever emptied it: the list is what waits
    session.cancel(ticket.job_id)
    assert ticket.status == "CANCELLED" and session.found.first is None
    assert len(bpy.context.window_manager.revision_found) == 0
    assert room("revision_blender.scene.take").find_takes(scene) == ()
