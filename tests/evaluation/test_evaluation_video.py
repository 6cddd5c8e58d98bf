"""The whole evaluation on a small random model: real loading, sampler, decoder, judges, lifter, refiner; and what its pieces promise."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.__main__ import main
from backend.engines.svd.model import VideoModel
from backend.engines.svd.weights.facts import save_facts
from backend.engines.svd.weights.loading import load_model
from backend.errors import EngineError, InputError
from backend.evaluation import preset_quality
from backend.evaluation.clips import rendered
from backend.evaluation.following import certainty
from backend.evaluation.generation import Wish, made
from backend.evaluation.lifter import Lifter
from backend.evaluation.lifter_training import save_lifter, truth_of
from backend.evaluation.segmenter import Segmenter
from backend.evaluation.segmenter_training import save_segmenter
from backend.evaluation.video import Plan, evaluate
from backend.progress import silent
from revision_blender.video_model.facts import ModelFacts
from revision_blender.video_model.presets import preset_of
from tests.backend.svd_samples import FRAMES, SIDE, part_labels, picture, tiny_folder
from tests.evaluation.evaluation_samples import people, write_packed

FEW = replace(preset_of("best"), steps=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    where = tiny_folder(tmp_path_factory.mktemp("model"), in_channels=10)
    save_facts(where, ModelFacts(frames=FRAMES, size=(SIDE, SIDE), fps=8.0, name="tiny"))
    return where


@pytest.fixture(scope="module")
def model(folder: Path) -> VideoModel:
    return load_model(folder)


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained, but of a lifter that begins at a plausible pose."""
    where = tmp_path_factory.mktemp("judges")
    torch.manual_seed(0)
    save_segmenter(Segmenter(), where)
    lifter, truth = Lifter(), truth_of(people()[:2], None)
    lifter.get_buffer("mean_pose").copy_(truth.rotations[..., :2].mean((0, 1)))
    lifter.get_buffer("mean_place").copy_(truth.place.mean((0, 1)))
    with torch.no_grad():
        for layer in (lifter.pose, lifter.place, lifter.shape):
            layer.weight.mul_(0.01)
            layer.bias.zero_()
    save_lifter(lifter, where)
    return where


def test_a_clip_is_the_same_alone_and_in_company(model: VideoModel) -> None:
    labels = part_labels()
    wishes = [
        Wish(picture(seed=1), labels, seed=5),
        Wish(picture(seed=2), seed=6),
        Wish(picture(seed=3), labels[:, :, ::-1].copy(), seed=7),
    ]
    together, alone = (made(model, wishes, FEW, batch, silent()) for batch in (3, 1))
    for one, other in zip(together, alone, strict=True):
        assert one.shape == (FRAMES, SIDE, SIDE, 3)
        assert preset_quality.psnr(one, other) > 45.0
    assert preset_quality.psnr(together[0], together[1]) < 40.0


def test_masks_confidence_and_seed_all_count(model: VideoModel) -> None:
    labels = part_labels()
    wish = Wish(picture(), labels, seed=5)
    others = (replace(wish, labels=None), replace(wish, confidence=certainty(labels, 0.25)), replace(wish, seed=6))
    clips = made(model, (wish, wish, *others), FEW, 5, silent())
    assert np.array_equal(clips[0], clips[1])
    assert all(not np.array_equal(clips[0], clip) for clip in clips[2:])
    full = replace(wish, confidence=certainty(labels, 1.0))
    assert np.array_equal(made(model, (full,), FEW, 1, silent())[0], made(model, (wish,), FEW, 1, silent())[0])


@pytest.mark.slow
def test_one_command_measures_and_writes(
    folder: Path, judges: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preset_quality, "CONVERGED_STEPS", 30)
    data = write_packed(tmp_path / "data", rendered(8, SIDE, FRAMES, 8.0, silent()))
    file = tmp_path / "figures.json"
    words = f"evaluate video --model {folder} --judges {judges} --data {data} --json {file} --clips 4 --loops 1 --references 2 --steps 2"
    assert main(words.split()) == 0
    values = json.loads(file.read_text())
    masks, loop, presets = values["tables"]
    assert {"own mask given, confidence 1", "empty mask", "other mask given", "still"} <= set(masks["rows"])
    assert masks["rows"]["empty mask"]["own mask"]["count"] == 4
    assert 0.0 <= masks["rows"]["still"]["own mask"]["mean"] < 1.0
    assert {"S1, from the picture alone", "S3, refined motion", "S3, motion as lifted"} <= set(loop["rows"])
    assert presets["rows"]["best"]["to stock"]["mean"] >= 40.0
    assert presets["rows"]["stock"]["to converged"]["count"] == 2
    assert set(values["seconds"]) == {"following", "loop", "presets"} and values["steps"] == 2
    assert "closed loop" in capsys.readouterr().out


def test_what_cannot_be_measured_is_said(folder: Path, judges: Path, tmp_path: Path) -> None:
    plan = Plan(folder, judges, tables=("following",), clips=1, steps=2)
    with pytest.raises(InputError, match="no table 'beauty'"):
        evaluate(replace(plan, tables=("beauty",)), silent(), print)
    with pytest.raises(InputError, match="at least 1"):
        evaluate(replace(plan, steps=0), silent(), print)
    with pytest.raises(InputError, match="no preset 'fast'"):
        evaluate(replace(plan, preset="fast"), silent(), print)
    with pytest.raises(EngineError, match="no folder"):
        evaluate(replace(plan, model=tmp_path / "nowhere"), silent(), print)
    with pytest.raises(EngineError, match="is missing"):
        evaluate(replace(plan, judges=tmp_path), silent(), print)
    with pytest.raises(InputError, match="the model makes"):
        evaluate(replace(plan, data=write_packed(tmp_path / "long", people()[:1])), silent(), print)
