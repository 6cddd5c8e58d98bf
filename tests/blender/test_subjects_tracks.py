"""Tracks of a take one by one: renamed, deleted, merged, cut, lifted again; the others never change, and the lift on disk goes along."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, sample_clip, sample_track
from test_objects import thing

FRAMES = 6
CLOSE = 2e-4


@pytest.fixture
def lifted(room, scene, tmp_path):
    """Two people, a dog and a ball, lifted: the clip, the raw fit, and the take's entry in the panel."""
    scene.render.fps = 24
    clip = sample_clip(room, FRAMES, fps=12.0, moving=True)
    clip = clip.with_tracks((*(_person(room, name, seed) for seed, name in enumerate(("Anna", "Bert"))), _dog(room), thing(room, FRAMES)))
    raw = clip.with_tracks(tuple(_shaken(room, track) for track in clip.tracks))
    save = room("revision_blender.motion.clip_file").save_clip
    (tmp_path / "lift-1").mkdir()
    save(tmp_path / "lift-1" / "lift.npz", clip)
    save(tmp_path / "lift-1" / "raw.npz", raw)
    take = import_sample(room, scene, clip, name="Clip")
    list(room("revision_blender.scene.take").apply_motion(scene, take, raw, role="raw"))
    room("revision_blender.scene.motions").play(scene, take, "lift")
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps, entry.lift = "Clip", take.take_id, 12.0, str(tmp_path / "lift-1" / "lift.npz")
    entry.frames = str(tmp_path)
    return clip, raw, entry


def _person(room, name: str, seed: int):
    return sample_track(room, FRAMES, seed=seed, track_id=name)


def _dog(room):
    shelf, joints = room("revision_blender.motion.bodies.shelf").BodyShelf(None), 35
    rotations = np.tile(np.eye(3), (FRAMES, joints, 1, 1))
    place = np.array([0.4, 0.3, 3.0]) + np.linspace(0.0, 0.3, FRAMES)[:, None]
    betas = np.zeros(shelf.load("open_quadruped").n_betas)
    return room("revision_blender.motion.clip").BodyTrack(
        "dog", "smal", "open_quadruped", betas, rotations, place, np.full((FRAMES, joints), 0.7)
    )


def _shaken(room, track):
    if isinstance(track, room("revision_blender.motion.clip").ObjectTrack):
        return replace(track, points=track.points + 0.02)
    return replace(track, translation=track.translation + 0.02)


def take_of(room, scene):
    return room("revision_blender.scene.take").find_takes(scene)[0]


def captured(room, scene):
    return {track.track_id: track for track in room("revision_blender.scene.capture").capture_clip(scene, take_of(room, scene)).tracks}


def on_disk(room, entry, role: str = "lift"):
    return {track.track_id: track for track in room("operators.lifted_files").clips_on_disk(entry)[role].tracks}


def assert_same(found, wanted) -> None:
    if hasattr(wanted, "points"):
        assert np.abs(found.points - wanted.points).max() < CLOSE
        np.testing.assert_allclose(found.size, wanted.size, atol=1e-5)
    else:
        assert np.abs(found.rotations - wanted.rotations).max() < CLOSE and np.abs(found.translation - wanted.translation).max() < CLOSE
        np.testing.assert_allclose(found.betas[: len(wanted.betas)], wanted.betas, atol=1e-5)
    np.testing.assert_allclose(found.confidence, wanted.confidence, atol=1e-6)


def assert_others_stay(room, scene, clip, *changed: str) -> None:
    now = captured(room, scene)
    for track in clip.tracks:
        if track.track_id not in changed:
            assert_same(now[track.track_id], track)


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


def test_merging_takes_each_frame_from_the_surer_track(room, scene, lifted):
    clip, _raw, entry = lifted
    bpy.ops.revision.merge_tracks(track="Anna", other="Bert")
    first, second = clip.tracks[:2]
    surer = second.confidence.mean(axis=1) > first.confidence.mean(axis=1)
    assert surer.any() and not surer.all()
    found = captured(room, scene)
    assert list(found) == list(on_disk(room, entry)) == ["Anna", "dog", "ball"]
    assert np.abs(found["Anna"].rotations - np.where(surer[:, None, None, None], second.rotations, first.rotations)).max() < CLOSE
    body = room("revision_blender.motion.bodies.body_model")
    pelvis = [body.joints_of(body.identity_of(body.open_human(), t.betas), t.rotations, t.translation)[:, 0] for t in (first, second)]
    wanted = np.where(surer[:, None], pelvis[1], pelvis[0])
    for track in (found["Anna"], on_disk(room, entry)["Anna"]):
        joined = body.joints_of(body.identity_of(body.open_human(), first.betas), track.rotations, track.translation)[:, 0]
        np.testing.assert_allclose(joined, wanted, atol=CLOSE)
    assert_others_stay(room, scene, clip, "Anna", "Bert")
    bpy.ops.revision.play_motion(role="raw")
    assert np.abs(captured(room, scene)["Anna"].rotations - found["Anna"].rotations).max() < CLOSE
    with pytest.raises(RuntimeError, match="different kinds"):
        bpy.ops.revision.merge_tracks(track="Anna", other="ball")
    with pytest.raises(RuntimeError, match="only tracks on one body"):
        bpy.ops.revision.merge_tracks(track="Anna", other="dog")
    with pytest.raises(RuntimeError, match="with itself"):
        bpy.ops.revision.merge_tracks(track="Anna", other="Anna")
    assert list(captured(room, scene)) == ["Anna", "dog", "ball"]


@pytest.mark.parametrize("name", ["Bert", "ball"])
def test_a_cut_track_is_two_that_are_trusted_in_turn(room, scene, lifted, name):
    clip, _raw, entry = lifted
    track = next(track for track in clip.tracks if track.track_id == name)
    scene.frame_set(5)  # clip frame 2
    bpy.ops.revision.split_track(track=name)
    found, later = captured(room, scene), f"{name} 2"
    assert set(found) == set(on_disk(room, entry)) == {"Anna", "Bert", "dog", "ball", later}
    for kept, held, part in ((slice(0, 2), 1, found[name]), (slice(2, FRAMES), 2, found[later])):
        trusted = np.zeros(FRAMES, dtype=bool)
        trusted[kept] = True
        values, wanted = (part.points, track.points) if name == "ball" else (part.translation, track.translation)
        assert np.abs(values[trusted] - wanted[trusted]).max() < CLOSE
        assert np.abs(values[~trusted] - wanted[held]).max() < CLOSE
        assert (part.confidence[~trusted] == 0.0).all()
        np.testing.assert_allclose(part.confidence[trusted], track.confidence[trusted], atol=1e-6)
    assert_others_stay(room, scene, clip, name)
    scene.frame_set(1)
    with pytest.raises(RuntimeError, match="begins at this frame"):
        bpy.ops.revision.split_track(track=name)
    bpy.ops.revision.merge_tracks(track=name, other=later)
    assert_others_stay(room, scene, clip)


def turned_head(frame: float, name: str = "Anna") -> None:
    bone = bpy.data.objects[f"Clip {name} rig"].pose.bones["head"]
    bone.rotation_quaternion = (0.70710678, 0.70710678, 0.0, 0.0)
    bone.keyframe_insert("rotation_quaternion", frame=frame)


def pinned(room, scene) -> dict[str, list[tuple[int, int]]]:
    """Frame and joint of each pin, by track."""
    pins = room("revision_blender.scene.capture").captured_pins(scene, take_of(room, scene))
    return {pin.track_id: [(int(frame), int(joint)) for frame, joint in np.argwhere(pin.joints)] for pin in pins}


HEAD, WRIST = 15, 20


def test_hand_edits_go_along_and_stay_pinned_on_either_side_of_a_cut(room, scene, lifted):
    turned_head(3)  # clip frame 1
    turned_head(9)  # clip frame 4
    box = bpy.data.objects["Clip ball box"]
    box.location.z += 0.1
    box.keyframe_insert("location", frame=9)
    before, ball = captured(room, scene)["Anna"], captured(room, scene)["ball"]
    assert pinned(room, scene)["Anna"] == [(1, HEAD), (4, HEAD)]
    scene.frame_set(7)
    bpy.ops.revision.split_track(track="Anna")
    bpy.ops.revision.split_track(track="ball")
    found, pins = captured(room, scene), pinned(room, scene)
    np.testing.assert_allclose(found["Anna"].rotations[1], before.rotations[1], atol=CLOSE)
    np.testing.assert_allclose(found["Anna 2"].rotations[4], before.rotations[4], atol=CLOSE)
    np.testing.assert_allclose(found["ball 2"].points[4], ball.points[4], atol=CLOSE)
    assert (pins["Anna"], pins["Anna 2"], pins["ball 2"], "ball" in pins) == ([(1, HEAD)], [(4, HEAD)], [(4, 0)], False)
    bpy.ops.revision.merge_tracks(track="Anna", other="Anna 2")
    assert pinned(room, scene)["Anna"] == [(1, HEAD), (4, HEAD)]
    np.testing.assert_allclose(captured(room, scene)["Anna"].rotations, before.rotations, atol=CLOSE)


def test_a_merged_track_is_pinned_where_its_frames_come_from(room, scene, lifted):
    clip = lifted[0]
    taken = clip.tracks[1].confidence.mean(axis=1) > clip.tracks[0].confidence.mean(axis=1)
    for name in ("Anna", "Bert"):
        for frame in range(FRAMES):
            turned_head(1 + 2 * frame, name)
    now = captured(room, scene)
    bpy.data.objects["Clip Bert rig"].pose.bones["head"].rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    assert (now["Anna"].rotations[:, HEAD] == pytest.approx(now["Bert"].rotations[:, HEAD], abs=CLOSE)) and taken.any()
    unpinned = int(np.flatnonzero(taken)[0])
    curve = [c for c in room("revision_blender.scene.actions").curves_of(bpy.data.objects["Clip Bert rig"]) if '"head"' in c.data_path]
    for one in curve:  # the other's first frame is nobody's
        one.keyframe_points[unpinned].type = "GENERATED"
        original = bpy.data.objects["Clip Bert rig"]["revision_original"]
        bag = room("revision_blender.scene.actions").channelbag(original, original.slots[0])
        there = next(c for c in bag.fcurves if (c.data_path, c.array_index) == (one.data_path, one.array_index))
        one.keyframe_points[unpinned].co.y = there.keyframe_points[unpinned].co.y
    bpy.ops.revision.merge_tracks(track="Anna", other="Bert")
    assert pinned(room, scene)["Anna"] == [(frame, HEAD) for frame in range(FRAMES) if frame != unpinned]


def test_pinned_places_go_to_the_part_that_has_their_frames(room, scene, lifted):
    place_pins, take = room("revision_blender.scene.place_pins"), take_of(room, scene)
    frames, rig = take.scene_frames(scene), bpy.data.objects["Clip Anna rig"]
    place_pins.pin_places(scene, take, rig, [WRIST], (frames[1], frames[4]))
    place_pins.pin_places(scene, take, rig, [WRIST + 1], (frames[5], frames[5]))
    where = place_pins.places_of(scene, take, "Anna", 24)
    scene.frame_set(7)  # clip frame 3
    bpy.ops.revision.split_track(track="Anna")
    take, early = take_of(room, scene), np.arange(FRAMES) < 3
    parts = [place_pins.places_of(scene, take, name, 24) for name in ("Anna", "Anna 2")]
    for part, frames in zip(parts, (early, ~early), strict=True):
        np.testing.assert_allclose(part, np.where(frames[:, None, None], where, np.nan), atol=1e-6)
    bpy.ops.revision.merge_tracks(track="Anna", other="Anna 2")
    np.testing.assert_allclose(place_pins.places_of(scene, take_of(room, scene), "Anna", 24), where, atol=1e-6)
    bpy.ops.revision.delete_track(track="Anna")
    assert place_pins.place_pins(take_of(room, scene)) == ()


def test_motions_that_do_not_show_are_cut_and_joined_too(room, scene, lifted):
    """A refinement behind the lift, and the hand edits of a lift behind its refinement."""
    clip = lifted[0]
    turned_head(9)
    edited = captured(room, scene)["Anna"]
    refined = clip.with_tracks(tuple(_shaken(room, _shaken(room, track)) for track in clip.tracks))
    list(
        room("revision_blender.scene.take").apply_motion(
            scene, take_of(room, scene), refined, role="refined", provenance={"method": "prior"}
        )
    )
    scene.frame_set(7)
    bpy.ops.revision.split_track(track="Anna")
    bpy.ops.revision.play_motion(role="lift")
    found = captured(room, scene)
    np.testing.assert_allclose(found["Anna 2"].rotations[3:], edited.rotations[3:], atol=CLOSE)
    assert (found["Anna"].confidence[3:] == 0.0).all() and pinned(room, scene)["Anna 2"] == [(4, HEAD)]
    bpy.ops.revision.merge_tracks(track="Anna", other="Anna 2")
    assert_same(captured(room, scene)["Anna"], edited)
    bpy.ops.revision.play_motion(role="refined")
    assert_same(captured(room, scene)["Anna"], refined.tracks[0])
    action = bpy.data.objects["Clip Anna rig"].animation_data.action
    assert (action["revision_made_method"], action["revision_made_made_by"]) == ("prior", "edit")


def place(room, scene, entry, clip, raw, only: str):
    steps = room("revision_blender.scene.lifted_tracks_build").replace_track
    for words in steps(scene, entry.take_id, only, clip, raw, {"stage": "lift"}):
        assert words


def test_a_track_lifted_again_leaves_the_others_alone(room, scene, lifted):
    clip, _raw, entry = lifted
    fresh = replace(_person(room, "Bert", 7), betas=np.linspace(-1.5, 1.5, 10))
    ball = thing(room, FRAMES, seed=5, size=(0.3, 0.3, 0.5))
    again = clip.with_tracks((clip.tracks[0], fresh, clip.tracks[2], ball))
    before = captured(room, scene)
    bones = {name: bpy.data.objects[name] for name in ("Clip Anna rig", "Clip Bert rig", "Clip dog rig", "Clip ball box")}
    place(room, scene, entry, again, again.with_tracks(tuple(_shaken(room, track) for track in again.tracks)), "Bert")
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
    more = again.with_tracks((*again.tracks, replace(_dog(room), track_id="cat")))
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
    clip = sample_clip(room, FRAMES, fps=12.0).with_tracks((_person(room, "person_1", 0), _dog(room), thing(room, FRAMES)))
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps, scene.render.fps = "Clip", "take-9", 12.0, 24
    files = room("revision_blender.wire.collect").write_frames(tmp_path / "clip", np.zeros((FRAMES, 240, 320, 3), np.uint8), "job")
    entry.frames = str(files[0].parent)
    room("revision_blender.scene.subjects_view").new_clip_view(scene, entry, files, 320, 240)
    requests, events = room("revision_blender.wire.requests"), room("revision_blender.wire.events")
    raw = clip.with_tracks(tuple(_shaken(room, track) for track in clip.tracks))
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
    strange = clip.with_tracks((clip.tracks[0], replace(_dog(room), track_id="Bert", model="unheard_of"), *clip.tracks[2:]))
    before = len(bpy.data.objects), len(bpy.data.actions)
    with pytest.raises(room("revision_blender.motion.errors").RevisionError, match="unheard_of"):
        place(room, scene, entry, strange, strange, "Bert")
    assert (len(bpy.data.objects), len(bpy.data.actions)) == before
    assert_others_stay(room, scene, clip)
    animal = clip.with_tracks((clip.tracks[0], replace(_dog(room), track_id="Bert"), *clip.tracks[2:]))
    place(room, scene, entry, animal, animal, "Bert")
    assert_others_stay(room, scene, animal)
    assert bpy.data.objects["Clip Bert rig"]["revision_model"] == "open_quadruped" and "Clip Bert rig.001" not in bpy.data.objects
