"""What runs teach about later ones, the memory plan's numbers, and parts that take turns on the device."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder
from hypothesis import given
from hypothesis import strategies as st

from backend.engines.svd.cost.calibration import MOST_SAMPLES, Measured, RunClock, fitted_coefficients, fitted_memory, record
from backend.engines.svd.cost.device_memory import free_bytes, measured_peak, plan_for
from backend.engines.svd.cost.offload import Turns, feed_forward_pieces
from backend.engines.svd.sampling.windows import windows_for
from revision_blender.video_model.cost import GIB, SVD_SHAPE
from revision_blender.video_model.memory_plan import FIXED, OVERHEAD
from revision_blender.video_model.prediction import (
    CALIBRATION_FILE,
    Setting,
    dot,
    guessed_coefficients,
    predicted,
    read_calibrated,
    window_count,
)
from tests.backend.live_bytes import Cost, cost_of
from tests.backend.svd_samples import EMBEDDING, tiny_unet

SHAPE = replace(SVD_SHAPE, channels=32, layers=3, coder=(4, 4, 4), factor=4, unet_bytes=1.5e7, coder_bytes=1e4, encoder_bytes=1e6, item=4)


@given(st.integers(1, 300), st.integers(3, 40), st.integers(0, 39))
def test_windows_are_counted_as_the_sampler_cuts_them(total: int, frames: int, stride: int) -> None:
    stride = min(stride, frames - 1)
    assert window_count(total, frames, stride) == len(windows_for(total, frames, stride or None))


# --- calibration: a machine whose seconds are known


class Machine:
    """Takes seconds by coefficients of its own, with noise of a few per cent."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        guess = guessed_coefficients("cpu", SHAPE)
        slower = float(random.uniform(0.2, 8.0))
        self.true = {part: tuple(slower * value * float(random.uniform(0.3, 3.0)) for value in values) for part, values in guess.items()}
        self.margin, self.fixed = float(random.uniform(1.0, 1.6)), float(random.uniform(0.3, 1.5) * GIB)
        self._random = random

    def run(self, setting: Setting, in_use: float = 2e8) -> Measured:
        features = setting.features()
        noise = {part: float(self._random.lognormal(0.0, 0.03)) for part in features}
        seconds = {part: noise[part] * dot(features[part], self.true[part]) for part in features if part != "reused" or setting.reused}
        return Measured(setting, seconds, in_use, self.margin * in_use + self.fixed)

    def total(self, setting: Setting) -> float:
        features = setting.features()
        return sum(count * dot(features[part], self.true[part]) for part, count in setting.counts.items())


CALIBRATE = [Setting(8, 8, 256, 13, 12), Setting(8, 8, 1024, 5, 5), Setting(4, 4, 256, 25, 0), Setting(14, 14, 2304, 13, 12)]
UNSEEN = [Setting(6, 6, 256, 25, 0), Setting(8, 8, 576, 13, 12), Setting(12, 12, 1024, 5, 5), Setting(8, 20, 1024, 25, 0, windows=3)]


@pytest.mark.parametrize("seed", range(6))
def test_unseen_settings_are_predicted_within_a_fifth(tmp_path: Path, seed: int) -> None:
    machine = Machine(seed)
    for setting in CALIBRATE:
        record(tmp_path, "small", "cpu", SHAPE, machine.run(setting), 8.0 * GIB)
    known = read_calibrated(tmp_path, "small", "cpu")
    for setting in UNSEEN:
        told = predicted(setting, known, "cpu", SHAPE)
        assert told.basis == "measured" and abs(told.seconds / machine.total(setting) - 1.0) < 0.2, setting


def test_one_run_sets_the_scale() -> None:
    """With nothing but one setting known, its neighbours follow the proportions of the operations."""
    true = {part: tuple(3.0 * value for value in values) for part, values in guessed_coefficients("cpu", SHAPE).items()}
    features = CALIBRATE[0].features()
    run = Measured(CALIBRATE[0], {part: dot(features[part], true[part]) for part in features}, 0.0, 0.0)
    fitted = fitted_coefficients([run], "cpu", SHAPE)
    for part, values in fitted.items():
        assert values == pytest.approx(true[part], rel=0.01)


def test_a_preset_that_never_ran_is_scaled_like_the_others() -> None:
    machine = Machine(1)
    guess = guessed_coefficients("cpu", SHAPE)
    run = machine.run(Setting(8, 8, 256, 25, 0))
    fitted = fitted_coefficients([run], "cpu", SHAPE)
    scale = run.seconds["full"] / dot(run.setting.features()["full"], guess["full"])
    assert fitted["reused"] == pytest.approx(tuple(scale * value for value in guess["reused"]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_coefficients_are_never_negative_whatever_was_measured(seed: int, runs: int) -> None:
    random = np.random.default_rng(seed)
    samples = [
        Measured(
            Setting(*(int(value) for value in random.integers(1, 60, 5))),
            {part: float(random.lognormal(0, 3)) for part in ("full", "reused", "decode", "rest")},
            float(random.uniform(0, 1e10)),
            float(random.uniform(0, 1e10)),
        )
        for _ in range(runs)
    ]
    fitted = fitted_coefficients(samples, "cuda", SHAPE)
    assert all(value >= 0.0 and np.isfinite(value) for values in fitted.values() for value in values)
    assert min(fitted_memory(samples, "cuda")) >= 0.0


def test_memory_is_learned_and_not_measured_is_the_prior() -> None:
    machine = Machine(3)
    runs = [machine.run(setting, in_use) for setting, in_use in zip(CALIBRATE, (1e8, 5e8, 2e9, 4e9), strict=True)]
    margin, fixed = fitted_memory(runs, "cpu")
    for in_use in (3e8, 3e9):
        assert margin * in_use + fixed == pytest.approx(machine.margin * in_use + machine.fixed, rel=0.2)
    assert fitted_memory([replace(run, peak=0.0) for run in runs], "cpu") == (OVERHEAD, FIXED["cpu"])


def test_the_file_keeps_few_of_a_setting_and_other_models(tmp_path: Path) -> None:
    machine = Machine(0)
    for count in range(MOST_SAMPLES + 5):
        record(tmp_path, "small", "cpu", SHAPE, machine.run(CALIBRATE[0] if count % 2 else Setting(1 + count, 8, 64, 3, 0)), 1e9)
    record(tmp_path, "a/b", "cuda", SVD_SHAPE, machine.run(CALIBRATE[1]), 2e9)
    entries = json.loads((tmp_path / CALIBRATION_FILE).read_text())["models"]
    assert set(entries) == {"cpu|small", "cuda|a/b"}
    kept = entries["cpu|small"]["samples"]
    assert len(kept) <= MOST_SAMPLES and sum(sample["setting"]["window"] == 8 for sample in kept) <= 3 + 1
    known = read_calibrated(tmp_path, "a/b", "cuda")
    assert known is not None and known.memory == 2e9


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION_FILE).write_text('{"version": 1, "models": {"cpu|small": {"samples": [1, {"setting": 3}]}}}')
    record(tmp_path, "small", "cpu", SHAPE, Machine(0).run(CALIBRATE[0]), 1e9)
    assert read_calibrated(tmp_path, "small", "cpu") is not None
    assert [path.name for path in tmp_path.iterdir()] == [CALIBRATION_FILE]


def test_the_clock_gives_the_first_steps_surplus_to_the_rest() -> None:
    now = [0.0]

    def after(seconds: float) -> float:
        now[0] += seconds
        return now[0]

    clock = RunClock(lambda: now[0])
    after(2.0)  # encoding
    clock.steps_begin()
    for seconds, full in ((5.0, True), (0.5, False), (1.0, True), (0.5, False), (1.0, True)):
        after(seconds)
        clock.step(full=full)
    with clock.decoding():
        after(3.0)
    after(0.25)
    run = clock.measured(Setting(8, 8, 256, 3, 2), 1.0, 2.0)
    assert run.seconds == pytest.approx({"full": 1.0, "reused": 0.5, "decode": 3.0, "rest": 2.0 + 4.0 + 0.25})
    assert clock.seconds == pytest.approx(13.25) and clock.network_seconds == pytest.approx(11.0)


# --- memory


def test_free_memory_is_a_sum_that_can_be() -> None:
    assert 1e7 < free_bytes(torch.device("cpu")) < 1e14


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process its own peak")
def test_the_peak_of_a_block_is_its_own() -> None:
    with measured_peak(torch.device("cpu")) as small:
        torch.ones(1000)
    with measured_peak(torch.device("cpu")) as large:
        torch.ones(64 << 20)  # 256 MiB
    with measured_peak(torch.device("cpu")) as after:
        torch.ones(1000)
    assert large.bytes - small.bytes == pytest.approx(256 << 20, rel=0.1)
    assert abs(after.bytes - small.bytes) < 32 << 20


def test_the_plan_follows_precision_and_memory() -> None:
    half, full = (plan_for(7.2 * GIB, 25, 72, 128, dtype) for dtype in (torch.float16, torch.float32))
    assert half.fits and not full.fits and full.bytes > 1.5 * half.bytes
    assert plan_for(79 * GIB, 25, 72, 128, torch.float16).words == ""


def _unet_cost(frames: int, side: int, halves: int, chunked: bool) -> Cost:
    unet = tiny_unet()
    sample = torch.zeros((halves, frames, 8, side, side))
    given = {"encoder_hidden_states": torch.zeros((halves, 1, EMBEDDING)), "added_time_ids": torch.zeros((halves, 3))}
    with feed_forward_pieces(unet, chunked):
        return cost_of(lambda: unet(sample, torch.tensor(1.0), **given), unet)


@pytest.mark.parametrize("halves", [1, 2])
@pytest.mark.parametrize("chunked", [False, True])
def test_activations_are_as_large_as_foretold(halves: int, chunked: bool) -> None:
    """The factors were counted on the published network; another width and depth is foretold by them within a fifth."""
    torch.set_num_threads(1)
    frames, side = 4, 16
    cost = _unet_cost(frames, side, halves, chunked)
    shape = replace(SVD_SHAPE, channels=32, layers=3, item=4)
    assert cost.bytes == pytest.approx(shape.unet_peak(frames * side * side, halves=halves, chunked=chunked, reuse=False), rel=0.2)


def test_the_decoders_activations_are_as_large_as_foretold() -> None:
    """A quarter as wide as the published autoencoder; the encoder likewise."""
    torch.set_num_threads(1)
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 64, 128, 128), down_block_types=("DownEncoderBlock2D",) * 4, latent_channels=4, layers_per_block=2
    ).eval()
    shape = replace(SVD_SHAPE, coder=(32, 64, 128), item=4)
    cost = cost_of(lambda: vae.decode(torch.zeros((2, 4, 8, 8)), num_frames=2), vae)
    assert cost.bytes == pytest.approx(shape.decoder_peak(2 * 64), rel=0.2)
    cost = cost_of(lambda: vae.encode(torch.zeros((1, 3, 64, 64))), vae)
    assert cost.bytes == pytest.approx(shape.encoder_peak(64), rel=0.2)


# --- turns


class Located(torch.nn.Linear):
    """Notes where it is sent; the test's device is a name only."""

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__(2, 2)
        self.name, self.log, self.place = name, log, torch.device("cpu")

    def parameters(self, recurse: bool = True):
        yield SimpleNamespace(device=self.place)

    def to(self, *, device: torch.device):
        self.place = device
        self.log.append(f"{self.name} {device.type}")
        return self


def _model_of(log: list[str]) -> SimpleNamespace:
    return SimpleNamespace(device=torch.device("xla"), **{name: Located(name, log) for name in ("image_encoder", "unet", "vae")})


def test_parts_take_turns_and_leave_before_the_next_comes() -> None:
    log: list[str] = []
    turns = Turns(_model_of(log), plan_for(7.2 * GIB, 25, 72, 128, torch.float16))
    turns.take("image_encoder", "vae")
    turns.take("unet")
    turns.take("unet")
    turns.take("vae")
    assert log == ["image_encoder xla", "vae xla", "image_encoder cpu", "vae cpu", "unet xla", "unet cpu", "vae xla"]


def test_with_room_for_all_nothing_moves_twice() -> None:
    log: list[str] = []
    turns = Turns(_model_of(log), plan_for(79 * GIB, 25, 72, 128, torch.float16))
    for part in ("vae", "unet", "vae"):
        turns.take(part)
    assert log == ["image_encoder xla", "unet xla", "vae xla"]


def test_feed_forward_in_pieces_is_the_same_mathematics_and_is_undone() -> None:
    torch.set_num_threads(1)
    unet = tiny_unet()
    sample = torch.randn((2, 3, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    given = {"encoder_hidden_states": torch.ones((2, 1, EMBEDDING)), "added_time_ids": torch.ones((2, 3)), "return_dict": False}
    with torch.no_grad():
        whole = unet(sample, torch.tensor(1.0), **given)[0]
        with feed_forward_pieces(unet, True):
            pieces = unet(sample, torch.tensor(1.0), **given)[0]
        again = unet(sample, torch.tensor(1.0), **given)[0]
    assert torch.allclose(pieces, whole, atol=1e-5) and torch.equal(again, whole)
    assert _unet_cost(4, 16, 2, True).bytes < 0.7 * _unet_cost(4, 16, 2, False).bytes
