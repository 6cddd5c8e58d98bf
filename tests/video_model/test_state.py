"""Whether a model is there: every way in which a folder or a download can be wrong, and the next step."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revision_blender.video_model.errors import ModelFileError
from revision_blender.video_model.files import UNET, examined, weight_files
from revision_blender.video_model.hub_cache import cache_folder, repository_folder, snapshot_folder
from revision_blender.video_model.names import BUNDLED, PUBLISHED
from revision_blender.video_model.published import PUBLISHED_MODELS, gated_words, licence_words, published_model
from revision_blender.video_model.safetensors_file import check_whole
from revision_blender.video_model.state import state_of
from tests.video_model.model_folders import safetensors_bytes, write_model

UNET_FILE = "unet/diffusion_pytorch_model.safetensors"


def test_a_whole_folder_is_found_with_what_it_is(tmp_path: Path):
    state = state_of(write_model(tmp_path / "m", channels=10))
    assert state.found and state.conditioned and state.facts is not None and state.next_step == ""
    assert state.facts.frames == 14 and state.facts.size == (1024, 576) and state.facts.factor == 8
    assert state.bytes == 3 * len(safetensors_bytes()) and "follows part masks" in state.words
    assert not state_of(write_model(tmp_path / "plain")).conditioned


def test_half_weights_are_enough_and_are_what_counts(tmp_path: Path):
    folder = write_model(tmp_path / "m", variants=("", "fp16"))
    assert examined(folder).variants == ("fp16", "") and examined(folder).bytes == 3 * len(safetensors_bytes(5))
    (folder / "vae" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    assert examined(folder).variants == ("",)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    assert state_of(folder).kind == "incomplete"


def _cut(folder: Path) -> None:
    file = folder / UNET_FILE
    file.write_bytes(file.read_bytes()[:-3])


def _index(folder: Path, **changes: object) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


DAMAGES = [
    (shutil.rmtree, "missing", "There is no folder"),
    (lambda f: (f / "model_index.json").unlink(), "wrong", "no model_index.json"),
    (lambda f: (f / "model_index.json").write_text("{"), "wrong", "cannot be read"),
    (lambda f: (f / "model_index.json").write_text("[1]"), "wrong", "not an object"),
    (lambda f: _index(f, _class_name="FluxPipeline"), "wrong", "FluxPipeline"),
    (lambda f: _index(f, unet=["os", "system"]), "wrong", "the part unet is system"),
    (lambda f: _index(f, vae=None), "wrong", "the part vae is nothing"),
    (lambda f: shutil.rmtree(f / "image_encoder"), "incomplete", "is missing"),
    (lambda f: (f / "scheduler" / "scheduler_config.json").unlink(), "incomplete", "is missing"),
    (lambda f: (f / UNET_FILE).unlink(), "incomplete", "is missing"),
    (_cut, "incomplete", "cut off"),
    (lambda f: (f / UNET_FILE).write_bytes(b""), "incomplete", "no whole safetensors"),
    (lambda f: (f / UNET_FILE).write_bytes(b"\x10" + bytes(7) + b"this is no json!"), "wrong", "no safetensors file"),
    (lambda f: (f / UNET_FILE).rename(f / "unet" / "model.bin"), "wrong", "pickled weights"),
    (lambda f: (f / "revision.json").write_text('{"version": 9}'), "wrong", "'version'"),
    (lambda f: (f / "revision.json").write_text('{"version": 1, "frames": "many"}'), "wrong", "revision.json"),
]


@pytest.mark.parametrize(("damage", "kind", "words"), DAMAGES)
def test_every_damage_has_a_kind_a_sentence_and_a_next_step(tmp_path: Path, damage, kind: str, words: str):
    folder = write_model(tmp_path / "m")
    damage(folder)
    state = state_of(folder)
    assert state.kind == kind and words in state.words and state.next_step.endswith(".")
    assert not state.downloadable


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["model_index.json", UNET_FILE, "unet/config.json", "revision.json"]))
def test_no_file_content_raises(tmp_path: Path, content: bytes, name: str):
    folder = write_model(tmp_path / "m")
    (folder / name).write_bytes(content)
    assert state_of(folder).kind in {"incomplete", "wrong"} or name == "unet/config.json"
    if (folder / "revision.json").exists():
        (folder / "revision.json").unlink()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.integers(0, 200))
def test_a_safetensors_file_is_whole_at_one_length_only(tmp_path: Path, length: int):
    whole = safetensors_bytes()
    file = tmp_path / "w.safetensors"
    file.write_bytes((whole + b"more bytes" * 20)[:length])
    if length == len(whole):
        assert check_whole(file) == length
    else:
        with pytest.raises(ModelFileError):
            check_whole(file)


def test_shards_are_followed_and_nothing_outside_the_folder(tmp_path: Path):
    folder = write_model(tmp_path / "m")
    (folder / UNET_FILE).unlink()
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    names = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index.write_text(json.dumps({"weight_map": {"a": names[0], "b": names[1], "c": names[0]}}))
    (folder / "unet" / names[0]).write_bytes(safetensors_bytes())
    assert state_of(folder).kind == "incomplete"
    (folder / "unet" / names[1]).write_bytes(safetensors_bytes())
    assert state_of(folder).found and [file.name for file in weight_files(folder / "unet", UNET.weights, "")] == names
    for name in ("../secret.safetensors", "/etc/passwd", "weights.bin"):
        index.write_text(json.dumps({"weight_map": {"a": name}}))
        assert state_of(folder).kind == "wrong" and "no safetensors file beside it" in state_of(folder).words


def test_the_hubs_states_follow_its_cache(tmp_path: Path):
    environ, name = {"HF_HOME": str(tmp_path)}, PUBLISHED[1]
    missing = state_of(name, environ)
    assert missing.kind == "missing" and missing.downloadable and "4.5 GB" in missing.words and "Community License" in missing.licence
    repository = repository_folder(name, environ)
    assert repository.parent == tmp_path / "hub" and repository.name == "models--stabilityai--stable-video-diffusion-img2vid-xt"
    (repository / "blobs").mkdir(parents=True)
    (repository / "blobs" / "abc.revision-part").write_bytes(bytes(1_500_000))
    partly = state_of(name, environ)
    assert partly.kind == "incomplete" and partly.downloadable and "2 MB of about 4.5 GB" in partly.words
    snapshot = write_model(repository / "snapshots" / "c0ffee", variants=("fp16",))
    assert snapshot_folder(name, environ) is None
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c0ffee")
    found = state_of(name, environ)
    assert found.found and found.folder == snapshot and not found.downloadable and found.licence
    _cut_half(snapshot)
    broken = state_of(name, environ)
    assert broken.kind == "incomplete" and broken.downloadable
    (repository / "refs" / "main").write_text("../../elsewhere")
    assert snapshot_folder(name, environ) is None


def _cut_half(folder: Path) -> None:
    file = folder / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def test_where_the_hub_keeps_its_files_is_what_its_client_says(tmp_path: Path):
    assert cache_folder({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}) == Path("/a")
    assert cache_folder({"HF_HOME": "/b"}) == Path("/b/hub")
    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/huggingface/hub")
    assert cache_folder({}) == Path.home() / ".cache" / "huggingface" / "hub"
    constants = pytest.importorskip("huggingface_hub.constants")
    assert cache_folder() == Path(constants.HF_HUB_CACHE)


def test_gated_models_say_so_before_and_every_licence_has_a_page():
    assert [model.name for model in PUBLISHED_MODELS] == list(PUBLISHED)
    gated = state_of(PUBLISHED[0], {"HF_HOME": "/nowhere"})
    assert gated_words(PUBLISHED[0]) in gated.next_step and "tokens" in gated.next_step
    for model in PUBLISHED_MODELS:
        assert model.page in licence_words(model.name) and published_model(model.name) is model
    assert "https://huggingface.co/some/body" in licence_words("some/body")


def test_nothing_and_the_bundled_one():
    assert state_of("").kind == "none" and state_of("").next_step
    assert state_of(BUNDLED).name == BUNDLED
