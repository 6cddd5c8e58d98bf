"""A model's facts: written and read back equal, refused where a value makes no sense, Stable Video Diffusion's own without a file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.video_model.economy import coarse_frames, coarse_pixels, coarse_steps, spares
from revision_blender.video_model.errors import ModelFileError
from revision_blender.video_model.facts import FACTS_FILE, ModelFacts, facts_values, read_facts
from revision_blender.video_model.presets import PRESETS
from tests.video_model.model_folders import write_model

FACTS = ModelFacts(8, (64, 64), 8.0, 4, (1.0, 2.5), 0.0, (127, 127), 6, (-0.4, 1.6), "small model")
XT = ModelFacts(25, (1024, 576))


def test_facts_come_back_equal(tmp_path: Path):
    (tmp_path / FACTS_FILE).write_text(json.dumps(facts_values(FACTS) | {"training": {"seed": 1}}))
    assert read_facts(tmp_path) == FACTS
    assert FACTS.fixed_bucket and FACTS.bucket(0.0) == FACTS.bucket(1.0) == 127


@pytest.mark.parametrize(
    ("key", "value"),
    [("version", 2), ("frames", 0), ("frames", 2.5), ("frames", True), ("size", [64]), ("size", "64x64"), ("fps", 0), ("fps", None),
     ("factor", -8), ("guidance", [1, "3"]), ("buckets", [0, 1e9]), ("window_stride", 9), ("noise", 0.7), ("name", 3)],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_named(tmp_path: Path, key: str, value: object):
    (tmp_path / FACTS_FILE).write_text(json.dumps(facts_values(FACTS) | {key: value}))
    with pytest.raises(ModelFileError, match=f"'{key}'"):
        read_facts(tmp_path)


def test_without_a_file_the_model_is_stable_video_diffusion(tmp_path: Path):
    facts = read_facts(write_model(tmp_path / "m"))
    assert facts == replace(XT, frames=14) and facts.guidance == (1.0, 3.0) and facts.noise == (0.7, 1.6)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_strength_is_never_a_lower_bucket(a: float, b: float):
    low, high = sorted((a, b))
    assert 30 <= XT.bucket(low) <= XT.bucket(high) <= 220


@given(st.integers(1, 500), st.floats(1.0, 60.0))
def test_s1_spares_frames_but_not_time(frames: int, fps: float):
    made, rate = coarse_frames(XT, frames, fps)
    assert 1 <= made <= frames and abs(made / rate - frames / fps) <= 1.0 / fps + 1e-9
    assert coarse_frames(FACTS, frames, fps) == (frames, fps)  # a small model has nothing to spare


def test_s1_of_the_published_models_is_a_quarter():
    assert spares(XT) and coarse_pixels(XT) == 512 * 288 and not spares(FACTS) and coarse_pixels(FACTS) == 64 * 64
    for preset in PRESETS:
        assert coarse_steps(XT, preset) == (32 if preset.schedule == "karras" else preset.steps)
        assert coarse_steps(FACTS, preset) == preset.steps
