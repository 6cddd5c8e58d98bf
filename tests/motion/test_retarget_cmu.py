"""Retargeting keeps the directions of the limbs' bones, whatever the rest poses are."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_model import joints_of
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.bvh import Bvh, parse_bvh, world_motion
from revision_blender.motion.retargeting.cmu import CMU_JOINTS, LIMB_BONES, leg_length, retarget, smallest_turn
from tests.motion.motion_samples import mean_body

ARCHIVE = Path(os.environ.get("REVISION_SHARED_DATA", Path(__file__).parents[2] / "../shared/data")) / "mocap" / "cmu_bvh.tar.xz"


def _captured(name: str) -> Bvh:
    if not ARCHIVE.exists():
        pytest.skip(f"the captures are not here: {ARCHIVE}")
    with tarfile.open(ARCHIVE) as archive:
        file = archive.extractfile(next(member for member in archive if member.name.endswith(f"/{name}.bvh")))
        assert file is not None
        return parse_bvh(io.TextIOWrapper(file, encoding="utf-8").read())


def test_limbs_point_where_the_captured_limbs_point() -> None:
    bvh, body = _captured("soccer_3"), mean_body()
    rotations, translation = retarget(bvh, body.joints_rest, body.model.parents)
    joints, (_, places) = joints_of(body, rotations, translation), world_motion(bvh)
    for joint, (end, cmu_end) in LIMB_BONES.items():
        if joint in (20, 21):  # the hand's end is no joint of its own in both skeletons
            continue
        ours = joints[:, end] - joints[:, joint]
        theirs = places[:, bvh.joint(cmu_end)] - places[:, bvh.joint(CMU_JOINTS[joint])]
        cosine = (ours * theirs).sum(-1) / np.linalg.norm(ours, axis=-1) / np.linalg.norm(theirs, axis=-1)
        assert cosine.min() > 1.0 - 1e-9, CMU_JOINTS[joint]


def test_hips_go_as_far_as_the_longer_or_shorter_legs_carry() -> None:
    bvh, body = _captured("running_1"), mean_body()
    hips = joints_of(body, *retarget(bvh, body.joints_rest, body.model.parents))[:, [1, 2]].mean(axis=1)
    _, places = world_motion(bvh)
    femurs = places[:, [bvh.joint("LFemur"), bvh.joint("RFemur")]].mean(axis=1)
    ankle_to_hip = np.linalg.norm(places[0, bvh.joint("LFemur")] - places[0, bvh.joint("LTibia")])
    ankle_to_hip += np.linalg.norm(places[0, bvh.joint("LTibia")] - places[0, bvh.joint("LFoot")])
    np.testing.assert_allclose(hips, femurs * leg_length(body.joints_rest) / ankle_to_hip, atol=1e-3)


def test_another_skeleton_is_refused() -> None:
    text = "HIERARCHY ROOT Hips { OFFSET 0 0 0 CHANNELS 3 Xposition Yposition Zposition } MOTION Frames: 1 Frame Time: 0.1 0 0 0"
    with pytest.raises(MotionFileError, match="no joint 'LFemur'"):
        retarget(parse_bvh(text), mean_body().joints_rest, mean_body().model.parents)


DIRECTIONS = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 1e-3)


@settings(max_examples=100, deadline=None)
@given(DIRECTIONS, DIRECTIONS)
def test_the_smallest_turn_takes_one_direction_to_the_other(start: tuple[float, ...], end: tuple[float, ...]) -> None:
    a, b = np.array(start) / np.linalg.norm(start), np.array(end) / np.linalg.norm(end)
    turn = smallest_turn(a, b)
    np.testing.assert_allclose(turn @ a, b, atol=1e-6)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)


def test_opposite_directions_take_half_a_turn() -> None:
    np.testing.assert_allclose(
        smallest_turn(np.array([0.0, 1.0, 0.0]), np.array([0.0, -2.0, 0.0])) @ [0.0, 1.0, 0.0], [0.0, -1.0, 0.0], atol=1e-12
    )
