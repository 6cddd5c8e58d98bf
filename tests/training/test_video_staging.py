"""Training encodes pictures as the sampler does, and what is dropped is exactly nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.engines.svd.conditioning import encode_frames, encode_picture
from backend.engines.svd.model import VideoModel
from backend.engines.svd.sampling.schedule import NoiseRange
from backend.training.video.config import NoiseConfig
from backend.training.video.examples import Batch
from backend.training.video.staging import Stage
from revision_blender.video_model.facts import ModelFacts
from tests.backend import svd_samples


@pytest.fixture(scope="module")
def stage() -> Stage:
    torch.set_num_threads(1)
    pipeline, side = svd_samples.tiny_pipeline(10), svd_samples.SIDE
    model = VideoModel(
        pipeline.unet, pipeline.vae, pipeline.image_encoder, pipeline.feature_extractor, NoiseRange(0.002, 700.0),
        ModelFacts(svd_samples.FRAMES, (side, side)), Path(), torch.device("cpu"), torch.float32,
    )  # fmt: skip
    return Stage(model, NoiseConfig(), 7.0, 127.0)


def batch(keep_all: float = 1.0, keep_picture: float = 1.0) -> tuple[np.ndarray, Batch]:
    clip = np.stack([svd_samples.picture(seed=seed) for seed in range(2)])
    frames = torch.from_numpy(clip.transpose(0, 3, 1, 2).copy())[None]
    motion = torch.full((1, 2, 2, 8, 8), 0.5) * keep_all
    return clip, Batch(frames, motion, torch.tensor([keep_all]), torch.tensor([keep_picture]), ("clip",))


def test_latents_and_embedding_are_the_samplers(stage: Stage) -> None:
    clip, given = batch()
    embedding, _ = encode_picture(stage.model, clip[0], 0.0, torch.Generator().manual_seed(0))
    assert torch.allclose(stage.latents(given.frames), encode_frames(stage.model, clip), atol=1e-5)
    assert torch.allclose(stage.embeddings(given.frames[:, 0])[0], embedding[0], atol=1e-4)
    assert torch.equal(stage.embeddings(given.frames[:, 0]), stage.embeddings(given.frames[:, 0]))


def test_picture_latents_are_unscaled_and_as_noisy_as_the_model_is_told(stage: Stage) -> None:
    clip, given = batch()
    _, clean = encode_picture(stage.model, clip[0], 0.0, torch.Generator().manual_seed(0))
    away = []
    for seed in range(12):
        told = stage.conditions(given, torch.Generator().manual_seed(seed))
        assert told.ids[0, :2].tolist() == [6.0, 127.0]
        away.append((float(told.ids[0, 2]), float((told.picture - clean).abs().mean())))
    levels, distances = np.array(away).T
    assert levels.std() > 0.005 and np.corrcoef(levels, distances)[0, 1] > 0.8


def test_what_is_dropped_is_exactly_nothing(stage: Stage) -> None:
    generator = torch.Generator().manual_seed(1)
    everything = stage.conditions(batch(0.0, 0.0)[1], generator)
    assert not everything.picture.any() and not everything.embedding.any() and not everything.motion.any()
    picture = stage.conditions(batch(1.0, 0.0)[1], generator)
    assert not picture.picture.any() and picture.embedding.any() and picture.motion.any()


def test_a_generator_gives_the_same_step_again(stage: Stage) -> None:
    first, second = (stage(batch()[1], torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first.sigma, second.sigma) and torch.equal(first.noise, second.noise)
    assert torch.equal(first.given.picture, second.given.picture)
    other = stage(batch()[1], torch.Generator().manual_seed(6))
    assert not torch.equal(first.noise, other.noise) and not torch.equal(first.sigma, other.sigma)
