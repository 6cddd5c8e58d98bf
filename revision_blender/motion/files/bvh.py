"""Reader of BVH motion files: a joint hierarchy in words, then one row of channel values a frame.

Lengths stay in the file's unit; a file's rotations are degrees, applied in the order in which its channels are listed.
The format has no written standard; what is read here is what Biovision's own files and the CMU conversions use.
A file comes from anywhere, so everything is checked and refused with `MotionFileError` in one sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from ..rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

CHANNELS = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")
MAX_BYTES = 256 * 2**20
MAX_JOINTS = 1024
MAX_VALUES = 64 * 2**20  # frames times channels: 512 MiB of float64
MAX_COORDINATE = 1e6  # of lengths and degrees alike; far above any capture, far below overflow


@dataclass(frozen=True, eq=False)
class Bvh:
    """One motion file. A parent always comes before its children; entry 0 is the root.

    names: ``J`` joint names, an end site is its parent's name + "End Site". parents: ``(J,)``, root -1. offsets: ``(J, 3)``
    from the parent, in the parent's frame. channels: per joint the names in file order. frame_time: seconds.
    values: ``(F, C)``, all joints' channels in turn.
    """

    names: tuple[str, ...]
    parents: NDArray[np.int64]
    offsets: Array
    channels: tuple[tuple[str, ...], ...]
    frame_time: float
    values: Array

    @property
    def fps(self) -> float:
        return 1.0 / self.frame_time

    def joint(self, name: str) -> int:
        """Index of the joint of that name; `MotionFileError` where the skeleton has none."""
        if name not in self.names:
            raise MotionFileError(
                f"the skeleton has no joint {name!r}; it has {', '.join(self.names[:12])} … Use a file of the CMU skeleton"
            )
        return self.names.index(name)


@dataclass
class _Words:
    """The file's words, taken one after another."""

    words: Sequence[str]
    at: int = 0

    def next(self, wanted: str) -> str:
        if self.at >= len(self.words):
            raise MotionFileError(f"the BVH file ends where {wanted} should stand; it is cut off")
        self.at += 1
        return self.words[self.at - 1]

    def expect(self, word: str) -> None:
        found = self.next(repr(word))
        if found.upper() != word.upper():
            raise MotionFileError(f"the BVH file has {_short(found)} where {word!r} should stand; it is damaged or not BVH")

    def number(self, what: str) -> float:
        return _number(self.next(what), what)

    def count(self, what: str, most: int) -> int:
        word = self.next(what)
        if not (word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= most):
            raise MotionFileError(f"the BVH file's {what} is {_short(word)}; a whole number up to {most} is needed")
        return int(word)


def _short(word: str) -> str:
    return repr(word if len(word) <= 24 else word[:24] + "…")


def _number(word: str, what: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise MotionFileError(f"the BVH file's {what} is {_short(word)}; a number is needed") from None
    if not abs(value) <= MAX_COORDINATE:
        raise MotionFileError(f"the BVH file's {what} is {word}; at most {MAX_COORDINATE:g} is sensible")
    return value


class _Hierarchy:
    """Collects joints while the braces open and close."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.channels: list[tuple[str, ...]] = []

    def open(self, words: _Words, name: str, parent: int, *, moves: bool) -> int:
        if len(self.names) >= MAX_JOINTS:
            raise MotionFileError(f"the BVH file has more than {MAX_JOINTS} joints; that is no skeleton")
        words.expect("{")
        words.expect("OFFSET")
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append([words.number(f"offset of {_short(name)}") for _ in range(3)])
        self.channels.append(_channels(words, name) if moves else ())
        return len(self.names) - 1


def _channels(words: _Words, name: str) -> tuple[str, ...]:
    words.expect("CHANNELS")
    listed = [words.next(f"a channel of {_short(name)}") for _ in range(words.count(f"channel count of {_short(name)}", 6))]
    for channel in listed:
        if channel not in CHANNELS:
            raise MotionFileError(f"the BVH file's joint {_short(name)} has the channel {_short(channel)}; known are {', '.join(CHANNELS)}")
    if len(set(listed)) != len(listed):
        raise MotionFileError(f"the BVH file's joint {_short(name)} lists a channel twice: {' '.join(listed)}")
    return tuple(listed)


def _read_hierarchy(words: _Words) -> _Hierarchy:
    """Reads up to the brace that closes the root; keeps its own stack, so that depth cannot exhaust Python's."""
    words.expect("HIERARCHY")
    words.expect("ROOT")
    tree = _Hierarchy()
    open_joints = [tree.open(words, words.next("the root's name"), -1, moves=True)]
    while open_joints:
        word = words.next("'JOINT', 'End' or '}'")
        if word == "}":
            open_joints.pop()
        elif word.upper() == "JOINT":
            open_joints.append(tree.open(words, words.next("a joint's name"), open_joints[-1], moves=True))
        elif word.upper() == "END":
            words.expect("SITE")
            tree.open(words, f"{tree.names[open_joints[-1]]} End Site", open_joints[-1], moves=False)
            words.expect("}")
        else:
            raise MotionFileError(f"the BVH file has {_short(word)} where 'JOINT', 'End' or '}}' should stand; it is damaged")
    if len(set(tree.names)) != len(tree.names):
        raise MotionFileError("the BVH file names two joints alike; the names must differ")
    return tree


def _read_values(words: _Words, n_channels: int) -> tuple[float, Array]:
    words.expect("MOTION")
    words.expect("Frames:")
    n_frames = words.count("frame count", MAX_VALUES // max(n_channels, 1))
    words.expect("Frame")
    words.expect("Time:")
    frame_time = words.number("frame time")
    if n_frames < 1 or not 1e-4 <= frame_time <= 10.0:
        raise MotionFileError(f"the BVH file has {n_frames} frames of {frame_time} s; at least one, of 0.0001 to 10 s, is needed")
    rest = words.words[words.at :]
    if len(rest) != n_frames * n_channels:
        raise MotionFileError(
            f"the BVH file holds {len(rest)} values; {n_frames} frames of {n_channels} channels need {n_frames * n_channels}"
        )
    try:
        values = np.array(rest, dtype=np.float64).reshape(n_frames, n_channels)
    except ValueError:
        raise MotionFileError("the BVH file's motion part holds something that is not a number; it is damaged") from None
    if values.size and not np.abs(values).max() <= MAX_COORDINATE:
        raise MotionFileError(f"the BVH file's motion part holds a value that is not finite or above {MAX_COORDINATE:g}; it is damaged")
    return frame_time, values


def parse_bvh(text: str) -> Bvh:
    """The text of a BVH file to its skeleton and values; `MotionFileError` says what is wrong with it."""
    words = _Words(text.split())
    tree = _read_hierarchy(words)
    frame_time, values = _read_values(words, sum(len(channels) for channels in tree.channels))
    return Bvh(tuple(tree.names), np.array(tree.parents), np.array(tree.offsets), tuple(tree.channels), frame_time, values)


def read_bvh(path: Path) -> Bvh:
    """Reads a BVH file; `MotionFileError` where it cannot be read or understood."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MotionFileError(f"{path.name} has {path.stat().st_size} bytes; BVH files up to {MAX_BYTES} are read. Cut it into parts")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MotionFileError(f"{path} cannot be read: {error.strerror}. Choose another file") from error
    except UnicodeDecodeError:
        raise MotionFileError(f"{path.name} is not a text file, so it is not BVH. Choose another file") from None
    return parse_bvh(text)


def local_motion(bvh: Bvh) -> tuple[Array, Array]:
    """Rotations ``(F, J, 3, 3)`` R_parent_joint and places ``(F, J, 3)`` in the parent's frame, in the file's unit."""
    n_frames, n_joints = len(bvh.values), len(bvh.names)
    rotations = np.tile(np.eye(3), (n_frames, n_joints, 1, 1))
    places = np.tile(bvh.offsets, (n_frames, 1, 1))
    column = 0
    for joint, channels in enumerate(bvh.channels):
        for channel in channels:
            axis = "XYZ".index(channel[0])
            values = bvh.values[:, column]
            column += 1
            if channel.endswith("rotation"):
                rotations[:, joint] = rotations[:, joint] @ matrix_from_axis_angle(np.radians(values)[:, None] * np.eye(3)[axis])
            else:  # a position channel stands for the offset, as every CMU reader has it
                places[:, joint, axis] = values
    return rotations, places


def world_motion(bvh: Bvh) -> tuple[Array, Array]:
    """World rotations ``(F, J, 3, 3)`` R_world_joint and places ``(F, J, 3)`` of all joints, in the file's unit."""
    rotations, places = local_motion(bvh)
    for joint in range(1, len(bvh.names)):
        parent = bvh.parents[joint]
        places[:, joint] = places[:, parent] + np.einsum("fij,fj->fi", rotations[:, parent], places[:, joint])
        rotations[:, joint] = rotations[:, parent] @ rotations[:, joint]
    return rotations, places
