"""The real video engine from the buttons of the scene, on a tiny random model: predicted, made, compared with the prediction."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0
FRAMES = 4
WIDTH, HEIGHT = 96, 64


@pytest.fixture(scope="module")
def backend_python() -> Path:
    python = Path(os.environ.get("REVISION_PYTHON") or ROOT / ".venv-backend" / "bin" / "python")
    if not python.is_file():
        pytest.skip("no backend environment: python run.py setup makes it")
    return python


@pytest.fixture(scope="module")
def tiny_model(backend_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the backend's Python: Blender's has no torch."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    program = "import sys; from pathlib import Path; from tests.backend.svd_samples import tiny_folder; tiny_folder(Path(sys.argv[1]), 10)"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | {"OMP_NUM_THREADS": "1"}
    subprocess.run([backend_python, "-c", program, folder], cwd=ROOT, env=environment, check=True, timeout=200)
    return folder


@pytest.fixture
def session(scene, room, tmp_path: Path, tiny_model: Path, backend_python: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A saved scene, set to make a clip of a small picture with the tiny model, and a backend of its own."""
    monkeypatch.setenv("REVISION_PYTHON", str(backend_python))
    monkeypatch.setenv("REVISION_HOME", str(tmp_path / "home"))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    picture = np.random.default_rng(0).integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    room("revision_blender.wire.png").write_png(tmp_path / "plaza.png", picture)
    settings = scene.revision
    settings.picture, settings.frames, settings.engine, settings.preset = str(tmp_path / "plaza.png"), FRAMES, "svd", "draft"
    settings.model_choice, settings.model_folder = "folder", str(tiny_model)
    current, pump = room("operators.session").current(), room("operators.pump")
    monkeypatch.setattr(current.link, "_looked", (0.0, "", None))
    pump.step()
    yield current
    if bpy.ops.revision.stop_backend.poll():
        bpy.ops.revision.stop_backend()
        stopping = current.link._stopping
        assert pump.run_until(lambda: stopping.finished, 60.0)
        pump.step()
    current.tickets.clear()


def _known(room, session, scene):
    """The model as looked at once the backend has said its device."""
    chosen, pump = room("operators.chosen_model"), room("operators.pump")
    assert pump.run_until(lambda: session.link.engines, PATIENCE), (session.link.state, session.link.why)
    session.models.look_again()
    chosen.view(scene.revision)
    assert pump.run_until(lambda: not session.models.looking, 60.0)
    return chosen.view(scene.revision)


def test_a_clip_is_predicted_made_and_compared(session, scene, room) -> None:
    pump, estimate, figures = room("operators.pump"), room("operators.estimate"), room("operators.figures")
    assert estimate.coarse(scene) is None, "nothing is known of the machine yet"
    bpy.ops.revision.start_backend()
    view = _known(room, session, scene)
    assert (view.state.kind, view.state.conditioned, view.device in ("cpu", "cuda", "mps")) == ("found", True, True)
    prediction = estimate.coarse(scene)
    assert prediction.basis == "guessed"
    assert prediction.bytes > view.state.bytes
    assert "a guess until the first clip" in figures.words_of(prediction)
    assert bpy.ops.revision.generate_coarse() == {"FINISHED"}
    (ticket,) = session.tickets.values()
    assert ticket.provenance["predicted_seconds"] == pytest.approx(prediction.seconds, abs=0.01)
    assert pump.run_until(lambda: ticket.ended, PATIENCE), ticket.words
    assert ticket.status == "DONE", ticket.message
    assert ticket.message.startswith("Took ")
    assert "guessed" in ticket.message
    (strip,) = scene.sequence_editor.strips
    made = room("revision_blender.scene.provenance").read_provenance(strip)
    assert (made["model"], made["preset"], made["engine"]) == (str(scene.revision.model_folder), "draft", "svd")
    assert made["report_seconds"] > 0.0
    assert len({element.filename for element in strip.elements}) == made["report_frames"] == FRAMES // 2, "S1 makes every second frame"
    print(ticket.message)


def test_longer_clips_and_better_presets_are_predicted_to_take_longer(session, scene, room) -> None:
    estimate = room("operators.estimate")
    bpy.ops.revision.start_backend()
    _known(room, session, scene)

    def seconds(**settings: object) -> float:
        for name, value in settings.items():
            setattr(scene.revision, name, value)
        return estimate.coarse(scene).seconds

    assert seconds(preset="draft") < seconds(preset="balanced") < seconds(preset="best")
    assert seconds(frames=8) < seconds(frames=40)
    scene.revision.engine = "reproject"
    assert estimate.coarse(scene) is None


def test_a_folder_that_is_another_model_is_said_on_the_button(session, scene, room, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    scene.revision.model_folder = str(tmp_path / "other")
    chosen, pump = room("operators.chosen_model"), room("operators.pump")
    chosen.view(scene.revision)
    assert pump.run_until(lambda: not session.models.looking, 60.0)
    reason = room("operators.reasons").why_not_coarse(scene)
    assert "StableDiffusionPipeline" in reason
    with pytest.raises(RuntimeError, match="StableDiffusionPipeline"):
        bpy.ops.revision.generate_coarse()
    assert session.tickets == {}
