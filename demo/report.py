"""Measures what the demo made, from its files alone: ``python -m demo.report FOLDER`` writes report.json, movies, overview.png.

The detector runs anew on the frames that were delivered; but for the count of uncovered pixels, nothing that a stage said
of itself is repeated here.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backend.engines.quality import measure
from backend.lifting.people.landmarks import detect_landmarks
from backend.lifting.people.measures import landmark_errors, lift_report
from backend.lifting.people.segmentation import person_masks
from backend.prior.measures import refinement_report
from backend.progress import Progress
from demo.movie import read_frames, write_movie
from demo.overview import Row, body_over, overview, part_colors
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.clip import Clip
from revision_blender.motion.clip_file import load_clip

Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class Run:
    """What the session left in its output folder."""

    seconds: dict[str, float]
    fps: float
    uncovered: float
    blender: str
    coarse: NDArray[np.uint8]  # (F, H, W, 3)
    fine: NDArray[np.uint8]  # (F, H, W, 3)
    labels: NDArray[np.uint8]  # (F, H, W)
    lift: Clip
    raw: Clip
    refined: Clip


def read_run(out: Path) -> Run:
    session = json.loads((out / "session.json").read_text())
    pictures = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted((out / "masks").glob("*.png"))]
    labels = np.stack([picture for picture in pictures if picture is not None])
    coarse, fine = (read_frames(out / session["folders"][name]) for name in ("coarse", "fine"))
    clips = {name: load_clip(out / f"{name}.npz") for name in ("lift", "raw", "refined")}
    return Run(session["seconds"], session["fps"], session["uncovered"], session["blender"], coarse, fine, labels, **clips)


def figures_of(run: Run, progress: Progress) -> tuple[Figures, Figures, Figures]:
    """Of the lift, the refinement and the final clip, by the names that the README explains."""
    found = detect_landmarks(run.coarse, progress.part(0.0, 0.4))
    landmarks = np.concatenate([found.pixels, found.visibility[..., None]], axis=-1).astype(np.float32)
    people = person_masks(run.coarse, found, progress.part(0.4, 0.5))
    model = open_human()
    before, after = (float(np.median(landmark_errors(model, clip, landmarks))) for clip in (run.raw, run.refined))
    still = bool(np.ptp(run.lift.camera.T_world_camera, axis=0).max() < 1e-9)
    fine = measure(run.fine, run.coarse[0], run.labels, run.uncovered, still, progress.part(0.5, 1.0))
    lift = dict(lift_report(model, run.lift, landmarks, people))
    return lift, asdict(refinement_report(run.raw, run.refined, (before, after))), asdict(fine)


def pictures_of(run: Run) -> list[Row]:
    return [
        Row("S1  coarse video", run.coarse),
        Row("S2  lifted body over it, coloured by part", body_over(run.coarse, run.lift)),
        Row("S2  refined body", body_over(run.coarse, run.refined)),
        Row("S3  part masks (Blender's pass; colours for people, gray values for the model)", part_colors()[run.labels]),
        Row("S3  final video", run.fine),
    ]


def main() -> int:
    out = Path(sys.argv[1])
    run = read_run(out)
    with tqdm(total=100, desc="measuring", unit="%", bar_format="{l_bar}{bar}| {elapsed}", disable=None) as bar:
        lift, refine, fine = figures_of(run, Progress(lambda fraction, words: _show(bar, fraction, words)))
    write_movie(out / "coarse.mp4", run.coarse, run.fps)
    write_movie(out / "fine.mp4", run.fine, run.fps)
    cv2.imwrite(str(out / "overview.png"), cv2.cvtColor(overview(pictures_of(run)), cv2.COLOR_RGB2BGR))
    report = {"stages": run.seconds, "lift": lift, "refine": refine, "fine": fine, "fps": run.fps, "blender": run.blender}
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return 0


def _show(bar: "tqdm[None]", fraction: float, words: str) -> None:
    bar.set_postfix_str(words)
    bar.update(round(fraction * 100) - bar.n)


if __name__ == "__main__":
    sys.exit(main())
