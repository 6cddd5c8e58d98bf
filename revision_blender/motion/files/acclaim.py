"""Acclaim's ASF/AMC files as the CMU motion capture database has them: a skeleton file, and motions that belong to it.

A bone ``b`` has a direction and length in the world's axes at rest, and its own axes ``C``; with its angles as rotation ``M`` about
these, its rotation in the parent's frame is ``C M C^T``. An AMC file does not name its skeleton: it is the ASF file beside it.
Rotations in the order "XYZ" turn about x first: ``Rz Ry Rx``. The files carry no rate; CMU's is 120 frames a second.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from ..retargeting.capture import Capture, posed_places, rest_places
from .asf import Asf, read_asf, rotation_of
from .motion_file import MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size
from .number_text import numbers, quoted, read_text

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.floating]

FORMAT = "ASF/AMC"
CMU_FPS = 120.0
_AMC_BYTES = 20 * 2**20  # four minutes at 120 frames a second
_HEADER_BYTES = 2**18  # of comments, and of the first frame
_NAME = re.compile(rb"^[ \t]*([^\s\d.+-]\S*)", re.MULTILINE)  # what a line begins with, unless it is a number
_DEGREES = {"rx": 0, "ry": 1, "rz": 2}


def matches(path: Path, head: bytes) -> bool:
    """Whether it is an AMC file by its extension or its ``:FULLY-SPECIFIED`` line, or a skeleton file."""
    return path.suffix.lower() in (".amc", ".asf") or re.search(rb"^:FULLY-SPECIFIED", head, re.IGNORECASE | re.MULTILINE) is not None


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    """An AMC file, with the ASF file beside it, on ``options.body``; ``options.fps`` where it is not CMU's 120."""
    from ..retargeting.onto_body import Performer, motion_file_of

    asf_path = skeleton_beside(path)
    asf = read_asf(asf_path)
    values, columns = read_amc(path, asf)
    check_size(path, len(values), 2 * len(asf.bones) + 1)
    capture = capture_of(asf, values, columns, options.fps or CMU_FPS)
    notes = [f"The skeleton is {asf_path.name}."]
    if options.fps is None:
        notes.append(f"AMC files carry no rate; CMU's {CMU_FPS:g} frames a second were taken.")
    made = motion_file_of([Performer("person", capture, asf.metres, up_known=True)], path, FORMAT, shelf, options, notes)
    return MotionFile(made.clip, made.format, made.camera_given, made.notes, (path, asf_path))


def summary(path: Path) -> MotionSummary:
    """How long the motion is."""
    values, _ = read_amc(path, read_asf(skeleton_beside(path)))
    return MotionSummary(FORMAT, None, len(values), (PersonSummary("person", len(values)),), camera_given=False, family=None)


def skeleton_beside(path: Path) -> Path:
    """The ASF file of an AMC file: of its name, or of the part before its last underscore, or the only one in its folder."""
    if path.suffix.lower() == ".asf":
        raise MotionFileError(f"{path.name} is a skeleton without motion; choose the AMC file beside it")
    there = {found.name.lower(): found for found in sorted(path.parent.iterdir()) if found.suffix.lower() == ".asf"}
    for stem in (path.stem, path.stem.rsplit("_", maxsplit=1)[0]):
        if f"{stem.lower()}.asf" in there:
            return there[f"{stem.lower()}.asf"]
    if len(there) == 1:
        return next(iter(there.values()))
    raise MotionFileError(
        f"{path.name} needs its skeleton, an ASF file of the same name in the same folder; there are {len(there)}. Put it there"
    )


def read_amc(path: Path, asf: Asf) -> tuple[Array, dict[str, slice]]:
    """The motion's values ``(F, C)`` and each bone's columns; ``MotionFileError`` where file and skeleton do not fit."""
    text = read_text(path, "AMC")
    if len(text) > _AMC_BYTES:
        raise MotionFileError(f"{path.name} has {len(text)} bytes; AMC files up to {_AMC_BYTES} are read. Cut it into parts")
    return _parse_amc(text, asf)


def parse_amc(text: str, asf: Asf) -> tuple[Array, dict[str, slice]]:
    """The text of a motion file. Every frame has to name the same bones in the same order, as the database's files do."""
    return _parse_amc(text.encode("utf-8", errors="surrogatepass"), asf)


def _parse_amc(text: bytes, asf: Asf) -> tuple[Array, dict[str, slice]]:
    frames = _after_header(text)
    if frames.count(b"\n") > len(frames) // 4 + 1024:
        raise MotionFileError("the AMC file has hardly anything in its lines; it is damaged")
    names, columns = _layout(frames, asf)
    found = _NAME.findall(frames)
    n_frames = len(found) // len(names)
    if found != [name.encode() for name in names] * n_frames:
        wrong = next((at for at, name in enumerate(found) if name != names[at % len(names)].encode()), len(found) - 1)
        raise MotionFileError(
            f"the AMC file's frame {wrong // len(names) + 1} names other bones than the first, or is cut off; it is damaged"
        )
    width = 1 + sum(columns[name].stop - columns[name].start for name in names)
    rows = f"{n_frames} frames of {width}"
    values = numbers(_NAME.sub(b" ", frames), n_frames * width, "the AMC file", rows).reshape(n_frames, width)
    if (np.diff(values[:, 0]) != 1.0).any():
        raise MotionFileError("the AMC file's frames are not counted one after another; it is cut off or damaged")
    return values[:, 1:], columns


def _after_header(text: bytes) -> bytes:
    """What follows the lines of comments and flags."""
    at = 0
    while at < _HEADER_BYTES:
        end = text.find(b"\n", at)
        line = (text[at:] if end < 0 else text[at:end])[:_HEADER_BYTES].strip()
        if line and line[:1] not in b"#:":
            return text[at:]
        if end < 0:
            break
        at = end + 1
    raise MotionFileError("the AMC file has no frame 1; it holds no motion or is damaged")


def _layout(frames: bytes, asf: Asf) -> tuple[list[str], dict[str, slice]]:
    """The first frame's bones in order, and where each one's values are among a frame's."""
    lines = [line.split() for line in frames[:_HEADER_BYTES].decode("utf-8", errors="replace").splitlines()]
    if not lines or len(lines[0]) != 1 or not lines[0][0].isdecimal():
        raise MotionFileError("the AMC file has no frame 1; it holds no motion or is damaged")
    dof = {bone.name: bone.dof for bone in asf.bones} | {"root": asf.order}
    columns: dict[str, slice] = {}
    at = 0
    for words in lines[1:]:
        if len(words) == 1 and words[0].isdecimal():
            break
        if not words:
            continue
        name, count = words[0], len(words) - 1
        if name not in dof or name in columns:
            raise MotionFileError(
                f"the AMC file moves {quoted(name)}, which its skeleton does not have once; it belongs to another ASF file"
            )
        if count != len(dof[name]):
            raise MotionFileError(
                f"the AMC file gives {quoted(name)} {count} values where its skeleton has {len(dof[name])}; it belongs to another ASF file"
            )
        columns[name] = slice(at, at + count)
        at += count
    if "root" not in columns:
        raise MotionFileError("the AMC file does not move the root; it is damaged")
    return list(columns), columns


def capture_of(asf: Asf, values: Array, columns: dict[str, slice], fps: float) -> Capture:
    """The motion in the file's unit, y up; a joint is where its bone begins, "lfemur" the hip joint."""
    names = ["root", *(bone.name for bone in asf.bones)]
    index = {name: number for number, name in enumerate(names)}
    parents = [-1, *(index[asf.parents[bone.name]] for bone in asf.bones)]
    vectors = {bone.name: bone.direction * bone.length for bone in asf.bones} | {"root": np.zeros(3)}
    offsets = [np.zeros(3), *(vectors[asf.parents[bone.name]] for bone in asf.bones)]
    for bone in asf.bones:  # a bone's end is a joint too where no other bone begins
        if bone.name not in asf.parents.values():
            names.append(f"{bone.name} End Site")
            parents.append(index[bone.name])
            offsets.append(vectors[bone.name])
    order = np.array(parents)
    world = np.tile(np.eye(3), (len(values), len(names), 1, 1))
    for joint, name in enumerate(names):
        local = _local(asf, name, values, columns) if name in index else np.eye(3)
        world[:, joint] = local if order[joint] < 0 else world[:, order[joint]] @ local
    rest = rest_places(order, np.array(offsets))
    root = _channel(values, columns["root"], asf.order, ("tx", "ty", "tz"))
    return Capture(tuple(names), order, rest, world, posed_places(order, rest, world, root), fps)


def _local(asf: Asf, name: str, values: Array, columns: dict[str, slice]) -> Array:
    """``(F, 3, 3)`` rotation to the parent's frame."""
    if name not in columns:
        return np.broadcast_to(np.eye(3), (len(values), 3, 3))
    dof, axes = asf.order, asf.axes
    if name != "root":
        bone = next(bone for bone in asf.bones if bone.name == name)
        dof, axes = bone.dof, bone.axes
    angles = _channel(values, columns[name], dof, ("rx", "ry", "rz"))
    turned = rotation_of(angles if asf.degrees else np.degrees(angles), "".join(word[1] for word in dof if word in _DEGREES))
    return axes @ turned @ axes.T


def _channel(values: Array, columns: slice, dof: tuple[str, ...], wanted: tuple[str, str, str]) -> Array:
    result = np.zeros((len(values), 3))
    for at, word in enumerate(dof):
        if word in wanted:
            result[:, wanted.index(word)] = values[:, columns.start + at]
    return result
