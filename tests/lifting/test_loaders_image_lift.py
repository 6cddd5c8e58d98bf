"""A whole lift with image models chosen: they do their part, and a broken one is said and made up for."""

from pathlib import Path

import numpy as np
import pytest

from backend.lifting.providers import depth_anything, registry
from backend.progress import silent
from backend.stages.lift import run
from revision_blender.motion.clip import ObjectTrack
from revision_blender.motion.subjects import Prompt
from revision_blender.wire.requests import LiftRequest
from tests.lifting import tiny_image_models as tiny

F, H, W = 8, 144, 192
BOX = Prompt("box", "object", 2, (66.0, 50.0, 120.0, 104.0), label="box")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REVISION_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(depth_anything, "SIDE", 126)
    tiny.sam2_video(tmp_path / "models" / "sam2_video")
    tiny.depth_anything(tmp_path / "models" / "depth_anything", metric=True)
    yield tmp_path
    registry.providers.cache_clear()


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A red block that slides over a still, textured wall."""
    wall = np.random.default_rng(3).integers(90, 150, (H // 4, W // 4, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    made = np.tile(wall, (F, 1, 1, 1))
    for frame in range(F):
        made[frame, 54:100, 66 + 3 * frame : 112 + 3 * frame] = (210, 30, 30)
    return made


def lifted(frames: np.ndarray, *providers: str):
    return run(LiftRequest(frames=frames, fps=12.0, prompts=(BOX,), people=False, providers=providers), silent())


def test_chosen_models_do_their_part(home: Path, frames: np.ndarray) -> None:
    result = lifted(frames, "tracking=sam2_video", "depth=depth_anything")
    assert "could not be used" not in result.notes
    track = result.clip.tracks[0]
    assert isinstance(track, ObjectTrack) and track.track_id == "box" and np.isfinite(track.points).all()
    bundled = lifted(frames, "tracking=flow", "depth=contact")
    assert (result.visible != bundled.visible).any()  # a random network's masks are its own


def test_a_broken_model_is_said_and_made_up_for(home: Path, frames: np.ndarray) -> None:
    file = home / "models" / "sam2_video" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    result = lifted(frames, "tracking=sam2_video", "depth=contact")
    said = [line for line in result.notes.splitlines() if "sam2_video" in line]
    assert len(said) == 1 and str(file) in said[0] and "flow did it instead" in said[0]
    assert [track.track_id for track in result.clip.tracks] == ["box"]
    # What the project's own follower found: the block, on every frame.
    block = (frames[..., 0] > 200) & (frames[..., 1] < 60)
    shown = result.visible > 0
    assert (block & shown).sum() / (block | shown).sum() > 0.8
