"""Makes revision_blender/data/render_motions.npz: the motions that the training renders are made of.

    python -m authoring.render_motions FOLDER_WITH_CMU_BVH_FILES FOLDER_WITH_DEEPMIMIC_FILES

Every file is brought to the open human or the open quadruped, put on its floor and stored at a low rate, quantised. Takes that
are near-repeats of each other share a group, so that a held-out motion is unlike every one that was trained on.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from authoring.motion_cleaning import Take, on_floor, smoothed_glitches
from backend.training.renders.motions import BANK, QUANTUM
from revision_blender.motion.bodies.body_model import identity_of, open_human, vertices_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.files import deepmimic
from revision_blender.motion.files.bvh import read_bvh
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.npz_file import write_npz
from revision_blender.motion.resample import resample
from revision_blender.motion.retargeting.cmu import retarget
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle

Array = NDArray[np.floating]

FPS = 16.0
MIN_SECONDS = 1.2
MAX_SECONDS = 16.0  # of one file: long takes repeat themselves
NEAR_REPEATS = ((13, 17), (19, 21), (25, 26), (27, 34), (35, 47))  # of walking_N, first and last
CREDITS = """render_motions.npz: motions from the CMU motion capture database, mocap.cs.cmu.edu, which was created with funding from
NSF EIA-0196217 and is free for all uses, and of DeepMimic (Peng et al. 2018, MIT licence); brought to the open human and the open
quadruped, put on a floor, resampled and quantised by authoring/render_motions.py of this project. Names say which file each is from.
"""


@dataclass(frozen=True, eq=False)
class Stored:
    """One motion, y up, floor at 0. group: shared by near-repeats."""

    name: str
    group: str
    kind: str
    rotations: Array
    translation: Array


def group_of(name: str) -> str:
    """The group of a CMU file by its name."""
    stem, _, number = name.rpartition("_")
    if stem == "walking":
        for first, last in NEAR_REPEATS:
            if first <= int(number) <= last:
                return f"walking_{first}"
    if stem == "basketball_signal":
        return "basketball_signal_1" if int(number) <= 2 else "basketball_signal_3" if int(number) <= 4 else name
    return name


def from_cmu(path: Path) -> Stored:
    """One BVH file on the open human."""
    body = identity_of(open_human(), np.zeros(10))
    bvh = read_bvh(path)
    rotations, translation = smoothed_glitches(*retarget(bvh, body.joints_rest, body.model.parents), bvh.fps)
    take = on_floor(Take(body, *_cut(*resample(rotations, translation, bvh.fps, FPS))))
    return Stored(path.stem, group_of(path.stem), "human", take.rotations, take.translation)


def from_deepmimic(path: Path, shelf: BodyShelf) -> Stored:
    """One DeepMimic file on the open human or quadruped; a loop goes on until it is long enough."""
    read = deepmimic.read(path, shelf, ReadOptions())
    track = read.clip.bodies[0]
    rotations, translation = resample(track.rotations, track.translation, read.clip.fps, 60.0)
    if "wrap" in path.read_text().split("Frames")[0]:
        rotations, translation = _looped(track, rotations, translation, 60.0)
    rotations, translation = _cut(*resample(rotations, translation, 60.0, FPS))
    identity = identity_of(shelf.load(track.model), track.betas)
    lowest = vertices_of(identity, rotations, translation)[..., 1].min(axis=1)
    kind = "human" if track.family == "smpl" else "animal"
    return Stored(path.stem, path.stem, kind, rotations, translation - [0.0, np.percentile(lowest, 15.0), 0.0])


def _cut(rotations: Array, translation: Array) -> tuple[Array, Array]:
    count = round(MAX_SECONDS * FPS)
    return rotations[:count], translation[:count]


def _looped(track: BodyTrack, rotations: Array, translation: Array, fps: float) -> tuple[Array, Array]:
    """The loop said again and again, each time from where the last one ended, in place and heading."""
    root = identity_of(BodyShelf(None).load(track.model), track.betas).joints_rest[0]
    turned, moved = [rotations], [translation + root]
    while sum(map(len, turned)) < 2.5 * fps:
        last, first = turned[-1][-1, 0], rotations[0, 0]
        relative = last @ first.T
        R_turn = matrix_from_axis_angle(np.array([0.0, np.arctan2(relative[0, 2] - relative[2, 0], relative[0, 0] + relative[2, 2]), 0.0]))
        more = rotations.copy()
        more[:, 0] = R_turn @ more[:, 0]
        place = (moved[0] - moved[0][0]) @ R_turn.T + moved[-1][-1]
        place[:, 1] = moved[0][:, 1]
        turned.append(more[1:])
        moved.append(place[1:])
    return np.concatenate(turned), np.concatenate(moved) - root


def write_bank(motions: list[Stored], path: Path) -> None:
    """The bank as one npz of plain arrays, and its credits beside it."""
    arrays: dict[str, NDArray] = {"fps": np.array(FPS), "quantum": np.array(QUANTUM)}
    for kind in ("human", "animal"):
        chosen = [motion for motion in motions if motion.kind == kind]
        arrays[f"{kind}.names"] = np.array([motion.name for motion in chosen])
        arrays[f"{kind}.groups"] = np.array([motion.group for motion in chosen])
        arrays[f"{kind}.starts"] = np.cumsum([0] + [len(motion.rotations) for motion in chosen])
        angles = axis_angle_from_matrix(np.concatenate([motion.rotations for motion in chosen]))
        arrays[f"{kind}.rotations"] = np.round(angles / QUANTUM).astype(np.int16)
        arrays[f"{kind}.translation"] = np.concatenate([motion.translation for motion in chosen]).astype(np.float32)
    write_npz(path, arrays)
    path.with_suffix(".CREDITS.txt").write_text(CREDITS, encoding="utf-8")


def main(cmu: Path, dm: Path) -> None:
    """Reads both folders and writes the bank."""
    shelf = BodyShelf(None)
    motions = [from_cmu(path) for path in sorted(cmu.glob("*.bvh"))]
    motions += [from_deepmimic(path, shelf) for path in sorted(dm.glob("*3d_*.txt"))]
    motions = [motion for motion in motions if len(motion.rotations) >= MIN_SECONDS * FPS]
    write_bank(motions, BANK)
    print(f"{BANK.name}: {len(motions)} motions, {BANK.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
