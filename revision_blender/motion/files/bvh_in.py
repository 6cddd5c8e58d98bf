"""BVH files of any skeleton as clips; several roots are several people."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import identity_of
from ..clip import Clip
from ..errors import MotionFileError
from ..retargeting.capture import Capture, rest_places
from ..retargeting.held_feet import with_held_feet
from ..retargeting.match import roles_of
from .bvh import Bvh, read_bvh, world_motion
from .framing import floor, framing_camera
from .motion_file import MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size, chosen_people
from .own_bvh import family_of, own_track

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.floating]

FORMAT = "BVH"


def matches(path: Path, head: bytes) -> bool:
    """Whether the file begins as BVH does, or says so by its extension and is text."""
    return re.match(rb"(\xef\xbb\xbf)?\s*HIERARCHY\b", head, re.IGNORECASE) is not None or path.suffix.lower() == ".bvh"


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    """The file's people on ``options.body``. Lengths and the up axis are guessed, and the notes say how."""
    from ..retargeting.onto_body import Performer, motion_file_of

    bvh = _checked(path)
    own = _own(bvh, path, shelf, options)
    if own is not None:
        return own
    captures = captures_of(bvh)
    notes = [] if len(captures) == len(_roots(bvh)) else ["Roots that are no body of two arms and two legs were left out."]
    performers = [Performer(name, capture) for name, capture in captures.items()]
    return motion_file_of(performers, path, FORMAT, shelf, options, notes)


def _own(bvh: Bvh, path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile | None:
    """The file as it is where it was written from a body of the shelf, y up with the floor at 0."""
    if len(_roots(bvh)) != 1 or options.up == "z":
        return None
    capture = _capture(bvh, 0, len(bvh.names), *world_motion(bvh))
    skeleton = family_of(capture)
    track = None if skeleton is None else own_track(capture, skeleton, "person", shelf, options)
    if track is None:
        return None
    chosen_people((track.track_id,), options, path)
    notes = [f"The skeleton is {track.model}'s; nothing was retargeted."]
    ground = floor("y")
    if options.clean_contacts and track.family != "smal":
        track, said = with_held_feet(track, identity_of(shelf.load(track.model), track.betas), bvh.fps, ground)
        notes.append(said)
    camera = framing_camera("y", track.translation, track.n_frames, options.size)
    clip = Clip(bvh.fps, camera, ground, (track,))
    return MotionFile(clip, FORMAT, camera_given=False, notes=tuple(notes), sources=(path,))


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
        capture = _capture(bvh, start, end, rotations, places)
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


def _capture(bvh: Bvh, start: int, end: int, rotations: Array, places: Array) -> Capture:
    """The joints from ``start`` to before ``end``, a root and all below it."""
    part = slice(start, end)
    parents = np.where(bvh.parents[part] < 0, -1, bvh.parents[part] - start)
    rest = rest_places(parents, bvh.offsets[part])
    return Capture(bvh.names[part], parents, rest, rotations[:, part], places[:, part], bvh.fps)


def _track_id(number: int, count: int) -> str:
    return "person" if count == 1 else f"person_{number + 1}"
