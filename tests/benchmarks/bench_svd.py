"""The svd engine beside the stock pipeline, in one run, with the same weights, precision, noise and decoding chunk.

On CUDA SVD's full size (25 frames of 1024 x 576, half precision), elsewhere a small network of the same classes. Weights are random.
Each row: seconds of the first clip (with warm-up) and the fastest after it, times faster than stock, peak memory, the share of the run
spent outside U-Net and autoencoder."""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from backend.engines.svd.generation import Wanted, generated
from backend.engines.svd.memory import measured_peak
from backend.engines.svd.model import VideoModel
from backend.engines.svd.picture import canvas_for
from backend.progress import silent
from revision_blender.video_model.presets import PRESETS, Preset
from tests.backend.svd_samples import picture
from tests.benchmarks.svd_pipelines import FULL, SMALL, Shape, as_model, random_pipeline

BARS = {"best": 1.2, "balanced": 2.0, "draft": 4.0}
STOCK_STEPS = 25
CHUNK = 8


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=2, help="clips after the first")
    options.add_argument("--compile", action="store_true", help="also the presets with compiled layers")
    arguments = options.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    shape = FULL if device.type == "cuda" else SMALL
    pipeline = random_pipeline(shape, device)
    model = as_model(pipeline, shape, device)
    image = picture(*shape.size)
    rows = {"stock": measured(lambda: stock_clip(pipeline, shape, image), device, arguments.repeats)}
    for preset in reversed(PRESETS):
        rows[preset.name] = measured(lambda preset=preset: our_clip(model, image, preset), device, arguments.repeats)
        if arguments.compile:
            work = lambda preset=preset: our_clip(model, image, preset, compiled=True)  # noqa: E731
            rows[f"{preset.name}, compiled"] = measured(work, device, arguments.repeats)
    for row in rows.values():
        row["times_faster"] = round(rows["stock"]["seconds"] / row["seconds"], 2)
    report = {"name": "svd", "device": named(device), "frames": shape.frames, "size": shape.size, "bars": BARS, "rows": rows}
    print(json.dumps(report))


def stock_clip(pipeline: Any, shape: Shape, image: np.ndarray) -> dict[str, float]:
    """As the diffusers pipeline makes it."""
    pipeline(
        Image.fromarray(image), width=shape.size[0], height=shape.size[1], num_frames=shape.frames, num_inference_steps=STOCK_STEPS,
        decode_chunk_size=CHUNK, generator=torch.Generator("cpu").manual_seed(0), output_type="np",
    )  # fmt: skip
    return {}


def our_clip(model: VideoModel, image: np.ndarray, preset: Preset, *, compiled: bool = False) -> dict[str, float]:
    """As a job makes it, without the loading. Returns seconds by name."""
    height, width = image.shape[:2]
    facts = model.facts
    canvas = canvas_for(width, height, width * height, model.multiple)
    wanted = Wanted(image, canvas, facts.frames, facts.fps, facts.bucket(0.5), 0, preset)
    return generated(model, wanted, silent(), compiled=compiled).seconds


def measured(work: Callable[[], dict[str, float]], device: torch.device, repeats: int) -> dict[str, Any]:
    """The first clip apart, the fastest of the others, and the peak of those."""
    first, _ = timed(work, device)
    with measured_peak(device) as peak:
        runs = [timed(work, device) for _ in range(repeats)]
    seconds, parts = min(runs, key=lambda run: run[0])
    row: dict[str, Any] = {"first_seconds": round(first, 3), "seconds": round(seconds, 3), "peak_gib": round(peak.bytes / 2**30, 2)}
    if parts:
        row["around_share"] = round(parts["around"] / parts["total"], 4)
    return row


def timed(work: Callable[[], dict[str, float]], device: torch.device) -> tuple[float, dict[str, float]]:
    """Seconds until the device has finished; on the CPU, where one thread works, the seconds it worked, whoever else was busy."""
    now = time.perf_counter if device.type == "cuda" else time.process_time
    began = now()
    parts = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return now() - began, parts


def named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


if __name__ == "__main__":
    main()
