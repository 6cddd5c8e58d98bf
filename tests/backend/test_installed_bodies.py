"""Bodies that the user has added are known to the backend by name, and only by name."""

from dataclasses import replace

import numpy as np
import pytest

from backend.bodies.installed import model_of
from backend.errors import InputError
from backend.raster.surfaces import body_surface
from revision_blender.motion.bodies.body_file import save_body_model
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.clip import BodyTrack
from revision_blender.wire.paths import HOME_VARIABLE, bodies_folder


def track_on(model: str, joints: int = 24) -> BodyTrack:
    return BodyTrack("anna", "smpl", model, np.zeros(10), np.tile(np.eye(3), (1, joints, 1, 1)), np.zeros((1, 3)), np.ones((1, joints)))


def test_an_added_body_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    bodies_folder(tmp_path).mkdir()
    taller = replace(open_human(), name="tall", v_template=open_human().v_template * np.float32(1.5))
    save_body_model(bodies_folder(tmp_path) / "tall.npz", taller, {})
    height = np.ptp(body_surface(track_on("tall")).vertices_world[0, :, 1])
    assert height == pytest.approx(1.5 * np.ptp(body_surface(track_on("open_human")).vertices_world[0, :, 1]), rel=1e-3)


@pytest.mark.parametrize("name", ["nobody", "../tall", "/etc/passwd", "tall.npz", ""])
def test_a_body_that_is_not_here_is_named(tmp_path, monkeypatch, name):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    save_body_model(tmp_path / "tall.npz", open_human(), {})
    with pytest.raises(InputError, match="anna"):
        model_of(track_on(name))


def test_a_track_of_other_joints_is_refused():
    with pytest.raises(InputError, match="52 joints"):
        model_of(track_on("open_human", 52))
