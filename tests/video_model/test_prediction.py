"""Seconds and bytes before a run: laws of the model, of reading the calibration, and of the memory plan."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.video_model.cost import GIB, SVD_SHAPE, ModelShape, shape_of
from revision_blender.video_model.facts import ModelFacts
from revision_blender.video_model.memory_plan import Frames, bytes_in_use, plan_in
from revision_blender.video_model.prediction import (
    CALIBRATION_FILE,
    Calibrated,
    Setting,
    guessed_coefficients,
    key_of,
    predicted,
    read_calibrated,
    read_entries,
    setting_of,
)
from revision_blender.video_model.presets import PRESETS, preset_of
from revision_blender.video_model.state import BUNDLED_FOLDER
from tests.video_model.model_folders import safetensors_bytes, write_model

FACTS = ModelFacts(25, (1024, 576))
SETTINGS = st.builds(Setting, st.integers(1, 25), st.integers(1, 60), st.integers(1, 9216), st.integers(1, 50), st.integers(0, 50))


def test_a_whole_clip_on_a_fast_card_is_guessed_within_a_factor_of_two_of_published_times() -> None:
    """A100, 25 frames, 25 steps, half precision: 32 to 40 s published; 40 s of them 13 to 15 % in the decoder."""
    guess = predicted(setting_of(FACTS, preset_of("best"), 25, 1024, 576), None, "cuda")
    assert guess.basis == "guessed" and 18.0 < guess.seconds < 80.0


def test_presets_order_themselves() -> None:
    seconds = [predicted(setting_of(FACTS, preset, 25, 1024, 576), None, "cuda").seconds for preset in PRESETS]
    assert [preset.name for preset in PRESETS] == ["draft", "balanced", "best"]
    assert seconds == sorted(seconds) and seconds[0] < 0.5 * seconds[2]


@given(SETTINGS, st.sampled_from(["cuda", "mps", "cpu", "unheard of"]))
def test_more_work_never_takes_less(setting: Setting, device: str) -> None:
    here = predicted(setting, None, device, free=40 * GIB)
    assert math.isfinite(here.seconds) and here.seconds > 0.0 and here.bytes > 0
    for more in (
        replace(setting, full=setting.full + 1),
        replace(setting, cells=setting.cells * 2),
        replace(setting, total=setting.total + 1),
    ):
        assert predicted(more, None, device).seconds > here.seconds


# --- memory


@pytest.mark.parametrize("variants", [("",), ("fp16",), ("", "fp16")])
@pytest.mark.parametrize("kind", ["F32", "F16"])
def test_weights_are_counted_by_their_numbers_whatever_they_are_stored_in(tmp_path: Path, kind: str, variants: tuple[str, ...]) -> None:
    """A model exported in half precision has no "fp16" in its files' names."""
    folder = write_model(tmp_path, variants=variants)
    unet = json.loads((folder / "unet" / "config.json").read_text()) | {"block_out_channels": [32, 64]}
    (folder / "unet" / "config.json").write_text(json.dumps(unet))
    for file in (folder / "unet").glob("*.safetensors"):
        file.write_bytes(safetensors_bytes(1000, kind))
    for item in (2, 4):
        shape = shape_of(folder, item=item)
        assert (shape.unet_bytes, shape.channels, shape.item) == (1000 * item, 32, item)


def test_the_bundled_models_weights_are_counted_whole() -> None:
    """Its U-Net has 3.70 million numbers."""
    assert 4 * 3.6e6 < shape_of(BUNDLED_FOLDER, item=4).unet_bytes < 4 * 3.8e6


MADE = st.builds(Frames, st.integers(1, 25), st.integers(1, 50), st.integers(1, 20_000), st.booleans())


@given(MADE, st.floats(0.5, 100.0))
def test_a_plan_fits_or_says_that_it_does_not(made: Frames, gigabytes: float) -> None:
    plan = plan_in(gigabytes * GIB, made)
    assert not plan.fits or plan.bytes <= gigabytes * GIB
    assert 1 <= plan.decode_chunk <= max(made.total, 1) and 0 <= plan.decode_overlap <= plan.decode_chunk // 2
    if not plan.fits:
        assert (plan.offload, plan.split_guidance, plan.chunk_feed_forward, plan.decode_chunk) == (True, True, True, 1)
        assert plan.bytes > 0.95 * gigabytes * GIB


@given(MADE, st.floats(0.5, 50.0), st.floats(0.0, 50.0))
def test_more_memory_never_asks_for_more_savings(made: Frames, gigabytes: float, more: float) -> None:
    small, large = (plan_in(amount * GIB, made) for amount in (gigabytes, gigabytes + more))
    saved = [(plan.offload, plan.split_guidance, plan.chunk_feed_forward) for plan in (small, large)]
    assert saved[1] <= saved[0] and large.bytes >= small.bytes - 1 and (small.fits <= large.fits)


def test_a_full_clip_fits_an_eight_gigabyte_card_and_a_large_one_saves_nothing() -> None:
    """Under 7.2 GiB: what a card of 8 GB leaves to programs."""
    made = Frames(25, 25, 72 * 128)
    small, large = plan_in(7.2 * GIB, made), plan_in(79 * GIB, made)
    assert small.fits and small.bytes <= 7.2 * GIB and small.decode_chunk >= 2
    assert small.words and large.words == ""
    assert (large.offload, large.split_guidance, large.chunk_feed_forward, large.decode_chunk) == (False, False, False, 25)


def test_each_saving_saves() -> None:
    made = Frames(25, 25, 72 * 128)
    ways = [(False, False, False), (True, False, False), (True, True, False), (True, True, True)]
    used = [bytes_in_use(made, SVD_SHAPE, offload=o, split=s, chunked=c, chunk=1) for o, s, c in ways]
    assert used == sorted(used, reverse=True) and len(set(used)) == 4


# --- what was learned

LEARNED = {
    "coefficients": {"full": [0.0, 1e-6, 1e-12], "reused": [0, 1e-7, 0], "decode": [0.1, 1e-6, 0.0], "rest": [1.0, 0.0]},
    "margin": 1.2, "fixed": 5e8, "memory": 8e9,
}  # fmt: skip


def write(home: Path, entry: object, version: int = 1) -> None:
    (home / CALIBRATION_FILE).write_text(json.dumps({"version": version, "models": {key_of("small", "cpu"): entry}}))


def test_what_was_measured_is_used(tmp_path: Path) -> None:
    write(tmp_path, LEARNED)
    known = read_calibrated(tmp_path, "small", "cpu")
    assert isinstance(known, Calibrated) and known.margin == 1.2
    setting = Setting(8, 8, 256, 10, 5)
    told = predicted(setting, known, "cpu", ModelShape(32, 3, (4, 4, 4), 4, 1e7, 1e4, 1e6, 4))
    assert told.basis == "measured"
    assert told.seconds == pytest.approx(10 * (1e-6 * 2048 + 1e-12 * 2048 * 256) + 5 * 1e-7 * 2048 + 0.1 + 1e-6 * 2048 + 1.0)
    assert read_calibrated(tmp_path, "small", "cuda") is None and read_calibrated(tmp_path, "other", "cpu") is None


@pytest.mark.parametrize(
    "damage",
    [None, [], "text", {}, {**LEARNED, "margin": -1}, {**LEARNED, "margin": True}, {**LEARNED, "fixed": None},
     {**LEARNED, "coefficients": {}}, {**LEARNED, "coefficients": {**LEARNED["coefficients"], "full": [1, 2]}},
     {**LEARNED, "coefficients": {**LEARNED["coefficients"], "rest": [1, "2"]}}],
)  # fmt: skip
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: object) -> None:
    assert read_calibrated(tmp_path, "small", "cpu") is None
    write(tmp_path, damage)
    assert read_calibrated(tmp_path, "small", "cpu") is None
    write(tmp_path, LEARNED, version=2)
    assert read_calibrated(tmp_path, "small", "cpu") is None
    (tmp_path / CALIBRATION_FILE).write_bytes(b"\xff{")
    assert read_entries(tmp_path) == {}


def test_guesses_scale_with_the_network() -> None:
    small = replace(SVD_SHAPE, channels=32, layers=3, coder=(4, 4, 4), factor=4)
    for part in ("full", "decode"):
        assert guessed_coefficients("cpu", small)[part][1] < 0.05 * guessed_coefficients("cpu", SVD_SHAPE)[part][1]
