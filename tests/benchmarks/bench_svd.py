"""The svd engine beside the stock pipeline, in one run, with the same weights, precision, noise and decoding chunk.

On CUDA SVD's full size (25 frames of 1024 x 576, half precision), elsewhere a small network of the same classes. Weights are random.
Each row: seconds of the first clip (with warm-up) and the fastest after it, times faster than stock, peak memory, the share of the run
spent outside U-Net and autoencoder. prediction_error: relative, of the time predicted from runs with fewer frames and fewer pixels.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from backend.engines.svd.cost.device_memory import measured_peak
from backend.engines.svd.cost.planning import Memory
from backend.engines.svd.generation import Wanted, generated
from backend.engines.svd.model import VideoModel
from backend.progress import silent
from revision_blender.video_model.canvas import canvas_for
from revision_blender.video_model.presets import PRESETS, Preset
from tests.backend.svd_samples import picture
from tests.benchmarks.svd_pipelines import FULL, SMALL, Shape, as_model, random_pipeline

BARS = {"best": 1.2, "balanced": 2.0, "draft": 4.0}
STOCK_STEPS = 25


@dataclass(frozen=True)
class Clip:
    """seconds: by name, empty for the stock pipeline. predicted: before it began. chunk: frames decoded at once."""

    seconds: dict[str, float]
    predicted: float = 0.0
    chunk: int = 0


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=2, help="clips after the first")
    options.add_argument("--compile", action="store_true", help="also the presets with compiled layers")
    arguments = options.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    shape = FULL if device.type == "cuda" else SMALL
    with TemporaryDirectory() as folder:
        pipeline = random_pipeline(shape, device)
        pipeline.save_pretrained(folder, safe_serialization=True)  # its files are looked at for the memory plan
        rows = side_by_side(pipeline, as_model(pipeline, shape, device, Path(folder)), shape, arguments.repeats, arguments.compile)
    report = {"name": "svd", "device": named(device), "frames": shape.frames, "size": shape.size, "bars": BARS, "rows": rows}
    print(json.dumps(report))


def side_by_side(pipeline: Any, model: VideoModel, shape: Shape, repeats: int, compiled: bool) -> dict[str, dict[str, Any]]:
    """Rows by name, stock first. compiled: a second row for each preset."""
    image, device = picture(*shape.size), model.device
    rows: dict[str, dict[str, Any]] = {}
    for preset in reversed(PRESETS):
        memory = Memory(model.folder / "home", preset.name)
        calibrated(model, preset, memory)
        rows[preset.name] = measured(lambda: our_clip(model, image, preset, memory), device, repeats)  # noqa: B023
        if compiled:
            work = lambda: our_clip(model, image, preset, memory, compiled=True)  # noqa: B023, E731
            rows[f"{preset.name}, compiled"] = measured(work, device, repeats)
    chunk = rows["best"]["chunk"]
    rows = {"stock": measured(lambda: stock_clip(pipeline, shape, image, chunk), device, repeats), **rows}
    for row in rows.values():
        row["times_faster"] = round(rows["stock"]["seconds"] / row["seconds"], 2)
    return rows


def stock_clip(pipeline: Any, shape: Shape, image: np.ndarray, chunk: int) -> Clip:
    """As the diffusers pipeline makes it."""
    pipeline(
        Image.fromarray(image), width=shape.size[0], height=shape.size[1], num_frames=shape.frames, num_inference_steps=STOCK_STEPS,
        decode_chunk_size=chunk, generator=torch.Generator("cpu").manual_seed(0), output_type="np",
    )  # fmt: skip
    return Clip({})


def our_clip(model: VideoModel, image: np.ndarray, preset: Preset, memory: Memory, *, compiled: bool = False, frames: int = 0) -> Clip:
    """As a job makes it, without the loading. Returns seconds by name, and what was predicted. frames: 0 for the model's own number."""
    height, width = image.shape[:2]
    facts = model.facts
    canvas = canvas_for(width, height, width * height, model.multiple)
    wanted = Wanted(image, canvas, frames or facts.frames, facts.fps, facts.bucket(0.5), 0, preset)
    made = generated(model, wanted, memory, silent(), compiled=compiled)
    return Clip(made.seconds, made.plan.prediction.seconds, made.plan.plan.decode_chunk)


def calibrated(model: VideoModel, preset: Preset, memory: Memory) -> None:
    """Other settings than the one that is predicted: fewer frames, and fewer pixels."""
    width, height = model.facts.size
    for size in ((width, height), (width // 2, height // 2)):
        for frames in (2, model.facts.frames // 2):
            our_clip(model, picture(*size), preset, memory, frames=frames)


def measured(work: Callable[[], Clip], device: torch.device, repeats: int) -> dict[str, Any]:
    """The first clip apart, the fastest of the others, and the peak of those."""
    first, before = timed(work, device)
    with measured_peak(device) as peak:
        runs = [timed(work, device) for _ in range(repeats)]
    seconds, clip = min(runs, key=lambda run: run[0])
    row: dict[str, Any] = {"first_seconds": round(first, 3), "seconds": round(seconds, 3), "peak_gib": round(peak.bytes / 2**30, 2)}
    if clip.seconds:
        total = clip.seconds["total"]
        row |= {"around_share": round(clip.seconds["around"] / total, 4), "chunk": clip.chunk}
        row["prediction_error"] = round(abs(before.predicted - total) / total, 3)  # before this setting had ever run
    return row


def timed(work: Callable[[], Clip], device: torch.device) -> tuple[float, Clip]:
    """Seconds until the device has finished; on the CPU, where one thread works, the seconds it worked, whoever else was busy."""
    now = time.perf_counter if device.type == "cuda" else time.process_time
    began = now()
    clip = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return now() - began, clip


def named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


if __name__ == "__main__":
    main()
