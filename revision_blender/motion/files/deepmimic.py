"""DeepMimic's motion files (Peng et al. 2018): the humanoid and the dog.

A file is JSON: ``Loop`` ("wrap" or "none") and ``Frames``, rows of numbers: seconds to the next frame, the root's place, its rotation
as a quaternion (w, x, y, z), then each joint of the character in the order of its character file: a quaternion for a spherical
joint, an angle about z for a revolute one, nothing for a fixed one. The last row's time means nothing. The characters stand y up,
face +x and have their right at +z; lengths are metres. Which character it is, is told by the length of the rows.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from ..retargeting.capture import Capture, posed_places, rest_places
from ..rotation import matrix_from_axis_angle, matrix_from_quaternion
from .motion_file import DEFAULT_FPS, MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size
from .number_text import MAX_COORDINATE, read_text, whole_rate

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.floating]

FORMAT = "DeepMimic"
_MAX_BYTES = 10 * 2**20  # the longest file of the project has 3
_MAX_ROWS = 100_000
_MAX_ROW_LETTERS = 100_000

# name, parent, kind (s spherical, r revolute, f fixed), place in the parent's frame: the character files' Attach values, metres
_HUMANOID = (
    ("root", "", "s", (0.0, 0.0, 0.0)), ("chest", "root", "s", (0.0, 0.236151, 0.0)), ("neck", "chest", "s", (0.0, 0.223894, 0.0)),
    ("right_hip", "root", "s", (0.0, 0.0, 0.084887)), ("right_knee", "right_hip", "r", (0.0, -0.421546, 0.0)),
    ("right_ankle", "right_knee", "s", (0.0, -0.40987, 0.0)), ("right_shoulder", "chest", "s", (-0.02405, 0.2435, 0.18311)),
    ("right_elbow", "right_shoulder", "r", (0.0, -0.274788, 0.0)), ("right_wrist", "right_elbow", "f", (0.0, -0.258947, 0.0)),
    ("left_hip", "root", "s", (0.0, 0.0, -0.084887)), ("left_knee", "left_hip", "r", (0.0, -0.421546, 0.0)),
    ("left_ankle", "left_knee", "s", (0.0, -0.40987, 0.0)), ("left_shoulder", "chest", "s", (-0.02405, 0.2435, -0.18311)),
    ("left_elbow", "left_shoulder", "r", (0.0, -0.274788, 0.0)), ("left_wrist", "left_elbow", "f", (0.0, -0.258947, 0.0)),
)  # fmt: skip
_DOG = (
    ("root", "", "s", (0.0, 0.0, 0.0)), ("spine0", "root", "s", (0.0, 0.0, 0.0)), ("spine1", "spine0", "s", (0.2375, 0.0, 0.0)),
    ("neck", "spine1", "s", (0.28135, 0.0, 0.0)), ("head", "neck", "s", (0.175, 0.0, 0.0)),
    ("left_shoulder", "spine1", "s", (0.304074, -0.109983, -0.106071)), ("left_forearm", "left_shoulder", "r", (0.0, -0.19, 0.0)),
    ("left_hand", "left_forearm", "s", (0.0, -0.2225, 0.0)), ("left_finger", "left_hand", "s", (0.0, -0.09, 0.0)),
    ("right_shoulder", "spine1", "s", (0.304074, -0.109983, 0.106071)), ("right_forearm", "right_shoulder", "r", (0.0, -0.19, 0.0)),
    ("right_hand", "right_forearm", "s", (0.0, -0.2225, 0.0)), ("right_finger", "right_hand", "s", (0.0, -0.09, 0.0)),
    ("left_upper_leg", "root", "s", (-0.074803, -0.095825, -0.05986)), ("left_leg", "left_upper_leg", "r", (0.0, -0.2, 0.0)),
    ("left_foot", "left_leg", "s", (0.0, -0.225, 0.0)), ("left_toe", "left_foot", "s", (0.0, -0.135, 0.0)),
    ("right_upper_leg", "root", "s", (-0.074803, -0.095825, 0.05986)), ("right_leg", "right_upper_leg", "r", (0.0, -0.2, 0.0)),
    ("right_foot", "right_leg", "s", (0.0, -0.225, 0.0)), ("right_toe", "right_foot", "s", (0.0, -0.135, 0.0)),
    ("tail0", "root", "s", (-0.086, 0.0, 0.0)), ("tail1", "tail0", "s", (-0.2, 0.0, 0.0)),
)  # fmt: skip
# The dog's head is a box whose long side goes from (0.08, 0.055) to (0.08, -0.135): at rest the muzzle points down and forward.
_MUZZLE = {"head": -np.arctan2(0.135, 0.08)}  # radians about z from the joint's x to the muzzle
_SIZES = {"s": 4, "r": 1, "f": 0}
_Joints = tuple[tuple[str, str, str, tuple[float, float, float]], ...]


def _row_length(joints: _Joints) -> int:
    """Numbers in a row: time and place, then the joints', the root's first."""
    return 4 + sum(_SIZES[kind] for _, _, kind, _ in joints)


CHARACTERS: dict[str, _Joints] = {"humanoid": _HUMANOID, "dog": _DOG}


@dataclass(frozen=True, eq=False)
class DeepMimicMotion:
    """character: "humanoid" or "dog". frames: ``(F, C)`` as in the file. loops: whether it goes on from its start."""

    character: str
    frames: Array
    loops: bool

    @property
    def fps(self) -> float | None:
        """From the frames' own times; None where there is one frame, or no time between them."""
        steps = self.frames[:-1, 0]
        mean = float(steps.mean()) if len(steps) else 0.0
        return whole_rate(mean) if 1e-4 <= mean <= 10.0 else None


def matches(path: Path, head: bytes) -> bool:
    """Whether it is JSON text that speaks of a loop and frames, as DeepMimic's does."""
    return re.match(rb"(\xef\xbb\xbf)?\s*\{", head) is not None and re.search(rb'"(Loop|Frames)"', head) is not None


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    """The humanoid on ``options.body``, the dog on an animal's body."""
    from ..retargeting.onto_body import Performer, motion_file_of

    motion = read_deepmimic(path)
    check_size(path, len(motion.frames), len(CHARACTERS[motion.character]))
    notes = ["The file loops: its last frame leads on to its first."] if motion.loops else []
    if not np.allclose(motion.frames[:-1, 0], motion.frames[:1, 0], rtol=0.05):
        notes.append("The frames' times differ by more than 5 %; they were taken as even.")
    performer = Performer(_track_id(motion), capture_of(motion, options.fps), 1.0, up_known=True)
    return motion_file_of([performer], path, FORMAT, shelf, options, notes)


def summary(path: Path) -> MotionSummary:
    """How long the motion is, and whose."""
    motion = read_deepmimic(path)
    people = (PersonSummary(_track_id(motion), len(motion.frames)),)
    return MotionSummary(FORMAT, motion.fps, len(motion.frames), people, camera_given=False, family=None)


def _track_id(motion: DeepMimicMotion) -> str:
    return "dog" if motion.character == "dog" else "person"


def read_deepmimic(path: Path) -> DeepMimicMotion:
    """A motion file; ``MotionFileError`` where it cannot be read or understood."""
    text = read_text(path, "DeepMimic")
    if len(text) > _MAX_BYTES:
        raise MotionFileError(f"{path.name} has {len(text)} bytes; DeepMimic files up to {_MAX_BYTES} are read. Cut it into parts")
    return parse_deepmimic(text.decode("utf-8", errors="replace"))


def parse_deepmimic(text: str) -> DeepMimicMotion:
    """The text of a motion file."""
    try:
        stored = json.loads(_shallow(text), parse_int=float)
    except (ValueError, RecursionError) as reason:
        raise MotionFileError(f"the DeepMimic file is not JSON ({str(reason)[:80]}); it is cut off or damaged") from None
    rows = stored.get("Frames") if isinstance(stored, dict) else None
    if not isinstance(rows, list) or not rows:
        raise MotionFileError("the DeepMimic file has no 'Frames', or none in them; choose a motion file, not a character's")
    frames = _matrix(rows)
    for character, joints in CHARACTERS.items():
        if frames.shape[1] == _row_length(joints):
            _check(frames, joints)
            return DeepMimicMotion(character, frames, str(stored.get("Loop", "none")).lower() == "wrap")
    known = ", ".join(f"{_row_length(joints)} (the {name})" for name, joints in CHARACTERS.items())
    raise MotionFileError(f"the DeepMimic file's frames have {frames.shape[1]} numbers; known are {known}")


def _shallow(text: str) -> str:
    """The text, refused where its lists are deeper, longer or more than frames in a list in an object can be."""
    if text.count("[") + text.count("{") > _MAX_ROWS:
        raise MotionFileError(f"the DeepMimic file holds more than {_MAX_ROWS} lists; it is damaged, or has to be cut into parts")
    depth = before = 0
    for bracket in re.finditer(r"[\[\]{}]|$", text):
        if bracket.start() - before > _MAX_ROW_LETTERS:
            raise MotionFileError(
                f"the DeepMimic file has a row of {bracket.start() - before} letters; a frame takes a hundredth. It is damaged"
            )
        before = bracket.end()
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
        if depth > 8:
            raise MotionFileError("the DeepMimic file nests its lists more than 8 deep; it is damaged")
    return text


def _matrix(rows: list[object]) -> Array:
    if any(not isinstance(row, list) or len(row) != len(rows[0]) for row in rows):  # type: ignore[arg-type]
        raise MotionFileError("the DeepMimic file's frames are not rows of one length; it is damaged")
    if any(type(value) is not float for row in rows for value in row):  # type: ignore[attr-defined]
        raise MotionFileError("the DeepMimic file's frames hold something that is not a number; it is damaged")
    frames = np.array(rows, dtype=np.float64)
    if frames.size and not np.abs(frames).max() <= MAX_COORDINATE:
        raise MotionFileError(f"the DeepMimic file's frames hold a value that is not finite or above {MAX_COORDINATE:g}; it is damaged")
    return frames


def _check(frames: Array, joints: _Joints) -> None:
    for name, columns, kind in _columns(joints):
        if kind == "s" and np.linalg.norm(frames[:, columns], axis=1).min() < 0.1:
            raise MotionFileError(f"the DeepMimic file has a rotation of {name!r} that is no quaternion; it is damaged")


def _columns(joints: _Joints) -> list[tuple[str, slice, str]]:
    """Each joint's columns in a row."""
    result, at = [], 4
    for name, _, kind, _ in joints:
        result.append((name, slice(at, at + _SIZES[kind]), kind))
        at += _SIZES[kind]
    return result


def capture_of(motion: DeepMimicMotion, fps: float | None = None) -> Capture:
    """The motion in metres, y up. fps: for a file that does not say."""
    joints = CHARACTERS[motion.character]
    names = tuple(name for name, _, _, _ in joints)
    parents = np.array([names.index(parent) if parent else -1 for _, parent, _, _ in joints])
    rest = rest_places(parents, np.array([place for _, _, _, place in joints]))
    world = np.tile(np.eye(3), (len(motion.frames), len(joints), 1, 1))
    for joint, (_, columns, kind) in enumerate(_columns(joints)):
        if kind == "s":
            local = matrix_from_quaternion(motion.frames[:, columns])
        elif kind == "r":
            angle = motion.frames[:, columns.start] * 0.5
            zero = np.zeros_like(angle)
            local = matrix_from_quaternion(np.stack([np.cos(angle), zero, zero, np.sin(angle)], axis=-1))
        else:
            local = np.eye(3)
        world[:, joint] = local if parents[joint] < 0 else world[:, parents[joint]] @ local
    if motion.character == "dog":  # the head's frame so that its x is the muzzle, as its body's is; nothing hangs on it
        for name, angle in _MUZZLE.items():
            world[:, names.index(name)] = world[:, names.index(name)] @ matrix_from_axis_angle(np.array([0.0, 0.0, angle]))
    places = posed_places(parents, rest, world, motion.frames[:, 1:4])
    return Capture(names, parents, rest, world, places, motion.fps or fps or DEFAULT_FPS)
