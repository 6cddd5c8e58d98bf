"""The slider Follow: even, ordered, at the published depths in its middle, and on any model's own schedule."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.video_model.errors import ModelFileError
from revision_blender.video_model.follow_slider import NoiseSpan, depths_of, noise_of
from revision_blender.video_model.following import PUBLISHED_DEPTHS

SPANS = st.tuples(st.floats(1e-3, 0.5), st.floats(2.0, 1000.0)).map(lambda pair: NoiseSpan(*pair))


def test_the_middle_is_what_was_published() -> None:
    depths = depths_of(0.5)
    assert (depths.weak, depths.strong) == pytest.approx((PUBLISHED_DEPTHS.weak, PUBLISHED_DEPTHS.strong), rel=1e-9)


@given(SPANS)
def test_the_ends_are_no_hold_and_hold_to_the_last_step(span: NoiseSpan) -> None:
    free, held = depths_of(0.0, span), depths_of(1.0, span)
    assert free.weak == free.strong == pytest.approx(span.largest, rel=1e-3)
    assert free.strong > float(np.nextafter(np.float32(span.largest), np.float32(np.inf))), "under it the sampler would not begin freely"
    assert held.strong == 0.0
    assert span.least < held.weak < span.largest


@given(SPANS, st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6, unique=True))
def test_further_right_both_depths_sink_and_stay_in_order(span: NoiseSpan, places: list[float]) -> None:
    depths = [depths_of(place, span) for place in sorted(places)]
    for before, after in pairwise(depths):
        assert after.weak <= before.weak * (1 + 1e-9)
        assert after.strong <= before.strong * (1 + 1e-9)
    assert all(0.0 <= each.strong <= each.weak * (1 + 1e-9) <= span.largest * 1.001 for each in depths)


def test_a_model_says_its_noise_itself(tmp_path: Path) -> None:
    (tmp_path / "scheduler").mkdir()
    file = tmp_path / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps({"sigma_min": 0.01, "sigma_max": 40.0}))
    assert noise_of(tmp_path) == NoiseSpan(0.01, 40.0)
    file.write_text(json.dumps({"sigma_max": "much"}))
    with pytest.raises(ModelFileError, match="sigma_max"):
        noise_of(tmp_path)
