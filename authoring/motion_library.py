"""Makes revision_blender/data/motion_library.npz from BVH files of the CMU motion capture database.

    python -m authoring.motion_library FOLDER_WITH_BVH_FILES

Every window is retargeted to the open human, its floor found, its sliding feet held, turned to face +z from the origin.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from authoring.motion_cleaning import Take, faced, held_feet, longer, on_floor, smoothed_glitches
from revision_blender.motion.bodies.body_model import identity_of, open_human
from revision_blender.motion.files.bvh import read_bvh
from revision_blender.motion.library import LIBRARY, QUANTUM
from revision_blender.motion.resample import sampled
from revision_blender.motion.retargeting.cmu import leg_length, retarget
from revision_blender.motion.rotation import axis_angle_from_matrix

Array = NDArray[np.floating]

FPS = 30.0
CREDITS = """motion_library.npz: windows of motions from the CMU motion capture database, mocap.cs.cmu.edu, which was created with
funding from NSF EIA-0196217 and is free for all uses; retargeted to SMPL's 24 joints, cleaned and renamed by
authoring/motion_library.py of this project. Each motion's name says from which file it comes.
"""


@dataclass(frozen=True)
class Window:
    """A part of one file, in seconds. words: what a prompt may call it, its plain name first. repeat: seconds to go on to."""

    file: str
    start: float
    end: float
    words: str
    repeat: float = 0.0


WINDOWS = (
    Window("walking_51", 0.3, 4.3, "walk stroll wander march stride step", 6.0),
    Window("walking_28", 0.1, 4.1, "walk stroll wander march stride step", 6.0),
    Window("walking_1", 0.2, 2.7, "walk stroll wander march stride step", 5.0),
    Window("running_1", 0.0, 1.38, "run jog sprint rush race hurry dash", 4.0),
    Window("running_3", 0.0, 1.33, "run jog sprint rush race hurry dash", 4.0),
    Window("jumping_5", 0.3, 2.9, "jump leap spring"),
    Window("jumping_3", 0.2, 3.4, "jump leap spring"),
    Window("jumping_2", 0.6, 4.0, "bounce jump skip trampoline"),
    Window("jumping_2", 4.2, 7.6, "hop"),
    Window("soccer_3", 0.0, 2.9, "kick soccer football shoot ball"),
    Window("soccer_5", 2.0, 4.7, "kick soccer football shoot ball"),
    Window("soccer_1", 3.6, 6.6, "kick soccer football shoot ball"),
    Window("directing_traffic_4", 11.4, 14.9, "wave greet hello hi goodbye hail"),
    Window("directing_traffic_1", 0.0, 2.8, "beckon wave signal call invite"),
    Window("walking_22", 1.6, 5.2, "turn around spin rotate whirl"),
    Window("directing_traffic_1", 10.1, 12.0, "throw pitch toss hurl fling ball cast"),
    Window("basketball_1", 0.3, 4.3, "dribble basketball ball bounce"),
    Window("basketball_5", 0.0, 3.3, "dribble basketball ball bounce"),
    Window("directing_traffic_4", 1.0, 5.0, "direct traffic police point"),
    Window("basketball_signal_1", 15.6, 19.4, "signal referee stop raise lift"),
    Window("directing_traffic_1", 8.3, 11.8, "dance perform conduct"),
)


def read_window(folder: Path, window: Window) -> Take:
    """One window at 30 frames a second, cleaned."""
    body = identity_of(open_human(), np.zeros(10))
    bvh = read_bvh(folder / f"{window.file}.bvh")
    rotations, translation = smoothed_glitches(*retarget(bvh, body.joints_rest, body.model.parents), bvh.fps)
    count = round((window.end - window.start) * FPS) + 1
    at = (window.start + np.arange(count) / FPS) * bvh.fps
    take = on_floor(Take(body, *sampled(rotations, translation, at)))
    take = held_feet(take, FPS)
    if window.repeat > 0.0:
        take = longer(take, round(window.repeat * FPS) + 1)
    return faced(take)


def _named(window: Window) -> str:
    return f"{window.words.split()[0]} ({window.file} at {window.start:g} s)"


def write_library(folder: Path, path: Path) -> None:
    """Writes the library and its credits; the old files stay until the new ones are whole."""
    takes = [read_window(folder, window) for window in WINDOWS]
    body = takes[0].body
    stored = {
        "names": np.array([_named(window) for window in WINDOWS]),
        "words": np.array([window.words for window in WINDOWS]),
        "cyclic": np.array([window.repeat > 0.0 for window in WINDOWS]),
        "fps": np.array(FPS),
        "starts": np.cumsum([0] + [len(take.rotations) for take in takes]),
        "rotations": _quantised(np.concatenate([take.rotations for take in takes])),
        "translation": np.concatenate([take.translation for take in takes]).astype(np.float32),
        "root_rest": body.joints_rest[0],
        "leg_length": np.array(leg_length(body.joints_rest)),
    }
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **stored)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    path.with_suffix(".CREDITS.txt").write_text(CREDITS, encoding="utf-8")


def _quantised(rotations: Array) -> NDArray[np.int16]:
    return np.round(axis_angle_from_matrix(rotations) / QUANTUM).astype(np.int16)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_library(Path(sys.argv[1]), LIBRARY)
    print(f"{LIBRARY.name}: {len(WINDOWS)} motions, {LIBRARY.stat().st_size / 1024:.0f} KiB")
