"""Fingers flat or relaxed at once."""

import numpy as np
import pytest
from rig_samples import sample_rig


def rotations(room, scene, sample):
    rigs = room("revision_blender.scene.rigs.rig")
    rest = rigs.rest_of(sample.rig)
    poses = room("revision_blender.scene.rigs.sampled_poses").poses_at(scene, sample.rig, rest.names, sample.frames)
    return room("revision_blender.scene.rigs.poses").track_motion(poses, rest, np.eye(4))[0]


@pytest.mark.parametrize("family", ["smplh", "smplx"])
def test_relaxed_hands_are_the_models_mean_at_every_key(room, scene, family):
    sample = sample_rig(room, scene, family)
    hands = room("revision_blender.scene.rigs.hands")
    before = rotations(room, scene, sample)
    hands.hands(sample.rig, "relaxed")
    found, first = rotations(room, scene, sample), sample.model.n_joints - 30
    mean = room("revision_blender.motion.rotation").matrix_from_axis_angle(sample.model.hands.mean.reshape(30, 3))
    assert np.abs(found[:, first:] - mean).max() < 1e-5
    np.testing.assert_allclose(found[:, :first], before[:, :first], atol=1e-5)
    hands.hands(sample.rig, "flat")
    assert np.abs(rotations(room, scene, sample)[:, first:] - np.eye(3)).max() < 1e-5


def test_hands_at_some_frames_leave_the_others(room, scene):
    sample = sample_rig(room, scene, "smplx")
    before = rotations(room, scene, sample)
    room("revision_blender.scene.rigs.hands").hands(sample.rig, "flat", sample.frames[2:4])
    after = rotations(room, scene, sample)
    assert np.abs(after[2:4, 25:] - np.eye(3)).max() < 1e-5
    np.testing.assert_allclose(after[[0, 1, 4, 5]], before[[0, 1, 4, 5]], atol=1e-6)
    user = room("revision_blender.scene.pins").user_keys(sample.rig)
    assert user.rotation[30].tolist() == [3.0, 4.0] and len(user.rotation[20]) == 0


def test_a_body_without_fingers_says_so(room, scene):
    sample, hands = sample_rig(room, scene, "smpl"), room("revision_blender.scene.rigs.hands")
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="no fingers"):
        hands.hands(sample.rig, "flat")
    assert not hands.can_relax(sample.rig)
    del (body := sample_rig(room, scene, "smplh").rig)["revision_hands"]
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="without a relaxed hand"):
        hands.hands(body, "relaxed")
