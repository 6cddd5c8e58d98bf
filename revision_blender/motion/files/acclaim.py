"""Acclaim's ASF/AMC files as the CMU motion capture database has them: a skeleton file, and motions that belong to it.

A bone ``b`` has a direction and length in the world's axes at rest, and its own axes ``C``; with its angles as rotation ``M`` about
these, its rotation in the parent's frame is ``C M C^T``. An AMC file does not name its skeleton: it is the ASF file beside it.
Rotations in the order "XYZ" turn about x first: ``Rz Ry Rx``. The files carry no rate; CMU's is 120 frames a second.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from ..retargeting.capture import Capture, posed_places, rest_places
from .motion_file import MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size
from .number_text import number, numbers, quoted, read_text

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.floating]

FORMAT = "ASF/AMC"
CMU_FPS = 120.0
INCH = 0.0254
MAX_BONES = 1024
_ASF_BYTES = 4 * 2**20
_AMC_BYTES = 16 * 2**20  # two minutes at 120 frames a second
_HEADER_BYTES = 2**18  # of comments, and of the first frame
_NAME = re.compile(rb"^[ \t]*([^\s\d.+-]\S*)", re.MULTILINE)  # what a line begins with, unless it is a number
_DEGREES = {"rx": 0, "ry": 1, "rz": 2}
_ROOT = {"tx", "ty", "tz", "rx", "ry", "rz"}


@dataclass(frozen=True, eq=False)
class Bone:
    """direction: ``(3,)`` unit vector at rest. length: the file's unit. axes: ``(3, 3)`` its own axes in the world at rest. dof: what
    of it moves, in the order of the AMC's columns. limits: degrees, one pair for each of ``dof``, where the file has them."""

    name: str
    direction: Array
    length: float
    axes: Array
    dof: tuple[str, ...]
    limits: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Asf:
    """A skeleton. bones: without the root, a parent before its children. parents: bone name to its parent's. order: of the root's
    values. axes: ``(3, 3)`` of the root. metres: length of the file's unit. degrees: whether angles are."""

    bones: tuple[Bone, ...]
    parents: dict[str, str]
    order: tuple[str, ...]
    axes: Array
    metres: float
    degrees: bool


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


def _rotation(degrees: Array, order: str) -> Array:
    """``(..., 3, 3)`` of angles ``(..., 3)`` about x, y, z, the first of ``order`` applied first."""
    result = np.broadcast_to(np.eye(3), (*degrees.shape[:-1], 3, 3))
    for letter in order.upper():
        axis = "XYZ".index(letter)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn = np.zeros((*degrees.shape[:-1], 3, 3))
        cosine, sine = np.cos(np.radians(degrees[..., axis])), np.sin(np.radians(degrees[..., axis]))
        turn[..., axis, axis] = 1.0
        turn[..., a, a], turn[..., a, b], turn[..., b, a], turn[..., b, b] = cosine, -sine, sine, cosine
        result = turn @ result
    return result


def read_asf(path: Path) -> Asf:
    """A skeleton file; ``MotionFileError`` where it cannot be read or understood."""
    text = read_text(path, "ASF")
    if len(text) > _ASF_BYTES:
        raise MotionFileError(f"the ASF file {path.name} has {len(text)} bytes; a skeleton takes at most {_ASF_BYTES}. It is damaged")
    return parse_asf(text.decode("utf-8", errors="replace"))


def parse_asf(text: str) -> Asf:
    """The text of a skeleton file."""
    sections = _sections(text)
    for name in ("bonedata", "hierarchy"):
        if name not in sections:
            raise MotionFileError(f"the ASF file has no part ':{name}'; it is cut off or not ASF")
    units = {row[0].lower(): row[1] for row in sections.get("units", ()) if len(row) > 1}
    scale = number(units.get("length", "1"), "the ASF file", "unit of length")
    if not 1e-6 < scale <= 1e6:
        raise MotionFileError(f"the ASF file's unit of length is {scale}; it must be positive")
    degrees = units.get("angle", "deg").lower().startswith("deg")
    root = {row[0].lower(): row[1:] for row in sections.get("root", ()) if row}
    order = tuple(word.lower() for word in root.get("order", ["tx", "ty", "tz", "rx", "ry", "rz"]))
    if set(order) - _ROOT or len(set(order)) != len(order):
        raise MotionFileError(
            f"the ASF file's root has the order {' '.join(order)[:60]}; each of {', '.join(sorted(_ROOT))} at most once is known"
        )
    turned = _numbers(root.get("orientation", ["0", "0", "0"]), 3, "root's orientation")
    axes = _rotation(turned if degrees else np.degrees(turned), _order_of(root.get("axis", ["XYZ"])))
    bones = {bone.name: bone for bone in _bones(sections["bonedata"], degrees)}
    parents = _parents(sections["hierarchy"], set(bones))
    return Asf(tuple(bones[name] for name in parents), parents, order, axes, INCH / scale, degrees)


def _sections(text: str) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#", maxsplit=1)[0].split()
        if words and words[0].startswith(":"):
            rows = found.setdefault(words[0][1:].lower(), [])
            words = words[1:]
        if words:
            rows.append(words)
    return found


def _numbers(words: list[str], count: int, what: str) -> Array:
    if len(words) < count:
        raise MotionFileError(f"the ASF file's {what} has {len(words)} numbers; {count} are needed")
    return np.array([number(word, "the ASF file", what) for word in words[:count]])


def _order_of(words: list[str]) -> str:
    order = words[0].upper() if words else ""
    if sorted(order) != ["X", "Y", "Z"]:
        raise MotionFileError(f"the ASF file has the axis order {quoted(order)}; an order of X, Y and Z is needed")
    return order


def _bones(rows: list[list[str]], degrees: bool) -> Iterator[Bone]:
    fields: dict[str, list[str]] = {}
    last, count = "", 0
    for row in rows:
        key = row[0].lower()
        if key == "begin":
            fields, last = {}, ""
        elif key == "end":
            count += 1
            if count > MAX_BONES:
                raise MotionFileError(f"the ASF file has more than {MAX_BONES} bones; that is no skeleton")
            yield _bone(fields, degrees)
        elif key.startswith("("):  # limits go on over lines
            fields.setdefault(last or "limits", []).extend(row)
        else:
            fields[key], last = row[1:], key


def _bone(fields: dict[str, list[str]], degrees: bool) -> Bone:
    name = (fields.get("name") or [""])[0]
    if not name:
        raise MotionFileError("the ASF file has a bone without a name; it is damaged")
    what = f"bone {quoted(name)}"
    axis = fields.get("axis", ["0", "0", "0", "XYZ"])
    angles = _numbers(axis, 3, f"{what}'s axis")
    direction = _numbers(fields.get("direction", []), 3, f"{what}'s direction")
    dof = tuple(word.lower() for word in fields.get("dof", []))
    if len(dof) > 7 or set(dof) - _ROOT - {"l"} or len(set(dof)) != len(dof):
        raise MotionFileError(
            f"the ASF file's {what} has the degrees of freedom {' '.join(dof)[:40]}; rx, ry, rz, tx, ty, tz and l are known"
        )
    length = float(_numbers(fields.get("length", []), 1, f"{what}'s length")[0])
    limits = _limits(fields.get("limits", []), len(dof), what)
    size = np.linalg.norm(direction)
    if length < 0.0 or not (size > 0.0 or length == 0.0):
        raise MotionFileError(f"the ASF file's {what} has length {length} along {direction.tolist()}; a direction and a length are needed")
    axes = _rotation(angles if degrees else np.degrees(angles), _order_of(axis[3:] or ["XYZ"]))
    return Bone(name, direction / max(float(size), 1e-12), length, axes, dof, limits)


def _limits(words: list[str], count: int, what: str) -> tuple[tuple[float, float], ...]:
    plain = " ".join(words).replace("(", " ").replace(")", " ").split()
    if not plain:
        return ()
    if len(plain) != 2 * count:
        raise MotionFileError(f"the ASF file's {what} has {len(plain)} limits; {2 * count} are needed")
    values = [min(max(float(word), -1e6), 1e6) if "inf" in word.lower() else number(word, "the ASF file", "limit") for word in plain]
    return tuple((values[2 * at], values[2 * at + 1]) for at in range(count))


def _parents(rows: list[list[str]], known: set[str]) -> dict[str, str]:
    """Bone to parent, parents first; each bone hangs on one that was named before."""
    listed = {child: row[0] for row in rows if row[0].lower() not in ("begin", "end") for child in row[1:]}
    for child, parent in listed.items():
        if child not in known or (parent != "root" and parent not in known):
            raise MotionFileError(f"the ASF file hangs {quoted(child)} on {quoted(parent)}, and one of them is no bone of it")
    below: dict[str, list[str]] = {}
    for child, parent in listed.items():
        below.setdefault(parent, []).append(child)
    ordered: dict[str, str] = {}
    waiting = list(reversed(below.get("root", [])))
    while waiting:
        name = waiting.pop()
        ordered[name] = listed[name]
        waiting.extend(reversed(below.get(name, [])))
    if len(ordered) != len(listed):
        raise MotionFileError("the ASF file's hierarchy goes in a circle or does not hang on the root; it is damaged")
    return ordered


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
    turned = _rotation(angles if asf.degrees else np.degrees(angles), "".join(word[1] for word in dof if word in _DEGREES))
    return axes @ turned @ axes.T


def _channel(values: Array, columns: slice, dof: tuple[str, ...], wanted: tuple[str, str, str]) -> Array:
    result = np.zeros((len(values), 3))
    for at, word in enumerate(dof):
        if word in wanted:
            result[:, wanted.index(word)] = values[:, columns.start + at]
    return result
