"""The presets: ``best`` is the stock pipeline, the others cost less in order; on trained weights they stay within their bars."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from backend.engines.svd.cost.planning import Memory
from backend.engines.svd.generation import Wanted, generated
from backend.engines.svd.model import VideoModel
from backend.engines.svd.weights.loading import load_model
from backend.progress import silent
from revision_blender.video_model.canvas import canvas_for
from revision_blender.video_model.presets import DEFAULT_PRESET, PRESETS, preset_of
from tests.backend.svd_samples import FRAMES, SIDE, picture, tiny_pipeline

STOCK_STEPS = 25
LIGHT_STEP = 0.5  # one half of guidance


def full_steps(name: str) -> float:
    preset = preset_of(name)
    full = preset.full_steps(preset.steps)
    return full + LIGHT_STEP * (preset.steps - full)


def test_best_is_the_models_own_mathematics() -> None:
    best = preset_of("best")
    assert (best.steps, best.schedule, best.reuse_every, best.solver) == (STOCK_STEPS, "karras", 1, "euler")


def test_presets_cost_less_in_order_and_keep_to_their_speed() -> None:
    """Of the U-Net's work alone: what is spent outside it has to fit beside."""
    assert [preset.name for preset in PRESETS] == ["draft", "balanced", "best"] and DEFAULT_PRESET in {preset.name for preset in PRESETS}
    draft, balanced, best = (full_steps(preset.name) for preset in PRESETS)
    assert best >= 2.2 * balanced and best >= 3.3 * draft
    assert all(preset.words and preset.is_full(0, preset.steps) for preset in PRESETS)


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return tiny_pipeline()


@pytest.fixture(scope="module")
def model(pipeline: Any, tmp_path_factory: pytest.TempPathFactory) -> VideoModel:
    """The stock pipeline's weights, through the disk."""
    folder = tmp_path_factory.mktemp("svd")
    pipeline.save_pretrained(folder, safe_serialization=True)
    return load_model(folder, "cpu", torch.float32)


def test_best_makes_the_stock_pipelines_video(pipeline: Any, model: VideoModel) -> None:
    """Same seed: at least 40 dB on random weights, whose values depend on the noise throughout."""
    image = picture()
    stock = pipeline(
        Image.fromarray(image), width=SIDE, height=SIDE, num_frames=FRAMES, num_inference_steps=STOCK_STEPS, fps=7, motion_bucket_id=127,
        noise_aug_strength=0.02, decode_chunk_size=FRAMES, generator=torch.Generator("cpu").manual_seed(3), output_type="np",
    ).frames[0]  # fmt: skip
    expected = np.round(stock * 255.0)
    assert psnr(clip(model, image, 3, "best"), expected) >= 40.0 > psnr(clip(model, image, 4, "best"), expected)


def clip(model: VideoModel, image: np.ndarray, seed: int, preset: str) -> np.ndarray:
    height, width = image.shape[:2]
    canvas = canvas_for(width, height, width * height, model.multiple)
    wanted = Wanted(image, canvas, FRAMES, 7.0, 127, seed, preset_of(preset))
    return generated(model, wanted, Memory(model.folder / "home", "random"), silent()).frames


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = float(((one.astype(np.float64) - other) ** 2).mean())
    return 99.0 if error == 0.0 else float(10.0 * np.log10(255.0**2 / error))


@pytest.mark.parametrize("name", ["balanced", "draft"])
def test_faster_presets_use_the_seed_and_the_picture(model: VideoModel, name: str) -> None:
    first = clip(model, picture(), 1, name)
    assert np.array_equal(first, clip(model, picture(), 1, name))
    assert not np.array_equal(first, clip(model, picture(), 2, name)) and not np.array_equal(first, clip(model, picture(seed=1), 1, name))
