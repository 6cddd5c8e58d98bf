"""Tracks of a take merged and cut: motion, hand edits, pins, and the motions that do not show."""

import bpy
import numpy as np
import pytest
from lifted_samples import CLOSE, FRAMES, assert_others_stay, assert_same, captured, on_disk, shaken, take_of


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
    refined = clip.with_tracks(tuple(shaken(room, shaken(room, track)) for track in clip.tracks))
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
