"""The recipe on the small configuration: four clips begin with the same frame, and the masks decide which of them is made."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.engines.svd.weights.loading import load_model
from backend.training.renders.small_model import write_start
from backend.training.video.conditions import full_masks, no_masks
from backend.training.video.config import parsed
from backend.training.video.dataset import ClipFolder
from backend.training.video.probe import ProbeResult
from backend.training.video.reports import Reports
from backend.training.video.samples import SampleSettings, generated
from backend.training.video.trainer import train
from tests.training.four_motions import FRAMES, WAYS, figure, iou, write_four

STEPS = 240
LATER = slice(FRAMES // 2, None)  # the figure has left its place, and the four ways do not overlap


@pytest.mark.slow
def test_the_masks_decide_which_of_four_motions_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars: overlap at least 0.7 with the given motion and at most 0.4 with the others, at most 0.4 without masks; a fifth of the loss."""
    write_four(tmp_path / "data")
    write_start(tmp_path / "data", tmp_path / "base")
    probes = trained(tmp_path, monkeypatch)
    model, clips = load_model(tmp_path / "run" / "model"), ClipFolder(tmp_path / "data")
    rng, settings = np.random.default_rng(0), SampleSettings(10, 40.0, 8.0, 127.0)
    true = [clips.clip(index, rng) for index in range(len(WAYS))]
    masks = [clip.labels[LATER] > 0 for clip in true]
    assert all(iou(masks[0], masks[other]) < 0.3 for other in (1, 2, 3))
    assert min(iou(figure(clip.frames)[LATER], mask) for clip, mask in zip(true, masks, strict=True)) > 0.95  # what the measure can give
    told = [figure(generated(model, clip, full_masks(clip.labels), settings, seed=index))[LATER] for index, clip in enumerate(true)]
    free = [figure(generated(model, true[0], no_masks(true[0].labels), settings, seed=10 + index))[LATER] for index in range(4)]
    given = np.array([[iou(seen, mask) for mask in masks] for seen in told])
    empty = np.array([[iou(seen, mask) for mask in masks] for seen in free])
    first, last = probes
    print(f"\nbefore\n{first.table()}\nafter {STEPS} steps\n{last.table()}\ngiven\n{given.round(3)}\nempty\n{empty.round(3)}")
    assert np.diag(given).min() >= 0.7
    assert given[~np.eye(4, dtype=bool)].max() <= 0.4
    assert empty.mean() <= 0.4 and empty.max(axis=1).min() > 0.1  # without masks a figure is there, somewhere
    assert last.mean <= first.mean / 5.0


def trained(place: Path, monkeypatch: pytest.MonkeyPatch) -> list[ProbeResult]:
    """Trains in ``place``, on one thread: two wait for each other where other tests run beside; the loss on the fixed triples before and after."""
    probes: list[ProbeResult] = []
    torch.set_num_threads(1)
    monkeypatch.setattr(Reports, "probe", lambda _self, _step, found: probes.append(found))
    train(
        parsed({
            "base": str(place / "base"), "data": str(place / "data"), "out": str(place / "run"), "trained": "all",
            "noise": {"mean": 0.0, "std": 1.5, "sigma_max": 40.0},
            "optimizer": {"learning_rate": 1.5e-3, "warmup": 20, "decay": "cosine", "ema": 0.98},
            "run": {"steps": STEPS, "batch": 6, "save_every": 10_000, "probe_every": 10_000, "precision": "bf16"},
        }),
        say=lambda _words: None,
    )  # fmt: skip
    return probes
