"""Any skeleton on a body: joints are found by name or by shape, bones keep their directions, feet their place, limits hold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_model import identity_of, joints_of, world_rotations
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.bvh import parse_bvh
from revision_blender.motion.files.bvh_in import captures_of
from revision_blender.motion.retargeting.by_name import roles_by_name, words_of
from revision_blender.motion.retargeting.by_shape import roles_by_shape
from revision_blender.motion.retargeting.capture import Capture, posed_places
from revision_blender.motion.retargeting.limits import LIMITS, beyond, within_limits
from revision_blender.motion.retargeting.match import UNITS, is_animal, leg_length, roles_of, unit_of, up_of
from revision_blender.motion.retargeting.measures import directions, frames_beyond
from revision_blender.motion.retargeting.retarget import body_leg_length, retarget
from revision_blender.motion.retargeting.turns import angles, smallest_turns
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.motion.skeletons import SMPL, SMPLX, skeleton_of
from tests.motion.captures import body, cmu

CLIPS = ("walking_1", "running_1", "soccer_3", "jumping_3", "basketball_1")  # a handful; the benchmark has them all
RNG = np.random.default_rng(7)


def from_body(name: str = "open_human", frames: int = 6, spread: float = 0.1, seed: int = 0) -> tuple[Capture, np.ndarray, np.ndarray]:
    """A capture whose skeleton is a body's own, with its rotations and translation."""
    identity = body(name)
    skeleton = skeleton_of(identity.model.family)
    rng = np.random.default_rng(seed)
    rotations = matrix_from_axis_angle(rng.normal(size=(frames, skeleton.n_joints, 3)) * spread)
    translation = rng.normal(size=(frames, 3))
    world = world_rotations(skeleton.parents, rotations)
    rest = identity.joints_rest - identity.joints_rest[0]
    places = posed_places(skeleton.parents, rest, world, translation + identity.joints_rest[0])
    return Capture(skeleton.names, skeleton.parents, rest, world, places, 30.0), rotations, translation


def turned(capture: Capture, R_to_from: np.ndarray, scale: float = 1.0) -> Capture:
    """The same motion in other axes, rest pose included, and another unit."""
    return replace(
        capture,
        rest=capture.rest @ R_to_from.T * scale,
        places=capture.places @ R_to_from.T * scale,
        rotations=R_to_from @ capture.rotations @ R_to_from.T,
    )


# ---- who is who


NAMINGS = {
    "CMU": "hips=Hips spine=LowerBack,UpperBack,Thorax neck=LowerNeck,UpperNeck,Head L=LHumerus,LRadius,LWrist,LClavicle,LFemur,LTibia,LFoot,LToes",
    "ASF": "hips=root spine=lowerback,upperback,thorax neck=lowerneck,upperneck,head L=lhumerus,lradius,lwrist,lclavicle,lfemur,ltibia,lfoot,ltoes",
    "Mixamo": "hips=mixamorig:Hips spine=mixamorig:Spine,mixamorig:Spine1,mixamorig:Spine2 neck=mixamorig:Neck,mixamorig:Head "
    "L=mixamorig:LeftArm,mixamorig:LeftForeArm,mixamorig:LeftHand,mixamorig:LeftShoulder,mixamorig:LeftUpLeg,mixamorig:LeftLeg,"
    "mixamorig:LeftFoot,mixamorig:LeftToeBase",
    "HumanIK": "hips=Character1_Hips spine=Character1_Spine,Character1_Spine1 neck=Character1_Neck,Character1_Head "
    "L=Character1_LeftArm,Character1_LeftForeArm,Character1_LeftHand,Character1_LeftShoulder,Character1_LeftUpLeg,Character1_LeftLeg,"
    "Character1_LeftFoot,Character1_LeftToeBase",
    "Biovision": "hips=Hips spine=Chest neck=Neck,Head L=LeftShoulder,LeftElbow,LeftWrist,LeftCollar,LeftHip,LeftKnee,LeftAnkle,-",
    "biped": "hips=Bip01_Pelvis spine=Bip01_Spine,Bip01_Spine1 neck=Bip01_Neck,Bip01_Head "
    "L=Bip01_L_UpperArm,Bip01_L_Forearm,Bip01_L_Hand,Bip01_L_Clavicle,Bip01_L_Thigh,Bip01_L_Calf,Bip01_L_Foot,Bip01_L_Toe0",
    "Xsens": "hips=Pelvis spine=L5,L3,T12,T8 neck=Neck,Head "
    "L=LeftUpperArm,LeftForeArm,LeftHand,LeftShoulder,LeftUpperLeg,LeftLowerLeg,LeftFoot,LeftToe",
    "Rokoko": "hips=Hips spine=Spine1,Spine2,Spine3 neck=Neck,Head L=LeftArm,LeftForeArm,LeftHand,LeftShoulder,LeftThigh,LeftShin,LeftFoot,LeftToe",
    "Unreal": "hips=pelvis spine=spine_01,spine_02,spine_03 neck=neck_01,head L=upperarm_l,lowerarm_l,hand_l,clavicle_l,thigh_l,calf_l,foot_l,ball_l",
    "SMPL": "hips=pelvis spine=spine1,spine2,spine3 neck=neck,head "
    "L=left_shoulder,left_elbow,left_wrist,left_collar,left_hip,left_knee,left_ankle,left_foot",
    "Poser": "hips=hip spine=abdomen,chest neck=neck,head L=lShldr,lForeArm,lHand,lCollar,lThigh,lShin,lFoot,lToe",
    "VRM": "hips=J_Bip_C_Hips spine=J_Bip_C_Spine,J_Bip_C_Chest neck=J_Bip_C_Neck,J_Bip_C_Head "
    "L=J_Bip_L_UpperArm,J_Bip_L_LowerArm,J_Bip_L_Hand,J_Bip_L_Shoulder,J_Bip_L_UpperLeg,J_Bip_L_LowerLeg,J_Bip_L_Foot,J_Bip_L_ToeBase",
}  # fmt: skip
_PARTS = ("upper_arm", "forearm", "hand", "clavicle", "thigh", "shank", "foot", "toe")


def named_skeleton(naming: str) -> tuple[Capture, dict[str, str]]:
    """A person standing with arms out whose joints are called so, and who is who in words."""
    fields = dict(field.split("=") for field in NAMINGS[naming].split())
    left = dict(zip(_PARTS, fields["L"].split(","), strict=True))
    names, parents, rest = [fields["hips"]], [-1], [np.zeros(3)]

    def add(name: str, parent: str, place: tuple[float, float, float]) -> str:
        parents.append(names.index(parent))
        names.append(name)
        rest.append(np.array(place))
        return name

    spine = fields["spine"].split(",")
    above = fields["hips"]
    for at, name in enumerate(spine):
        above = add(name, above, (0.0, 0.45 * (at + 1) / len(spine), 0.0))
    chest = above
    for at, name in enumerate(fields["neck"].split(",")):
        above = add(name, above, (0.0, 0.55 + 0.08 * at, 0.0))
    add("crown", above, (0.0, 0.85, 0.0))
    wanted = {"hips": fields["hips"]}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        parts = {part: _other_side(name) if side == "right" else name for part, name in left.items()}
        wanted |= {f"{side}_{part}": name for part, name in parts.items() if name != "-"}
        collar = add(parts["clavicle"], chest, (sign * 0.03, 0.42, 0.0))
        arm = add(parts["upper_arm"], collar, (sign * 0.18, 0.42, 0.0))
        elbow = add(parts["forearm"], arm, (sign * 0.45, 0.42, 0.0))
        hand = add(parts["hand"], elbow, (sign * 0.7, 0.42, 0.0))
        add(f"{side} tip of the hand", hand, (sign * 0.8, 0.42, 0.0))
        hip = add(parts["thigh"], fields["hips"], (sign * 0.1, -0.05, 0.0))
        knee = add(parts["shank"], hip, (sign * 0.1, -0.47, 0.01))
        ankle = add(parts["foot"], knee, (sign * 0.1, -0.87, 0.0))
        foot = ankle if parts["toe"] == "-" else add(parts["toe"], ankle, (sign * 0.1, -0.93, 0.13))
        add(f"{side} tip of the toe", foot, (sign * 0.1, -0.94, 0.2))
    order, places = np.array(parents), np.array(rest)
    world = np.tile(np.eye(3), (2, len(names), 1, 1))
    return Capture(tuple(names), order, places, world, np.tile(places, (2, 1, 1)) + np.array([0.0, 0.95, 0.0]), 30.0), wanted


def _other_side(name: str) -> str:
    for left, right in (("Left", "Right"), ("left", "right"), ("_L_", "_R_"), ("_l", "_r")):
        if left in name:
            return name.replace(left, right)
    return {"L": "R", "l": "r"}.get(name[0], name[0]) + name[1:]


@pytest.mark.parametrize("naming", NAMINGS)
def test_joints_are_known_by_name(naming: str) -> None:
    capture, wanted = named_skeleton(naming)
    found = roles_by_name(capture)
    assert found is not None
    assert {"hips": capture.names[found.hips]} | {role: capture.names[joint] for role, joint in found.limbs.items()} == wanted
    assert [capture.names[joint] for joint in found.spine] == dict(f.split("=") for f in NAMINGS[naming].split())["spine"].split(",")


@pytest.mark.parametrize("naming", NAMINGS)
def test_the_same_joints_are_found_by_shape_alone(naming: str) -> None:
    capture, wanted = named_skeleton(naming)
    nameless = replace(capture, names=tuple(f"thing{number * 37 % 101}" for number in range(len(capture.names))))
    assert roles_by_name(nameless) is None
    found = roles_of(nameless)
    assert {role: capture.names[joint] for role, joint in found.limbs.items()} == {k: v for k, v in wanted.items() if k != "hips"}
    assert capture.names[found.hips] == wanted["hips"]
    assert not found.by_name


@pytest.mark.parametrize("clip", CLIPS)
def test_random_words_for_names_give_the_same_assignment(clip: str) -> None:
    capture = cmu(clip)
    words = [
        f"{a}{b}"
        for a in ("velvet", "ozone", "kiwi", "quartz", "bongo", "fjord")
        for b in ("maze", "plum", "quill", "x9", "dune", "opal", "zinc", "yak")
    ]
    order = RNG.permutation(len(words))[: len(capture.names)]
    nameless = replace(capture, names=tuple(words[number] for number in order))
    assert roles_by_name(nameless) is None
    known, guessed = roles_of(capture), roles_of(nameless)
    assert known.by_name and not guessed.by_name
    assert replace(guessed, by_name=True, fingers={}) == replace(known, fingers={})


def test_words_of_names() -> None:
    assert words_of("mixamorig:LeftUpLeg") == ["left", "up", "leg"]
    assert words_of("lfemur") == ["l", "femur"]
    assert words_of("Bip01 L UpperArm") == ["bip", "01", "l", "upper", "arm"]
    assert words_of("") == []


def test_fingers_are_found_and_kept() -> None:
    capture, rotations, _ = from_body("open_human_x")
    roles = roles_of(capture)
    assert len(roles.fingers) == 10 and all(len(joints) == 3 for joints in roles.fingers.values())
    moved = retarget(capture, roles, body("open_human_x"))
    fingers = [number for number, name in enumerate(SMPLX.names) if number >= 25 and name]
    assert np.degrees(angle_between(moved.rotations[:, fingers], rotations[:, fingers])).max() < 1e-4


def test_no_body_is_refused() -> None:
    text = "HIERARCHY ROOT Hips { OFFSET 0 0 0 CHANNELS 3 Xposition Yposition Zposition } MOTION Frames: 1 Frame Time: 0.1 0 0 0"
    with pytest.raises(MotionFileError, match="no two arms and two legs"):
        captures_of(parse_bvh(text))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_tree_is_a_body_or_refused(data: st.DataObject) -> None:
    joints = data.draw(st.integers(1, 24))
    parents = np.array([-1] + [data.draw(st.integers(0, joint - 1)) for joint in range(1, joints)])
    length = st.sampled_from([0.0, 1e-9, 0.1, 0.5, 1.0])
    offsets = np.array([[data.draw(length) * sign for sign in (1.0, -1.0, 1.0)] for _ in range(joints)])
    rest = np.zeros((joints, 3))
    for joint in range(1, joints):
        rest[joint] = rest[parents[joint]] + offsets[joint] * data.draw(st.sampled_from([-1.0, 1.0]))
    capture = Capture(tuple(map(str, range(joints))), parents, rest, np.tile(np.eye(3), (2, joints, 1, 1)), np.tile(rest, (2, 1, 1)), 30.0)
    try:
        roles = roles_of(capture)
        moved = retarget(capture, roles, body())
    except MotionFileError as refusal:
        assert str(refusal)
        return
    assert np.isfinite(moved.rotations).all() and np.isfinite(moved.translation).all()


# ---- units and axes


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_told_by_the_legs(unit: str) -> None:
    capture, _ = named_skeleton("Mixamo")
    capture = capture.in_unit(1.0 / UNITS[unit])
    assert unit_of(capture, roles_of(capture)) == unit


def test_the_axis_that_points_up_is_found() -> None:
    capture, _ = named_skeleton("Mixamo")
    R = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    assert up_of(capture, roles_of(capture)) == "y"
    assert up_of(turned(capture, R), roles_of(capture)) == "z"
    assert not is_animal(capture, roles_of(capture))


# ---- the motion


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


# ---- limits


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(LIMITS)), st.tuples(*[st.floats(-3.0, 3.0)] * 3), st.sampled_from(["left_", "right_"]))
def test_what_is_beyond_comes_back_and_what_is_within_stays(part: str, turn: tuple[float, ...], side: str) -> None:
    name = part if part in SMPL.names else side + part
    given_ = matrix_from_axis_angle(np.array([turn]))
    kept, over = within_limits(name, given_)
    assert beyond(name, kept)[0] < 1e-5
    again, over_again = within_limits(name, kept)
    np.testing.assert_allclose(again, kept, atol=1e-5)
    assert over[0] == (beyond(name, given_)[0] > 1e-6)
    if not over[0]:
        np.testing.assert_array_equal(kept, given_)
    assert not over_again[0] or beyond(name, kept)[0] < 1e-5


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(set(LIMITS) - set(SMPL.names))), st.tuples(*[st.floats(-3.0, 3.0)] * 3))
def test_left_and_right_go_equally_far(part: str, turn: tuple[float, ...]) -> None:
    mirror = np.diag([-1.0, 1.0, 1.0])
    rotation = matrix_from_axis_angle(np.array([turn]))
    left, right = beyond(f"left_{part}", rotation)[0], beyond(f"right_{part}", mirror @ rotation @ mirror)[0]
    assert left == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "axis_angle", "possible"),
    [
        ("left_knee", (2.4, 0.0, 0.0), True), ("left_knee", (-0.8, 0.0, 0.0), False),  # knees bend backwards, not forwards
        ("right_elbow", (0.0, 2.4, 0.0), True), ("right_elbow", (0.0, -0.9, 0.0), False),
        ("left_elbow", (0.0, -2.4, 0.0), True), ("left_elbow", (0.0, 0.9, 0.0), False),
        ("left_hip", (-2.0, 0.0, 0.0), True), ("left_hip", (1.6, 0.0, 0.0), False),  # a thigh goes far forward, hardly back
        ("left_hip", (0.0, 0.0, 1.5), True), ("left_hip", (0.0, 0.0, -1.5), False),
        ("head", (0.0, 0.9, 0.0), True), ("head", (0.0, 2.0, 0.0), False),
        ("left_shoulder", (0.0, 0.0, -1.4), True), ("left_ankle", (0.9, 0.0, 0.0), True), ("left_ankle", (-1.4, 0.0, 0.0), False),
    ],
)  # fmt: skip
def test_limits_are_a_persons(name: str, axis_angle: tuple[float, ...], possible: bool) -> None:
    assert bool(beyond(name, matrix_from_axis_angle(np.array([axis_angle])))[0] == 0.0) is possible


# ---- turns


DIRECTIONS = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 1e-3)


@settings(max_examples=100, deadline=None)
@given(DIRECTIONS, DIRECTIONS)
def test_the_smallest_turn_takes_one_direction_to_the_other(start: tuple[float, ...], end: tuple[float, ...]) -> None:
    a, b = np.array(start) / np.linalg.norm(start), np.array(end) / np.linalg.norm(end)
    for target in (b, -a, a):
        turn = smallest_turns(a, target)
        np.testing.assert_allclose(turn @ a, target, atol=1e-4)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-4)
        assert angle_between(turn, np.eye(3)) == pytest.approx(angles(a, target), abs=1e-3)


def test_shapes_find_no_body_in_a_hand() -> None:
    capture, _, _ = from_body("open_human_x")
    wrist = SMPLX.index("left_wrist")
    joints = [wrist, *[joint for joint in range(55) if wrist in capture.path(int(capture.parents[joint]) if joint else 0)]]
    index = {joint: at for at, joint in enumerate(joints)}
    parents = np.array([-1] + [index[int(capture.parents[joint])] for joint in joints[1:]])
    part = Capture(
        tuple(f"j{at}" for at in range(len(joints))),
        parents,
        capture.rest[joints],
        capture.rotations[:, joints],
        capture.places[:, joints],
        30.0,
    )
    assert roles_by_shape(part) is None


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
