"""Going on from a lifted pose, in a world whose up is not y."""

import numpy as np
import pytest

from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.errors import ClipError
from revision_blender.motion.inbetween import Pose, between, continue_with, eased
from revision_blender.motion.library import motion_for_prompt, motions
from revision_blender.motion.rotation import angle_between
from tests.motion.motion_samples import R_TILTED, mean_body, pose_of, tilted_ground

NAMED = ("walk", "run", "jump", "kick", "wave", "turn", "throw")
FPS, FRAMES = 12.0, 24


def _lowest(rotations: np.ndarray, translation: np.ndarray) -> np.ndarray:
    return tilted_ground().height(sole_points(mean_body(), rotations, translation)).min(axis=(1, 2))


def test_between_has_both_ends_exactly_and_stays_on_the_floor() -> None:
    start, target = pose_of(motions()[0], 10), pose_of(motions()[9], 30)
    rotations, translation = between(start, target, mean_body(), tilted_ground(), FRAMES)
    for frame, pose in ((0, start), (-1, target)):
        np.testing.assert_array_equal(rotations[frame], pose.rotations)
        np.testing.assert_array_equal(translation[frame], pose.translation)
    heights = _lowest(rotations, translation)
    assert heights.min() > min(heights[0], heights[-1]) - 1e-6


def test_between_eases_in_and_out() -> None:
    start, target = pose_of(motions()[0], 10), pose_of(motions()[9], 30)
    rotations, _ = between(start, target, mean_body(), tilted_ground(), FRAMES)
    speed = angle_between(rotations[:-1], rotations[1:]).sum(axis=1)
    assert speed[0] < 0.2 * speed.max() and speed[-1] < 0.2 * speed.max()


def test_easing_is_monotonous_and_held_outside() -> None:
    values = eased(np.linspace(-0.5, 1.5, 101))
    assert values.min() == 0.0 and values.max() == 1.0
    assert (np.diff(values) >= -1e-12).all()


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("frame", [5, 25])
def test_going_on_begins_with_the_pose_and_ends_in_the_motion(name: str, frame: int) -> None:
    motion, start = motion_for_prompt(name, 0.7, 0), pose_of(motions()[0], frame)
    rotations, translation = continue_with(motion, start, mean_body(), tilted_ground(), FRAMES, FPS)
    np.testing.assert_array_equal(rotations[0], start.rotations)
    np.testing.assert_allclose(translation[0], start.translation, atol=1e-9)
    nearest = [angle_between(motion.rotations[:, 1:], rotations[at, 1:]).max(axis=1).min() for at in (8, 16, 23)]
    assert max(nearest) < 0.25  # later frames are the recording's, up to its sampling


@pytest.mark.parametrize("name", NAMED)
def test_going_on_neither_sinks_nor_tilts(name: str) -> None:
    motion, start = motion_for_prompt(name, 0.7, 0), pose_of(motions()[0], 12)
    rotations, translation = continue_with(motion, start, mean_body(), tilted_ground(), FRAMES, FPS)
    heights = _lowest(rotations, translation)
    assert heights.min() > min(heights[0], 0.0) - 1e-6
    if name in ("walk", "wave", "turn"):
        assert np.percentile(heights, 75.0) < 0.05
        up = rotations[8:, 0, :, 1] @ R_TILTED[:, 1]
        assert up.min() > 0.85


def test_a_walk_goes_where_the_pose_faces() -> None:
    start = pose_of(motions()[0], 12)
    _, translation = continue_with(motions()[0], start, mean_body(), tilted_ground(), FRAMES, FPS)
    way = R_TILTED.T @ (translation[-1] - translation[0])
    assert way[2] > 1.0 and abs(way[0]) < 0.5 * way[2] and abs(way[1]) < 0.1


def test_no_leap_where_the_motion_takes_over() -> None:
    start = pose_of(next(m for m in motions() if m.words[0] == "wave"), 40)
    rotations, translation = continue_with(motions()[0], start, mean_body(), tilted_ground(), 48, 24.0)
    assert angle_between(rotations[:-1], rotations[1:]).max() < 0.6
    assert np.linalg.norm(np.diff(translation, axis=0), axis=1).max() < 0.12


def test_a_lying_body_still_has_a_heading() -> None:
    pose = pose_of(motions()[0], 0)
    lying = pose.rotations.copy()
    lying[0] = R_TILTED @ np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rotations, translation = continue_with(motions()[0], Pose(lying, pose.translation), mean_body(), tilted_ground(), FRAMES, FPS)
    assert np.isfinite(rotations).all() and np.isfinite(translation).all()


def test_one_frame_is_refused() -> None:
    pose = pose_of(motions()[0], 0)
    with pytest.raises(ClipError, match="at least 2"):
        between(pose, pose, mean_body(), tilted_ground(), 1)
    with pytest.raises(ClipError, match="at least 2"):
        continue_with(motions()[0], pose, mean_body(), tilted_ground(), 1, FPS)
