"""Folders of motion files as takes to learn from, and files of takes.

Groups hold what repeats itself nearly (the same actor doing the same once more): a split never cuts through one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backend.errors import InputError
from backend.prior.state.take import Take
from backend.training.prior.glitches import sound_parts
from backend.training.prior.take_file import read_takes, write_takes
from backend.training.prior.targets import Change, floor_under, physical
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.errors import RevisionError
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.files.reading import read_motion

__all__ = ["ReadFolder", "group_of", "read_folder", "read_takes", "read_targets", "text_of", "write_takes"]

Progress = Callable[[float, str], None]

SHORTEST = 20  # frames at 30 frames a second
NEAR_REPEATS = ((13, 17), (19, 21), (25, 26), (27, 34), (35, 47))  # of CMU's walking_N, first and last
SAME_TAKE = {"walking_1": "02_01"}  # one recording under two names
_SUFFIXES = frozenset({".bvh", ".amc", ".txt", ".npz", ".pkl", ".pt"})
# What subject 02 of the CMU database does, as the database's own index describes it.
_SUBJECT_02 = ("walk", "walk", "run", "jump balance", "punch strike", "bend scoop lift", "swordplay", "swordplay", "swordplay", "wash")


@dataclass(frozen=True, eq=False)
class ReadFolder:
    """takes, what making them physical changed, and a sentence for each file that was left out."""

    takes: tuple[Take, ...]
    changes: tuple[Change, ...]
    left_out: tuple[str, ...]


def group_of(name: str) -> str:
    """The group of near-repeats that a file belongs to, by its name without extension."""
    name = SAME_TAKE.get(name, name)
    stem, _, number = name.rpartition("_")
    if not number.isdigit():
        return name
    if stem == "walking":
        return next((f"walking_{first}" for first, last in NEAR_REPEATS if first <= int(number) <= last), name)
    if stem == "basketball_signal":
        return "basketball_signal_1" if int(number) <= 2 else "basketball_signal_3" if int(number) <= 4 else name
    return name


def text_of(name: str) -> str:
    """What is done, in words, as far as a file's name tells: "walking_15" is "walking", "humanoid3d_dance_a" is "dance"."""
    number = re.fullmatch(r"02_(\d+)", name)
    if number and 1 <= int(number[1]) <= len(_SUBJECT_02):
        return _SUBJECT_02[int(number[1]) - 1]
    words = re.sub(r"^(humanoid|dog)3d_", "", name).replace("getup", "get up").replace("face", "face ").replace("spinkick", "spin kick")
    return " ".join(word for word in re.findall(r"[a-z]+", words.lower()) if len(word) > 1)


def read_folder(dirs: Sequence[Path], shelf: BodyShelf, progress: Progress | None = None) -> list[Take]:
    """The takes of all motion files in folders; see ``read_targets``."""
    return list(read_targets(dirs, shelf, progress).takes)


def read_targets(dirs: Sequence[Path], shelf: BodyShelf, progress: Progress | None = None) -> ReadFolder:
    """Every body of every motion file in the folders (not in folders below), over its floor, feet held, at 30 frames a second.

    progress: told the part done, 0 to 1, and the file. A file that cannot be read, or moves for less than ``SHORTEST`` frames, is left
    out with a sentence; ``InputError`` where nothing is left.
    """
    paths = _paths(dirs)
    found: list[tuple[Take, Change]] = []
    left_out: list[str] = []
    for number, path in enumerate(paths):
        if progress:
            progress(number / len(paths), path.name)
        try:
            read = _read(path, shelf)
        except RevisionError as reason:
            left_out.append(str(reason))
            continue
        left_out += [f"{take.name} has {take.n_frames} frames; {SHORTEST} are the fewest" for take, _ in read if take.n_frames < SHORTEST]
        found += [(take, change) for take, change in read if take.n_frames >= SHORTEST]
    if not found:
        raise InputError(
            f"no motion in {', '.join(map(str, dirs))} can be learned from ({len(paths)} files); name a folder of motion files"
        )
    return ReadFolder(tuple(take for take, _ in found), tuple(change for _, change in found), tuple(left_out))


def _paths(dirs: Sequence[Path]) -> list[Path]:
    """The files in the folders that may be motions, each recording once."""
    missing = [str(folder) for folder in dirs if not Path(folder).is_dir()]
    if missing:
        raise InputError(f"there is no folder {missing[0]}; name a folder of motion files")
    paths = [path for folder in dirs for path in sorted(Path(folder).iterdir()) if path.suffix.lower() in _SUFFIXES]
    stems = {path.stem for path in paths}
    return [path for path in paths if SAME_TAKE.get(path.stem) not in stems and not path.stem.startswith("character_")]


def _read(path: Path, shelf: BodyShelf) -> list[tuple[Take, Change]]:
    """The takes of one file: of each body one, or several where its root leaps and it is cut."""
    found = read_motion(path, shelf, ReadOptions())
    clip, loops = found.clip, any(note.startswith("The file loops") for note in found.notes)
    made = []
    for track in clip.bodies:
        name = path.stem if len(clip.bodies) == 1 else f"{path.stem}_{track.track_id}"
        ground = floor_under(track, clip.fps, clip.ground, shelf)
        parts = sound_parts(track.rotations, clip.fps)
        for part in parts:
            piece = name if len(parts) == 1 else f"{name}@{part.start}"
            take, change = physical(_part(track, part, piece), clip.fps, ground, shelf, loops and len(parts) == 1)
            made.append((replace(take, group=group_of(path.stem), text=text_of(path.stem)), change))
    return made


def _part(track: BodyTrack, part: slice, name: str) -> BodyTrack:
    expression = None if track.expression is None else track.expression[part]
    return replace(
        track, track_id=name, rotations=track.rotations[part], translation=track.translation[part],
        confidence=track.confidence[part], expression=expression,
    )  # fmt: skip
