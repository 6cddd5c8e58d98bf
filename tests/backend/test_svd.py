"""The stock svd engine on a small random pipeline saved in the real layout."""

import json
from pathlib import Path

import numpy as np
import pytest

from backend.engines.svd.engine import MAX_PIXELS, SvdEngine, checked_folder, motion_bucket, size_for
from backend.errors import Cancelled, EngineError, InputError
from backend.progress import Progress, silent
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import Clip, GroundPlane
from revision_blender.wire.requests import CoarseRequest, FineRequest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StableVideoDiffusionPipeline of a few thousand random weights, as ``save_pretrained`` writes it."""
    import torch
    from diffusers import (
        AutoencoderKLTemporalDecoder,
        EulerDiscreteScheduler,
        StableVideoDiffusionPipeline,
        UNetSpatioTemporalConditionModel,
    )
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    torch.set_num_threads(1)
    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=8, out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=32, num_attention_heads=2, projection_class_embeddings_input_dim=96, addition_time_embed_dim=32, num_frames=4,
    )  # fmt: skip
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32), down_block_types=("DownEncoderBlock2D",) * 4, latent_channels=4, layers_per_block=1, sample_size=32,
    )  # fmt: skip
    encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32,
            projection_dim=32,
            num_hidden_layers=1,
            num_attention_heads=4,
            image_size=224,
            intermediate_size=37,
            patch_size=32,
        )
    )
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction", interpolation_type="linear",
        use_karras_sigmas=True, sigma_min=0.002, sigma_max=700.0, timestep_spacing="leading", timestep_type="continuous", steps_offset=1,
    )  # fmt: skip
    processor = CLIPImageProcessor(crop_size=224, size={"shortest_edge": 224})
    pipeline = StableVideoDiffusionPipeline(vae=vae, image_encoder=encoder, unet=unet, scheduler=scheduler, feature_extractor=processor)
    where = tmp_path_factory.mktemp("svd")
    pipeline.save_pretrained(where, safe_serialization=True)
    return where


def picture(width: int = 100, height: int = 70) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_two_steps_on_the_cpu_are_seeded_and_keep_the_pictures_size(folder: Path) -> None:
    engine, words = SvdEngine(steps=2), []
    progress = Progress(lambda fraction, text: words.append((fraction, text)))
    request = CoarseRequest(picture(), engine="svd", frames=3, fps=7.0, seed=5, model=str(folder))
    first = engine.coarse(request, progress)
    assert first.frames.shape == (3, 70, 100, 3) and first.frames.dtype == np.uint8 and first.fps == 7.0
    assert [text for _, text in words][-2:] == ["Step 1 of 2", "Step 2 of 2"]
    assert np.array_equal(first.frames, engine.coarse(request, silent()).frames)
    other = CoarseRequest(picture(), engine="svd", frames=3, fps=7.0, seed=6, model=str(folder))
    assert not np.array_equal(first.frames, engine.coarse(other, silent()).frames)


def test_cancel_leaves_after_the_step_and_the_engine_works_again(folder: Path) -> None:
    engine, seen = SvdEngine(steps=2), []
    progress = Progress(lambda _fraction, text: seen.append(text), lambda: "Step 1 of 2" in seen)
    request = CoarseRequest(picture(64, 64), engine="svd", frames=2, model=str(folder))
    with pytest.raises(Cancelled):
        engine.coarse(request, progress)
    assert engine.coarse(request, silent()).frames.shape == (2, 64, 64, 3)


def test_what_cannot_be_loaded_is_said_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    for name, words in (("", "needs a model"), (str(tmp_path), "model_index.json")):
        with pytest.raises(EngineError, match=words):
            checked_folder(name)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(EngineError, match="FluxPipeline"):
        checked_folder(str(tmp_path))
    (tmp_path / "model_index.json").write_text((folder / "model_index.json").read_text())
    with pytest.raises(EngineError, match="cannot be loaded"):
        SvdEngine().coarse(CoarseRequest(picture(), frames=2, model=str(tmp_path)), silent())
    with pytest.raises(InputError, match="at most 50"):
        SvdEngine().coarse(CoarseRequest(picture(), frames=51, model=str(folder)), silent())


def test_fine_points_to_the_other_engine() -> None:
    clip = Clip(12.0, static_camera(100, 70, 100.0, 1), GroundPlane(np.array([0.0, -1.0, 0.0]), np.zeros(3)))
    maps = np.zeros((1, 70, 100), np.uint8)
    with pytest.raises(EngineError, match="reproject"):
        SvdEngine().fine(FineRequest(picture(), clip, clip, maps, maps), silent())
    assert SvdEngine().ability().fine is False


@pytest.mark.parametrize(("width", "height"), [(1024, 576), (100, 70), (4000, 3000), (16, 8000), (812, 720)])
def test_sizes_are_multiples_of_64_within_the_trained_area(width: int, height: int) -> None:
    sides = size_for(width, height)
    assert all(side % 64 == 0 and side >= 64 for side in sides)
    assert sides[0] * sides[1] <= MAX_PIXELS * 1.1
    assert sides == (1024, 576) or (width, height) != (1024, 576)


def test_more_strength_is_a_higher_bucket() -> None:
    assert motion_bucket(0.0) < motion_bucket(0.5) < motion_bucket(1.0) <= 255
