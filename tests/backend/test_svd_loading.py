"""Loading a model's folder: equal to what was saved, in both precisions, and one sentence for each folder that is no such model."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.engines.svd.weights.facts import facts_of, save_facts
from backend.engines.svd.weights.loading import chosen_variant, load_model
from backend.errors import EngineError
from revision_blender.video_model.facts import ModelFacts
from tests.backend.svd_samples import tiny_folder, tiny_pipeline

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_what_was_saved_is_what_is_loaded(saved: Path):
    model, pipeline = load_model(saved), tiny_pipeline()
    for ours, theirs in ((model.unet, pipeline.unet), (model.vae, pipeline.vae), (model.image_encoder, pipeline.image_encoder)):
        wanted = theirs.state_dict()
        assert ours.state_dict().keys() == wanted.keys()
        assert all(torch.equal(weight, wanted[name]) for name, weight in ours.state_dict().items())
        assert not ours.training and not any(weight.requires_grad for weight in ours.parameters())
    assert (model.noise_range.sigma_min, model.noise_range.sigma_max) == (0.002, 700.0)
    assert not model.conditioned and model.factor == 8 and model.multiple == 16 and model.frames == 4


def test_conditioned_weights_are_known_by_their_channels_and_facts_by_their_file(tmp_path: Path):
    folder = tiny_folder(tmp_path / "wide", in_channels=10)
    facts = ModelFacts(6, (64, 48), 8.0, 8, (1.0, 2.0), 0.0, (127, 127), name="small")
    save_facts(folder, facts, {"commit": "abc", "seed": 7})
    model = load_model(folder)
    assert model.conditioned and model.facts == facts and model.frames == 6
    assert json.loads((folder / "revision.json").read_text())["training"] == {"commit": "abc", "seed": 7}
    assert facts_of(folder) == facts


def test_half_weights_serve_half_precision_and_full_where_nothing_else_is_there(tmp_path: Path):
    folder = tmp_path / "half"
    tiny_pipeline().to(torch.float16).save_pretrained(folder, safe_serialization=True, variant="fp16")
    half = load_model(folder, dtype=torch.float16)
    assert half.unet.dtype == half.vae.dtype == half.image_encoder.dtype == torch.float16
    full = load_model(folder)
    assert full.unet.dtype == torch.float32
    assert torch.equal(full.unet.conv_in.weight, half.unet.conv_in.weight.float())
    assert chosen_variant(("fp16", ""), torch.float32) == "" and chosen_variant(("fp16", ""), torch.float16) == "fp16"
    assert chosen_variant(("",), torch.float16) == ""


def _other_shape(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["conv_in.weight"] = weights["conv_in.weight"][:, :4].contiguous()
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def _fewer(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["conv_out.weight"]
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def _twelve_channels(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["conv_in.weight"] = torch.cat([weights["conv_in.weight"], weights["conv_in.weight"][:, :4]], dim=1)
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    change(folder / "unet" / "config.json", in_channels=12)


def _truncated(folder: Path) -> None:
    file = folder / WEIGHTS
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _pickled(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "unet" / "diffusion_pytorch_model.bin")
    (folder / WEIGHTS).unlink()


DAMAGES = [
    (_truncated, "cut off: .* bytes are there"),
    (_pickled, "pickled weights"),
    (_other_shape, "cannot be loaded"),
    (_fewer, "do not fit its configuration"),
    (_twelve_channels, "takes 12 channels; 8 .* or 10"),
    (lambda f: shutil.rmtree(f / "vae"), "is missing"),
    (lambda f: change(f / "model_index.json", _class_name="StableDiffusionPipeline"), "StableDiffusionPipeline"),
    (lambda f: change(f / "model_index.json", unet=["subprocess", "Popen"]), "the part unet is Popen"),
    (lambda f: change(f / "scheduler" / "scheduler_config.json", prediction_type="epsilon"), "prediction_type"),
    (lambda f: change(f / "scheduler" / "scheduler_config.json", sigma_max=0.001), "makes no sense|below"),
    (lambda f: (f / "vae" / "config.json").write_text("nonsense"), "cannot be read"),
    (lambda f: (f / "revision.json").write_text("{}"), "'version' is missing"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGES)
def test_what_is_no_such_model_is_said_in_one_sentence(folder: Path, damage, words: str):
    damage(folder)
    with pytest.raises(EngineError, match=words) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_no_code_and_no_pickle_of_a_strangers_folder_runs(folder: Path, tmp_path: Path):
    marker = tmp_path / "ran"
    (folder / "stranger.py").write_text(f"open({str(marker)!r}, 'w')\n")
    change(
        folder / "model_index.json", vae=["stranger", "AutoencoderKLTemporalDecoder"], unet=["stranger", "UNetSpatioTemporalConditionModel"]
    )
    change(folder / "unet" / "config.json", auto_map={"AutoModel": "stranger.Net"}, _class_name="stranger.Net")
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")
    load_model(folder)
    assert not marker.exists()


def test_too_little_memory_is_a_sentence(saved: Path, monkeypatch: pytest.MonkeyPatch):
    from backend.engines.svd.weights import loading

    def full(*_arguments, **_options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loading.UNetSpatioTemporalConditionModel, "from_pretrained", full)
    with pytest.raises(EngineError, match="not enough memory on cpu"):
        load_model(saved)
