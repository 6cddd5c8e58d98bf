"""A body and its hands as one SMPL-X, against a body whose every joint is known."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from backend.bodies.installed import shelf
from backend.errors import InputError
from backend.lifting.people.finger_limits import finger_limits
from backend.lifting.people.hand_fit import HandPoints, fit_hands
from backend.lifting.people.joining_shape import as_smplx, fitted_betas
from backend.lifting.people.smplx_joining import MOST_BEND, shared_twist, swing_and_twist, with_hands
from backend.lifting.providers.base import Hands, LiftedBody
from backend.lifting.providers.mano_body import HandBones, bones_of_arrays, hand_joints, hand_of
from backend.progress import silent
from revision_blender.motion.bodies.body_model import identity_of, joints_of, world_rotations
from revision_blender.motion.camera import Camera
from revision_blender.motion.rotation import angle_between, axis_angle_from_matrix, matrix_from_axis_angle
from revision_blender.motion.skeletons import SMPLX

F, FPS = 16, 24.0
SIDES = ("left", "right")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True, eq=False)
class Truth:
    """A person who turns and closes both hands. body: what a body lifter gives of it, its forearms not twisted. hands: exact."""

    rotations: np.ndarray
    joints: np.ndarray
    betas: np.ndarray
    body: LiftedBody
    hands: Hands
    camera: Camera


@pytest.fixture(scope="module")
def truth():
    model, time = shelf().load("open_human_x"), np.linspace(0.0, 1.0, F)
    pose = np.zeros((F, 55, 3))
    pose[:, 0] = [np.pi, 0.0, 0.0]  # upright before a camera whose y points down
    pose[:, 16], pose[:, 17] = [0.0, -0.3, -1.0], [0.0, 0.3, 1.0]
    pose[:, 18, 1], pose[:, 19, 1] = -0.9, 0.9
    pose[:, 20, 0], pose[:, 20, 2] = np.sin(2.5 * time), -0.5 * time
    pose[:, 21, 0], pose[:, 21, 2] = -0.8, 0.3
    for side, inward in (("left", -1.0), ("right", 1.0)):
        for place, joint in enumerate(hand_joints(side)[1:13]):
            pose[:, joint, 2] = inward * (0.2 + (0.5 if place % 3 == 2 else 0.9) * time)
        pose[:, hand_joints(side)[14:], 1] = -inward * 0.3 * time[:, None]
    rotations = matrix_from_axis_angle(pose)
    betas = np.array([1.0, -1.0, 0.5] + [0.0] * 7)
    camera = _camera()
    place = camera.T_world_camera[:, :3, :3] @ np.array([0.1, 0.1, 3.0])
    rotations[:, 0] = camera.T_world_camera[:, :3, :3] @ rotations[:, 0]
    joints = joints_of(identity_of(model, betas), rotations, place)
    body = np.tile(np.eye(3), (F, 24, 1, 1))
    body[:, :20] = rotations[:, :20]
    lifted = LiftedBody("smpl", "open_human", betas, body, place, np.ones((F, 24)))
    return Truth(rotations, joints, betas, lifted, _hands(model, betas, rotations, joints, camera), camera)


def _camera():
    poses = np.tile(np.eye(4), (F, 1, 1))
    poses[:, :3, :3] = matrix_from_axis_angle(np.outer(np.linspace(0, 0.3, F), [0.0, 1.0, 0.0]))
    return Camera(1280, 720, 1400.0, np.array([640.0, 360.0]), poses)


def _hands(model, betas, rotations, joints, camera):
    bones, world = hand_of(model, betas), world_rotations(SMPLX.parents, rotations)
    own, points, about = np.zeros((1, F, 2, 16, 3, 3)), np.zeros((1, F, 2, 21, 2)), np.zeros((1, F, 2, 21, 3))
    for place, side in enumerate(SIDES):
        names = hand_joints(side)
        own[0, :, place, 0] = np.swapaxes(camera.T_world_camera[:, :3, :3], 1, 2) @ world[:, names[0]]
        own[0, :, place, 1:] = rotations[:, names[1:]]
        about[0, :, place] = bones.points(own[0, :, place], left=place == 0)
        wrist = camera.to_camera(joints)[:, names[0]]
        seen = about[0, :, place] + wrist[:, None]
        points[0, :, place] = seen[..., :2] / seen[..., 2:] * camera.focal + camera.center
    return Hands(points.astype(np.float32), np.ones((1, F, 2), np.float32), own, about)


def _errors(truth, joined, side):
    """Millimetres of the finger joints about the wrist ``(F, 16)``, degrees of the hand ``(F,)``, millimetres of the wrist's place ``(F,)``."""
    names = hand_joints(side)
    joints = joints_of(identity_of(shelf().load(joined.model), joined.betas), joined.rotations, joined.translation)
    turned, wanted = (world_rotations(SMPLX.parents, each)[:, names[0]] for each in (joined.rotations, truth.rotations))
    about, wanted_about = (each[:, names] - each[:, names[:1]] for each in (joints, truth.joints))
    fingers = 1e3 * np.linalg.norm(about - wanted_about, axis=-1)
    return (
        fingers,
        np.degrees(angle_between(turned, wanted)),
        1e3 * np.linalg.norm(joints[:, names[0]] - truth.joints[:, names[0]], axis=-1),
    )


def _points_only(hands, rng=None, size=1.0):
    world, points = np.array(hands.world), np.array(hands.points)
    if rng is not None:
        world = world + rng.normal(0.0, [0.003, 0.003, 0.010], world.shape)
        points = points + rng.normal(0.0, 1.0, points.shape).astype(np.float32)
    return Hands(points, hands.score, None, size * (world - world[..., :1, :]))


def test_a_hands_points_are_the_bodys_own_joints(truth):
    hands, names = truth.hands, hand_joints("left")
    places = truth.camera.to_camera(truth.joints)
    for point, joint in ((0, 0), (5, 1), (6, 2), (9, 4), (13, 10), (17, 7), (1, 13), (3, 15)):  # MediaPipe's number, MANO's number
        np.testing.assert_allclose(hands.world[0, :, 0, point], places[:, names[joint]] - places[:, names[0]], atol=1e-9)


def test_rotations_of_hands_arrive_in_fingers_and_wrists(truth):
    joined = with_hands(truth.body, truth.hands, truth.camera, FPS, silent())
    assert joined.family == "smplx" and joined.model == "open_human_x"
    for side in SIDES:
        fingers, hand, place = _errors(truth, joined, side)
        assert fingers.max() < 1.0 and hand.max() < 1.0 and place.max() < 1.0
    np.testing.assert_allclose(joined.confidence[:, hand_joints("left")], 1.0)


def test_without_the_hands_the_same_measure_fails(truth):
    nothing = Hands(truth.hands.points, 0.0 * truth.hands.score)
    joined = with_hands(truth.body, nothing, truth.camera, FPS, silent())
    for side in SIDES:
        fingers, hand, place = _errors(truth, joined, side)
        assert fingers.mean() > 20.0 and hand.mean() > 20.0 and place.max() < 1.0
        assert not joined.confidence[:, hand_joints(side)[1:]].any()


def test_points_alone_give_the_same_fingers(truth):
    joined = with_hands(truth.body, _points_only(truth.hands), truth.camera, FPS, silent())
    for side in SIDES:
        fingers, hand, _ = _errors(truth, joined, side)
        assert fingers.mean() < 5.0 and hand.max() < 5.0  # what a wrist does easily pulls a little, and more than points are ever wrong


def test_noisy_points_of_a_hand_of_another_size_give_nearly_the_same(truth):
    noisy = _points_only(truth.hands, np.random.default_rng(5), size=1.15)
    joined = with_hands(truth.body, noisy, truth.camera, FPS, silent())
    for side in SIDES:
        fingers, hand, _ = _errors(truth, joined, side)
        assert fingers.mean() < 8.0 and hand.mean() < 5.0


def test_the_forearm_shares_the_twist_and_the_upper_arm_stays(truth):
    joined = with_hands(truth.body, truth.hands, truth.camera, FPS, silent())
    for side in SIDES:
        shoulder, elbow, wrist = (SMPLX.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
        np.testing.assert_array_equal(joined.rotations[:, shoulder], truth.body.rotations[:, shoulder])
        added = np.swapaxes(truth.body.rotations[:, elbow], -1, -2) @ joined.rotations[:, elbow]
        turns = np.abs(axis_angle_from_matrix(added)[:, 0])  # the forearm lies along x in the rest pose
        left = np.abs(swing_and_twist(joined.rotations[:, wrist], np.array([1.0, 0.0, 0.0]))[1])
        total = np.abs(truth.rotations[:, wrist] - truth.body.rotations[:, wrist]).max()
        assert total > 0.3
        some = turns > 0.2
        assert some.any() and (left[some] < turns[some]).all() and (left[some] > 0.3 * turns[some]).all()


def test_twist_and_swing_make_the_rotation_again():
    rng = np.random.default_rng(2)
    rotations = matrix_from_axis_angle(rng.normal(size=(200, 3)) * 1.2)
    axis = np.array([0.6, 0.0, 0.8])
    swing, twist = swing_and_twist(rotations, axis)
    np.testing.assert_allclose(swing @ matrix_from_axis_angle(twist[:, None] * axis), rotations, atol=1e-9)
    np.testing.assert_allclose(axis_angle_from_matrix(swing) @ axis, 0.0, atol=1e-7)
    assert np.abs(twist).max() <= np.pi


def test_a_hand_beyond_what_a_wrist_can_do_is_followed_as_far_as_it_goes():
    elbow = matrix_from_axis_angle(np.array([[0.2, 0.4, -0.1]]))
    along = np.array([1.0, 0.0, 0.0])
    reachable = elbow @ matrix_from_axis_angle(np.array([[0.0, 0.0, 1.2]]))
    turned, wrist = shared_twist(elbow, elbow, reachable, along)
    np.testing.assert_allclose(turned @ wrist, reachable, atol=1e-9)
    folded = elbow @ matrix_from_axis_angle(np.array([[0.0, 0.0, 2.6]]))
    turned, wrist = shared_twist(elbow, elbow, folded, along)
    assert angle_between(elbow, turned @ wrist)[0] == pytest.approx(MOST_BEND[0], abs=1e-6)


def test_a_hand_that_is_lost_for_a_moment_is_held_and_one_that_is_gone_lets_go(truth):
    score = np.ones((1, F, 2), np.float32)
    score[0, 6:8, 0] = 0.0
    score[0, 3:, 1] = 0.0
    hands = Hands(truth.hands.points, score, truth.hands.rotations, truth.hands.world)
    joined = with_hands(truth.body, hands, truth.camera, FPS, silent())
    left, right = hand_joints("left"), hand_joints("right")
    assert not joined.confidence[6:8, left[1:]].any() and joined.confidence[5, left[1]] == 1.0
    assert _errors(truth, joined, "left")[1].max() < 10.0
    jumps = angle_between(joined.rotations[1:, right[1]], joined.rotations[:-1, right[1]])
    assert jumps.max() < 0.35
    np.testing.assert_allclose(joined.rotations[-1, right[1:]], as_smplx(truth.body).rotations[-1, right[1:]], atol=0.05)


def test_one_frame_is_enough(truth):
    one = LiftedBody("smpl", "open_human", truth.betas, truth.body.rotations[:1], truth.body.translation[:1], truth.body.confidence[:1])
    hands = _points_only(truth.hands)
    hands = Hands(hands.points[:, :1], hands.score[:, :1], None, hands.world[:, :1])
    camera = Camera(1280, 720, 1400.0, np.array([640.0, 360.0]), truth.camera.T_world_camera[:1])
    joined = with_hands(one, hands, camera, FPS, silent())
    assert joined.rotations.shape == (1, 55, 3, 3) and np.isfinite(joined.rotations).all()


def test_fingers_stay_within_what_fingers_can_do():
    bones = hand_of(shelf().load("open_human_x"))
    rng = np.random.default_rng(7)
    wild = rng.normal(0.0, 0.08, (4, 21, 3))
    wild -= wild[:, :1]
    points = HandPoints(
        1000.0 * wild[..., :2], wild, np.ones(4), np.arange(4), False, np.full(4, 1000.0), np.tile([-1.0, 0.0, 0.0], (4, 1))
    )
    (rotations,) = fit_hands(bones, [points], silent())
    limits = finger_limits(bones)
    angles = np.einsum("jba,fjb->fja", limits.axes, axis_angle_from_matrix(rotations[:, 1:]))
    assert (np.maximum(angles - limits.high, limits.low - angles)).max() < 0.35


def test_bending_axes_close_the_hand():
    bones = hand_of(shelf().load("open_human_x"))
    limits = finger_limits(bones)
    bent = np.tile(np.eye(3), (1, 16, 1, 1))
    bent[0, 1:] = matrix_from_axis_angle(0.8 * limits.axes[:, :, 0])
    tips = bones.points(bent, left=False)[0, [8, 12, 16, 20]]
    flat = bones.points(np.tile(np.eye(3), (1, 16, 1, 1)), left=False)[0, [8, 12, 16, 20]]
    assert (tips[:, 1] < flat[:, 1] - 0.03).all()  # the palm looks down in the rest pose
    assert (np.linalg.norm(tips, axis=1) < np.linalg.norm(flat, axis=1) - 0.02).all()


def test_shape_and_place_are_found_again_from_the_joints():
    model = shelf().load("open_human_x")
    wanted = np.array([1.5, -0.8, 0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    joints = identity_of(model, wanted).joints_rest[:22]
    found = fitted_betas(model, joints + np.array([0.3, -0.2, 0.1]))
    again = identity_of(model, found).joints_rest[:22]
    assert np.abs((again - again[0]) - (joints - joints[0])).max() < 2e-3


def test_an_animal_has_no_hands(truth):
    animal = LiftedBody("smal", "open_quadruped", np.zeros(41), np.tile(np.eye(3), (F, 35, 1, 1)), np.zeros((F, 3)), np.ones((F, 35)))
    with pytest.raises(InputError, match="person"):
        with_hands(animal, truth.hands, truth.camera, FPS, silent())


def test_bones_come_from_manos_arrays_where_they_are_whole():
    rng = np.random.default_rng(0)
    template, regressor = rng.normal(size=(778, 3)), rng.random((16, 778))
    shape = rng.normal(size=(778, 3, 10))
    bones = bones_of_arrays({"v_template": template, "J_regressor": regressor, "shapedirs": shape})
    assert isinstance(bones, HandBones)
    np.testing.assert_allclose(bones.joints, regressor @ template)
    np.testing.assert_allclose(bones.tips[0], template[744])
    points = bones.points(np.tile(np.eye(3), (1, 16, 1, 1)), left=False, betas=np.eye(10)[2])
    moved = template + shape[..., 2]
    np.testing.assert_allclose(points[0, 4], moved[744] - regressor[0] @ moved, atol=1e-9)  # the thumb's tip about the wrist
    np.testing.assert_allclose(points[0, 20], moved[671] - regressor[0] @ moved, atol=1e-9)
    assert bones_of_arrays({"v_template": template[:5], "J_regressor": regressor, "shapedirs": shape}) is None
    assert bones_of_arrays({}) is None
