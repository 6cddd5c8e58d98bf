"""ReVision's own clips as motion files."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..clip import BodyTrack, Clip
from ..clip_file import load_clip
from ..errors import ClipError, MotionFileError
from ..npz_file import npz_arrays
from .framing import only_frames
from .motion_file import MotionFile, MotionSummary, PersonSummary, ReadOptions, chosen_people

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

FORMAT = "ReVision clip"
MAX_BYTES = 384 * 2**20
_FACTS = "clip.json"


def matches(path: Path, head: bytes) -> bool:
    if not head.startswith(b"PK"):
        return False
    try:
        return _FACTS in npz_arrays(path, error=MotionFileError, what="clip file")
    except MotionFileError:
        return False


def summary(path: Path) -> MotionSummary:
    clip = _clip(path)
    family = clip.bodies[0].family if clip.bodies else None
    return MotionSummary(
        FORMAT, clip.fps, clip.n_frames, tuple(_person(track) for track in clip.bodies), not only_frames(clip.camera), family
    )


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    clip = _clip(path)
    if options.people is not None:
        chosen = chosen_people(tuple(track.track_id for track in clip.bodies), options, path)
        clip = replace(clip, tracks=tuple(t for t in clip.tracks if not isinstance(t, BodyTrack) or t.track_id in chosen))
    return MotionFile(clip, FORMAT, not only_frames(clip.camera), (), (path,))


def _clip(path: Path) -> Clip:
    held = npz_arrays(path, error=MotionFileError, what="clip file")
    needed = sum(array.n_bytes for array in held.values())
    if needed > MAX_BYTES:
        raise MotionFileError(f"{path.name} unpacks to {needed} bytes; clips up to {MAX_BYTES} are read. Cut it into parts")
    try:
        return load_clip(path)
    except ClipError as reason:
        raise MotionFileError(str(reason)) from reason


def _person(track: BodyTrack) -> PersonSummary:
    seen = (track.confidence > 0.0).any(axis=1)
    return PersonSummary(track.track_id, int(seen.sum()), int(seen.argmax()) if seen.any() else 0)
