"""Single frames on which a fit fell aside are bridged; whatever a body can do stays."""

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.world.leaps import without_leaps
from revision_blender.motion.rotation import angle_between
from tests.backend.lifting_cases import walking_clip
from tests.lifting.scene_cases import body

FRAMES = 12


def _aside(frame: int, metres: float):
    """Somebody who walks, and on one frame stands nearer by so much, leaning back."""
    track = body(FRAMES)
    translation, rotations = track.translation.copy(), track.rotations.copy()
    translation[frame, 2] -= metres
    rotations[frame, 0] = rotations[frame, 0] @ np.array([[1.0, 0.0, 0.0], [0.0, 0.9, -np.sqrt(0.19)], [0.0, np.sqrt(0.19), 0.9]])
    return track, replace(track, translation=translation, rotations=rotations)


@pytest.mark.parametrize("frame", [1, 5, FRAMES - 2])
@pytest.mark.parametrize("fps", [12.0, 30.0])
def test_a_frame_that_leaps_is_put_between_its_neighbours(frame, fps):
    true, fallen = _aside(frame, 0.5)
    found = without_leaps(fallen, fps)
    assert np.abs(found.translation - true.translation).max() < 0.05
    assert np.degrees(angle_between(found.rotations, true.rotations)).max() < 12.0
    assert (found.confidence[frame] <= 0.5 * true.confidence[frame]).all()
    others = np.arange(FRAMES) != frame
    assert np.array_equal(found.rotations[others], fallen.rotations[others])
    assert np.array_equal(found.confidence[others], fallen.confidence[others])


def test_what_a_body_can_do_stays():
    walking = walking_clip(FRAMES).bodies[0]
    assert without_leaps(walking, 24.0) is walking
    jump = walking.translation.copy()
    jump[:, 1] -= np.maximum(0.0, 0.5 - 9.81 / 2.0 * ((np.arange(FRAMES) - 6) / 12.0) ** 2)  # half a metre high
    jumping = replace(walking, translation=jump)
    assert without_leaps(jumping, 12.0) is jumping
    elsewhere = walking.translation + np.where(np.arange(FRAMES)[:, None] < 6, 0.0, 1.0)  # not back again: nobody knows which half is wrong
    carried = replace(walking, translation=elsewhere)
    assert np.abs(without_leaps(carried, 12.0).translation - elsewhere).max() < 0.6
    short = replace(walking, rotations=walking.rotations[:2], translation=jump[:2] * 9.0, confidence=walking.confidence[:2])
    assert without_leaps(short, 12.0) is short
