"""Laws of the bundled open quadruped, on the shipped file."""

from collections import Counter

import numpy as np
import pytest

from authoring.open_quadruped.build import OPEN_QUADRUPED
from revision_blender.motion.bodies.body_file import load_body_model
from revision_blender.motion.skeletons import SMAL

FLIP = np.array([1.0, -1.0, 1.0])


@pytest.fixture(scope="module")
def model():
    return load_body_model(OPEN_QUADRUPED)


@pytest.fixture(scope="module")
def mirror(model):
    v = model.v_template.astype(np.float64)
    order = np.lexsort(np.round(v * [1, 1, 1], 5).T)
    other = np.lexsort(np.round(v * FLIP, 5).T)
    found = np.empty(len(v), dtype=np.int64)
    found[order] = other
    return found


def test_it_has_smal_s_tree_and_sizes(model):
    assert model.family == "smal"
    assert (model.n_joints, model.n_betas) == (35, 41)
    assert model.parents.tolist() == SMAL.parents.tolist()
    assert 3500 <= model.n_vertices <= 6000


def test_every_surface_is_closed_and_faces_outwards(model):
    edges = Counter((int(a), int(b)) for row in model.faces for a, b in zip(row, np.roll(row, -1), strict=True))
    assert all(count == 1 and edges[b, a] == 1 for (a, b), count in edges.items())
    corners = model.v_template[model.faces].astype(np.float64)
    assert np.einsum("ti,ti->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) > 0.01
