"""Real videos against outlines drawn by hand and places of a ball measured by eye on a few of their frames."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

from backend.errors import InputError
from backend.evaluation.lifting.matching import kind_of, overlap, seen_of
from backend.evaluation.lifting.measures import outlines
from backend.evaluation.lifting.scoring import Bar, Figures
from revision_blender.motion.clip import BodyTrack, ObjectTrack
from revision_blender.motion.subjects import Prompt, prompts_from_json
from revision_blender.wire.requests import LiftResult

REFERENCES = Path(__file__).parents[3] / "tests" / "lifting" / "real"
_SEEN = 0.2  # a ball's confidence from which on its track says that it is there
VIDEO_BARS: Mapping[str, Bar] = {
    "woman IoU": Bar(0.8, most=False), "man IoU": Bar(0.8, most=False), "dog IoU": Bar(0.65, most=False),
    "woman followed": Bar(1.0, most=False), "man followed": Bar(1.0, most=False), "dog followed": Bar(1.0, most=False),
    "ball within its radius": Bar(0.9, most=False), "ball where none is": Bar(0.1, most=True),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ball:
    """Where a ball is seen on one frame: centre and radius in pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, eq=False)
class Reference:
    """A stretch of a video and what is known of it.

    outlines: by subject and frame ``(N, 2)`` pixels, drawn through what stands before the subject. balls: by frame. gone: frames
    that do not show the ball. prompts: what a user shows. start, frames: of the video's own frames; those here count from the start.
    """

    name: str
    video: str
    start: int
    frames: int
    fps: float
    outlines: Mapping[tuple[str, int], NDArray[np.float64]]
    balls: Mapping[int, Ball]
    gone: tuple[int, ...]
    prompts: tuple[Prompt, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(subject for subject, _ in self.outlines))

    def drawn_on(self, subject: str) -> NDArray[np.int64]:
        """The frames on which a subject's outline was drawn."""
        return np.array([frame for other, frame in self.outlines if other == subject])


def references(folder: Path = REFERENCES) -> tuple[Reference, ...]:
    """All references of a folder; ``InputError`` where there are none or one cannot be read."""
    files = sorted(path for path in folder.glob("*.json") if "." not in path.stem)
    if not files:
        raise InputError(f"{folder} holds no references of videos; run this from the repository, whose tests hold them.")
    return tuple(_reference(path) for path in files)


def _reference(path: Path) -> Reference:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        drawn = {(row["subject"], row["frame"]): np.array(row["points"], float) for row in values["outlines"]}
        balls = {row["frame"]: Ball(row["x"], row["y"], row["radius"]) for row in values["balls"]}
        prompts = prompts_from_json(path.with_suffix(".prompts.json").read_text(encoding="utf-8"))
        facts = values["video"], values["start"], values["frames"], values["fps"]
        return Reference(path.stem, *facts, drawn, balls, tuple(values["balls_out_of_picture"]), prompts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the reference {path.name} cannot be read ({error}); take it from the repository again.") from error


def frames_of(reference: Reference, folder: Path) -> UInt8[NDArray[np.uint8], "F H W 3"]:
    """The stretch's pictures, sRGB; ``InputError`` where the video is not there or too short."""
    video = cv2.VideoCapture(str(folder / reference.video))
    video.set(cv2.CAP_PROP_POS_FRAMES, reference.start)
    read = [video.read() for _ in range(reference.frames)]
    video.release()
    if not all(ok for ok, _ in read):
        raise InputError(f"{folder / reference.video} cannot be read up to frame {reference.start + reference.frames}; give its folder.")
    return np.stack([np.asarray(picture[..., ::-1], np.uint8) for _, picture in read])


def score_video(reference: Reference, result: LiftResult) -> Figures:
    """The figures of ``VIDEO_BARS`` that the reference asks for, and "SUBJECT mask IoU" of what the lift says is visible.

    A person is the lifted one whose outline meets the drawn ones best; animals and things must come back under the shown name.
    """
    figures: Figures = {}
    for subject in reference.subjects:
        figures |= _subject_figures(reference, subject, result)
    return figures | (_ball_figures(reference, result) if reference.balls else {})


def _subject_figures(reference: Reference, subject: str, result: LiftResult) -> Figures:
    frames, tracks = reference.drawn_on(subject), result.clip.tracks
    drawn = np.stack([filled(reference.outlines[subject, frame], result.people.shape[1:]) for frame in frames])
    clear = ~np.stack([_covered(reference, int(frame), result.people.shape[1:]) for frame in frames])
    shown = {prompt.name: prompt.kind for prompt in reference.prompts}.get(subject, "person")
    of_name = [
        n for n, t in enumerate(tracks) if kind_of(t) == shown and isinstance(t, BodyTrack) and (shown == "person" or t.track_id == subject)
    ]
    if not of_name:
        return {f"{subject} IoU": float("nan"), f"{subject} mask IoU": float("nan"), f"{subject} followed": 0.0}
    rated = {n: float(np.nanmean(overlap(outlines(tracks[n], result.clip.camera, frames) & clear, drawn & clear))) for n in of_name}
    best = max(rated, key=lambda number: rated[number])
    seen = seen_of(result.visible, tracks)[best]
    return {
        f"{subject} IoU": rated[best],
        f"{subject} mask IoU": float(np.nanmean(overlap(seen[frames] & clear, drawn & clear))),
        f"{subject} followed": float(seen.any(axis=(1, 2)).mean()),
    }


def _ball_figures(reference: Reference, result: LiftResult) -> Figures:
    found = [track for track in result.clip.tracks if isinstance(track, ObjectTrack) and track.track_id == "ball"]
    if not found:
        return {"ball within its radius": 0.0} | ({"ball where none is": 0.0} if reference.gone else {})
    pixels, _ = result.clip.camera.project(found[0].points[:, -1:])
    there = found[0].confidence >= _SEEN
    hits = [there[frame] and np.hypot(*(pixels[frame, 0] - [ball.x, ball.y])) <= ball.radius for frame, ball in reference.balls.items()]
    figures = {"ball within its radius": float(np.mean(hits))}
    return figures | ({"ball where none is": float(there[list(reference.gone)].mean())} if reference.gone else {})


def filled(points: NDArray[np.float64], shape: tuple[int, ...]) -> Bool[NDArray[np.bool_], "H W"]:
    """The inside of a polygon ``(N, 2)`` in pixels as a mask of ``shape``."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(points * 16.0 - 8.0).astype(np.int32)], (1,), shift=4)
    return mask > 0


def _covered(reference: Reference, frame: int, shape: tuple[int, ...]) -> Bool[NDArray[np.bool_], "H W"]:
    """Where the ball is, which nobody is asked about: it may stand before a subject."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    covered = np.zeros(shape[:2], bool)
    if frame in reference.balls:
        ball = reference.balls[frame]
        covered = np.hypot(x - ball.x, y - ball.y) <= ball.radius + 2.0
    return covered
