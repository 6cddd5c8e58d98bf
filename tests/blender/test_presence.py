"""Tracks that are not on every frame: hidden in the viewport, left out of the masks, and still exactly what came."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, sample_clip, sample_track
from test_masks_pass import methods

FRAMES, CUT = 6, 3


def box_track(room, frames: int):
    rng = np.random.default_rng(4)
    points = rng.normal(size=(1, 21, 3)) * 0.2 + np.linspace(0.0, 0.3, frames)[:, None, None] + [0.5, 0.3, 3.0]
    return room("revision_blender.motion.clip").ObjectTrack("ball", "ball", np.full(3, 0.2), points, np.ones(frames))


def held(track, there: np.ndarray):
    """The track on the frames ``there``, holding its nearest pose elsewhere, as joined shots do."""
    on = np.flatnonzero(there)
    at = on[np.abs(np.arange(len(there))[:, None] - on).argmin(axis=1)]
    if hasattr(track, "points"):
        return replace(track, points=track.points[at], confidence=np.where(there, 0.9, 0.0))
    confidence = np.where(there[:, None], track.confidence, 0.0)
    return replace(track, rotations=track.rotations[at], translation=track.translation[at], confidence=confidence)


def two_shots(room, **options):
    """A person and a ball in the first shot, another person in the second."""
    clip = sample_clip(room, FRAMES, **options)
    first = np.arange(FRAMES) < CUT
    other = sample_track(room, FRAMES, seed=9, track_id="person shot 2", distance=3.0)
    return clip.with_tracks((held(clip.bodies[0], first), held(other, ~first), held(box_track(room, FRAMES), first)))


def shown(scene, take, frame: float) -> dict[str, bool]:
    """Which track's things show at a scene frame, all of one track alike."""
    scene.frame_set(int(np.floor(frame + 1e-4)), subframe=max(0.0, float(frame) - int(np.floor(frame + 1e-4))))
    found = {}
    for track_id, holder, mesh in (*take.bodies, *take.objects):
        seen = {bpy.data.objects[name].visible_get() for name in (holder, mesh)} | {not bpy.data.objects[mesh].hide_render}
        assert len(seen) == 1, (track_id, frame)
        found[track_id] = seen.pop()
    return found


def assert_same(ours, theirs) -> None:
    assert [track.track_id for track in ours.tracks] == [track.track_id for track in theirs.tracks]
    for a, b in zip(ours.tracks, theirs.tracks, strict=True):
        for name in ("rotations", "translation", "points", "confidence"):
            if hasattr(a, name):
                np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-4, err_msg=f"{a.track_id} {name}")


def test_what_is_not_on_a_frame_is_hidden_there_and_reads_back_as_it_came(room, scene):
    clip = two_shots(room)
    take = import_sample(room, scene, clip)
    for frame, at in enumerate(take.scene_frames(scene)):
        first = frame < CUT
        assert shown(scene, take, at) == {"person": first, "person shot 2": not first, "ball": first}, frame
    capture = room("revision_blender.scene.capture")
    for at in take.scene_frames(scene)[[0, CUT, FRAMES - 1]]:
        shown(scene, take, at)
        assert_same(capture.capture_clip(scene, take), clip)
        now = capture.capture_pose(scene, take)
        for track, one in zip(clip.bodies, now.bodies, strict=True):
            frame = int(np.abs(take.scene_frames(scene) - at).argmin())
            np.testing.assert_allclose(one.rotations[0], track.rotations[frame], atol=1e-4)


def test_masks_leave_out_who_is_not_there_and_tell_whose_a_part_is(room, scene):
    clip = two_shots(room)
    take = import_sample(room, scene, clip)
    codes = room("revision_blender.masks.codes")
    for method in methods(room):
        frames = np.stack(list(room("revision_blender.scene.part_masks.mask_pass").render_codes(scene, take, method)))
        labels, tracks = codes.labels_of(frames), codes.tracks_of(frames)
        for frame in range(FRAMES):
            whose = set(np.unique(tracks[frame][labels[frame] > 0]))
            assert whose == ({0, 2} if frame < CUT else {1}), (method, frame)


def test_masks_between_the_clips_frames_hold_to_the_shot(room, scene):
    """At a higher rate nobody of the next shot shows before it begins."""
    take = import_sample(room, scene, two_shots(room)).at_rate(14.0)
    codes = room("revision_blender.masks.codes")
    for frame, drawn in enumerate(room("revision_blender.scene.part_masks.mask_pass").render_codes(scene, take, methods(room)[0])):
        whose = set(np.unique(codes.tracks_of(drawn)[codes.labels_of(drawn) > 0]))
        assert whose == ({0, 2} if frame < 2 * CUT else {1}), frame
    clip = room("revision_blender.scene.capture").capture_clip(scene, take)
    assert [int(track.there.sum()) for track in clip.tracks] == [2 * CUT, take.n_frames - 2 * CUT, 2 * CUT]


def test_a_motion_that_is_on_every_frame_shows_again_and_playing_the_first_hides_again(room, scene):
    take_of, motions = room("revision_blender.scene.take"), room("revision_blender.scene.motions")
    clip = two_shots(room)
    take = import_sample(room, scene, clip)
    always = clip.with_tracks(tuple(replace(track, confidence=np.ones_like(track.confidence)) for track in clip.tracks))
    for _words in take_of.apply_motion(scene, take, always, role="refined"):
        pass
    last = float(take.scene_frames(scene)[-1])
    assert all(shown(scene, take, last).values())
    motions.play(scene, take, "lift")
    assert shown(scene, take, last) == {"person": False, "person shot 2": True, "ball": False}


def test_a_track_of_another_shot_is_chosen_all_the_same(room, scene, capfd):
    take = import_sample(room, scene, two_shots(room))
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps = "Person", take.take_id, take.fps
    shown(scene, take, take.scene_frames(scene)[0])
    bpy.ops.revision.choose_track(track="person shot 2")
    assert room("operators.tracks").chosen_track(bpy.context, take) == "person shot 2"
    first, last = take.scene_frames(scene)[[CUT, FRAMES - 1]]
    assert f"person shot 2 is not on this frame but between {first:g} and {last:g}" in capfd.readouterr().out


def test_a_ghost_is_seen_with_its_body_and_never_rendered(room, scene):
    ghosts = room("revision_blender.scene.ghosts")
    take = import_sample(room, scene, two_shots(room))
    ghosts.show_ghost(scene, take, "lift")
    found = [thing for thing in bpy.data.objects if thing.get("revision_role") == "ghost"]
    frames = take.scene_frames(scene)
    for at, first in ((frames[0], True), (frames[-1], False)):
        shown(scene, take, at)
        for thing in found:
            assert thing.hide_render
            wanted = thing.type != "ARMATURE" and (thing.get("revision_track") == "person shot 2") != first
            assert thing.visible_get() == wanted, (thing.name, at)


def test_a_hidden_rig_takes_another_shape_and_no_pin(room, scene):
    """What works on the rest pose turns a hidden rig on meanwhile; a place where nobody is cannot be pinned."""
    take = import_sample(room, scene, two_shots(room))
    frames = take.scene_frames(scene)
    shown(scene, take, frames[-1])
    _track, rig, body = take.bodies[0]
    rig, body = bpy.data.objects[rig], bpy.data.objects[body]
    before = room("revision_blender.scene.capture").capture_clip(scene, take)
    body.data.shape_keys.key_blocks[1].value += 0.5
    take_body, model = room("revision_blender.scene.take_body"), room("revision_blender.motion.bodies.body_model").open_human()
    take_body.update_joints(rig, body, model, take.T_blender_world)
    after = room("revision_blender.scene.capture").capture_clip(scene, take)
    np.testing.assert_allclose(after.bodies[0].rotations, before.bodies[0].rotations, atol=1e-4)
    assert not shown(scene, take, frames[-1])["person"]
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="hidden on this frame"):
        room("revision_blender.scene.place_pins").pin_places(scene, take, rig, [20], (frames[-1], frames[-1]))
