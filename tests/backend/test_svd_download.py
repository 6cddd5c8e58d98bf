"""Downloads from a hub on this machine: whole, checked, resumed within a file, and every refusal in a sentence."""

from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub")

from backend.engines.svd.weights import hub_transfer
from backend.engines.svd.weights.download import Downloaded, download, survey, wanted_files
from backend.errors import Cancelled, EngineError, InputError
from backend.progress import Progress, silent
from revision_blender.video_model.hub_cache import repository_folder, snapshot_folder
from revision_blender.video_model.state import state_of
from tests.backend.hub_server import COMMIT, Hub, served
from tests.backend.svd_samples import tiny_folder

NAME = "owner/model"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A whole small model's files, with what lies beside them in a real repository."""
    folder = tiny_folder(tmp_path_factory.mktemp("hub"))
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return files | {"README.md": b"read me", "LICENSE.md": b"the licence", "whole.safetensors": b"no part", "unet/old.bin": b"a pickle"}


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _seconds: None)
    return {"HF_HUB_CACHE": str(tmp_path / "cache")}


def fetch(hub: Hub, environ: dict[str, str], progress: Progress | None = None) -> Downloaded:
    return download(hub.name, True, progress or silent(), endpoint=hub.endpoint, environ=environ)


def test_a_model_arrives_whole_in_the_hubs_own_layout_and_only_once(content, environ):
    told = []
    with served(Hub(content)) as hub:
        done = fetch(hub, environ, Progress(lambda fraction, words: told.append((fraction, words))))
        assert done.folder == snapshot_folder(NAME, environ) and done.folder.name == COMMIT
        state = state_of(NAME, environ)
        assert state.found and state.folder == done.folder and not state.conditioned
        for name in ("unet/diffusion_pytorch_model.safetensors", "README.md", "LICENSE.md", "model_index.json"):
            assert (done.folder / name).read_bytes() == content[name]
        assert not (done.folder / "whole.safetensors").exists() and not (done.folder / "unet" / "old.bin").exists()
        assert (
            done.fetched == done.bytes == sum(len(content[str(f.relative_to(done.folder))]) for f in done.folder.rglob("*") if f.is_file())
        )
        asked = len(hub.asked)
        assert fetch(hub, environ).fetched == 0 and len(hub.asked) == asked
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and len(set(fractions)) > 10
    assert any("MB of" in words for _, words in told)


def test_the_hubs_client_finds_what_was_downloaded(content, environ):
    from huggingface_hub import hf_hub_download

    with served(Hub(content)) as hub:
        fetch(hub, environ)
    found = hf_hub_download(NAME, "unet/config.json", cache_dir=environ["HF_HUB_CACHE"], local_files_only=True)
    assert Path(found).read_bytes() == content["unet/config.json"]


def test_a_cancelled_download_goes_on_where_it_stopped(content, environ):
    big = max(content, key=lambda name: len(content[name]))
    half = len(content[big]) // 2
    with served(Hub({**content})) as hub:
        seen: list[str] = []
        total = survey(NAME, hub.endpoint).bytes

        def far_enough() -> bool:
            return bool(seen) and big in seen[-1] and repository_bytes(environ) > half

        with pytest.raises(Cancelled):
            fetch(hub, environ, Progress(lambda _f, words: seen.append(words), far_enough))
        kept = repository_bytes(environ)
        assert 0 < kept < total
        state = state_of(NAME, environ)
        assert state.kind == "incomplete" and state.downloadable and "goes on" in state.words
        hub.asked.clear()
        done = fetch(hub, environ)
        assert next(start for name, start in hub.asked if name == big) > 0
        assert done.fetched <= total - kept + 1 and (done.folder / big).read_bytes() == content[big]


def repository_bytes(environ: dict[str, str]) -> int:
    blobs = repository_folder(NAME, environ) / "blobs"
    return sum(file.stat().st_size for file in blobs.glob("*")) if blobs.is_dir() else 0


def test_connections_that_break_are_taken_up_again_and_servers_without_ranges_start_over(content, environ):
    with served(Hub(content, cut=2_000_000)) as hub:  # every answer breaks off, the client asks again from there
        done = fetch(hub, environ)
        assert state_of(NAME, environ).found and any(start > 0 for _, start in hub.asked)
    unet = "unet/diffusion_pytorch_model.safetensors"
    blob = (done.folder / unet).resolve()
    (blob.parent / (blob.name + hub_transfer.PART_SUFFIX)).write_bytes(content[unet][:1000])
    blob.unlink()
    with served(Hub(content, ranges=False)) as hub:
        fetch(hub, environ)
        assert (done.folder / unet).read_bytes() == content[unet]


def test_a_file_with_another_hash_is_thrown_away(content, environ):
    with served(Hub(content, lie=True)) as hub, pytest.raises(EngineError, match="arrived damaged"):
        fetch(hub, environ)
    assert snapshot_folder(NAME, environ) is None and not list(repository_folder(NAME, environ).glob("blobs/*part"))
    with served(Hub(content)) as hub:
        assert state_of(NAME, environ).kind == "incomplete"
        fetch(hub, environ)
    assert state_of(NAME, environ).found


def test_refusals_name_the_next_step(content, environ):
    with (
        served(Hub(content, gated=True)) as hub,
        pytest.raises(EngineError, match=r"accept the licence on https://huggingface\.co/owner/model"),
    ):
        fetch(hub, environ)
    with served(Hub(content, name="somebody/else")) as hub, pytest.raises(EngineError, match="no model owner/model"):
        download(NAME, True, silent(), endpoint=hub.endpoint, environ=environ)
    with pytest.raises(EngineError, match="cannot be reached"):
        download(NAME, True, silent(), endpoint="http://127.0.0.1:9", environ=environ)
    with served(Hub({"model_index.json": b"{}"})) as hub, pytest.raises(EngineError, match="no safetensors weights"):
        fetch(hub, environ)


@pytest.mark.parametrize(("name", "words"), [("small", "comes with ReVision"), ("/a/folder", "no repository"), ("", "nothing to download")])
def test_only_the_hubs_models_are_downloaded(name, words, environ):
    with pytest.raises(InputError, match=words):
        download(name, True, silent(), environ=environ)


def test_nothing_is_asked_before_the_licence_is_accepted(environ, content):
    with served(Hub(content)) as hub, pytest.raises(InputError, match="licence"):
        download(NAME, False, silent(), endpoint=hub.endpoint, environ=environ)
    assert hub.asked == [] and not Path(environ["HF_HUB_CACHE"]).exists()
    with pytest.raises(InputError, match=r"4\.5 GB under the Stability AI Community License"):
        download("stabilityai/stable-video-diffusion-img2vid-xt", False, silent(), environ=environ)


def test_half_weights_are_taken_only_where_every_part_has_them():
    configs = ["model_index.json", "feature_extractor/preprocessor_config.json", "scheduler/scheduler_config.json"]
    configs += [f"{part}/config.json" for part in ("unet", "vae", "image_encoder")]
    full = [f"{part}/weights.safetensors" for part in ("unet", "vae", "image_encoder")]
    half = [f"{part}/weights.fp16.safetensors" for part in ("unet", "vae", "image_encoder")]
    assert set(wanted_files("n", (*configs, *full, *half, "svd.safetensors"))) == {*configs, *half}
    assert set(wanted_files("n", (*configs, *full, *half[:2]))) == {*configs, *full}
    with pytest.raises(EngineError, match="no scheduler/scheduler_config"):
        wanted_files("n", (*configs[:2], *configs[3:], *full))
