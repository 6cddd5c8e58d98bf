"""What a run will compute, told beforehand, against what the sampler's own schedule then has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engines.svd.sampling.schedule import NoiseRange, sigmas_for
from revision_blender.video_model.facts import ModelFacts
from revision_blender.video_model.follow_slider import NoiseSpan, depths_of
from revision_blender.video_model.presets import PRESETS, Preset
from revision_blender.video_model.runs import Source, coarse_run, fine_run, steps_below

SVD = ModelFacts(25, (1024, 576))
SMALL = ModelFacts(8, (64, 64), factor=4)
KARRAS = Preset("all", 25, "karras", 1, "")


def test_the_economised_run_is_a_quarter_of_the_pixels_and_half_the_frames() -> None:
    coarse, fine = (run(Source(1920, 1080, 24, 12.0), SVD, 64, KARRAS) for run in (coarse_run, fine_run))
    assert (fine.total, coarse.total) == (24, 12)
    assert coarse.cells == 512 * 320 // 64, "512 x 288, padded to whole cells"
    assert fine.cells == 1024 * 576 // 64


def test_a_small_model_spares_nothing() -> None:
    coarse, fine = (run(Source(1920, 1080, 8, 12.0), SMALL, 16, KARRAS) for run in (coarse_run, fine_run))
    assert (coarse.total, coarse.cells) == (fine.total, fine.cells)
    assert fine.cells <= 1.1 * 16 * 16


@given(st.floats(0.0, 1.0), st.sampled_from([(0.002, 700.0), (0.01, 40.0)]), st.integers(5, 60))
def test_steps_of_dual_clock_denoising_are_counted_as_the_sampler_counts_them(follow: float, span: tuple[float, float], steps: int) -> None:
    noise, preset = NoiseSpan(*span), Preset("some", steps, "karras", 1, "")
    depths = depths_of(follow, noise)
    taken = len(sigmas_for(preset, NoiseRange(*span), depths)) - 1
    assert abs(steps_below(depths, preset, noise) - taken) <= 2, (depths, taken)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_reused_steps_are_the_rest_of_the_steps(preset: Preset) -> None:
    run = fine_run(Source(640, 480, 25, 7.0), SVD, 64, preset, depths_of(0.5))
    steps = steps_below(depths_of(0.5), preset, NoiseSpan())
    assert run.full + run.reused == steps
    assert run.full == preset.full_steps(steps)
