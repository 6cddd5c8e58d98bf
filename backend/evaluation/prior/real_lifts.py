"""The prior on motions lifted from videos, where nobody knows the truth: what it takes away, and what it must leave.

Contacts are found once, in the raw lift (fitted without its temporal term), and hold for every motion; all is measured in the world
frame. Ratios over the raw lift: jitter, foot sliding, landmark error, peak speed across the line of sight (along it a raw lift's
fastest movements are errors; see ``backend.prior.measures``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.evaluation.prior.bars import Bar
from backend.evaluation.table import Figure, Table, figure_of
from backend.lifting.people.measures import landmark_errors
from backend.prior.measures import refinement_report
from backend.prior.network.weights import TrainedPrior
from backend.prior.pppm import Options, refine
from backend.progress import Progress
from backend.stages.lift import run as lift
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.clip import Clip
from revision_blender.wire.requests import LiftRequest

COLUMNS = ("jitter", "sliding", "landmark error", "peak speed")
LIMITS = (0.4, 0.4, 1.1)  # of the first three


@dataclass(frozen=True)
class Window:
    """Part of a video. start: first frame; every ``stride``-th from it; fps: of the frames taken."""

    file: str
    start: int
    fps: float
    frames: int = 48
    stride: int = 1


WINDOWS = (
    Window("tennis.mp4", 0, 29.97), Window("tennis.mp4", 110, 29.97), Window("tennis.mp4", 264, 29.97),
    Window("ball_juggler.mp4", 0, 24.0), Window("ball_juggler.mp4", 100, 24.0), Window("ball_juggler.mp4", 199, 24.0),
)  # fmt: skip


def real_lifts(prior: TrainedPrior, folder: Path, windows: Sequence[Window], progress: Progress) -> tuple[Table, list[Bar]]:
    """Every window lifted and refined: the lift with its temporal term, and the raw lift refined, each over the raw lift."""
    ratios: dict[str, dict[str, list[float]]] = {"lift": {}, "raw + PPPM": {}, "lift + PPPM": {}}
    for number, window in enumerate(windows):
        progress(number / len(windows), f"lifting {window.file} from frame {window.start}")
        found = lift(
            LiftRequest(frames=frames_of(folder, window), fps=window.fps),
            progress.part(number / len(windows), (number + 0.7) / len(windows)),
        )
        options = Options(network=prior)
        answers = {"lift": found.clip, "raw + PPPM": refine(found.raw, options).clip, "lift + PPPM": refine(found.clip, options).clip}
        for name, clip in answers.items():
            for column, value in zip(COLUMNS, ratios_of(found.raw, clip, found.landmarks), strict=True):
                ratios[name].setdefault(column, []).append(value)
    rows = {name: {column: figure_of(values) for column, values in found.items()} for name, found in ratios.items()}
    return Table("real lifts, over the raw lift", COLUMNS, rows, f"{len(windows)} windows"), _bars(rows["raw + PPPM"])


def ratios_of(raw: Clip, refined: Clip, landmarks: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """In the order of ``COLUMNS``; NaN where too little is there to judge."""
    before, after = (float(np.median(landmark_errors(open_human(), clip, landmarks))) for clip in (raw, refined))
    report = refinement_report(raw, refined, (before, after))
    jitter = jitter_of(refined) / jitter_of(raw)
    others = (report.foot_sliding_ratio, report.landmark_error_ratio, report.peak_speed_ratio)
    return jitter, *(float("nan") if value is None else value for value in others)  # type: ignore[return-value]


def jitter_of(clip: Clip) -> float:
    """Mean third difference of the joints' places, in 10 m/s^3."""
    track = clip.bodies[0]
    joints = joints_of(identity_of(open_human(), track.betas), track.rotations, track.translation)
    return float(np.linalg.norm(np.diff(joints, n=3, axis=0), axis=-1).mean() * clip.fps**3 / 10.0)


def frames_of(folder: Path, window: Window) -> NDArray[np.uint8]:
    """``(F, H, W, 3)`` sRGB. Raises InputError for a video that is missing or too short."""
    video = cv2.VideoCapture(str(folder / window.file))
    video.set(cv2.CAP_PROP_POS_FRAMES, window.start)
    frames = []
    while len(frames) < window.frames:
        there, picture = video.read()
        if not there:
            raise InputError(
                f"{folder / window.file} has no frame {window.start + window.stride * len(frames)}; name the folder of the videos"
            )
        frames.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        for _ in range(window.stride - 1):
            video.grab()
    video.release()
    return np.stack(frames)


def _bars(row: dict[str, Figure]) -> list[Bar]:
    bars = [
        Bar(f"real lifts: {column} over the raw lift's", row[column].mean, limit) for column, limit in zip(COLUMNS, LIMITS, strict=False)
    ]
    speed = row["peak speed"].mean
    return [*bars, Bar("real lifts: peak speed off by", abs(speed - 1.0), 0.1, note=f"ratio {speed:.3f}")]
