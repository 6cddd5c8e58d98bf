"""The small model before training, and the one that comes with the add-on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.engines.svd.conditioning import encode_frames, encode_picture
from backend.engines.svd.model import VideoModel
from backend.engines.svd.patch_codec import PatchCodec
from backend.engines.svd.weights.facts import facts_of
from backend.engines.svd.weights.loading import load_model
from backend.errors import InputError
from backend.training.renders.scenes import Format, scene
from backend.training.renders.small_model import SmallModel, write_start
from backend.training.renders.writing import Wanted, write_dataset
from revision_blender.motion.bodies.body_model import OPEN_HUMAN

BUNDLED = OPEN_HUMAN.parent / "small_video_model"
TINY = SmallModel(widths=(32, 32), heads=(2, 2), pictures=60, name="tiny")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("renders") / "data"
    write_dataset(Wanted(folder, clips=12, format=Format(clips=2)))
    return folder


@pytest.fixture(scope="module")
def start(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "start"
    write_start(data, folder, TINY)
    return folder


@pytest.fixture(scope="module")
def model(start: Path) -> VideoModel:
    torch.set_num_threads(1)
    return load_model(start)


def test_it_loads_as_any_video_model_does(model: VideoModel) -> None:
    assert model.conditioned and model.factor == 4 and model.frames == 8
    assert isinstance(model.vae, PatchCodec)
    assert model.facts.name == "tiny" and model.facts.size == (64, 64) and model.facts.fps == 8.0 and model.facts.fixed_bucket
    assert model.noise_range.sigma_max == TINY.sigma_max


def test_latents_and_embeddings_have_about_unit_spread(model: VideoModel) -> None:
    """What the preconditioning takes for granted of the latents, and what lets the embedding say anything at all."""
    clips = [scene(seed, "train", Format(clips=1))[0] for seed in range(100, 112)]
    latents = torch.cat([encode_frames(model, clip.frames) for clip in clips])
    assert 0.6 < float(latents.std()) < 1.6 and abs(float(latents.mean())) < 0.4
    generator = torch.Generator().manual_seed(0)
    tokens = torch.stack([encode_picture(model, clip.frames[0], 0.0, generator)[0] for clip in clips])
    assert 0.4 < float(tokens.std()) < 2.5
    assert float(tokens.std(dim=0).mean()) > 0.3  # pictures differ in it


def test_at_first_it_says_nothing_whatever_it_is_told(model: VideoModel) -> None:
    """Its output is the last convolution's bias: the denoiser is the preconditioning's skip, and training starts at a loss of about 1."""
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 8, 10, 16, 16, generator=generator)
    said = [
        model.unet(scale * sample, torch.tensor(0.3), encoder_hidden_states=torch.randn(1, 1, 64, generator=generator), added_time_ids=torch.rand(1, 3)).sample
        for scale in (0.0, 1.0)
    ]  # fmt: skip
    assert torch.equal(said[0], said[1])


def test_a_seed_gives_the_same_start(data: Path, start: Path, tmp_path: Path) -> None:
    write_start(data, tmp_path / "again", TINY)
    for file in sorted(start.rglob("*.safetensors")):
        assert file.read_bytes() == (tmp_path / "again" / file.relative_to(start)).read_bytes()
    with pytest.raises(InputError, match="not empty"):
        write_start(data, start, TINY)


@pytest.mark.skipif(not (BUNDLED / "revision.json").is_file(), reason="the small model is not bundled in this checkout")
def test_the_bundled_model_is_whole_small_and_says_how_it_was_made() -> None:
    model = load_model(BUNDLED)
    assert model.conditioned and facts_of(BUNDLED) == model.facts
    files = [file for file in BUNDLED.rglob("*") if file.is_file()]
    assert max(file.stat().st_size for file in files) <= 16 * 2**20 and sum(file.stat().st_size for file in files) < 40 * 2**20
    assert not [file for file in files if file.suffix in {".bin", ".pt", ".pkl", ".ckpt"}]
    text = (BUNDLED / "revision.json").read_text()
    assert '"seed"' in text and '"commit"' in text and '"config"' in text and str(Path.home()) not in text


@pytest.mark.skipif(not (BUNDLED / "revision.json").is_file(), reason="the small model is not bundled in this checkout")
def test_the_bundled_model_denoises_better_with_the_mask_than_with_another_ones() -> None:
    """On unseen clips, at noise that hides where the figure is: the right mask helps, another clip's misleads."""
    from backend.training.video.loss import Conditions, denoised

    torch.set_num_threads(1)
    model = load_model(BUNDLED)
    own, misled = [], []
    for seed in range(6):
        one, other = scene(500 + seed, "held_out", Format(clips=2))
        clean = encode_frames(model, one.frames)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
        embedding, picture = encode_picture(model, one.frames[0], 0.02, torch.Generator().manual_seed(0))
        for clip, errors in ((one, own), (other, misled)):
            given = Conditions(picture, _motion(clip.labels)[None], embedding, torch.tensor([[7.0, 127.0, 0.02]]))
            with torch.no_grad():
                guess = denoised(model.unet, clean + 4.0 * noise, torch.tensor([4.0]), given)
            errors.append(float((guess - clean)[:, 4:].square().mean()))
    assert np.mean(own) < 0.7 * np.mean(misled)


def _motion(labels: np.ndarray) -> torch.Tensor:
    from backend.engines.svd.conditioning import motion_channels

    return motion_channels(labels, np.where(labels > 0, 255, 0).astype(np.uint8), 4)
