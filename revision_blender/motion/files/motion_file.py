"""What every reader of a motion file takes and gives: options, a clip with its notes, and a quick summary.

A reader is a module of this folder with

    FORMAT: str                                   what the format is called to people
    matches(path, head) -> bool                   whether the file is one of its kind: by content, then by extension
    read(path, shelf, options) -> MotionFile      the whole of it
    summary(path) -> MotionSummary                who moves in it and for how long, without any body

It raises ``MotionFileError`` in one sentence for a file that it cannot take, reads through ``npz_file``, ``pickles`` or
``torch_file`` (never ``pickle`` or ``numpy.load``), and opens no path that stands inside a file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from ..clip import Clip
from ..errors import MotionFileError

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Up = Literal["y", "z"]

DEFAULT_FPS = 30.0  # for files that do not say: what every video lifter assumes
MAX_ROTATIONS = 3_000_000  # frames times joints of one file: 216 MB of matrices, 8 minutes of 52 joints at 120 frames a second
MAX_PEOPLE = 256  # as many as a clip holds


@dataclass(frozen=True)
class ReadOptions:
    """What the user wants of a file.

    people: track ids to bring (as ``MotionSummary`` names them), None for all. fps: the rate of a file that carries none.
    body: shelf name of the body that foreign skeletons are brought to; files of the SMPL family name their own. clean_contacts:
    whether feet in contact are held. size: the picture's width and height in pixels for a file that carries none.
    up: which axis of the file points up, None to find out.
    """

    people: tuple[str, ...] | None = None
    fps: float | None = None
    body: str = "open_human"
    clean_contacts: bool = False
    size: tuple[int, int] | None = None
    up: Up | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not 0.0 < self.fps <= 10_000.0:
            raise MotionFileError(f"a rate of {self.fps} frames a second is not possible; give one between 0 and 10000")


@dataclass(frozen=True, eq=False)
class MotionFile:
    """A motion file as a clip.

    format: what the file was. camera_given: whether the file says where the camera is; where not, the clip's camera only frames
    the motion. notes: sentences on what was assumed, left out or changed. sources: the files that were read.
    """

    clip: Clip
    format: str
    camera_given: bool
    notes: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()


@dataclass(frozen=True)
class PersonSummary:
    """One body of a file. n_frames: in how many frames it is seen. first_frame: the first of these, counted from 0 in the clip."""

    track_id: str
    n_frames: int
    first_frame: int = 0


@dataclass(frozen=True)
class MotionSummary:
    """What a file holds; agrees with what ``read`` gives.

    fps: None where the file does not say. n_frames: of the whole clip. family: whose skeleton the file has ("smplh" …), None
    for a foreign skeleton, which is brought to the family of ``ReadOptions.body``.
    """

    format: str
    fps: float | None
    n_frames: int
    people: tuple[PersonSummary, ...]
    camera_given: bool
    family: str | None


class Reader(Protocol):
    """A module of this folder that reads one format."""

    @property
    def FORMAT(self) -> str: ...

    def matches(self, path: Path, head: bytes) -> bool: ...

    def read(self, path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile: ...

    def summary(self, path: Path) -> MotionSummary: ...


def chosen_people(available: tuple[str, ...], options: ReadOptions, path: Path) -> tuple[str, ...]:
    """Those of the file's track ids that the user wants, in the file's order; ``MotionFileError`` names one that is not there."""
    if options.people is None:
        return available
    for wanted in options.people:
        if wanted not in available:
            listed = ", ".join(available[:12]) + (" …" if len(available) > 12 else "")
            raise MotionFileError(f"{path.name} has nobody called {wanted!r}; choose from: {listed}")
    chosen = tuple(name for name in available if name in options.people)
    if not chosen:
        raise MotionFileError(f"nobody of {path.name} is chosen; choose from: {', '.join(available[:12])}")
    return chosen


def check_size(path: Path, n_frames: int, n_joints: int) -> None:
    """Refuses a motion without frames and one that would not fit in memory, before any of it is made."""
    if n_frames < 1:
        raise MotionFileError(f"{path.name} holds no frames; record at least one or choose another file")
    if n_frames * n_joints > MAX_ROTATIONS:
        raise MotionFileError(
            f"{path.name} has {n_frames} frames of {n_joints} joints; up to {MAX_ROTATIONS // max(n_joints, 1)} frames of so many are read. "
            "Cut it into parts"
        )
