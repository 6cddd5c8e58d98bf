"""What the bundled body with fingers, jaw, eyes and expressions promises, on the shipped file."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy.spatial import cKDTree

from authoring.open_body.build import OPEN_HUMAN_X
from authoring.open_body.correctives import Rest, residual
from authoring.open_body.face import EXPRESSIONS
from authoring.open_body.meshes import components_of
from authoring.open_body.poses import random_poses
from authoring.open_body.skinning import joint_transforms, skin_dual_quaternions
from authoring.open_body.tables import SMPLX
from revision_blender.masks.labels import FIRST_HUMAN, SMPL_JOINT_NAMES
from revision_blender.motion.bodies.body_file import body_facts
from revision_blender.motion.bodies.body_model import BodyModel, identity_of, joints_of, load_body_model, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle

JOINT = SMPLX.joint
FLIP = np.array([-1.0, 1.0, 1.0])
FINGERS = ("index", "middle", "pinky", "ring", "thumb")
NOTHING = np.zeros((1, 3))


@cache
def human() -> BodyModel:
    return load_body_model(OPEN_HUMAN_X)


@cache
def mirror() -> np.ndarray:
    """The vertex across x = 0. The eyeballs sit in sockets that they nearly touch, so pieces are told apart."""
    places = np.concatenate([human().v_template, 10.0 * (pieces() == skin())[:, None]], axis=1)
    return cKDTree(places).query(places * np.append(FLIP, 1.0))[1]


@cache
def pieces() -> np.ndarray:
    return components_of(human().faces.astype(np.int64), human().n_vertices)


def skin() -> int:
    return int(np.bincount(pieces()).argmax())


def posed(correctives: bool = True, **turns: tuple[float, float, float]) -> np.ndarray:
    axis_angle = np.zeros((1, 55, 3))
    for name, turn in turns.items():
        axis_angle[0, JOINT[name]] = turn
    return vertices_of(identity_of(human(), np.zeros(0)), matrix_from_axis_angle(axis_angle), NOTHING, correctives)[0]


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    corners = vertices[faces].astype(np.float64)
    return float(np.einsum("ti,ti->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)


def windings(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """How often the mesh goes round each point: 1 inside one closed piece, 0 outside. Van Oosterom and Strackee, 1983."""
    found = []
    for point in points:
        a, b, c = np.moveaxis(vertices[faces].astype(np.float64) - point, 1, 0)
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        whole = np.einsum("ti,ti->t", a, np.cross(b, c))
        rest = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        found.append(np.arctan2(whole, rest).sum() / (2 * np.pi))
    return np.array(found)


def test_it_is_a_small_file_of_the_smplx_family():
    model = human()
    assert OPEN_HUMAN_X.stat().st_size < 2_500_000
    assert (model.family, model.n_joints, model.n_betas, model.n_expressions) == ("smplx", 55, 10, 10)
    assert 9_000 <= model.n_vertices <= 10_500
    assert np.array_equal(model.parents, SMPLX.parents)
    assert body_facts(OPEN_HUMAN_X)["figures"]["expressions"].split("; ") == list(EXPRESSIONS)


def test_skin_eyes_and_tongue_are_closed_and_face_outward():
    model = human()
    assert len(np.unique(pieces())) == 4
    edges = Counter((int(a), int(b)) for row in model.faces for a, b in zip(row, np.roll(row, -1), strict=True))
    assert all(count == 1 and edges[b, a] == 1 for (a, b), count in edges.items())
    assert len(model.faces) == 2 * (model.n_vertices - 2 * 4)  # Euler: four balls
    assert all(volume(model.v_template, model.faces[pieces()[model.faces[:, 0]] == piece]) > 0 for piece in range(4))


def test_left_and_right_are_mirror_images():
    model, other = human(), mirror()
    assert np.abs(model.v_template[other] * FLIP - model.v_template).max() < 1e-6
    assert np.allclose(model.weights[other][:, SMPLX.mirror], model.weights, atol=1e-6)
    assert np.allclose(model.joint_template[SMPLX.mirror] * FLIP, model.joint_template, atol=1e-6)
    assert np.abs(model.shapedirs[other] * FLIP[:, None] - model.shapedirs).max() < 1e-4
    signs = np.where(["left" in name for name in EXPRESSIONS], -1.0, 1.0)
    assert np.abs(model.expressiondirs[other] * FLIP[:, None] * signs - model.expressiondirs).max() < 1e-5


@pytest.mark.parametrize("betas", [[], [3.0], [-3.0], [0.0, 3.0], [0.0, -3.0], [0.0, 0.0, 3.0, 3.0], [0.0, 0.0, -3.0, -3.0]])
def test_every_joint_is_inside_the_body_of_every_shape(betas):
    """The jaw's is on the line between its two hinges, in the mouth: no flesh around it, but on both sides of it."""
    identity = identity_of(human(), np.array(betas))
    sides = identity.joints_rest[JOINT["jaw"]] + np.array([[0.05, 0.0, 0.0], [-0.05, 0.0, 0.0]])
    points = np.concatenate([np.delete(identity.joints_rest, JOINT["jaw"], axis=0), sides])
    assert (windings(points, identity.v_shaped, human().faces) > 0.9).all()


def test_weights_are_few_and_sum_to_one():
    weights = human().weights
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert (weights >= 0.0).all()
    assert (weights > 0.0).sum(axis=1).max() <= 5
    assert (weights.max(axis=0) > 0.4).all()  # each joint carries something of its own


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_eyeball_turns_as_one_about_its_centre(side):
    model, eye = human(), JOINT[f"{side}_eye"]
    ball = model.weights[:, eye] > 0.0
    assert (model.weights[ball, eye] == 1.0).all()
    assert len(np.unique(pieces()[ball])) == 1
    assert ball.sum() == (pieces() == pieces()[ball][0]).sum() == 72
    distance = np.linalg.norm(model.v_template[ball] - model.joint_template[eye], axis=1)
    assert distance.max() - distance.min() < 1e-3
    assert np.abs(posed(**{f"{side}_eye": (0.3, 0.4, 0.0)})[ball] - model.joint_template[eye]).max() < 0.018


@pytest.mark.parametrize("side", ["left", "right"])
def test_lids_follow_a_look_down_and_nothing_else_does(side):
    model = human()
    moved = posed(**{f"{side}_eye": (0.4, 0.0, 0.0)}) - model.v_template
    ball = model.weights[:, JOINT[f"{side}_eye"]] > 0.0
    lids = ~ball & (np.linalg.norm(moved, axis=1) > 1e-4)
    near = np.linalg.norm(model.v_template - model.joint_template[JOINT[f"{side}_eye"]], axis=1)
    assert lids.any()
    assert near[lids].max() < 0.06
    upper = lids & (model.v_template[:, 1] > model.joint_template[JOINT[f"{side}_eye"], 1] + 0.004)
    assert moved[upper, 1].mean() < -2e-4


@pytest.mark.parametrize(("side", "out"), [("left", 1.0), ("right", -1.0)])
@pytest.mark.parametrize("finger", FINGERS)
def test_a_finger_s_joints_follow_one_another_straight_along_it(side, out, finger):
    model = human()
    chain = model.joint_template[
        [JOINT["left_wrist" if side == "left" else "right_wrist"], *(JOINT[f"{side}_{finger}{n}"] for n in (1, 2, 3))]
    ]
    steps = np.diff(chain, axis=0)
    tip = model.v_template[model.weights[:, JOINT[f"{side}_{finger}3"]] > 0.9]
    beyond = (tip - chain[3]) @ (chain[3] - chain[2]) / np.linalg.norm(chain[3] - chain[2])
    assert (out * steps[:, 0] > 0.005).all()
    assert 0.01 < beyond.max() < 0.045
    cosine = steps[1] @ steps[2] / np.linalg.norm(steps[1]) / np.linalg.norm(steps[2])
    assert cosine > (0.98 if finger == "thumb" else 0.9999)
    if finger != "thumb":
        assert np.abs(steps[1:, 1]).max() < 1e-3  # level: the hand is flat


def test_fingers_lie_side_by_side_thumb_ahead():
    order = [human().joint_template[JOINT[f"left_{finger}2"], 2] for finger in ("thumb", "index", "middle", "ring", "pinky")]
    assert (np.diff(order) < -0.008).all()


def test_fingers_bent_by_sixty_degrees_keep_the_shape_of_dual_quaternions():
    model = human()
    rotations = np.tile(np.eye(3), (1, 55, 1, 1))
    bent = [JOINT[f"left_{finger}{part}"] for finger in FINGERS[:4] for part in (1, 2, 3)]
    rotations[:, bent] = matrix_from_axis_angle(np.array([0.0, 0.0, -np.pi / 3]))
    transforms = joint_transforms(model.parents, model.joint_template[None], rotations)
    target = skin_dual_quaternions(model.v_template[None].astype(np.float64), model.weights.astype(np.float64), transforms)[0]
    off = [
        np.linalg.norm(vertices_of(identity_of(model, np.zeros(0)), rotations, NOTHING, correctives)[0] - target, axis=1)
        for correctives in (False, True)
    ]
    creases = (model.weights[:, bent].max(axis=1) > 0.1) & (model.weights[:, bent].max(axis=1) < 0.9)
    assert off[1][creases].mean() < 0.5 * off[0][creases].mean()
    assert off[1].max() < 2e-3


@pytest.mark.parametrize("component", range(10))
def test_an_expression_moves_the_face_and_nothing_else(component):
    model = human()
    size = np.linalg.norm(model.expressiondirs[:, :, component], axis=1)
    moved = size > 1e-4
    heads = [JOINT[name] for name in ("neck", "head", "jaw")]
    assert 1.5e-3 < size.max() < 8e-3
    assert (model.weights[moved][:, heads].sum(axis=1) > 0.95).all()
    assert (model.v_template[moved, 2] > model.joint_template[JOINT["head"], 2] - 0.03).all()
    assert not moved[np.isin(model.weights.argmax(axis=1), [JOINT["left_eye"], JOINT["right_eye"]])].any()


def test_three_deviations_close_the_eyes():
    """No vertex of the eyeball that looks ahead is in front of all skin before it."""
    model = human()
    expression = np.zeros((1, 10))
    expression[0, EXPRESSIONS.index("eyes closed / wide")] = 3.0
    still = np.tile(np.eye(3), (1, 55, 1, 1))
    closed = vertices_of(identity_of(model, np.zeros(0)), still, NOTHING, True, expression)[0]
    eye = model.joint_template[JOINT["left_eye"]]
    pupil = eye + np.array([0.0, 0.0, 0.0165])
    face = model.faces[(pieces()[model.faces[:, 0]] == skin())]
    assert front(model.v_template, face, pupil) < pupil[2] < front(closed, face, pupil)


def front(vertices: np.ndarray, faces: np.ndarray, point: np.ndarray) -> float:
    """z of the foremost triangle seen from ahead at a point, or far behind where there is none."""
    a, b, c = np.moveaxis(vertices[faces].astype(np.float64), 1, 0)
    area = np.cross(b[:, :2] - a[:, :2], c[:, :2] - a[:, :2])
    with np.errstate(divide="ignore", invalid="ignore"):
        s = np.cross(point[:2] - a[:, :2], c[:, :2] - a[:, :2]) / area
        t = np.cross(b[:, :2] - a[:, :2], point[:2] - a[:, :2]) / area
    hit = (s >= 0) & (t >= 0) & (s + t <= 1)
    z = (a + s[:, None] * (b - a) + t[:, None] * (c - a))[hit, 2]
    return float(z[(z > point[2] - 0.03)].max(initial=-1.0))


def test_the_jaw_opens_the_mouth_and_leaves_the_upper_face():
    model = human()
    opened = posed(jaw=(0.4, 0.0, 0.0))
    jaw = model.weights[:, JOINT["jaw"]]
    middle = (
        (np.abs(model.v_template[:, 0]) < 1e-5)
        & (pieces() == skin())
        & (model.v_template[:, 2] > model.joint_template[JOINT["left_eye"], 2])
        & (model.v_template[:, 1] > model.joint_template[JOINT["neck"], 1])
    )
    lower, upper = middle & (jaw > 0.7), middle & (jaw < 0.3) & (model.v_template[:, 1] < model.joint_template[JOINT["head"], 1])
    gap = [v[upper, 1].min() - v[lower, 1].max() for v in (model.v_template, opened)]
    assert abs(gap[0]) < 0.006
    assert 0.02 < gap[1] < 0.06
    above = model.v_template[:, 1] > model.joint_template[JOINT["left_eye"], 1] - 0.01
    assert np.abs(opened - model.v_template)[above].max() < 2e-3


def test_both_open_humans_are_the_same_people():
    """A beta means the same person: 22 body joints within 2.5 mm, height within 0.1 mm."""
    small, big = open_human(), human()
    rng = np.random.default_rng(3)
    for betas in (np.zeros(10), *rng.normal(size=(12, 10))):
        one, other = identity_of(small, betas), identity_of(big, betas)
        assert np.linalg.norm(one.joints_rest[:22] - other.joints_rest[:22], axis=1).max() < 2.5e-3
        assert np.ptp(one.v_shaped[:, 1]) == pytest.approx(np.ptp(other.v_shaped[:, 1]), abs=1e-4)


def test_both_open_humans_stand_alike_in_the_same_pose():
    small, big = open_human(), human()
    rotations = random_poses(4, 5)
    more = np.tile(np.eye(3), (4, 55, 1, 1))
    more[:, :22] = rotations[:, :22]
    shift = np.zeros((4, 3))
    one, other = (joints_of(identity_of(m, np.ones(3)), r, shift) for m, r in ((small, rotations), (big, more)))
    assert np.linalg.norm(one[:, :22] - other[:, :22], axis=-1).max() < 5e-3


def test_the_correctives_bring_linear_skinning_near_dual_quaternions():
    model = human()
    rest = Rest(model.v_template.astype(np.float64), model.joint_template, model.weights.astype(np.float64), mirror(), SMPLX)
    turns = model.posedirs.astype(np.float64).reshape(model.n_vertices, 3, 54, 9).copy()
    turns[:, :, [JOINT[name] - 1 for name in ("jaw", "left_eye", "right_eye")]] = 0.0  # those follow the face's units instead
    found = residual(rest, turns.reshape(model.n_vertices, 3, -1), 6, seed=4321)
    assert found.corrected < 0.4 * found.linear
    assert found.corrected < 0.6e-3


def test_few_enough_correctives_for_live_playback():
    columns = np.abs(human().posedirs).max(axis=(0, 1)) > 0.0
    assert columns.sum() <= 280  # of 486


def test_parts_are_smpl_s_with_fingers_on_the_hand_and_the_face_on_the_head():
    model = human()
    assert set(np.unique(model.part_labels)) == set(range(FIRST_HUMAN, FIRST_HUMAN + 24))
    owner = model.weights.argmax(axis=1)
    assert np.array_equal(model.part_labels, SMPLX.part_labels[owner])
    assert set(model.part_labels[owner == JOINT["left_thumb2"]]) == {FIRST_HUMAN + SMPL_JOINT_NAMES.index("left_hand")}
    assert set(model.part_labels[owner == JOINT["jaw"]]) == {FIRST_HUMAN + SMPL_JOINT_NAMES.index("head")}


def test_the_relaxed_hand_is_bent_a_little_and_mirrored():
    hands = human().hands
    assert hands is not None
    assert hands.mean.shape == (2, 45)
    assert hands.components.shape == (2, 6, 45)
    flip = np.tile([1.0, -1.0, -1.0], 15)
    assert np.allclose(hands.mean[0] * flip, hands.mean[1])
    assert np.allclose(hands.components[0] * flip, hands.components[1])
    curl = hands.mean[0].reshape(5, 3, 3)[:4].sum(axis=1)[:, 2]
    assert ((curl < -0.2) & (curl > -1.0)).all()
