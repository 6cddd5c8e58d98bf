"""Before a run: what it will take, and how it fits into the memory. After it: what it took, kept for the next prediction."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from backend.engines.svd.cost.calibration import Measured, in_use_of, record
from backend.engines.svd.cost.device_memory import free_bytes
from backend.engines.svd.model import VideoModel
from backend.engines.svd.sampling.schedule import sigmas_for
from revision_blender.video_model.cost import ModelShape, shape_of
from revision_blender.video_model.following import Depths
from revision_blender.video_model.memory_plan import MemoryPlan
from revision_blender.video_model.prediction import Calibrated, Prediction, Setting, predicted, read_calibrated, setting_of
from revision_blender.video_model.presets import Preset

log = logging.getLogger("revision.engine")


@dataclass(frozen=True)
class Memory:
    """Where what runs have taught is kept. home: the backend's home folder. model: its name as requests have it."""

    home: Path
    model: str


@dataclass(frozen=True)
class Planned:
    """setting: what is computed. shape: of the networks. free: bytes the process may hold. prediction: seconds, bytes and the plan."""

    setting: Setting
    shape: ModelShape
    free: float
    prediction: Prediction
    memory: Memory

    @property
    def plan(self) -> MemoryPlan:
        return self.prediction.plan


def planned(model: VideoModel, preset: Preset, frames: int, size: tuple[int, int], depths: Depths | None, memory: Memory) -> Planned:
    """size: width and height of the canvas. depths: of dual-clock denoising, which leaves steps out; None otherwise."""
    device = model.device.type
    steps = len(sigmas_for(preset, model.noise_range, depths)) - 1
    full = preset.full_steps(steps)
    setting = replace(setting_of(model.facts, preset, frames, *size), full=full, reused=steps - full)
    shape = shape_of(model.folder, item=model.dtype.itemsize)
    known: Calibrated | None = read_calibrated(memory.home, memory.model, device)
    free = free_bytes(model.device)
    prediction = predicted(setting, known, device, shape, free=free)
    return Planned(setting, shape, free, prediction, memory)


def remember(plan: Planned, model: VideoModel, measured: Callable[[Setting, float, float], Measured], peak: int) -> None:
    """Adds what a finished run took. A full disk costs the next prediction, not the video."""
    run = measured(plan.setting, in_use_of(plan.plan, plan.setting, plan.shape), peak)
    try:
        record(plan.memory.home, plan.memory.model, model.device.type, plan.shape, run, plan.free)
    except OSError as error:
        log.warning("What the run took is not kept: %s", error)
