"""The demo's picture: small, of the promised size, and a person detector finds the whole person in it."""

from pathlib import Path

import numpy as np

from backend.lifting.people.landmarks import detect_landmarks
from backend.progress import silent
from revision_blender.wire.png import read_png

PICTURE = Path(__file__).parents[2] / "revision_blender" / "data" / "demo_picture.png"


def test_the_person_is_found_from_head_to_feet():
    picture = read_png(PICTURE)
    assert picture.shape == (576, 1024, 3)
    assert PICTURE.stat().st_size < 1.5e6
    found = detect_landmarks(picture[None], silent())
    assert found.found.all()
    assert found.visibility[0].mean() > 0.9
    height = np.ptp(found.pixels[0, :, 1]) / 576
    assert 0.55 < height < 0.85
    assert found.pixels[0, :, 1].max() < 560
