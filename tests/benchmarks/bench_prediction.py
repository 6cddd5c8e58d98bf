"""How far the predicted seconds and bytes of a run are off, on settings that were not used to calibrate them.

Real runs of the svd engine's own code: a few settings teach, others are predicted first and then run. On CUDA SVD's full size in half
precision, elsewhere a small network, whose seconds are those that its one thread worked, whoever else was busy. Weights are random.
"""

import argparse
import gc
import json
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from backend.engines.svd.cost.calibration import RunClock
from backend.engines.svd.cost.planning import Memory
from backend.engines.svd.generation import Made, Wanted, generated
from backend.engines.svd.model import VideoModel
from backend.engines.svd.weights.loading import load_model
from backend.progress import silent
from revision_blender.video_model.canvas import canvas_for
from revision_blender.video_model.presets import preset_of
from tests.backend.svd_samples import picture
from tests.benchmarks.svd_pipelines import FULL, SMALL, random_pipeline

BAR = 0.2


@dataclass(frozen=True)
class Case:
    """size: width and height in pixels; of the model's full size where they are fractions of it."""

    preset: str
    frames: int
    size: tuple[int, int]


SMALL_TAUGHT = [Case("best", 8, (192, 128)), Case("draft", 8, (192, 128)), Case("draft", 4, (128, 64)), Case("draft", 8, (320, 192))]
SMALL_UNSEEN = [
    Case("balanced", 8, (192, 128)), Case("best", 6, (128, 128)), Case("draft", 6, (256, 192)), Case("draft", 14, (192, 128)),
    Case("balanced", 5, (256, 128)),
]  # fmt: skip
FULL_TAUGHT = [Case("draft", 25, (1024, 576)), Case("balanced", 14, (768, 448)), Case("draft", 14, (512, 320))]
FULL_UNSEEN = [Case("best", 25, (1024, 576)), Case("balanced", 25, (768, 448)), Case("draft", 20, (896, 512)), Case("best", 14, (512, 320))]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=1, help="runs of each setting that teaches")
    arguments = options.parse_args()
    cuda = torch.cuda.is_available()
    if not cuda:
        torch.set_num_threads(1)
    taught, unseen = (FULL_TAUGHT, FULL_UNSEEN) if cuda else (SMALL_TAUGHT, SMALL_UNSEEN)
    clock = time.perf_counter if cuda else time.process_time
    with tempfile.TemporaryDirectory() as folder, patch("backend.engines.svd.generation.RunClock", partial(RunClock, clock)):
        home = Path(folder)
        model = saved_model(home / "model", cuda)
        run(model, taught[0], home / "warm", clock)
        rows = [run(model, case, home, clock) for case in taught for _ in range(arguments.repeats)]
        known = [run(model, case, home / "kept", clock, learn_from=home) for case in unseen]
    worst = {name: max(abs(row[name]) for row in known) for name in ("seconds_off", "bytes_off")}
    print(
        json.dumps({"name": "prediction", "device": "cuda" if cuda else "cpu", "bar": BAR, "worst": worst, "unseen": known, "taught": rows})
    )


def saved_model(folder: Path, cuda: bool) -> VideoModel:
    """Written and read as a user's model is, because its shape is read from the files."""
    device = torch.device("cuda" if cuda else "cpu")
    shape = FULL if cuda else SMALL
    random_pipeline(shape, device).save_pretrained(folder)
    gc.collect()  # the pipeline's own weights leave the device
    return load_model(folder, device, shape.dtype)


def run(model: VideoModel, case: Case, home: Path, clock: Any, *, learn_from: Path | None = None) -> dict[str, Any]:
    """One run, predicted first. learn_from: where the calibration stands; the run itself teaches ``home`` only."""
    home.mkdir(exist_ok=True)
    if learn_from is not None:
        for file in learn_from.glob("*.json"):
            (home / file.name).write_bytes(file.read_bytes())
    canvas = canvas_for(*case.size, case.size[0] * case.size[1], model.multiple)
    wanted = Wanted(picture(*case.size), canvas, case.frames, 7.0, 127, 0, preset_of(case.preset))
    began = clock()
    made: Made = generated(model, wanted, Memory(home, "benchmark"), silent())
    seconds, told = clock() - began, made.plan.prediction
    return {
        "preset": case.preset, "frames": case.frames, "size": case.size, "seconds": round(seconds, 3), "predicted": round(told.seconds, 3),
        "seconds_off": round(told.seconds / seconds - 1.0, 3), "gib": round(made.peak / 2**30, 3), "predicted_gib": round(told.bytes / 2**30, 3),
        "bytes_off": round(told.bytes / made.peak - 1.0, 3) if made.peak else 0.0, "basis": told.basis,
    }  # fmt: skip


if __name__ == "__main__":
    main()
