"""Laws of the bundled open quadruped, on the shipped file, and of the tools that grow it."""

from collections import Counter

import numpy as np
import pytest

from authoring.open_quadruped.build import OPEN_QUADRUPED
from authoring.open_quadruped.cage import build_cage, mirrored
from authoring.open_quadruped.correctives import Rest, residual
from authoring.open_quadruped.eyeballs import N_BALL
from authoring.open_quadruped.field import field_of, values
from authoring.open_quadruped.look import betas_of
from authoring.open_quadruped.shapes import scale_of
from authoring.open_quadruped.sizes import WITHERS
from authoring.open_quadruped.skeleton import JOINT, JOINT_MIRROR, joints_of_animal
from authoring.open_quadruped.variation import ARCHETYPES, Traits, varied
from revision_blender.masks.labels import ANIMAL_PART_NAMES, FIRST_ANIMAL
from revision_blender.motion.bodies.body_file import body_facts, load_body_model
from revision_blender.motion.bodies.body_model import identity_of, joints_of, vertices_of
from revision_blender.motion.bodies.body_size import size_of
from revision_blender.motion.bodies.shape_presets import presets_in
from revision_blender.motion.skeletons import SMAL

FLIP = np.array([1.0, -1.0, 1.0])


@pytest.fixture(scope="module")
def model():
    return load_body_model(OPEN_QUADRUPED)


@pytest.fixture(scope="module")
def named():
    return betas_of(OPEN_QUADRUPED)


def volume(vertices, faces):
    corners = vertices[faces].astype(np.float64)
    return np.einsum("ti,ti->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0


def longest_edge(vertices, faces):
    return max(np.linalg.norm(vertices[faces[:, k]] - vertices[faces[:, k - 1]], axis=1).max() for k in range(3))


def test_it_has_smal_s_tree_and_sizes(model):
    assert model.family == "smal"
    assert (model.n_joints, model.n_betas) == (35, 42)
    assert model.sized and np.array_equal(model.shapedirs[..., -1], model.v_template)
    assert model.parents.tolist() == SMAL.parents.tolist()
    assert 3500 <= model.n_vertices <= 6000
    assert OPEN_QUADRUPED.stat().st_size < 2_500_000


def test_every_surface_is_closed_and_faces_outwards(model):
    edges = Counter((int(a), int(b)) for row in model.faces for a, b in zip(row, np.roll(row, -1), strict=True))
    assert all(count == 1 and edges[b, a] == 1 for (a, b), count in edges.items())
    first_ball = model.n_vertices - 2 * N_BALL
    for part in (np.arange(first_ball), first_ball + np.arange(N_BALL), first_ball + N_BALL + np.arange(N_BALL)):
        inside = np.isin(model.faces, part)
        assert (inside.all(axis=1) == inside.any(axis=1)).all()
        assert volume(model.v_template, model.faces[inside.all(axis=1)]) > 1e-7


def test_left_and_right_are_mirror_images(model, named):
    for betas in (np.zeros(0), named["cow"], np.random.default_rng(1).normal(size=41)):
        body = identity_of(model, betas)
        points = {tuple(row) for row in np.round(body.v_shaped.astype(np.float64) * [1, 1, 1], 3) + 0.0}
        missing = [row for row in np.round(body.v_shaped.astype(np.float64) * FLIP, 3) + 0.0 if tuple(row) not in points]
        assert len(missing) < 0.05 * model.n_vertices  # rounding at the cell's edge
        assert np.allclose(body.joints_rest[JOINT_MIRROR] * FLIP, body.joints_rest, atol=2e-3)


def test_it_faces_forward_and_stands(model):
    joints = model.joint_template
    assert np.allclose(joints[0], 0.0, atol=1e-3)
    assert joints[JOINT["head"], 0] > joints[JOINT["neck"], 0] > joints[JOINT["pelvis"], 0] > joints[JOINT["tail2"], 0]
    assert joints[JOINT["left_front_leg1"], 1] > 0 > joints[JOINT["right_front_leg1"], 1]
    ground = model.v_template[:, 2].min()
    for foot in ("left_front_foot", "right_front_foot", "left_back_foot", "right_back_foot"):
        near = np.linalg.norm(model.v_template[:, :2] - joints[JOINT[foot], :2], axis=1) < 0.08
        assert model.v_template[near, 2].min() - ground < 0.015


def test_hind_legs_zigzag_and_elbows_point_back(model, named):
    for betas in named.values():
        at = dict(zip(SMAL.names, identity_of(model, betas).joints_rest, strict=True))
        hip, stifle, hock, foot = (at[f"left_back_{part}"] for part in ("leg1", "leg2", "leg3", "foot"))
        assert stifle[0] > hip[0] + 0.02
        assert hock[0] < stifle[0] - 0.08
        assert foot[2] < hock[2] < stifle[2] < hip[2]
        assert at["left_front_leg2"][0] < at["left_front_leg1"][0] - 0.02  # the elbow lies behind the point of the shoulder


def test_joints_lie_inside_the_body(model, named):
    for betas in named.values():
        body = identity_of(model, betas)
        low, high = body.v_shaped.min(axis=0), body.v_shaped.max(axis=0)
        assert ((body.joints_rest > low) & (body.joints_rest < high)).all()
    for animal in ARCHETYPES.values():
        joints = joints_of_animal(animal)
        outside = {SMAL.names[j] for j in np.flatnonzero(values(field_of(animal), joints) > 0.0)}
        assert outside <= {"left_ear", "right_ear"}  # ears are no part of the field


def test_weights_and_regressor_are_convex(model):
    assert np.allclose(model.weights.sum(axis=1), 1.0, atol=1e-5)
    assert (model.weights >= 0).all()
    assert (model.weights > 0).sum(axis=1).max() <= 4
    assert np.allclose(model.J_regressor.sum(axis=1), 1.0, atol=1e-4)
    assert (model.J_regressor >= 0).all()
    assert set(model.weights.argmax(axis=1)) >= set(range(2, 35))


def test_every_animal_part_is_there(model):
    found = {ANIMAL_PART_NAMES[label - FIRST_ANIMAL] for label in np.unique(model.part_labels)}
    assert found == set(ANIMAL_PART_NAMES)
    assert (model.part_labels == SMAL.part_labels[model.weights.argmax(axis=1)]).all()


def proportions(model, betas):
    body = identity_of(model, betas)
    at = dict(zip(SMAL.names, body.joints_rest, strict=True))
    ground = body.v_shaped[:, 2].min()
    trunk = at["left_front_leg1"][0] - at["left_back_leg1"][0]
    return {
        "leg": (at["left_front_leg2"][2] - ground) / trunk,
        "neck": np.linalg.norm(at["head"] - at["neck"]) / trunk,
        "head_up": (at["head"][2] - at["spine3"][2]) / trunk,
        "tail": sum(np.linalg.norm(at[f"tail{k + 1}"] - at[f"tail{k}"]) for k in range(1, 7)) / trunk,
        "girth": np.ptp(body.v_shaped[np.abs(body.v_shaped[:, 0] - at["spine0"][0]) < 0.03, 1]) / trunk,
        "cannon": (at["left_front_leg3"][2] - ground) / (at["left_front_leg2"][2] - ground),
    }


def test_the_named_animals_differ_as_animals_do(model, named):
    dog, cat, horse, cow = (proportions(model, named[name]) for name in ("dog", "cat", "horse", "cow"))
    short, fast, broad = (proportions(model, named[name]) for name in ("dachshund", "greyhound", "bulldog"))
    assert horse["leg"] > dog["leg"] > cat["leg"]
    assert short["leg"] < 0.75 * dog["leg"]
    assert fast["leg"] > dog["leg"]
    assert horse["neck"] > 1.3 * max(dog["neck"], cat["neck"])
    assert horse["head_up"] > dog["head_up"] > cow["head_up"]
    assert cat["tail"] > max(dog["tail"], horse["tail"], cow["tail"])
    assert cow["girth"] > 1.3 * dog["girth"] > 1.3 * fast["girth"]
    assert broad["girth"] > dog["girth"]
    assert horse["cannon"] > cat["cannon"]  # ungulates stand on long cannon bones
    # elbow over the ground by the way from hip to point of shoulder: a dog's 0.52 by 0.8, a horse's 0.56 by 0.76 withers heights
    assert 0.55 < dog["leg"] < 0.75
    assert 0.65 < horse["leg"] < 0.85


def test_the_named_animals_are_as_tall_as_animals_are(model):
    presets = presets_in(OPEN_QUADRUPED)
    for name, betas in presets.items():
        body, animal = identity_of(model, betas), ARCHETYPES[name]
        over = (animal.trunk[6, 0] - joints_of_animal(animal)[0, 0]) * scale_of(animal) * size_of(model, betas)
        back = np.abs(body.v_shaped[:, 0] - over) < 0.03 * size_of(model, betas)
        height = body.v_shaped[back, 2].max() - body.v_shaped[:, 2].min()
        assert np.isclose(height, WITHERS[name], rtol=0.06), name
    assert size_of(model, presets["dog"]) == 1.0  # what the other animals' sizes are measured by


def test_named_animals_are_within_the_shape_space(named):
    assert set(named) == {"mean", *ARCHETYPES}
    assert all(np.abs(betas).max() < 5.0 for betas in named.values())


def test_betas_of_two_deviations_keep_the_animal_whole(model):
    base = volume(model.v_template, model.faces)
    rng = np.random.default_rng(3)
    for betas in [*(2.0 * sign * np.eye(41)[k] for k in range(8) for sign in (1, -1)), *np.clip(rng.normal(size=(10, 41)), -2, 2)]:
        body = identity_of(model, betas).v_shaped
        assert np.isfinite(body).all()
        assert volume(body, model.faces) > 0.25 * base
        assert longest_edge(body, model.faces) < 0.2


def test_correctives_bring_linear_skinning_close_to_dual_quaternions(model):
    rest = Rest(model.v_template.astype(float), model.joint_template, model.weights.astype(float), np.arange(model.n_vertices))
    found = residual(rest, model.posedirs.astype(float), 8, seed=4321)
    assert found.corrected < 0.5 * found.linear
    assert found.corrected < 1e-3


def test_the_jaw_opens_below_and_turns_nothing_else(model):
    rotations = np.tile(np.eye(3), (1, 35, 1, 1))
    angle = 0.5
    rotations[0, JOINT["mouth"]] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    body = identity_of(model, np.zeros(0))
    moved = vertices_of(body, rotations, np.zeros((1, 3)))[0] - body.v_shaped
    assert moved[:, 2].min() < -0.04
    assert np.abs(moved[model.v_template[:, 0] < body.joints_rest[JOINT["neck"], 0]]).max() < 1e-3
    assert np.allclose(joints_of(body, rotations, np.zeros((1, 3)))[0], body.joints_rest)


def test_the_file_says_how_good_it_is():
    figures = body_facts(OPEN_QUADRUPED)["figures"]
    assert figures["variance_explained"] > 0.99
    assert figures["joint_error_mean_mm"] < 5.0
    assert figures["archetype_error_max_mm"] < 30.0


def test_the_cage_is_closed_one_piece_and_its_own_mirror():
    cage = build_cage()
    assert len(cage.keys) - len(cage.quads) == 2  # Euler for quads: closed, one piece, no handles
    assert (cage.mirror[cage.mirror] == np.arange(len(cage.keys))).all()
    assert all(mirrored(mirrored(key)) == key for key in cage.keys)


def test_traits_of_one_change_nothing_and_legs_lengthen_legs():
    dog = ARCHETYPES["dog"]
    same, tall = varied(dog, Traits()), varied(dog, Traits(legs=1.2))
    assert all(np.allclose(getattr(dog, name), getattr(same, name)) for name in dog.__dict__)
    assert tall.trunk[5, 2] > dog.trunk[5, 2] + 0.05
    assert np.allclose(tall.trunk[:, 1] - tall.trunk[:, 2], dog.trunk[:, 1] - dog.trunk[:, 2], atol=0.03)
