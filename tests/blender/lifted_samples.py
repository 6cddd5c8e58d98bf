"""A lifted take of two people, a dog and a ball, and what its tracks are now, for the tests of single tracks."""

from dataclasses import replace

import numpy as np
from scene_samples import import_sample, sample_clip, sample_track
from test_objects import thing

FRAMES = 6
CLOSE = 2e-4


def lifted_take(room, scene, tmp_path):
    """Two people, a dog and a ball, lifted: the clip, the raw fit, and the take's entry in the panel."""
    scene.render.fps = 24
    clip = sample_clip(room, FRAMES, fps=12.0, moving=True)
    clip = clip.with_tracks((*(person(room, name, seed) for seed, name in enumerate(("Anna", "Bert"))), dog(room), thing(room, FRAMES)))
    raw = clip.with_tracks(tuple(shaken(room, track) for track in clip.tracks))
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


def person(room, name: str, seed: int):
    return sample_track(room, FRAMES, seed=seed, track_id=name)


def dog(room):
    shelf, joints = room("revision_blender.motion.bodies.shelf").BodyShelf(None), 35
    rotations = np.tile(np.eye(3), (FRAMES, joints, 1, 1))
    place = np.array([0.4, 0.3, 3.0]) + np.linspace(0.0, 0.3, FRAMES)[:, None]
    betas = np.zeros(shelf.load("open_quadruped").n_betas)
    return room("revision_blender.motion.clip").BodyTrack(
        "dog", "smal", "open_quadruped", betas, rotations, place, np.full((FRAMES, joints), 0.7)
    )


def shaken(room, track):
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
