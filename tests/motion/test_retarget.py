"""Any skeleton on a body: bones keep their directions, hips go as far as the legs carry, nothing is beyond a person's limits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_model import identity_of, joints_of, world_rotations
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.bvh import parse_bvh
from revision_blender.motion.files.bvh_in import captures_of
from revision_blender.motion.retargeting.capture import Capture, posed_places
from revision_blender.motion.retargeting.match import UNITS, leg_length, roles_of, unit_of
from revision_blender.motion.retargeting.measures import directions, frames_beyond
from revision_blender.motion.retargeting.retarget import body_leg_length, retarget
from revision_blender.motion.retargeting.turns import smallest_turns
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.motion.skeletons import SMPL, SMPLX
from tests.motion.captures import CLIPS, body, cmu, from_body, turned


def test_a_bodys_own_skeleton_comes_back_as_it_was() -> None:
    capture, rotations, translation = from_body()
    moved = retarget(capture, roles_of(capture), body())
    free = ~moved.stopped.any(axis=1)
    assert free.sum() >= 3
    elbows = [SMPL.index("left_elbow"), SMPL.index("right_elbow")]  # what is shared with the forearm is tested on its own
    wrists = [SMPL.index("left_wrist"), SMPL.index("right_wrist")]
    for joint in range(22):
        if joint not in (*elbows, *wrists):
            assert np.degrees(angle_between(moved.rotations[free, joint], rotations[free, joint])).max() < 1e-4, SMPL.names[joint]
    np.testing.assert_allclose(moved.translation, translation, atol=1e-9)
    ours = world_rotations(SMPL.parents, moved.rotations)[:, wrists]
    theirs = world_rotations(SMPL.parents, rotations)[:, wrists]
    assert np.degrees(angle_between(ours, theirs))[free].max() < 1e-4


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["y", "z"]), st.floats(-3.1, 3.1))
def test_it_does_not_matter_how_the_file_is_turned(seed: int, up: str, yaw: float) -> None:
    """The same motion in other axes, and a rest pose facing elsewhere, is the same motion of the body in these axes."""
    capture, _, _ = from_body(seed=seed)
    R = matrix_from_axis_angle(np.array([np.pi / 2 if up == "z" else 0.0, 0.0, 0.0])) @ matrix_from_axis_angle(np.array([0.0, yaw, 0.0]))
    other = turned(capture, R).turned_up(up)  # type: ignore[arg-type]
    roles = roles_of(capture)
    one, two = retarget(capture, roles, body()), retarget(other, roles, body())
    np.testing.assert_allclose(two.rotations[:, 1:], one.rotations[:, 1:], atol=1e-9)
    np.testing.assert_allclose(two.rotations[:, 0], R @ one.rotations[:, 0], atol=1e-9)
    rest = body().joints_rest[0]
    np.testing.assert_allclose(two.translation + rest, (one.translation + rest) @ R.T, atol=1e-9)


@pytest.mark.parametrize("clip", CLIPS)
def test_bones_point_where_the_captured_bones_point(clip: str) -> None:
    capture = cmu(clip)
    roles = roles_of(capture)
    found = directions(capture, roles, retarget(capture, roles, body()), body())
    assert found.mean() < 2.0
    assert max(row.mean() for row in found.limbs.values()) < 0.1
    assert max(row.mean() for row in found.turned.values()) < 0.5


@pytest.mark.parametrize("clip", CLIPS)
def test_no_joint_is_beyond_a_persons(clip: str) -> None:
    capture = cmu(clip)
    moved = retarget(capture, roles_of(capture), body())
    assert not frames_beyond("smpl", moved.rotations).any()
    assert moved.stopped.mean() < 0.01  # limits are generous: hardly a frame of what people did is beyond them


def test_the_same_motion_on_hands_with_fingers() -> None:
    capture = cmu("walking_1")
    roles = roles_of(capture)
    plain, whole = retarget(capture, roles, body()), retarget(capture, roles, body("open_human_x"))
    thumbs = [SMPLX.index("left_thumb1"), SMPLX.index("right_thumb1")]
    assert whole.driven[thumbs].all()  # CMU captures thumbs, but no other finger
    assert not whole.driven[[SMPLX.index("left_index1"), SMPLX.index("jaw")]].any()
    body_joints = [joint for joint in range(20) if SMPL.names[joint] == SMPLX.names[joint]]
    assert np.degrees(angle_between(plain.rotations[:, body_joints], whole.rotations[:, body_joints])).max() < 5.0


def test_hips_go_as_far_as_the_legs_carry() -> None:
    capture = cmu("running_1")
    roles = roles_of(capture)
    moved = retarget(capture, roles, body())
    hips = joints_of(body(), moved.rotations, moved.translation)[:, [1, 2]].mean(axis=1)
    theirs = capture.places[:, [roles.limbs["left_thigh"], roles.limbs["right_thigh"]]].mean(axis=1)
    np.testing.assert_allclose(hips, theirs * body_leg_length(body()) / leg_length(capture, roles), atol=1e-9)


def test_a_rest_pose_that_is_no_pose_is_replaced_by_a_frame() -> None:
    """Bones drawn along one axis, as some exporters do: every joint's frame is turned so that its bone lies along x."""
    capture, _, _ = from_body(spread=0.06, frames=8)
    n = len(capture.names)
    toward = np.zeros((n, 3))
    for joint in range(n):
        below = capture.children[joint]
        toward[joint] = capture.rest[below[0]] - capture.rest[joint] if below else [0.0, 1.0, 0.0]
    B = smallest_turns(np.broadcast_to([1.0, 0.0, 0.0], (n, 3)), toward / np.linalg.norm(toward, axis=1, keepdims=True))
    rest = np.zeros((n, 3))
    for joint in range(1, n):
        parent = capture.parents[joint]
        rest[joint] = rest[parent] + B[parent].T @ (capture.rest[joint] - capture.rest[parent])
    odd = replace(capture, rest=rest, rotations=capture.rotations @ B)
    np.testing.assert_allclose(posed_places(odd.parents, odd.rest, odd.rotations, odd.places[:, 0]), capture.places, atol=1e-9)
    roles = roles_of(odd)
    moved = retarget(odd, roles, body())
    found = directions(odd, roles, moved, body())
    assert max(row.max() for row in found.limbs.values()) < 0.01
    assert found.mean() < 4.0  # which frame stands straight is a guess of some degrees


MINIMAL = """HIERARCHY
ROOT Hips { OFFSET 0 0 0 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
 JOINT Chest { OFFSET 0 5 0 CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT Neck { OFFSET 0 18 0 CHANNELS 3 Zrotation Xrotation Yrotation
   JOINT Head { OFFSET 0 5 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 4 0 } } }
  JOINT LeftCollar { OFFSET 1 16 2 CHANNELS 3 Zrotation Xrotation Yrotation
   JOINT LeftUpArm { OFFSET 6 0 0 CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT LeftLowArm { OFFSET 0 -12 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 -10 0 } } } }
  JOINT RightCollar { OFFSET -1 16 2 CHANNELS 3 Zrotation Xrotation Yrotation
   JOINT RightUpArm { OFFSET -6 0 0 CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT RightLowArm { OFFSET 0 -12 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 -10 0 } } } } }
 JOINT LeftUpLeg { OFFSET 4 0 0 CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT LeftLowLeg { OFFSET 0 -18 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 -17 0 } } }
 JOINT RightUpLeg { OFFSET -4 0 0 CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT RightLowLeg { OFFSET 0 -18 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 -17 0 } } } }
MOTION
Frames: 2
Frame Time: 0.0333333
"""


def test_arms_that_hang_at_rest_and_limbs_without_hands_and_feet() -> None:
    values = np.zeros((2, 45))
    values[:, 1] = 35.0  # the hips' height
    values[1, [5, 22, 37]] = 90.0, -80.0, 50.0  # turned to its left; the left forearm raised to the front, the left knee bent
    capture = captures_of(parse_bvh(MINIMAL + "\n".join(" ".join(map(str, row)) for row in values)))["person"]
    roles = roles_of(capture)
    assert unit_of(capture, roles) == "inches"
    moved = retarget(capture.in_unit(UNITS["inches"]), roles, body())
    found = directions(capture, roles, moved, body())
    assert max(row.max() for row in found.limbs.values()) < 0.01
    joints = joints_of(body(), moved.rotations, moved.translation)
    np.testing.assert_allclose(moved.rotations[0, [0, 3, 6, 9, 12, 15]], np.broadcast_to(np.eye(3), (6, 3, 3)), atol=1e-9)  # upright
    wrists = joints[:, [20, 21]] - joints[:, [18, 19]]
    assert (wrists[0, :, 1] < -0.2).all()  # forearms hang
    ahead = joints[1, 20] - joints[1, 18]
    assert ahead[0] > 0.2  # what was the front is +x now


def test_fingers_are_found_and_kept() -> None:
    capture, rotations, _ = from_body("open_human_x")
    roles = roles_of(capture)
    assert len(roles.fingers) == 10 and all(len(joints) == 3 for joints in roles.fingers.values())
    moved = retarget(capture, roles, body("open_human_x"))
    fingers = [number for number, name in enumerate(SMPLX.names) if number >= 25 and name]
    assert np.degrees(angle_between(moved.rotations[:, fingers], rotations[:, fingers])).max() < 1e-4


def test_unit_joint_count_is_checked() -> None:
    with pytest.raises(MotionFileError, match="do not fit"):
        Capture(("a",), np.array([-1]), np.zeros((2, 3)), np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 3)), 30.0)


def test_shape_of_the_persons_own_body_is_not_needed() -> None:
    betas = np.array([1.5, -1.0, 0.5])
    person = identity_of(body().model, betas)
    capture, rotations, _ = from_body()
    moved = retarget(capture, roles_of(capture), person)
    assert np.isfinite(moved.rotations).all()
    assert np.degrees(angle_between(moved.rotations[:, 3], rotations[:, 3])).max() < 5.0
