"""BVH files of any skeleton as clips; several roots are several people."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import MotionFileError
from ..retargeting.capture import Capture, rest_places
from ..retargeting.match import roles_of
from .bvh import Bvh, read_bvh, world_motion
from .motion_file import MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

FORMAT = "BVH"


def matches(path: Path, head: bytes) -> bool:
    """Whether the file begins as BVH does, or says so by its extension and is text."""
    return re.match(rb"(\xef\xbb\xbf)?\s*HIERARCHY\b", head, re.IGNORECASE) is not None or path.suffix.lower() == ".bvh"


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    """The file's people on ``options.body``. Lengths and the up axis are guessed, and the notes say how."""
    from ..retargeting.onto_body import Performer, motion_file_of

    bvh = _checked(path)
    captures = captures_of(bvh)
    notes = [] if len(captures) == len(_roots(bvh)) else ["Roots that are no body of two arms and two legs were left out."]
    performers = [Performer(name, capture) for name, capture in captures.items()]
    return motion_file_of(performers, path, FORMAT, shelf, options, notes)


def summary(path: Path) -> MotionSummary:
    """Who moves and for how long."""
    bvh = _checked(path)
    people = tuple(PersonSummary(name, bvh.n_frames) for name in captures_of(bvh))
    return MotionSummary(FORMAT, bvh.fps, bvh.n_frames, people, camera_given=False, family=None)


def _checked(path: Path) -> Bvh:
    bvh = read_bvh(path)
    check_size(path, bvh.n_frames, len(bvh.names))
    return bvh


def _roots(bvh: Bvh) -> list[int]:
    return [joint for joint, parent in enumerate(bvh.parents) if parent < 0]


def captures_of(bvh: Bvh) -> dict[str, Capture]:
    """Each root's skeleton by its track id, in the file's unit and axes: "person", or "person_1" and so on where there are several.

    Roots that are no body are left out; ``MotionFileError`` where none is one.
    """
    rotations, places = world_motion(bvh)
    ends = [*_roots(bvh)[1:], len(bvh.names)]
    captures = []
    refusal: MotionFileError | None = None
    for start, end in zip(_roots(bvh), ends, strict=True):
        part = slice(start, end)
        parents = np.where(bvh.parents[part] < 0, -1, bvh.parents[part] - start)
        rest = rest_places(parents, bvh.offsets[part])
        capture = Capture(bvh.names[part], parents, rest, rotations[:, part], places[:, part], bvh.fps)
        try:
            roles_of(capture)
        except MotionFileError as reason:
            refusal = reason
            continue
        captures.append(capture)
    if not captures:
        assert refusal is not None
        raise refusal
    return {_track_id(number, len(captures)): capture for number, capture in enumerate(captures)}


def _track_id(number: int, count: int) -> str:
    return "person" if count == 1 else f"person_{number + 1}"
