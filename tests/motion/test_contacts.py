"""Floor, contacts and held feet: found on the motion as it came, held at a small change of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_model import joints_of, world_rotations
from revision_blender.motion.clip import BodyTrack, GroundPlane
from revision_blender.motion.files.framing import floor
from revision_blender.motion.retargeting.contacts import find_contacts, floor_of, foot_points, stretches
from revision_blender.motion.retargeting.held_feet import hold_feet
from revision_blender.motion.retargeting.match import roles_of
from revision_blender.motion.retargeting.measures import change, frames_beyond, slide
from revision_blender.motion.retargeting.retarget import retarget
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from tests.motion.captures import body, cmu

# clip -> least share of its frames in which a foot rests: those who walk always stand on one, those who run fly between steps
CLIPS = {"walking_1": 0.9, "running_2": 0.3, "soccer_3": 0.5, "jumping_3": 0.5, "walking_37": 0.8, "basketball_1": 0.9}


def captured(clip: str) -> tuple[BodyTrack, GroundPlane, float]:
    capture = cmu(clip)
    moved = retarget(capture, roles_of(capture), body())
    track = BodyTrack("p", "smpl", "open_human", np.zeros(10), moved.rotations, moved.translation, np.ones(moved.rotations.shape[:2]))
    return track, floor_of(foot_points(track, body()), "y", capture.fps, level=False), capture.fps


@pytest.mark.parametrize("clip", CLIPS)
def test_resting_feet_are_held_at_a_small_change(clip: str) -> None:
    track, ground, fps = captured(clip)
    cleaned, held = hold_feet(track, body(), fps, ground)
    contacts = find_contacts(foot_points(track, body()), ground, fps)
    np.testing.assert_array_equal(held.contacts.touching, contacts.touching)  # decided on what came, not on what was made of it
    assert contacts.share > CLIPS[clip]
    before, after = (slide(foot_points(t, body()), contacts, fps, ground.normal) for t in (track, cleaned))
    assert after < 1.5
    assert after < 0.7 * before
    joints = [joints_of(body(), t.rotations, t.translation) for t in (track, cleaned)]
    assert change(*joints) < 15.0
    assert not frames_beyond("smpl", cleaned.rotations).any()


@pytest.mark.parametrize("clip", ["walking_1", "soccer_3"])
def test_cleaning_adds_no_jolts(clip: str) -> None:
    track, ground, fps = captured(clip)
    cleaned, _ = hold_feet(track, body(), fps, ground)
    jerks = [np.abs(np.diff(joints_of(body(), t.rotations, t.translation), n=3, axis=0)).mean() for t in (track, cleaned)]
    assert jerks[1] < 1.3 * jerks[0]


def test_feet_keep_their_direction_and_arms_their_pose() -> None:
    track, ground, fps = captured("walking_1")
    cleaned, _ = hold_feet(track, body(), fps, ground)
    parents = body().model.parents
    one, two = (world_rotations(parents, t.rotations) for t in (track, cleaned))
    assert angle_between(one[:, [7, 8]], two[:, [7, 8]]).max() < 1e-6
    np.testing.assert_array_equal(track.rotations[:, 12:], cleaned.rotations[:, 12:])


def still(frames: int = 90) -> BodyTrack:
    """Standing at rest with the soles on y = 0."""
    rotations = np.tile(np.eye(3), (frames, 24, 1, 1))
    track = BodyTrack("p", "smpl", "open_human", np.zeros(10), rotations, np.zeros((frames, 3)), np.ones((frames, 24)))
    lowest = foot_points(track, body())[..., 1].min()
    return replace(track, translation=np.tile([0.0, -lowest, 0.0], (frames, 1)))


def test_who_stands_still_stays() -> None:
    track = still()
    ground = floor_of(foot_points(track, body()), "y", 30.0, level=False)
    np.testing.assert_allclose(ground.normal, [0.0, 1.0, 0.0], atol=1e-12)
    cleaned, held = hold_feet(track, body(), 30.0, ground)
    assert held.contacts.share == 1.0
    np.testing.assert_allclose(
        joints_of(body(), cleaned.rotations, cleaned.translation), joints_of(body(), track.rotations, track.translation), atol=0.01
    )


def test_a_drifting_stand_is_held() -> None:
    track = still()
    drift = np.linspace(0.0, 0.15, track.n_frames)  # 1.7 mm a frame, as a lifter's root drifts
    track = replace(track, translation=track.translation + drift[:, None] * [1.0, 0.0, 0.0])
    cleaned, held = hold_feet(track, body(), 30.0, floor("y"))
    points = foot_points(cleaned, body())
    assert np.linalg.norm(np.ptp(points, axis=0), axis=-1).max() < 0.03
    assert held.contacts.share == 1.0


def test_who_flies_touches_nothing() -> None:
    track = still()
    track = replace(track, translation=track.translation + np.array([0.0, 1.0, 0.0]))
    cleaned, held = hold_feet(track, body(), 30.0, floor("y"))
    assert held.contacts.share == 0.0
    np.testing.assert_allclose(cleaned.translation, track.translation, atol=1e-12)
    np.testing.assert_allclose(cleaned.rotations, track.rotations, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.floats(-1.0, 1.0), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), st.integers(0, 1000))
def test_the_floor_is_found_though_some_feet_are_off_it(height: float, pitch: float, roll: float, seed: int) -> None:
    """Feet walking about on a plane, a fifth of the time somewhere else."""
    rng = np.random.default_rng(seed)
    normal = matrix_from_axis_angle(np.radians([pitch, 0.0, roll])) @ [0.0, 1.0, 0.0]
    steps = rng.uniform(-3.0, 3.0, (40, 2))
    places = np.repeat(steps, 10, axis=0)
    flat = np.stack([places[:, 0], (height - places @ normal[[0, 2]]) / normal[1], places[:, 1]], axis=-1)
    flat[:, 1] += rng.normal(0.0, 0.003, len(flat))
    off = np.repeat(rng.random(40) < 0.2, 10)
    flat[off, 1] += rng.uniform(0.1, 1.0)
    points = np.tile(flat[:, None, None], (1, 2, 3, 1))
    found = floor_of(points, "y", 30.0, level=False)
    assert np.degrees(np.arccos(min(1.0, found.normal @ normal))) < 0.5
    assert np.abs(found.height(flat[~off])).max() < 0.03
    assert floor_of(points, "y", 30.0, level=True).normal.tolist() == [0.0, 1.0, 0.0]


def test_z_up_worlds_have_floors_too() -> None:
    track = still()
    R = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    points = foot_points(track, body()) @ R.T + [0.0, 0.0, 0.3]
    found = floor_of(points, "z", 30.0, level=True)
    assert found.normal.tolist() == [0.0, 0.0, 1.0]
    assert found.height(points).min() == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_clips_are_taken(frames: int) -> None:
    track = still(frames)
    cleaned, _ = hold_feet(track, body(), 30.0, floor_of(foot_points(track, body()), "y", 30.0, level=False))
    assert np.isfinite(cleaned.rotations).all() and np.isfinite(cleaned.translation).all()


@given(st.lists(st.booleans(), max_size=30))
def test_stretches_cover_what_is_true(flags: list[bool]) -> None:
    given_ = np.array(flags, dtype=bool)
    made = np.zeros(len(flags), dtype=bool)
    for first, last in stretches(given_):
        assert first < last
        made[first:last] = True
    np.testing.assert_array_equal(made, given_)
