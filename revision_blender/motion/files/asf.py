"""Acclaim's skeleton files (ASF): bones with a direction and a length at rest, axes of their own, and limits.

Directions are in the world's axes at rest; a bone's own axes are given by angles in an order such as "XYZ", which turns about x first:
``Rz Ry Rx``. The unit of length is written as a divisor of inches (CMU: 0.45, so that a unit is 5.64 cm).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from .number_text import number, quoted, read_text

Array = NDArray[np.floating]

INCH = 0.0254
MAX_BONES = 1024
_ASF_BYTES = 4 * 2**20
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


def rotation_of(degrees: Array, order: str) -> Array:
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
    axes = rotation_of(turned if degrees else np.degrees(turned), _order_of(root.get("axis", ["XYZ"])))
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
    axes = rotation_of(angles if degrees else np.degrees(angles), _order_of(axis[3:] or ["XYZ"]))
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
