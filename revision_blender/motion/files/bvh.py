"""Parser of BVH motion files: a joint hierarchy in words, then one row of channel values a frame.

Lengths stay in the file's unit; a file's rotations are degrees, applied in the order in which its channels are listed.
The format has no written standard; what is read here is what Biovision's own files, the CMU conversions and the exporters of
common programs write: several roots, joint names of several words, any spacing and case, end sites of every spelling.
A file comes from anywhere, so everything is checked and refused with `MotionFileError` in one sentence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from .number_text import MAX_COORDINATE, number, numbers, quoted, read_text, whole_rate

Array = NDArray[np.floating]

CHANNELS = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")
MAX_JOINTS = 1024
MAX_VALUES = 12 * 2**20  # frames times channels: 96 MiB of float64
MAX_HIERARCHY = 2 * 2**20  # bytes of the file before its motion; 1024 joints take a quarter of it
_HEADER = 4096  # ... and what says how many frames follow
_NAME_WORDS = 8  # a joint's name may have spaces ("Bip01 L Thigh")
_WHAT = "the BVH file"
_MOTION = re.compile(rb"\bMOTION\s+Frames\s*:\s*(\S+)\s+Frame\s*Time\s*:\s*(\S+)", re.IGNORECASE)
_CHANNEL_OF = {channel.lower(): channel for channel in CHANNELS}


@dataclass(frozen=True, eq=False)
class Bvh:
    """One motion file. A parent always comes before its children; entry 0 is a root, and there may be more.

    names: ``J`` joint names, an end site is its parent's name + "End Site". parents: ``(J,)``, roots -1. offsets: ``(J, 3)``
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
        return whole_rate(self.frame_time)

    @property
    def n_frames(self) -> int:
        return len(self.values)

    def joint(self, name: str) -> int:
        """Index of the joint of that name; `MotionFileError` where the skeleton has none."""
        if name not in self.names:
            raise MotionFileError(
                f"the skeleton has no joint {name!r}; it has {', '.join(self.names[:12])} … Use a file of the CMU skeleton"
            )
        return self.names.index(name)


@dataclass
class _Words:
    """The hierarchy's words, taken one after another."""

    words: Sequence[str]
    at: int = 0

    def next(self, wanted: str) -> str:
        if self.at >= len(self.words):
            raise MotionFileError(f"the BVH file ends where {wanted} should stand; it is cut off")
        self.at += 1
        return self.words[self.at - 1]

    def is_next(self, word: str) -> bool:
        return self.at < len(self.words) and self.words[self.at].upper() == word

    def expect(self, word: str) -> None:
        found = self.next(repr(word))
        if found.upper() != word.upper():
            raise MotionFileError(f"the BVH file has {quoted(found)} where {word!r} should stand; it is damaged or not BVH")

    def name(self, whose: str) -> str:
        """All words up to the brace, which is left."""
        taken = [self.next(f"the name of a {whose}")]
        while self.at < len(self.words) and self.words[self.at] != "{":
            taken.append(self.next("'{'"))
            if len(taken) > _NAME_WORDS:
                raise MotionFileError(f"the BVH file has {quoted(taken[1])} where '{{' should stand; it is damaged or not BVH")
        return " ".join(taken)

    def count(self, what: str, most: int) -> int:
        word = self.next(what)
        if not (word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= most):
            raise MotionFileError(f"the BVH file's {what} is {quoted(word)}; a whole number up to {most} is needed")
        return int(word)


class _Hierarchy:
    """Collects joints while the braces open and close."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.channels: list[tuple[str, ...]] = []
        self._alike: dict[str, int] = {}

    def open(self, words: _Words, name: str, parent: int, *, moves: bool) -> int:
        if len(self.names) >= MAX_JOINTS:
            raise MotionFileError(f"the BVH file has more than {MAX_JOINTS} joints; that is no skeleton")
        words.expect("{")
        self.names.append(self._distinct(name[:256]))
        self.parents.append(parent)
        self.offsets.append([0.0, 0.0, 0.0])
        self.channels.append(())
        while words.is_next("OFFSET") or words.is_next("CHANNELS"):
            if words.next("").upper() == "OFFSET":
                self.offsets[-1] = [number(words.next("an offset"), _WHAT, f"offset of {quoted(name)}") for _ in range(3)]
            else:
                self.channels[-1] = _channels(words, name)
        if not moves and self.channels[-1]:
            raise MotionFileError(f"the BVH file's {quoted(name)} has channels, which an end site cannot have; it is damaged")
        return len(self.names) - 1

    def _distinct(self, name: str) -> str:
        """The name, numbered where another joint has it: some exporters call several joints alike."""
        self._alike[name] = number_of = self._alike.get(name, 0) + 1
        return name if number_of == 1 else self._distinct(f"{name}.{number_of}")


def _channels(words: _Words, name: str) -> tuple[str, ...]:
    wanted = words.count(f"channel count of {quoted(name)}", 6)
    listed = [words.next(f"a channel of {quoted(name)}") for _ in range(wanted)]
    for channel in listed:
        if channel.lower() not in _CHANNEL_OF:
            raise MotionFileError(f"the BVH file's joint {quoted(name)} has the channel {quoted(channel)}; known are {', '.join(CHANNELS)}")
    found = tuple(_CHANNEL_OF[channel.lower()] for channel in listed)
    if len(set(found)) != len(found):
        raise MotionFileError(f"the BVH file's joint {quoted(name)} lists a channel twice: {' '.join(listed)}")
    return found


def _read_hierarchy(words: _Words) -> _Hierarchy:
    """Reads all roots; keeps its own stack, so that depth cannot exhaust Python's."""
    words.expect("HIERARCHY")
    tree = _Hierarchy()
    while words.at < len(words.words) or not tree.names:
        words.expect("ROOT")
        open_joints = [tree.open(words, words.name("root"), -1, moves=True)]
        while open_joints:
            _read_entry(words, tree, open_joints)
    return tree


def _read_entry(words: _Words, tree: _Hierarchy, open_joints: list[int]) -> None:
    word = words.next("'JOINT', 'End' or '}'")
    parent = open_joints[-1]
    if word == "}":
        open_joints.pop()
    elif word.upper() == "JOINT":
        open_joints.append(tree.open(words, words.name("joint"), parent, moves=True))
    elif word.upper() in ("END", "ENDSITE"):
        if not words.is_next("{"):
            words.name("end site")
        tree.open(words, f"{tree.names[parent]} End Site", parent, moves=False)
        words.expect("}")
    else:
        raise MotionFileError(f"the BVH file has {quoted(word)} where 'JOINT', 'End' or '}}' should stand; it is damaged")


def _timing(match: re.Match[bytes], n_channels: int) -> tuple[int, float]:
    words = _Words([match[1].decode("latin-1"), match[2].decode("latin-1")])
    n_frames = words.count("frame count", MAX_VALUES // max(n_channels, 1))
    frame_time = number(words.next("frame time"), _WHAT, "frame time")
    if n_frames < 1 or not 1e-4 <= frame_time <= 10.0:
        raise MotionFileError(f"the BVH file has {n_frames} frames of {frame_time} s; at least one, of 0.0001 to 10 s, is needed")
    return n_frames, frame_time


def _hierarchy_text(content: bytes, match: re.Match[bytes] | None) -> str:
    if match is None:
        if re.search(rb"\bHIERARCHY\b", content[:4096], re.IGNORECASE) is None:
            raise MotionFileError("the BVH file does not begin with 'HIERARCHY'; it is damaged or not BVH")
        if len(content) > MAX_HIERARCHY:
            raise MotionFileError(f"the BVH file's hierarchy takes more than {MAX_HIERARCHY} bytes; it is no skeleton")
        raise MotionFileError("the BVH file has no part 'MOTION' with 'Frames:' and 'Frame Time:'; it is cut off or damaged")
    return content[: match.start()].decode("utf-8", errors="replace")


def _parse(content: bytes) -> Bvh:
    match = _MOTION.search(content[: MAX_HIERARCHY + _HEADER])
    text = _hierarchy_text(content, match)
    tree = _read_hierarchy(_Words(text.replace("{", " { ").replace("}", " } ").split()))
    assert match is not None
    n_channels = sum(len(channels) for channels in tree.channels)
    n_frames, frame_time = _timing(match, n_channels)
    values = numbers(content[match.end() :], n_frames * n_channels, _WHAT, f"{n_frames} frames of {n_channels} channels")
    parents, offsets = np.array(tree.parents), np.array(tree.offsets)
    return Bvh(tuple(tree.names), parents, offsets, tuple(tree.channels), frame_time, values.reshape(n_frames, n_channels))


def parse_bvh(text: str) -> Bvh:
    """The text of a BVH file to its skeleton and values; `MotionFileError` says what is wrong with it."""
    return _parse(text.encode("utf-8", errors="surrogatepass"))


def read_bvh(path: Path) -> Bvh:
    """Reads a BVH file; `MotionFileError` where it cannot be read or understood."""
    return _parse(read_text(path, "BVH"))


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
                _turn(rotations[:, joint], axis, np.radians(values))
            else:  # a position channel stands for the offset, as every CMU reader has it
                places[:, joint, axis] = values
    return rotations, places


def _turn(rotations: Array, axis: int, angle: Array) -> None:
    """Multiplies ``(F, 3, 3)`` from the right by the turn about a coordinate axis, in place."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    first, second = rotations[:, :, a].copy(), rotations[:, :, b]
    rotations[:, :, a], rotations[:, :, b] = first * cosine + second * sine, second * cosine - first * sine


def world_motion(bvh: Bvh) -> tuple[Array, Array]:
    """World rotations ``(F, J, 3, 3)`` R_world_joint and places ``(F, J, 3)`` of all joints, in the file's unit."""
    rotations, places = local_motion(bvh)
    for joint, parent in enumerate(bvh.parents):
        if parent >= 0:
            places[:, joint] = places[:, parent] + np.einsum("fij,fj->fi", rotations[:, parent], places[:, joint])
            rotations[:, joint] = rotations[:, parent] @ rotations[:, joint]
    return rotations, places


__all__ = ["CHANNELS", "MAX_COORDINATE", "MAX_JOINTS", "MAX_VALUES", "Bvh", "local_motion", "parse_bvh", "read_bvh", "world_motion"]
