"""``python -m backend evaluate video``: the tables of a video model that was trained on the project's renders."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from backend.engines.svd.model import VideoModel
from backend.engines.svd.weights.loading import load_model
from backend.errors import EngineError, InputError
from backend.evaluation.clips import Shown, names_of, read_clips, rendered
from backend.evaluation.closed_loop import closed_loop, starts_of
from backend.evaluation.following import Follower, following, pairs_of
from backend.evaluation.lifter import load_lifter
from backend.evaluation.preset_quality import preset_quality
from backend.evaluation.segmenter import load_segmenter
from backend.evaluation.table import Table
from backend.progress import Progress
from revision_blender.motion.whole_file import whole_file
from revision_blender.video_model.presets import DEFAULT_PRESET, PRESETS, Preset, preset_of

TABLES = ("following", "loop", "presets")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Plan:
    """What is measured, and how thoroughly.

    model: a folder. data: a held-out dataset, rendered for the occasion where None. judges: the folder of segmenter and lifter.
    clips, loops, references: clips of the three tables. preset: of the first two, with another number of
    steps where ``steps`` is given. batch: clips at once.
    guidance: at the first and the last frame, the model's own where None.
    """

    model: Path
    judges: Path
    data: Path | None = None
    tables: tuple[str, ...] = TABLES
    clips: int = 32
    loops: int = 16
    references: int = 4
    preset: str = DEFAULT_PRESET
    steps: int | None = None
    batch: int = 4
    seed: int = 0
    precision: str = "float32"
    guidance: tuple[float, float] | None = None


@dataclass(frozen=True)
class Report:
    """tables: in the order of ``TABLES``. facts: model, data, settings, seconds of each table."""

    tables: tuple[Table, ...]
    facts: dict[str, object]

    def save(self, file: Path) -> None:
        """As JSON, whole or not at all."""
        values = {**self.facts, "tables": [table.values() for table in self.tables]}
        with whole_file(file) as stream:
            stream.write((json.dumps(values, indent=1) + "\n").encode())


def evaluate(plan: Plan, progress: Progress, say: Callable[[str], None]) -> Report:
    """Runs the tables one after the other and says each as soon as it stands.

    Raises InputError for clips that are not of the model's size, EngineError for missing weights; Cancelled.
    """
    _check(plan)
    model = load_model(plan.model, "cpu", PRECISIONS[plan.precision])
    if plan.guidance is not None:
        model = replace(model, facts=replace(model.facts, guidance=plan.guidance))
    judge = load_segmenter(plan.judges)
    shown = _clips(plan, model, progress.part(0.0, 0.05))
    follower = Follower(model, judge, _preset(plan), plan.batch, plan.seed)
    tables, seconds = [], {}
    for place, name in enumerate(plan.tables):
        began = time.perf_counter()
        part = progress.part(0.05 + 0.95 * place / len(plan.tables), 0.05 + 0.95 * (place + 1) / len(plan.tables))
        tables.append(_table(name, plan, follower, shown, part))
        seconds[name] = round(time.perf_counter() - began, 1)
        say(tables[-1].text() + "\n")
    return Report(tuple(tables), _facts(plan, model, shown) | {"seconds": seconds})


def _table(name: str, plan: Plan, follower: Follower, shown: Sequence[Shown], progress: Progress) -> Table:
    if name == "following":
        return following(follower, pairs_of(shown, plan.clips), progress)
    if name == "loop":
        starts = starts_of(shown, plan.loops)
        if not starts:
            raise InputError(
                "No clip shows one person alone, so the closed loop has nothing to lift; render people, or leave the loop out."
            )
        return closed_loop(follower, load_lifter(plan.judges), starts, progress)
    return preset_quality(follower, [pair.own for pair in pairs_of(shown, plan.references)], progress)


def _clips(plan: Plan, model: VideoModel, progress: Progress) -> tuple[Shown, ...]:
    """As many clips as the tables need: of four with one first frame, about seven tenths show one person alone."""
    width, height = model.facts.size
    count = max(plan.clips, 6 * plan.loops if "loop" in plan.tables else 1)
    if plan.data is None:
        return rendered(count, width, model.frames, model.facts.fps, progress)
    shown = read_clips(plan.data, names_of(plan.data)[:count])
    for one in shown:
        if one.labels.shape != (model.frames, height, width):
            raise InputError(
                f"clip {one.name} is {one.labels.shape} frames, rows and columns; the model makes {(model.frames, height, width)}."
            )
    return shown


def _preset(plan: Plan) -> Preset:
    preset = preset_of(plan.preset)
    return preset if plan.steps is None else replace(preset, steps=plan.steps)


def _check(plan: Plan) -> None:
    for name in plan.tables:
        if name not in TABLES:
            raise InputError(f"There is no table {name!r}; choose among {', '.join(TABLES)}.")
    if plan.precision not in PRECISIONS:
        raise InputError(f"There is no precision {plan.precision!r}; choose among {', '.join(PRECISIONS)}.")
    if min(plan.clips, plan.loops, plan.references, 2 if plan.steps is None else plan.steps - 1, plan.batch) < 1:
        raise InputError("Clips, loops, references and batch must be at least 1, steps at least 2.")
    if plan.preset not in {preset.name for preset in PRESETS}:
        raise InputError(f"There is no preset {plan.preset!r}; choose among {', '.join(preset.name for preset in PRESETS)}.")
    if not plan.model.is_dir():
        raise EngineError(f"{plan.model} is no folder; train a model with python -m backend train video, or give its folder.")


def _facts(plan: Plan, model: VideoModel, shown: Sequence[Shown]) -> dict[str, object]:
    return {
        "model": model.facts.name, "guidance": list(model.facts.guidance), "sigma_max": model.noise_range.sigma_max,
        "preset": plan.preset, "steps": _preset(plan).steps, "seed": plan.seed, "precision": plan.precision, "clips_read": len(shown), "threads": torch.get_num_threads(),
    }  # fmt: skip
