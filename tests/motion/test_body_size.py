"""Laws of a body that comes in every size, on the bundled quadruped."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_file import body_facts, load_body_model, save_body_model
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human, vertices_of
from revision_blender.motion.bodies.body_size import n_proportions, proportions, resized, size_of, sized
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.errors import BodyModelError
from revision_blender.motion.rotation import matrix_from_axis_angle


@pytest.fixture(scope="module")
def quadruped():
    return BodyShelf(None).load("open_quadruped")


def some_shape(model, seed: int, size: float):
    drawn = np.random.default_rng(seed).normal(0.0, 0.7, n_proportions(model))
    return resized(model, drawn, size)


@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 2**31), size=st.floats(0.2, 4.0), factor=st.floats(0.3, 3.0))
def test_a_posed_body_made_larger_is_the_same_body_seen_larger(quadruped, seed, size, factor):
    betas = some_shape(quadruped, seed, size)
    rotations = matrix_from_axis_angle(np.random.default_rng(seed).normal(0.0, 0.4, (1, 35, 3)))
    place = np.random.default_rng(seed).normal(0.0, 2.0, (1, 3))
    small, large = identity_of(quadruped, betas), identity_of(quadruped, resized(quadruped, betas, factor))
    assert np.abs(large.joints_rest - factor * small.joints_rest).max() < 1e-12 * factor * size + 1e-12
    joints = [joints_of(body, rotations, scale * place) for body, scale in ((small, 1.0), (large, factor))]
    assert np.allclose(joints[1], factor * joints[0], atol=1e-9)
    vertices = [vertices_of(body, rotations, scale * place, correctives=False) for body, scale in ((small, 1.0), (large, factor))]
    assert np.allclose(vertices[1], factor * vertices[0], atol=1e-5 * factor * (size + 1.0))


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**31), size=st.floats(0.2, 4.0), factor=st.floats(0.3, 3.0))
def test_size_and_proportions_are_what_they_were_made_of(quadruped, seed, size, factor):
    betas = some_shape(quadruped, seed, size)
    assert np.isclose(size_of(quadruped, betas), size)
    assert np.isclose(size_of(quadruped, resized(quadruped, betas, factor)), factor * size)
    assert np.allclose(resized(quadruped, resized(quadruped, betas, factor), 1.0 / factor), betas)
    assert np.allclose(proportions(quadruped, resized(quadruped, betas, factor)), proportions(quadruped, betas))


def test_a_shape_without_the_component_is_of_size_one(quadruped):
    old = np.random.default_rng(5).normal(0.0, 0.7, 41)
    assert size_of(quadruped, old) == 1.0 and np.array_equal(proportions(quadruped, old), old)
    without = replace(quadruped, shapedirs=quadruped.shapedirs[..., :-1], sized=False)
    assert np.allclose(identity_of(quadruped, old).v_shaped, identity_of(without, old).v_shaped, atol=1e-6)


def test_files_keep_the_size_and_pay_nothing_for_it(quadruped, tmp_path):
    without = replace(quadruped, shapedirs=quadruped.shapedirs[..., :-1], sized=False)
    for name, model in (("with", sized(without)), ("without", without)):
        save_body_model(tmp_path / f"{name}.npz", model, {})
        again = load_body_model(tmp_path / f"{name}.npz")
        assert again.sized == model.sized and np.array_equal(again.shapedirs, model.shapedirs)
    assert body_facts(tmp_path / "with.npz")["sized"] is True
    assert (tmp_path / "with.npz").stat().st_size < (tmp_path / "without.npz").stat().st_size + 100


def test_bodies_of_one_size_are_not_grown(quadruped):
    person = open_human()
    assert not person.sized and size_of(person, np.full(10, 0.5)) == 1.0 and n_proportions(person) == 10
    assert np.array_equal(proportions(person, np.full(3, 0.5)), [0.5] * 3 + [0.0] * 7)
    with pytest.raises(BodyModelError, match="scale its rig"):
        resized(person, np.zeros(10), 1.2)
    with pytest.raises(BodyModelError, match="-1 times"):
        resized(quadruped, np.zeros(42), -1.0)
    with pytest.raises(BodyModelError, match="size component"):
        proportions(quadruped, np.append(np.zeros(41), -1.0))
