"""How long a run will take and how much memory it will need, said before it starts.

A run is a sum of parts: full steps, steps that reuse features, decoding, and the rest. Each part's seconds are linear in what it works on
(its ``features``), with coefficients measured on this machine by earlier runs (``backend.engines.svd.cost.calibration`` writes them), or, before
the first run, guessed from the number of operations.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .cost import GIB, SVD_SHAPE, ModelShape
from .facts import ModelFacts
from .memory_plan import OVERHEAD, Frames, MemoryPlan, plan_in
from .presets import Preset

CALIBRATION_FILE = "video_model_calibration.json"
VERSION = 1
Basis = Literal["measured", "guessed"]
Coefficients = Mapping[str, tuple[float, ...]]

# operations a second before anything was measured: (convolutions and linear layers, attention), and seconds a U-Net call costs at least
_SPEED = {"cuda": (1.1e14, 6e13, 0.03), "mps": (4e12, 2e12, 0.06), "cpu": (6e10, 3e10, 0.03)}
_REUSED_SHARE = 0.5  # of a full step: a light one computes one half of guidance of two


@dataclass(frozen=True)
class Setting:
    """What decides the cost of a run. window: frames the U-Net sees at once. total: frames of the clip. windows: calls of the U-Net a step
    and guidance half. cells: latent cells a frame. full, reused: steps of each kind. decoded: frames decoded, shared ones counted twice.
    """

    window: int
    total: int
    cells: int
    full: int
    reused: int
    windows: int = 1
    decoded: int = 0

    def features(self) -> dict[str, tuple[float, ...]]:
        """What each part's seconds are linear in; of one step for the steps."""
        cells = float(self.windows * self.window * self.cells)
        step = (float(self.windows), cells, cells * self.cells)
        decoded = float((self.decoded or self.total) * self.cells)
        return {"full": step, "reused": step, "decode": (1.0, decoded, decoded * self.cells), "rest": (1.0, float(self.cells))}

    @property
    def counts(self) -> dict[str, int]:
        """How often each part comes."""
        return {"full": self.full, "reused": self.reused, "decode": 1, "rest": 1}

    @property
    def frames(self) -> Frames:
        """What the memory plan is made for."""
        return Frames(self.window, self.total, self.cells, self.reused > 0)


@dataclass(frozen=True)
class Prediction:
    """seconds: without loading the model. bytes: at the peak. basis: "measured" where runs on this machine stand behind it.

    plan: how the run fits into the memory.
    """

    seconds: float
    bytes: float
    basis: Basis
    plan: MemoryPlan


@dataclass(frozen=True)
class Calibrated:
    """What is known of one model on one device. coefficients: of the parts. margin: bytes reserved per byte in use. fixed: bytes before
    the first weight. memory: bytes of the device, free at the last run; 0 where unknown.
    """

    coefficients: Coefficients
    margin: float
    fixed: float
    memory: float


def setting_of(facts: ModelFacts, preset: Preset, frames: int, width: int, height: int) -> Setting:
    """The setting of a run: ``frames`` of ``width`` x ``height`` pixels as generated (padded)."""
    window = min(frames, facts.frames)
    cells = math.ceil(width / facts.factor) * math.ceil(height / facts.factor)
    full = preset.full_steps(preset.steps)
    return Setting(window, frames, cells, full, preset.steps - full, window_count(frames, facts.frames, facts.window_stride))


def window_count(total: int, frames: int, stride: int = 0) -> int:
    """How many windows cover a clip; each begins with the shared first frame, and a quarter overlaps where ``stride`` is 0."""
    if total <= frames or frames < 3:
        return 1
    reach = frames - 1
    stride = stride or frames - 1 - max(1, reach // 4)
    return len(range(1, total - reach, stride)) + 1


def predicted(setting: Setting, known: Calibrated | None, device: str, shape: ModelShape = SVD_SHAPE, *, free: float = 0.0) -> Prediction:
    """known: None before the first run. device: "cuda", "mps" or "cpu". free: bytes to plan for; 0 takes what the last run found, and
    without one plans for plenty.
    """
    coefficients = known.coefficients if known else guessed_coefficients(device, shape)
    features = setting.features()
    seconds = sum(count * dot(features[part], coefficients[part]) for part, count in setting.counts.items())
    limit = free or (known.memory if known else 0.0) or 1024 * GIB
    margin, fixed = (known.margin, known.fixed) if known else (OVERHEAD, None)
    plan = plan_in(limit, setting.frames, shape, device=device, margin=margin, fixed=fixed)
    return Prediction(seconds, plan.bytes, "measured" if known else "guessed", plan)


def guessed_coefficients(device: str, shape: ModelShape) -> Coefficients:
    """From operations and usual speeds: right within a factor of a few, and in the right proportions."""
    speed, attention, fixed = _SPEED.get(device, _SPEED["cpu"])
    step = (fixed, 2 * shape.unet_operations(1, 0) / speed, 2 * shape.unet_operations(0, 1) / attention)
    decode = (0.01, shape.decoder_operations(1, 0) / speed + 1e-9, shape.decoder_operations(0, 1) / attention + 1e-15)
    encoding = 0.4 * decode[1]
    return {"full": step, "reused": tuple(_REUSED_SHARE * part for part in step), "decode": decode, "rest": (0.3, encoding)}


def dot(features: tuple[float, ...], coefficients: tuple[float, ...]) -> float:
    return sum(feature * coefficient for feature, coefficient in zip(features, coefficients, strict=True))


def key_of(model: str, device: str) -> str:
    """Under which a calibration stands. model: as requests name it. device: as the engine's ability names it."""
    return f"{device}|{model}"


def read_calibrated(home: Path, model: str, device: str) -> Calibrated | None:
    """What runs on this machine have taught; None before the first one and for a file that cannot be read."""
    entry = read_entries(home).get(key_of(model, device))
    try:
        if entry is None:
            return None
        coefficients = {str(part): tuple(_positive(value) for value in values) for part, values in entry["coefficients"].items()}
        shapes = {part: len(features) for part, features in Setting(1, 1, 1, 1, 1).features().items()}
        if {part: len(values) for part, values in coefficients.items()} != shapes:
            return None
        return Calibrated(coefficients, _positive(entry["margin"]), _positive(entry["fixed"]), _positive(entry["memory"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def read_entries(home: Path) -> dict[str, dict]:
    """All of the calibration file by ``key_of``; nothing for a file that is missing, damaged or of another version: it is only a hint."""
    try:
        values = json.loads((home / CALIBRATION_FILE).read_text(encoding="utf-8"))
        entries = values["models"] if values["version"] == VERSION else {}
        return {str(key): dict(entry) for key, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r:.40} is no measure")
    return float(value)
