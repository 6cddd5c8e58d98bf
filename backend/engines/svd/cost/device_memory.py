"""The device's memory: how much is free, how much a run took at its peak, and the plan that follows from both."""

import ctypes
import logging
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from revision_blender.video_model.cost import GIB, SVD_SHAPE, ModelShape
from revision_blender.video_model.memory_plan import OVERHEAD, Frames, MemoryPlan, plan_in
from revision_blender.video_model.prediction import Calibrated

log = logging.getLogger("revision.engine")
_PEAK_RESET = "5"  # proc(5), clear_refs: the peak resident size begins anew


def free_bytes(device: torch.device) -> float:
    """What this process may hold in all: what is free on the device, and what it holds there already."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        allowed = total * torch.cuda.get_per_process_memory_fraction(device)
        return float(min(free + torch.cuda.memory_reserved(device), allowed))
    if device.type == "mps":
        return float(torch.mps.recommended_max_memory())
    return _free_main_memory()


def plan_for(
    free: float, frames: int, h: int, w: int, dtype: torch.dtype, *,
    total: int = 0, reuse: bool = False, shape: ModelShape = SVD_SHAPE, known: Calibrated | None = None, device: str = "cuda",
) -> MemoryPlan:  # fmt: skip
    """free: as ``free_bytes`` counts. frames: seen by the U-Net at once. h, w: latent cells. total: frames of the clip, where it is longer.

    dtype: of the weights in memory. known: what earlier runs on this device taught.
    """
    margin, fixed = (known.margin, known.fixed) if known else (OVERHEAD, None)
    made = Frames(frames, total or frames, h * w, reuse)
    return plan_in(free, made, shape.in_items(dtype.itemsize), device=device, margin=margin, fixed=fixed)


@dataclass
class Peak:
    """bytes: the most that the process held at any moment, weights included; 0 where the system does not tell."""

    bytes: int = 0


@contextmanager
def measured_peak(device: torch.device) -> Iterator[Peak]:
    """Fills the peak when the block ends, whichever way."""
    peak = Peak()
    started = _begin_peak(device)
    try:
        yield peak
    finally:
        if started:
            peak.bytes = _end_peak(device)


def _begin_peak(device: torch.device) -> bool:
    if device.type == "cuda":
        torch.cuda.empty_cache()  # else what an earlier run reserved would count for this one
        torch.cuda.reset_peak_memory_stats(device)
        return True
    if device.type != "cpu" or not sys.platform.startswith("linux"):
        return False
    try:
        _give_back_freed()
        Path("/proc/self/clear_refs").write_text(_PEAK_RESET)
        return True
    except OSError as error:
        log.info("The peak of memory is not measured: %s", error)
        return False


def _give_back_freed() -> None:
    """What an earlier run has freed goes back to the system, else it would count as this one's; only glibc can be told to."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _end_peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return _kilobytes("/proc/self/status", "VmHWM") * 1024


def _free_main_memory() -> float:
    if sys.platform.startswith("linux"):
        return 1024.0 * (_kilobytes("/proc/meminfo", "MemAvailable") + _kilobytes("/proc/self/status", "VmRSS"))
    try:
        return 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8.0 * GIB  # no cheap way to ask: a small machine's worth


def _kilobytes(file: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(file).read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) if found else 0
