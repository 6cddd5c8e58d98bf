"""Laws of the tools that built the bundled body; what needs Anny itself is not run here."""

from collections import Counter

import numpy as np
import pytest

from authoring.open_body.collapse import collapse
from authoring.open_body.correctives import Rest, bending_joints, fit_correctives, residual, with_turn
from authoring.open_body.face import about_x, hinge_of, lid_over
from authoring.open_body.poses import random_poses
from authoring.open_body.skeleton import shortest
from authoring.open_body.skinning import joint_transforms, skin_dual_quaternions, skin_linear
from authoring.open_body.tables import SMPL, SMPLX
from revision_blender.motion.bodies.body_model import identity_of, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle

JOINT, PARENTS, JOINT_MIRROR = SMPL.joint, SMPL.parents, SMPL.mirror


def ball(rings: int, around: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A closed symmetric ball: vertices, triangles, mirror."""
    polar = np.linspace(0, np.pi, rings + 2)[1:-1]
    angle = 2 * np.pi * np.arange(around) / around
    body = np.stack(
        [np.outer(np.sin(polar), np.sin(angle)), np.outer(np.cos(polar), np.ones(around)), np.outer(np.sin(polar), np.cos(angle))], axis=-1
    )
    vertices = np.concatenate([body.reshape(-1, 3), [[0, 1, 0], [0, -1, 0]]])
    top, bottom = len(vertices) - 2, len(vertices) - 1
    rows = []
    for k in range(around):
        n = (k + 1) % around
        rows += [(top, k, n), (bottom, (rings - 1) * around + n, (rings - 1) * around + k)]
        for r in range(rings - 1):
            a, b, c, d = r * around + k, r * around + n, (r + 1) * around + k, (r + 1) * around + n
            rows += [(a, c, b), (b, c, d)]
    mirror = np.array([np.argmin(np.linalg.norm(vertices - v * [-1, 1, 1], axis=1)) for v in vertices])
    return vertices, np.array(rows), mirror


def test_a_collapsed_ball_is_closed_symmetric_and_still_a_ball():
    vertices, triangles, mirror = ball(15, 24)
    kept, rows = collapse(vertices, triangles, mirror, np.ones(len(vertices)), 150)
    assert 148 <= len(kept) <= 150
    assert len(rows) == 2 * len(kept) - 4  # Euler: closed, one piece, no handles
    edges = Counter((int(a), int(b)) for row in rows for a, b in zip(row, np.roll(row, -1), strict=True))
    assert all(count == 1 and edges[b, a] == 1 for (a, b), count in edges.items())
    assert set(mirror[kept]) == set(kept)
    corners = vertices[kept][rows]
    volume = np.einsum("ti,ti->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume == pytest.approx(4 / 3 * np.pi, rel=0.1)


def test_what_is_cheap_goes_first():
    vertices, triangles, mirror = ball(15, 24)
    price = np.where(vertices[:, 1] > 0, 1e-6, 1.0)
    kept, _ = collapse(vertices, triangles, mirror, price, 250)
    assert (vertices[kept][:, 1] > 0).sum() < (vertices[kept][:, 1] < 0).sum() / 2


def test_what_hangs_on_one_joint_moves_the_same_in_both_skinnings():
    rng = np.random.default_rng(0)
    joints, rotations = rng.normal(size=(1, 24, 3)), random_poses(5, 0)
    transforms = joint_transforms(PARENTS, np.tile(joints, (5, 1, 1)), rotations)
    vertices, weights = rng.normal(size=(1, 24, 3)), np.eye(24)
    assert np.allclose(skin_linear(vertices, weights, transforms), skin_dual_quaternions(vertices, weights, transforms), atol=1e-9)


def test_dual_quaternions_keep_a_twisted_limb_thick_where_linear_skinning_wrings_it_out():
    rest = np.zeros((1, 24, 3))
    rotations = np.tile(np.eye(3), (1, 24, 1, 1))
    rotations[0, 1] = matrix_from_axis_angle(np.array([0.0, 3.0, 0.0]))
    transforms = joint_transforms(PARENTS, rest, rotations)
    weights = np.zeros((1, 24))
    weights[0, :2] = 0.5
    point = np.array([[[1.0, 0.4, 0.0]]])
    assert np.hypot(*skin_dual_quaternions(point, weights, transforms)[0, 0, [0, 2]]) == pytest.approx(1.0, abs=1e-9)
    assert np.hypot(*skin_linear(point, weights, transforms)[0, 0, [0, 2]]) < 0.1


def test_linear_skinning_here_is_the_body_s_own():
    model, rotations = open_human(), random_poses(3, 1)
    transforms = joint_transforms(PARENTS, np.tile(model.joint_template, (3, 1, 1)), rotations)
    own = vertices_of(identity_of(model, np.zeros(0)), rotations, np.zeros((3, 3)), correctives=False)
    assert np.abs(skin_linear(model.v_template[None], model.weights, transforms) - own).max() < 1e-5


@pytest.mark.parametrize(
    ("carried", "wanted"),
    [
        (["left_hip", "left_knee"], ["left_knee"]),
        (["pelvis", "left_hip", "right_hip"], ["left_hip", "right_hip"]),
        (["spine3", "left_shoulder"], ["left_collar", "left_shoulder"]),
        (["neck"], []),
    ],
)
def test_a_vertex_bends_with_the_joints_below_where_its_own_meet(carried, wanted):
    weights = np.zeros(24)
    weights[[JOINT[name] for name in carried]] = 1.0 / len(carried)
    assert bending_joints(weights, PARENTS) == sorted(JOINT[name] for name in wanted)


def test_the_shortest_turn_is_a_turn_and_arrives():
    source = np.random.default_rng(0).normal(size=(6, 3))
    turn = shortest(source, np.array([1.0, 0.0, 0.0]))
    assert np.allclose(turn @ np.swapaxes(turn, -1, -2), np.eye(3), atol=1e-12)
    assert np.allclose(np.einsum("nab,nb->na", turn, source)[:, 1:], 0.0, atol=1e-12)


def a_bent_sleeve() -> Rest:
    """Two arms of a few vertices each, blended between shoulder and elbow."""
    model = open_human()
    near = np.linalg.norm(model.v_template - model.joint_template[JOINT["left_elbow"]], axis=1) < 0.06
    left = model.v_template[near].astype(np.float64)
    weights = model.weights[near].astype(np.float64)
    flip = np.array([-1.0, 1.0, 1.0])
    n = len(left)
    return Rest(
        np.concatenate([left, left * flip]),
        model.joint_template,
        np.concatenate([weights, weights[:, JOINT_MIRROR]]),
        np.r_[n : 2 * n, 0:n],
    )


def test_fitted_correctives_help_on_poses_they_have_not_seen_and_are_symmetric():
    rest = a_bent_sleeve()
    posedirs = fit_correctives(rest, 150)
    found = residual(rest, posedirs, 30, seed=5)
    assert found.corrected < 0.5 * found.linear
    pose = random_poses(1, 8)
    flip = np.array([-1.0, 1.0, 1.0])
    mirrored = (flip[:, None] * pose * flip)[:, JOINT_MIRROR]
    offset, other = (np.einsum("vcf,f->vc", posedirs, (p[0, 1:] - np.eye(3)).reshape(-1)) for p in (pose, mirrored))
    assert np.allclose(offset[rest.mirror] * flip, other, atol=1e-9)


def test_the_shipped_correctives_halve_the_residual_on_fresh_poses():
    model = open_human()
    rest = Rest(model.v_template.astype(np.float64), model.joint_template, model.weights.astype(np.float64), np.arange(model.n_vertices))
    found = residual(rest, model.posedirs.astype(np.float64), 12, seed=4321)
    assert found.corrected < 0.5 * found.linear
    assert found.corrected < 1e-3


def test_the_hinge_of_a_turn_about_x_is_found_again():
    rng = np.random.default_rng(2)
    points, centre = rng.normal(size=(40, 3)), np.array([0.0, 0.3, -0.2])
    moved = about_x(points - centre, 0.4) + centre - points
    angle, found = hinge_of(points, moved, rng.random(40) < 0.6)
    assert angle == pytest.approx(0.4)
    assert np.allclose(found, centre)


def test_a_lid_half_way_down_stays_off_the_eyeball():
    rng = np.random.default_rng(4)
    ball = rng.normal(size=(200, 3))
    ball *= 0.016 / np.linalg.norm(ball, axis=1, keepdims=True)
    ball = np.concatenate([ball, -ball])
    start, end = (0.0168 * np.array([[0.0, np.sin(a), np.cos(a)]]) for a in (0.5, -0.3))
    straight = end - start
    bulged = lid_over(straight, start, ball)
    radius = np.linalg.norm(ball, axis=1).max()
    assert np.linalg.norm(start + 0.5 * straight) < radius < np.linalg.norm(start + 0.5 * bulged)
    assert np.linalg.norm(bulged - straight) < 0.004


def test_offsets_of_a_turn_come_out_whole_at_that_turn_and_half_at_half_its_sine():
    rng = np.random.default_rng(5)
    weights = np.zeros((3, 55))
    jaw = SMPLX.joint["jaw"]
    weights[:, jaw], weights[:, SMPLX.joint["head"]] = (0.0, 0.4, 1.0), (1.0, 0.6, 0.0)
    rest = Rest(rng.normal(size=(3, 3)), rng.normal(size=(55, 3)), weights, np.arange(3), SMPLX)
    offsets = 0.01 * rng.normal(size=(3, 3))
    posedirs = with_turn(np.zeros((3, 3, 486)), "jaw", 0, 0.4, offsets, rest)
    for sine, share in ((np.sin(0.4), 1.0), (0.5 * np.sin(0.4), 0.5), (-np.sin(0.4), -1.0)):
        rotations = np.tile(np.eye(3), (1, 55, 1, 1))
        rotations[0, jaw] = matrix_from_axis_angle(np.array([np.arcsin(sine), 0.0, 0.0]))
        feature = (rotations[0, 1:] - np.eye(3)).reshape(-1)
        before = posedirs @ feature
        assert np.allclose(np.linalg.norm(before, axis=1), abs(share) * np.linalg.norm(offsets, axis=1))
        if share == 1.0:
            turned = np.stack([about_x(row, 0.4 * weight) for row, weight in zip(before, weights[:, jaw], strict=True)])
            assert np.allclose(turned, offsets)


@pytest.mark.parametrize("table", [SMPL, SMPLX])
def test_a_table_s_mirror_swaps_sides_and_keeps_the_tree(table):
    assert np.array_equal(table.mirror[table.mirror], np.arange(len(table.names)))
    below = np.arange(1, len(table.names))
    assert np.array_equal(table.mirror[table.parents[below]], table.parents[table.mirror[below]])


@pytest.mark.parametrize("table", [SMPL, SMPLX])
def test_every_joint_but_the_jaw_has_bones_and_every_bone_one_joint(table):
    owned = [bone for bones in table.bones.values() for bone in bones]
    assert len(owned) == len(set(owned))
    assert set(table.names) - set(table.bones) <= {"jaw"}
    assert set(table.heads) == set(table.bones)


def test_random_poses_of_fingers_bend_both_hands_into_the_palm():
    turned = random_poses(60, 3, SMPLX)
    assert turned.shape == (60, 55, 3, 3)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        assert (sign * turned[:, SMPLX.joint[f"{side}_ring2"], 1, 0]).mean() > 0.2
