"""Lifts every scene and video, scores them, and says which bars are missed."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend.errors import BackendError
from backend.evaluation.lifting.overlays import overlaid, save_jpeg, strip
from backend.evaluation.lifting.real import REFERENCES, VIDEO_BARS, Reference, frames_of, references, score_video
from backend.evaluation.lifting.scenes import NAMES, TruthScene, truth_scene
from backend.evaluation.lifting.scoring import BARS, Bar, Figures, score
from backend.progress import Progress
from backend.stages.lift import run
from revision_blender.motion.whole_file import whole_file
from revision_blender.wire.requests import LiftRequest, LiftResult, Video

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """scenes: names of truth scenes. videos: the folder of the real videos, None leaves them out. pictures: a folder for overlays."""

    scenes: tuple[str, ...] = NAMES
    videos: Path | None = None
    references: Path = REFERENCES
    pictures: Path | None = None
    providers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Figures by scene and by video; a lift that failed has the sentence it failed with instead."""

    scenes: Mapping[str, Figures] = field(default_factory=dict)
    videos: Mapping[str, Figures] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def missed(self) -> tuple[str, ...]:
        """Bars that are not reached, one sentence each."""
        rows = [(name, figures, BARS) for name, figures in self.scenes.items()]
        rows += [(name, figures, VIDEO_BARS) for name, figures in self.videos.items()]
        sentences = [f"{name}: {reason}" for name, reason in self.failed.items()]
        return tuple(sentences + [f"{name}: {words}" for name, figures, bars in rows for words in missed(figures, bars)])

    def save(self, path: Path) -> None:
        values = {"scenes": _values(self.scenes), "videos": _values(self.videos), "failed": dict(self.failed), "missed": list(self.missed)}
        with whole_file(path) as part:
            part.write((json.dumps(values, indent=1) + "\n").encode())


def missed(figures: Mapping[str, float], bars: Mapping[str, Bar]) -> list[str]:
    return [
        f"{name} is {figures[name]:.3g}, {bar} is wanted" for name, bar in bars.items() if name in figures and not bar.met(figures[name])
    ]


def evaluate(plan: Plan, progress: Progress, say: Say) -> Report:
    """Lifts what the plan names; a line each as soon as it is known."""
    known = references(plan.references) if plan.videos is not None else ()
    total = max(len(plan.scenes) + 4 * len(known), 1)
    scenes: dict[str, Figures] = {}
    videos: dict[str, Figures] = {}
    failed: dict[str, str] = {}
    for number, name in enumerate(plan.scenes):
        try:
            scenes[name] = _scene(truth_scene(name), plan, progress.part(number / total, (number + 1) / total))
            say(line(name, scenes[name], BARS))
        except BackendError as error:
            failed[name] = str(error)
    for number, one in enumerate(known):
        start = len(plan.scenes) + 4 * number
        try:
            videos[one.name] = _video(one, plan, progress.part(start / total, (start + 4) / total))
            say(line(one.name, videos[one.name], VIDEO_BARS))
        except BackendError as error:
            failed[one.name] = str(error)
    report = Report(scenes, videos, failed)
    say(summary(report))
    return report


def _scene(scene: TruthScene, plan: Plan, progress: Progress) -> Figures:
    request = LiftRequest(frames=scene.frames, fps=scene.clip.fps, prompts=scene.prompts, providers=plan.providers)
    result, seconds = _lifted(request, progress)
    _picture(plan, scene.name, scene.frames, result)
    return score(scene, result) | {"seconds": seconds}


def _video(reference: Reference, plan: Plan, progress: Progress) -> Figures:
    assert plan.videos is not None
    frames = frames_of(reference, plan.videos)
    request = LiftRequest(frames=frames, fps=reference.fps, prompts=reference.prompts, providers=plan.providers)
    result, seconds = _lifted(request, progress)
    _picture(plan, reference.name, frames, result)
    return score_video(reference, result) | {"seconds": seconds}


def _lifted(request: LiftRequest, progress: Progress) -> tuple[LiftResult, float]:
    start = time.perf_counter()
    return run(request, progress), time.perf_counter() - start


def _picture(plan: Plan, name: str, frames: Video, result: LiftResult) -> None:
    if plan.pictures is not None:
        wanted = tuple(int(frame) for frame in np.linspace(0, len(frames) - 1, 4))
        save_jpeg(plan.pictures / f"lifting_{name}.jpg", strip(overlaid(frames, result.clip, wanted), 300))


def line(name: str, figures: Figures, bars: Mapping[str, Bar]) -> str:
    """One lift's figures; a star marks a missed bar."""
    words = [f"{key} {value:.3g}{'*' if key in bars and not bars[key].met(value) else ''}" for key, value in figures.items()]
    return f"{name:15s} " + ", ".join(words)


def summary(report: Report) -> str:
    """Means over the clips that ask for a figure, and what is missed."""
    words = [f"{key} {np.mean([row[key] for row in report.scenes.values() if key in row]):.3g}" for key in BARS if _asked(report, key)]
    head = [f"{len(report.scenes)} scenes, means: " + ", ".join(words)] if report.scenes else []
    return "\n".join([*head, *(f"missed: {sentence}" for sentence in report.missed or ("nothing",))])


def _asked(report: Report, key: str) -> Sequence[str]:
    return [name for name, row in report.scenes.items() if key in row]


def _values(rows: Mapping[str, Figures]) -> dict[str, dict[str, float | None]]:
    return {name: {key: round(float(v), 4) if np.isfinite(v) else None for key, v in row.items()} for name, row in rows.items()}
