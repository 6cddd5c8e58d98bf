"""The optimisation's bars on real lifts, where ../shared/data is there."""

import numpy as np
import pytest

from backend.lifting.people.measures import landmark_errors
from backend.prior.measures import FEWEST_CONTACTS, refinement_report
from backend.progress import silent
from backend.stages.refine import run
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.wire.requests import RefineRequest
from tests.backend.lifting_cases import SHARED_DATA, WINDOWS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED_DATA / "videos").exists(), reason="../shared/data/videos is not there: real lifts are not refined"),
]


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_bars(lifted, window):
    given = lifted(window)
    refined = run(RefineRequest(given.clip, method="optimisation"), silent()).clip
    before, after = (float(np.median(landmark_errors(open_human(), clip, given.landmarks))) for clip in (given.raw, refined))
    report = refinement_report(given.raw, refined, (before, after))
    assert report.contacts >= FEWEST_CONTACTS
    assert report.acceleration_ratio <= 0.5
    assert report.foot_sliding_ratio <= 0.5
    assert report.foot_sliding_mm <= 5.0
    assert report.landmark_error_ratio <= 1.10
    assert 0.90 <= report.peak_speed_ratio <= 1.10
    print(window.name, report)
