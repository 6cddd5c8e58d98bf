"""What runs on this machine teach about the next one's seconds and bytes: measured part by part, fitted, kept in one small file."""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.whole_file import whole_file
from revision_blender.video_model.cost import ModelShape
from revision_blender.video_model.memory_plan import FIXED, OVERHEAD, MemoryPlan, bytes_in_use
from revision_blender.video_model.prediction import (
    CALIBRATION_FILE,
    VERSION,
    Setting,
    guessed_coefficients,
    key_of,
    read_entries,
)

MOST_SAMPLES = 48  # runs kept of one model on one device
SAME_SETTING = 3  # of them with one setting: the median of those counts once
TRUST_IN_GUESS = 0.05  # being off the guessed proportions by all of a coefficient weighs as much as missing one setting by 5 %


@dataclass(frozen=True)
class Measured:
    """One run. seconds: of a usual full step, of a usual reused step (absent where there was none), of decoding, and of the rest.

    in_use: bytes that the plan expected as tensors. peak: bytes held at the most; 0 where the system does not tell.
    """

    setting: Setting
    seconds: Mapping[str, float]
    in_use: float
    peak: float


class RunClock:
    """Measures a run as it goes: ``step`` after each step, ``decoding`` around the decoder. Steps end with a look at a value, so that the
    device has finished them. clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = self._last = clock()
        self._steps: dict[bool, list[float]] = {True: [], False: []}
        self._decode = 0.0

    def steps_begin(self) -> None:
        """What came before belongs to the rest."""
        self._last = self._clock()

    def step(self, *, full: bool) -> None:
        now = self._clock()
        self._steps[full].append(now - self._last)
        self._last = now

    @contextmanager
    def decoding(self) -> Iterator[None]:
        began = self._clock()
        yield
        self._decode += self._clock() - began

    @property
    def seconds(self) -> float:
        """Since the clock was made."""
        return self._clock() - self._began

    @property
    def network_seconds(self) -> float:
        """In the steps and the decoder."""
        return sum(self._steps[True]) + sum(self._steps[False]) + self._decode

    def measured(self, setting: Setting, in_use: float, peak: float) -> Measured:
        """The median step counts: the first one warms up, and its surplus belongs to the rest. Call when the run has ended."""
        seconds = {"decode": self._decode}
        for full, part in ((True, "full"), (False, "reused")):
            if self._steps[full]:
                seconds[part] = statistics.median(self._steps[full])
        counts = setting.counts
        seconds["rest"] = max(self.seconds - sum(counts[part] * value for part, value in seconds.items()), 1e-4)
        return Measured(setting, seconds, in_use, peak)


def record(home: Path, model: str, device: str, shape: ModelShape, run: Measured, free: float) -> None:
    """Adds a run to what is known and fits anew. free: bytes that the process could hold in all. Raises OSError for a full disk."""
    entries = read_entries(home)
    known = _samples(entries.get(key_of(model, device), {}))
    samples = _kept([*known, run])
    margin, fixed = fitted_memory(samples, device)
    entries[key_of(model, device)] = {
        "coefficients": {part: list(values) for part, values in fitted_coefficients(samples, device, shape).items()},
        "margin": margin,
        "fixed": fixed,
        "memory": free,
        "samples": [_sample_values(sample) for sample in samples],
    }
    home.mkdir(parents=True, exist_ok=True)
    with whole_file(home / CALIBRATION_FILE) as stream:
        stream.write((json.dumps({"version": VERSION, "models": entries}, indent=1) + "\n").encode())


def in_use_of(plan: MemoryPlan, setting: Setting, shape: ModelShape) -> float:
    """Bytes in tensors at the peak, as the plan expects them."""
    return bytes_in_use(
        setting.frames, shape, offload=plan.offload, split=plan.split_guidance, chunked=plan.chunk_feed_forward, chunk=plan.decode_chunk
    )


def fitted_coefficients(samples: list[Measured], device: str, shape: ModelShape) -> dict[str, tuple[float, ...]]:
    """Each part's coefficients, none negative: the guess scaled to the runs, its proportions changed as far as differing settings tell."""
    guess = guessed_coefficients(device, shape)
    scale, fitted = 1.0, {}
    for part in ("full", "reused", "decode", "rest"):
        rows = _rows(samples, part)
        if rows:
            fitted[part], scale_here = _fitted(rows, np.asarray(guess[part]))
            scale = scale_here if part == "full" else scale
        else:  # reused steps that never came: as much faster or slower than guessed as the full ones
            fitted[part] = tuple(scale * value for value in guess[part])
    return fitted


def fitted_memory(samples: list[Measured], device: str) -> tuple[float, float]:
    """(bytes held per byte in use, bytes held before the first)."""
    prior = (OVERHEAD, FIXED.get(device, FIXED["cpu"]))
    rows = [((sample.in_use, 1.0), sample.peak) for sample in samples if sample.peak > 0 and sample.in_use > 0]
    if not rows:
        return prior
    (margin, fixed), _ = _fitted(rows, np.asarray(prior), scaled=False)
    return margin, fixed


def _rows(samples: list[Measured], part: str) -> list[tuple[tuple[float, ...], float]]:
    """A row for each setting: features, and the median of its runs' seconds."""
    seconds: dict[tuple[float, ...], list[float]] = {}
    for sample in samples:
        if sample.seconds.get(part, 0.0) > 0.0:
            seconds.setdefault(sample.setting.features()[part], []).append(sample.seconds[part])
    return [(features, statistics.median(values)) for features, values in seconds.items()]


def _fitted(
    rows: list[tuple[tuple[float, ...], float]], guess: NDArray[np.float64], *, scaled: bool = True
) -> tuple[tuple[float, ...], float]:
    """Non-negative least squares of relative errors, drawn towards the guess; and the scale of the rows against the guess."""
    from scipy.optimize import nnls

    features, wanted = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    scale = float(np.exp(np.median(np.log(wanted / (features @ guess))))) if scaled else 1.0
    start = scale * guess
    towards = TRUST_IN_GUESS * np.eye(len(guess))
    matrix = np.vstack([features * start / wanted[:, None], towards])
    factors, _ = nnls(matrix, np.concatenate([np.ones(len(rows)), np.full(len(guess), TRUST_IN_GUESS)]))
    return tuple(float(value) for value in start * factors), scale


def _kept(samples: list[Measured]) -> list[Measured]:
    """The newest, few of each setting."""
    kept: list[Measured] = []
    for sample in reversed(samples):
        if sum(other.setting == sample.setting for other in kept) < SAME_SETTING:
            kept.append(sample)
    return kept[:MOST_SAMPLES][::-1]


def _sample_values(sample: Measured) -> dict[str, Any]:
    return {"setting": asdict(sample.setting), "seconds": dict(sample.seconds), "in_use": sample.in_use, "peak": sample.peak}


def _samples(entry: Mapping[str, Any]) -> list[Measured]:
    """What can be read of the samples; an entry of another time is left out, since every run brings a new one."""
    names = {item.name for item in fields(Setting)}
    found = []
    for values in entry.get("samples", ()):
        try:
            setting = Setting(**{name: int(value) for name, value in values["setting"].items() if name in names})
            seconds = {str(part): float(value) for part, value in values["seconds"].items()}
            found.append(Measured(setting, seconds, float(values["in_use"]), float(values["peak"])))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return found
