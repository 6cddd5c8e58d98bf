"""Shots joined into one clip: one floor, every shot's own pictures, nobody where nobody is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.lifting.world.joining import joined_shots, moved_track
from backend.lifting.world.lifted import LiftedShot
from backend.lifting.world.report import joined_figures
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.clip import BodyTrack, GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle
from tests.lifting.scene_cases import body, camera_of, card, seen_masks, shot_of


def _shot(frames: int, tilt: float, height: float, turn: float = 0.0) -> LiftedShot:
    """Somebody and a card before a camera that looks down by ``tilt`` from ``height`` and turns by ``turn`` over its frames."""
    camera = camera_of(frames)
    camera.T_world_camera[:, :3, :3] = matrix_from_axis_angle(np.linspace(0.0, turn, frames)[:, None] * np.array([0.0, 1.0, 0.0]))
    tracks = (body(frames), card("box", np.tile([0.5, 0.2, 3.0], (frames, 1)), 0.5))
    normal = matrix_from_axis_angle(np.array([tilt, 0.0, 0.0])) @ np.array([0.0, -1.0, 0.0])
    return replace(shot_of(tracks, seen_masks(tracks, camera, (1, 0)), camera), ground=GroundPlane(normal, -height * normal))


def _points(track, model=None):
    if isinstance(track, BodyTrack):
        return joints_of(identity_of(open_human(), track.betas), track.rotations, track.translation)
    return track.points


@settings(max_examples=12, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(0.8, 2.0), st.floats(-0.4, 0.4))
def test_every_shot_looks_as_before_and_all_stand_on_one_floor(tilt, height, turn):
    shots = [_shot(3, 0.1, 1.4, 0.2), _shot(4, tilt, height, turn)]
    joined = joined_shots(shots)
    assert joined.camera.n_frames == 7
    assert np.allclose(joined.camera.T_world_camera[0], np.eye(4), atol=1e-9)
    start = 0
    for number, shot in enumerate(shots):
        frames = slice(start, start + shot.camera.n_frames)
        for before, after in zip(shot.tracks, joined.tracks[2 * number : 2 * number + 2], strict=True):
            seen = joined.camera.project(_points(after.track))[0][frames]
            assert np.abs(seen - shot.camera.project(_points(before.track))[0]).max() < 1e-3
            heights = joined.ground.height(_points(after.track)[frames])
            assert np.abs(heights - shot.ground.height(_points(before.track))).max() < 1e-6
        start += shot.camera.n_frames
    turned = np.swapaxes(joined.camera.T_world_camera[:3, :3, :3], 1, 2)
    assert np.allclose(turned[0] @ joined.camera.T_world_camera[2, :3, :3], shots[0].camera.T_world_camera[2, :3, :3], atol=1e-9)


def test_tracks_are_named_by_their_shot_and_not_trusted_outside_it():
    joined = joined_shots([_shot(3, 0.1, 1.4), _shot(4, 0.0, 1.2), _shot(1, 0.0, 1.2)])
    assert [lifted.name for lifted in joined.tracks] == [
        "person_1",
        "box",
        "person_1 shot 2",
        "box shot 2",
        "person_1 shot 3",
        "box shot 3",
    ]
    for lifted, (start, stop) in zip(joined.tracks, [(0, 3), (0, 3), (3, 7), (3, 7), (7, 8), (7, 8)], strict=True):
        confidence = np.asarray(lifted.track.confidence).reshape(8, -1).max(axis=1)
        inside = (np.arange(8) >= start) & (np.arange(8) < stop)
        assert ((confidence > 0.0) == inside).all() and not lifted.seen[~inside].any() and not lifted.mask[~inside].any()
        points = _points(lifted.track)
        assert np.array_equal(points[:start], np.repeat(points[start : start + 1], start, axis=0))
        assert np.array_equal(points[stop:], np.repeat(points[stop - 1 : stop], 8 - stop, axis=0))
    visible = joined.visible()
    assert set(np.unique(visible[:3])) == {0, 1, 2} and set(np.unique(visible[7])) == {0, 5, 6}


def test_one_shot_is_itself_and_an_empty_one_only_adds_frames():
    shot = _shot(3, 0.1, 1.4)
    assert joined_shots([shot]) is shot
    empty = replace(_shot(2, 0.0, 1.4), tracks=(), ground_confidence=0.0)
    joined = joined_shots([empty, shot])
    assert joined.camera.n_frames == 5 and [lifted.name for lifted in joined.tracks] == ["person_1 shot 2", "box shot 2"]
    assert joined.ground_confidence == pytest.approx(0.8)


def test_figures_follow_their_tracks_and_the_worst_shot_speaks_for_the_whole():
    joined = joined_figures([{"person_1/iou": 0.9, "depth_order": 1.0}, {"person_1/iou": 0.8, "depth_order": 0.5}])
    assert joined == {"person_1/iou": 0.9, "person_1 shot 2/iou": 0.8, "depth_order": 0.5}


def test_moving_there_and_back_is_standing_still():
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = matrix_from_axis_angle(np.array([0.3, -0.4, 0.2])), [0.5, -1.0, 2.0]
    for track in (body(4), card("box", np.tile([0.5, 0.2, 3.0], (4, 1)), 0.5)):
        there = _points(moved_track(track, T))
        assert np.allclose(there, _points(track) @ T[:3, :3].T + T[:3, 3], atol=1e-5)
        assert np.allclose(_points(moved_track(moved_track(track, T), np.linalg.inv(T))), _points(track), atol=1e-5)
