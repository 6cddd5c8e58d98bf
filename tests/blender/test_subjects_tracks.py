"""Tracks of a take one by one: renamed, deleted, lifted again; the others never change, and the lift on disk goes along."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from lifted_samples import CLOSE, FRAMES, assert_others_stay, assert_same, captured, dog, on_disk, person, shaken, take_of
from scene_samples import sample_clip
from test_objects import thing


def test_all_tracks_land_in_one_collection_under_one_camera(room, scene, lifted):
    clip, _raw, _entry = lifted
    rows = room("revision_blender.scene.lifted_tracks").track_rows(take_of(room, scene))
    assert [(row.track_id, row.kind, row.body) for row in rows] == [
        ("Anna", "person", "open_human"), ("Bert", "person", "open_human"), ("dog", "animal", "open_quadruped"), ("ball", "object", ""),
    ]  # fmt: skip
    collection = bpy.data.collections[take_of(room, scene).collection_name]
    assert sum(thing.type == "CAMERA" for thing in collection.all_objects) == 1
    assert_others_stay(room, scene, clip)


def test_a_track_is_renamed_everywhere(room, scene, lifted):
    clip, _raw, entry = lifted
    bpy.ops.revision.rename_track(track="Bert", name="  Carl ")
    take = take_of(room, scene)
    assert take.order == ("Anna", "Carl", "dog", "ball") and "Clip Carl rig" in bpy.data.objects
    assert_same(captured(room, scene)["Carl"], clip.tracks[1])
    assert list(on_disk(room, entry)) == list(on_disk(room, entry, "raw")) == ["Anna", "Carl", "dog", "ball"]
    bpy.ops.revision.play_motion(role="raw")
    np.testing.assert_allclose(captured(room, scene)["Carl"].translation, clip.tracks[1].translation + 0.02, atol=CLOSE)
    for name, words in (("Anna", "has a track 'Anna' already"), (" ", "1 to 63 characters")):
        with pytest.raises(RuntimeError, match=words):
            bpy.ops.revision.rename_track(track="Carl", name=name)


def test_a_deleted_track_is_gone_from_scene_and_lift(room, scene, lifted):
    clip, _raw, entry = lifted
    before = len(bpy.data.objects), entry.lift
    bpy.ops.revision.ghost()
    bpy.ops.revision.delete_track(track="Bert")
    assert len(bpy.data.objects) == before[0] - 2 and not any("Bert" in thing.name for thing in (*bpy.data.objects, *bpy.data.actions))
    assert list(captured(room, scene)) == list(on_disk(room, entry)) == ["Anna", "dog", "ball"]
    assert_others_stay(room, scene, clip, "Bert")
    assert entry.lift != before[1] and room("operators.where").absolute(before[1]).is_file()
    for name in ("Anna", "dog", "ball"):
        bpy.ops.revision.delete_track(track=name)
    assert (
        take_of(room, scene).bodies == () and room("operators.reasons").why_not_refine(scene) == "There is nothing to refine in this take"
    )


def place(room, scene, entry, clip, raw, only: str):
    steps = room("revision_blender.scene.lifted_tracks_build").replace_track
    for words in steps(scene, entry.take_id, only, clip, raw, {"stage": "lift"}):
        assert words


def test_a_track_lifted_again_leaves_the_others_alone(room, scene, lifted):
    clip, _raw, entry = lifted
    fresh = replace(person(room, "Bert", 7), betas=np.linspace(-1.5, 1.5, 10))
    ball = thing(room, FRAMES, seed=5, size=(0.3, 0.3, 0.5))
    again = clip.with_tracks((clip.tracks[0], fresh, clip.tracks[2], ball))
    before = captured(room, scene)
    bones = {name: bpy.data.objects[name] for name in ("Clip Anna rig", "Clip Bert rig", "Clip dog rig", "Clip ball box")}
    place(room, scene, entry, again, again.with_tracks(tuple(shaken(room, track) for track in again.tracks)), "Bert")
    assert_same(captured(room, scene)["Bert"], fresh)
    for name in ("Anna", "dog", "ball"):
        np.testing.assert_array_equal(
            getattr(captured(room, scene)[name], "points", captured(room, scene)[name].confidence),
            getattr(before[name], "points", before[name].confidence),
        )
    place(room, scene, entry, again, again, "ball")
    assert_same(captured(room, scene)["ball"], ball)
    assert all(bpy.data.objects[name] == thing for name, thing in bones.items())
    assert take_of(room, scene).order == ("Anna", "Bert", "dog", "ball")
    bpy.ops.revision.play_motion(role="raw")
    np.testing.assert_allclose(captured(room, scene)["Bert"].translation, fresh.translation + 0.02, atol=CLOSE)


def test_a_track_lifted_again_as_something_else_is_built_anew(room, scene, lifted):
    clip, _raw, entry = lifted
    again = clip.with_tracks((*clip.tracks[:2], replace(thing(room, FRAMES, seed=3), track_id="dog"), clip.tracks[3]))
    place(room, scene, entry, again, again, "dog")
    rows = {row.track_id: row.kind for row in room("revision_blender.scene.lifted_tracks").track_rows(take_of(room, scene))}
    assert rows == {"Anna": "person", "Bert": "person", "dog": "object", "ball": "object"}
    assert_same(captured(room, scene)["dog"], again.tracks[2])
    assert "Clip dog rig" not in bpy.data.objects
    more = again.with_tracks((*again.tracks, replace(dog(room), track_id="cat")))
    place(room, scene, entry, more, more, "cat")
    assert_same(captured(room, scene)["cat"], more.tracks[4])
    assert_others_stay(room, scene, again)


def test_the_request_for_one_track_holds_the_lift(room, scene, lifted, monkeypatch):
    clip, _raw, entry = lifted
    monkeypatch.setattr(type(room("operators.session").current()), "why_no_backend", lambda _self: "")
    room("revision_blender.wire.collect").write_frames(
        room("operators.where").absolute(entry.frames) / "pictures", np.zeros((FRAMES, 240, 320, 3), np.uint8), "job"
    )
    entry.frames = str(room("operators.where").absolute(entry.frames) / "pictures")
    ticket, build = room("operators.asking_lift").lift_again(scene, "dog")
    asked = build()
    assert (asked.only, ticket.take_id, ticket.title) == ("dog", entry.take_id, "Lift dog · Clip")
    assert [track.track_id for track in asked.known.tracks] == ["Anna", "Bert", "dog", "ball"]
    shown = room("operators.tracks").shown_from_lift(asked.known, "ball", "animal")
    pixels = clip.camera.project(clip.tracks[3].points)[0][shown.frame]
    assert shown.frame == clip.tracks[3].confidence.argmax()
    left, top, right, bottom = shown.box
    inside = (pixels >= (left, top)).all(axis=1) & (pixels <= (right, bottom)).all(axis=1)
    assert inside.all() and (right - left) < 1.5 * np.ptp(pixels[:, 0]) + 5.0


def test_cuts_are_marked_in_the_timeline(room, scene, lifted):
    _clip, _raw, entry = lifted
    for _ in range(2):
        room("operators.arrived_lift").mark_cuts(scene, entry, [0, 2, 5])
    assert [(marker.name, marker.frame) for marker in scene.timeline_markers] == [("Cut Clip", 5), ("Cut Clip", 11)]


def test_notes_are_told_as_sentences(room):
    assert room("operators.handover").sentences_of("the dog is hidden\n\nA cut at frame 3.\nball_1 is lost") == (
        "The dog is hidden. A cut at frame 3. ball_1 is lost."
    )


def test_the_list_follows_the_selection(room, scene, lifted):
    tracks = room("operators.tracks")
    take = take_of(room, scene)
    assert tracks.chosen_track(bpy.context, take) == "Anna"
    bpy.ops.revision.choose_track(track="ball")
    assert bpy.context.view_layer.objects.active.name == "Clip ball box" and tracks.chosen_track(bpy.context, take) == "ball"
    bpy.context.view_layer.objects.active = bpy.data.objects["Clip dog body"]
    assert tracks.chosen_track(bpy.context, take) == "dog"
    assert room("operators.track_cuts").mergeable(take, "Anna") == ("Bert",)
    assert room("operators.track_cuts").mergeable(take, "dog") == ()


def _ticket(room, scene, entry, **made):
    provenance = {"take": entry.name, "frames": entry.frames, "fps": entry.fps, **made}
    return room("operators.tickets").Ticket("job-1", "lift", entry.take_id, "Lift", scene.session_uid, provenance)


def test_a_lift_arrives_with_cuts_notes_and_without_the_clips_own_camera(room, scene, tmp_path):
    clip = sample_clip(room, FRAMES, fps=12.0).with_tracks((person(room, "person_1", 0), dog(room), thing(room, FRAMES)))
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps, scene.render.fps = "Clip", "take-9", 12.0, 24
    files = room("revision_blender.wire.collect").write_frames(tmp_path / "clip", np.zeros((FRAMES, 240, 320, 3), np.uint8), "job")
    entry.frames = str(files[0].parent)
    room("revision_blender.scene.subjects_view").new_clip_view(scene, entry, files, 320, 240)
    requests, events = room("revision_blender.wire.requests"), room("revision_blender.wire.events")
    raw = clip.with_tracks(tuple(shaken(room, track) for track in clip.tracks))
    blank = np.zeros((FRAMES, 240, 320), np.uint8)
    result = requests.LiftResult(
        clip, raw, blank, np.zeros((FRAMES, 33, 3), np.float32), {"iou": 0.5}, blank, np.array([0, 3]), "dog is hidden"
    )
    collected = events.Collected("job-1", "lift", result, ())
    handover, ticket = room("operators.handover"), _ticket(room, scene, entry)
    handover.write_files(collected, tmp_path / "lift-1")
    list(handover.steps(scene, ticket, collected, tmp_path / "lift-1"))
    assert handover.remark(ticket, collected) == "Dog is hidden."
    assert [marker.frame for marker in scene.timeline_markers] == [7]
    assert not any("clip view" in thing.name for thing in bpy.data.objects)
    assert_others_stay(room, scene, clip)  # the lift plays, objects too, though the raw fit came after it
    rig = bpy.data.objects["Clip person_1 rig"]
    assert rig.animation_data.action["revision_made_report_iou"] == 0.5
    assert room("operators.comparing").other_role(take_of(room, scene)) in ("raw", "lift")

    moved = clip.with_tracks((clip.tracks[0], clip.tracks[1], thing(room, FRAMES, seed=8)))
    again = events.Collected("job-2", "lift", replace(result, clip=moved, raw=moved), ())
    ticket = _ticket(room, scene, entry, only="ball")
    handover.write_files(again, tmp_path / "lift-2")
    list(handover.steps(scene, ticket, again, tmp_path / "lift-2"))
    assert_others_stay(room, scene, moved)
    assert entry.lift.endswith("lift.npz") and "lift-2" in entry.lift
    assert len(room("revision_blender.scene.take").find_takes(scene)) == len(scene.revision.takes) == 1


def test_a_track_that_cannot_be_built_anew_stays(room, scene, lifted):
    clip, _raw, entry = lifted
    strange = clip.with_tracks((clip.tracks[0], replace(dog(room), track_id="Bert", model="unheard_of"), *clip.tracks[2:]))
    before = len(bpy.data.objects), len(bpy.data.actions)
    with pytest.raises(room("revision_blender.motion.errors").RevisionError, match="unheard_of"):
        place(room, scene, entry, strange, strange, "Bert")
    assert (len(bpy.data.objects), len(bpy.data.actions)) == before
    assert_others_stay(room, scene, clip)
    animal = clip.with_tracks((clip.tracks[0], replace(dog(room), track_id="Bert"), *clip.tracks[2:]))
    place(room, scene, entry, animal, animal, "Bert")
    assert_others_stay(room, scene, animal)
    assert bpy.data.objects["Clip Bert rig"]["revision_model"] == "open_quadruped" and "Clip Bert rig.001" not in bpy.data.objects
