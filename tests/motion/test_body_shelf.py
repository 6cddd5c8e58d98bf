"""Bodies by name, and what their files keep."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from revision_blender.motion.bodies.body_file import load_body_model, save_body_model
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human, vertices_of
from revision_blender.motion.bodies.shelf import BUNDLED, BodyShelf
from revision_blender.motion.errors import BodyModelError
from tests.motion.body_layouts import random_body

ARRAYS = ("v_template", "faces", "shapedirs", "posedirs", "J_regressor", "weights", "parents", "part_labels", "expressiondirs")


@pytest.mark.parametrize(("exact", "tolerance"), [(True, 1e-7), (False, 2e-3)])
@pytest.mark.parametrize("family", ["smpl", "smplh", "smplx", "smal"])
def test_a_file_keeps_family_expression_and_hands(tmp_path, family, exact, tolerance):
    model = random_body(family, vertices=70, expressions=3 if family == "smplx" else 0, hands=family in ("smplh", "smplx"))
    save_body_model(tmp_path / "a.npz", model, {}, exact=exact)
    found = load_body_model(tmp_path / "a.npz")
    assert found.family == family
    for name in ARRAYS:
        assert np.allclose(getattr(found, name), getattr(model, name), rtol=0, atol=tolerance), name
    if model.hands is None:
        assert found.hands is None
    else:
        assert found.hands is not None
        assert np.array_equal(found.hands.mean, model.hands.mean)
        assert np.array_equal(found.hands.components, model.hands.components)


def test_bundled_bodies_are_there_without_a_folder():
    shelf = BodyShelf(None)
    assert shelf.names()[0] == "open_human"
    assert set(shelf.names()) <= set(BUNDLED)
    assert shelf.load("open_human") is open_human()
    assert not shelf.has("smpl_neutral")
    with pytest.raises(BodyModelError, match=r"smpl_neutral.*open_human"):
        shelf.load("smpl_neutral")
    with pytest.raises(BodyModelError, match="no folder"):
        shelf.add(Path("x.npz"))


def test_own_bodies_are_found_and_loaded_once(tmp_path):
    shelf = BodyShelf(tmp_path / "bodies")
    assert shelf.names() == BodyShelf(None).names()
    (tmp_path / "bodies").mkdir()
    save_body_model(tmp_path / "bodies" / "mine.npz", random_body("smal", vertices=40), {}, exact=True)
    (tmp_path / "bodies" / "Not A Body.npz").write_bytes(b"")
    assert shelf.names()[-1] == "mine"
    assert shelf.load("mine").name == "mine"
    assert shelf.load("mine") is BodyShelf(tmp_path / "bodies").load("mine")
    before = shelf.load("mine")
    save_body_model(tmp_path / "bodies" / "mine.npz", random_body("smal", vertices=44), {}, exact=True)
    os.utime(tmp_path / "bodies" / "mine.npz", (1, 1))
    assert shelf.load("mine") is not before
    assert shelf.load("mine").n_vertices == 44


def test_names_never_leave_the_folder(tmp_path):
    save_body_model(tmp_path / "outside.npz", random_body("smpl", vertices=30), {}, exact=True)
    shelf = BodyShelf(tmp_path / "bodies")
    for name in ("../outside", "/etc/passwd", "", "a" * 65, "A", "a.b", "x\0y"):
        assert not shelf.has(name)
        with pytest.raises(BodyModelError):
            shelf.load(name)


def test_a_body_with_another_skeleton_than_its_family_is_refused(tmp_path):
    save_body_model(tmp_path / "odd.npz", replace(random_body("smpl", vertices=30), family="smal"), {}, exact=True)
    with pytest.raises(BodyModelError, match="24 joints"):
        BodyShelf(tmp_path).load("odd")


def test_an_expression_moves_the_joints_as_the_regressor_sees_it():
    model = random_body("smplx", vertices=90, expressions=4)
    betas, expression = np.array([0.5, -1.0]), np.random.default_rng(1).normal(size=(20, 4))
    still, nowhere = np.tile(np.eye(3), (20, 55, 1, 1)), np.zeros((20, 3))
    identity = identity_of(model, betas)
    vertices = vertices_of(identity, still, nowhere, expression=expression)
    wanted = identity.v_shaped + np.einsum("vce,fe->fvc", model.expressiondirs, expression)
    assert np.allclose(vertices, wanted, atol=1e-6)
    assert np.allclose(joints_of(identity, still, nowhere, expression), model.J_regressor @ wanted, atol=1e-6)
    few = vertices_of(identity, still, nowhere, expression=expression[:, :2])
    assert np.allclose(few, vertices_of(identity, still, nowhere, expression=expression * [1, 1, 0, 0]))
    with pytest.raises(BodyModelError, match="at most 4"):
        joints_of(identity, still, nowhere, np.zeros((20, 5)))
