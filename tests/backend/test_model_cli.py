"""``python -m backend model`` and ``doctor``: what is there, what to do, and the licence before any download."""

import json
from pathlib import Path

import pytest

from backend import doctor
from backend.__main__ import main
from backend.errors import InputError
from backend.progress import silent
from backend.stages.registry import stage_of
from revision_blender.video_model.names import PUBLISHED
from revision_blender.wire.requests import ModelRequest
from tests.backend.hub_server import Hub, served
from tests.video_model.model_folders import write_model


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_status_says_what_is_there_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_model(tmp_path / "mine", channels=10)
    assert main(["model", "status", str(folder)]) == 0
    assert "found" in capsys.readouterr().out
    assert main(["model", "status", "--json", str(folder), PUBLISHED[0]]) == 1
    found, missing = json.loads(capsys.readouterr().out)
    assert found["kind"] == "found" and found["conditioned"] and found["folder"] == str(folder)
    assert missing["kind"] == "missing" and "accept the licence" in missing["next_step"]


def test_a_download_shows_the_licence_first_and_fetches_nothing(capsys: pytest.CaptureFixture[str], cache: Path):
    assert main(["model", "download", PUBLISHED[1]]) == 1
    said = capsys.readouterr()
    assert "Stability AI Community License" in said.out and "--accept-licence" in said.err
    assert main(["model", "download", "small", "--accept-licence"]) == 1
    assert "comes with ReVision" in capsys.readouterr().err and not cache.exists()


def test_a_download_from_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    folder = write_model(tmp_path / "theirs")
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with served(Hub(files)) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        assert main(["model", "download", "owner/model", "--accept-licence"]) == 0
    assert "owner/model (" in capsys.readouterr().out
    assert main(["model", "status", "owner/model"]) == 0


def test_the_job_asks_for_the_licence_too():
    with pytest.raises(InputError, match="Accept it to download"):
        stage_of("model")(ModelRequest(PUBLISHED[1]), silent())


def test_doctor_names_every_model_with_its_next_step():
    facts = {name: doctor._model_facts(name) for name in PUBLISHED}
    lines = [line for name, state in facts.items() for line in doctor._model_words(name, state)]
    assert sum("missing" in line for line in lines) == 2 and any("Press Download" in line for line in lines)
