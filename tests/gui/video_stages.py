"""Stages for the test of the panels in a real window: slow enough to be seen, with previews, and without any model."""

import time

import numpy as np
from numpy.typing import NDArray

from backend.engines.base import Ability
from backend.progress import Progress
from backend.stages.registry import Stage
from revision_blender.wire.requests import CoarseRequest, ModelRequest, ModelResult, VideoResult

STEPS = 25
STEP_SECONDS = 0.3
FRAMES, HEIGHT, WIDTH = 8, 64, 112


def abilities() -> tuple[Ability, ...]:
    return (Ability("reproject", True, True, "cpu", ""), Ability("svd", True, True, "cpu", ""))


def stage_of(kind: str) -> Stage:
    return {"coarse": coarse, "model": model}[kind]


def coarse(request: CoarseRequest, progress: Progress) -> VideoResult:
    """A square that crosses a field and comes out of the noise."""
    for step in range(STEPS):
        progress(step / STEPS, f"Step {step + 1} of {STEPS}")
        progress.preview(lambda noise=1.0 - step / STEPS: crossing(noise))
        time.sleep(STEP_SECONDS)
    return VideoResult(crossing(0.0), request.fps, {"seconds": STEPS * STEP_SECONDS, "steps": float(STEPS)})


def crossing(noise: float) -> NDArray[np.uint8]:
    """``(F, h, w, 3)``: green ground, blue sky, an orange square from left to right, row 0 at the top."""
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3))
    frames[:, : HEIGHT // 2] = (120, 170, 230)
    frames[:, HEIGHT // 2 :] = (70, 140, 60)
    for index, frame in enumerate(frames):
        left = round(index / (FRAMES - 1) * (WIDTH - 20))
        frame[24:44, left : left + 20] = (240, 130, 20)
    grain = np.random.default_rng(0).uniform(0.0, 255.0, frames.shape)
    return np.round((1.0 - noise) * frames + noise * grain).astype(np.uint8)


def model(request: ModelRequest, progress: Progress) -> ModelResult:
    assert request.accept_licence
    for step in range(STEPS):
        progress(step / STEPS, f"unet/diffusion_pytorch_model.fp16.safetensors, {step * 0.18:.1f} of 4.5 GB")
        time.sleep(STEP_SECONDS)
    return ModelResult("/nowhere")
