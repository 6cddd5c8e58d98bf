"""The presets of the bundled bodies, and files that bring none or nonsense."""

from itertools import combinations

import numpy as np
import pytest

from revision_blender.motion.bodies.body_file import save_body_model
from revision_blender.motion.bodies.body_model import identity_of, open_human
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.bodies.shelf import BodyShelf


def test_the_quadruped_brings_four_animals_that_differ():
    shelf = BodyShelf(None)
    presets = shape_presets(shelf, "open_quadruped")
    assert {"dog", "cat", "horse", "cow"} <= set(presets)
    model = shelf.load("open_quadruped")
    shaped = {name: identity_of(model, betas).v_shaped for name, betas in presets.items()}
    for name, other in combinations(shaped, 2):
        assert np.linalg.norm(shaped[name] - shaped[other], axis=-1).max() > 0.05, (name, other)  # metres


def test_people_bring_none():
    assert shape_presets(BodyShelf(None), "open_human") == {}


@pytest.mark.parametrize("text", ["1 2", "nan " * 10, "x y"])
def test_presets_of_another_length_or_not_finite_are_left_out(tmp_path, text):
    save_body_model(tmp_path / "mine.npz", open_human(), {"betas_odd": text, "betas_good": " ".join(["0.5"] * 10)})
    assert set(shape_presets(BodyShelf(tmp_path), "mine")) == {"good"}
