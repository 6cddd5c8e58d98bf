"""A whole lift with body networks chosen: they do their part, and a broken one is said and made up for."""

import numpy as np
import pytest

from backend.lifting.providers import registry
from backend.progress import silent
from backend.stages.lift import run
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.subjects import Prompt
from revision_blender.wire.requests import LiftRequest
from tests.backend.truth import TAKES, _drawn
from tests.lifting.tiny_body_models import ANIMER, HAMER, HMR2, write_tiny

F, H, W = 6, 144, 192
DOG = Prompt("dog", "animal", 0, (60.0, 46.0, 126.0, 108.0), label="dog")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("REVISION_HOME", str(tmp_path))
    for kind in (HMR2, HAMER, ANIMER):
        write_tiny(kind, tmp_path)
    yield tmp_path
    registry.providers.cache_clear()


@pytest.fixture(scope="module")
def person():
    return _drawn(TAKES[1]).frames[:4]  # one take; truth_clips() would draw all five


@pytest.fixture(scope="module")
def brown_block():
    wall = np.random.default_rng(3).integers(90, 150, (H // 4, W // 4, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    made = np.tile(wall, (F, 1, 1, 1))
    for frame in range(F):
        made[frame, 50:104, 64 + 2 * frame : 122 + 2 * frame] = (120, 60, 20)
    return made


def test_people_and_hands_come_from_the_chosen_networks(home, person):
    result = run(LiftRequest(frames=person, fps=12.0, providers=("people=hmr2", "hands=hamer")), silent())
    assert "could not be used" not in result.notes
    (body,) = result.clip.bodies
    assert body.family == "smplx" and body.rotations.shape == (4, 55, 3, 3) and np.isfinite(body.translation).all()
    assert result.report["person_1/silhouette_iou"] < 0.5  # a random network's body lies elsewhere; the bundled way's does not, see below


def test_an_animal_comes_from_the_chosen_network(home, brown_block):
    result = run(LiftRequest(frames=brown_block, fps=12.0, prompts=(DOG,), people=False, providers=("animals=animer",)), silent())
    assert "could not be used" not in result.notes
    (dog,) = result.clip.tracks
    assert isinstance(dog, BodyTrack) and dog.track_id == "dog" and dog.family == "smal" and np.isfinite(dog.rotations).all()


def test_a_broken_network_is_said_and_made_up_for(home, person):
    path = home / "models" / "hmr2" / HMR2.place
    path.write_bytes(path.read_bytes()[:5000])
    result = run(LiftRequest(frames=person, fps=12.0, providers=("people=hmr2", "hands=none")), silent())
    said = [line for line in result.notes.splitlines() if "hmr2" in line]
    assert len(said) == 1 and path.name in said[0] and "mediapipe did it instead" in said[0]
    assert result.report["person_1/silhouette_iou"] > 0.8
