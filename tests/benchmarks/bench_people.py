"""Finding, cutting out and fitting two people on 25 frames of 1280 x 720: wall seconds of each part, and the processor's."""

import json
import time

import cv2
import numpy as np

from backend.evaluation.lifting.scenes import truth_scene
from backend.lifting.people.finding import find_people
from backend.lifting.people.fit_people import fit_people
from backend.lifting.people.people_masks import people_masks
from backend.progress import silent
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.camera import default_focal, static_camera

FRAMES = 25
BAR_SECONDS = 11.0


def _frames() -> np.ndarray:
    """Two who cross, 1280 x 720; the last frame twice."""
    scene = truth_scene("crossing")
    frames = [cv2.resize(frame[60:420], (1280, 720), interpolation=cv2.INTER_CUBIC) for frame in scene.frames]
    return np.stack([*frames, frames[-1]])[:FRAMES]


def main() -> None:
    frames = _frames()
    find_people(frames[:1], (), silent())  # imports and the models' start: once in a worker's life
    times, work = [time.perf_counter()], [time.process_time()]

    def note() -> None:
        times.append(time.perf_counter())
        work.append(time.process_time())

    people = find_people(frames, (), silent(), fps=12.0)
    note()
    masks = people_masks(frames, people, silent())
    note()
    camera = static_camera(1280, 720, default_focal(1280, 720), len(frames))
    fit_people(open_human(), people, masks, camera, 12.0, silent(), None, frames)
    note()
    names = ("find", "masks", "fit")
    row = {"name": "people", "seconds": round(times[-1] - times[0], 2), "bar_seconds": BAR_SECONDS, "people": len(people)}
    row |= {f"{name}_seconds": round(float(value), 2) for name, value in zip(names, np.diff(times), strict=True)}
    row |= {f"{name}_processor_seconds": round(float(value), 2) for name, value in zip(names, np.diff(work), strict=True)}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
