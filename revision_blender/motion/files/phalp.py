"""4D-Humans' and PHALP's pickle: several people as SMPL in camera coordinates, frame by frame, with ghosts and gaps.

A dictionary of frames. In each, ``smpl``, ``camera``, ``conf`` and ``size`` have one entry for every track that is alive, in the order of
``tid``; that includes ghosts, tracks not seen at the moment (``tracked_time`` above 0), whose entries repeat the past. ``tracked_ids`` lists
only those seen, so it must never index the others. The first frames of a track were filled in afterwards, at the lists' ends.

The camera. The picture (W x H) is padded to a square of side S = max(W, H), with ``left = (S - W) // 2`` and ``top = (S - H) // 2``, and is
seen at 256 pixels with a focal length of 5000. A point X of the body, in metres, is at ``256 u = 5000 (X + t)_xy / (X + t)_z + 128``
with ``t = camera``; the file's ``2d_joints`` are these ``u`` in [0, 1]. In the picture's own pixels that is ``S u - (left, top)``, which a
pinhole camera with focal length ``5000 S / 256`` and centre ``S / 2 - (left, top)`` gives. So ``camera`` is the translation as it stands, and
people are as far away as this long lens makes them: about 100 m.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..camera import Camera
from ..clip import BodyTrack, Clip
from ..errors import MotionFileError
from ..pickles.head import pickle_head
from ..pickles.pickle_file import read_pickle
from ..skeletons import SMPL
from .framing import SIZE
from .lifted import floor_under, held
from .motion_file import MAX_PEOPLE, MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size, chosen_people
from .smpl_values import checked_matrices, fitted_shape, numbers, one_shape, rate

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

FORMAT = "4D-Humans"
MODEL = "smpl_neutral"
FOCAL, CROP = 5000.0, 256.0
MAX_BYTES = 384 * 2**20
# What is neither array nor text may take so many bytes, and so many for each byte on disk: a detection has 3 kB or more there, and 34 in pieces.
_PIECES = (24 * 2**20, 16)
_MAX_SIDE = 100_000
_SEEN = 0.01  # the least confidence of someone who was seen: 0 says that nobody was

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Seen:
    """One person's detections, in order of frames. frames: ``(N,)``. rotations: ``(N, 24, 3, 3)``. betas: ``(N, B)``."""

    track_id: str
    frames: NDArray[np.int64]
    rotations: Array
    places: Array
    betas: Array
    confidence: Array


def matches(path: Path, head: bytes) -> bool:
    start = pickle_head(path, head)
    return any(word in start for word in (b"tracked_ids", b"tracked_bbox", b"frame_path")) or (b"tid" in start and b"shot" in start)


def summary(path: Path) -> MotionSummary:
    frames = _frames(path)
    people = tuple(PersonSummary(name, len(at), int(at[0][0])) for name, at in _people(frames, path).items())
    return MotionSummary(FORMAT, None, len(frames), people, True, "smpl")


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    frames = _frames(path)
    people = _people(frames, path)
    chosen = chosen_people(tuple(people), options, path)
    check_size(path, len(frames) * len(chosen), SMPL.n_joints)
    fps, notes = rate(None, options)
    built = [_track(_seen(frames, name, people[name], path), len(frames), shelf, path) for name in chosen]
    tracks = tuple(track for track, _ in built)
    size, assumed = _size(frames, options, path)
    remarks = tuple(dict.fromkeys(note for _, more in built for note in more))
    lens = "The file's nominal lens is very long, so the people are far from the camera; their depths are not to be trusted."
    clip = Clip(fps, padded_camera(*size, len(frames)), floor_under(tracks), tracks)
    return MotionFile(clip, FORMAT, True, (*notes, *assumed, *remarks, lens), (path,))


def padded_camera(width: int, height: int, n_frames: int) -> Camera:
    """The camera of a ``width`` x ``height`` picture, at the world's origin; see the algebra above."""
    side = max(width, height)
    center = np.array([side / 2.0 - (side - width) // 2, side / 2.0 - (side - height) // 2])
    return Camera(width, height, FOCAL * side / CROP, center, np.tile(np.eye(4), (n_frames, 1, 1)))


def _frames(path: Path) -> list[Mapping[str, Any]]:
    """The file's frames in order of time."""
    pieces = min(MAX_BYTES, _PIECES[0] + _PIECES[1] * (path.stat().st_size if path.is_file() else 0))
    found = read_pickle(
        path,
        error=MotionFileError,
        max_bytes=MAX_BYTES,
        max_pieces=pieces,
        what="4D-Humans file",
    )
    if not isinstance(found, dict) or not all(isinstance(frame, dict) for frame in found.values()):
        raise MotionFileError(f"{path.name} is no dictionary of frames, so it is no result of 4D-Humans; choose another file")
    frames = list(found.values())
    check_size(path, len(frames), SMPL.n_joints)
    for number, frame in enumerate(frames):
        rows = [frame.get(key) for key in ("tid", "smpl", "camera")]
        if not all(isinstance(row, list) for row in rows) or len({len(row) for row in rows if isinstance(row, list)}) != 1:
            raise MotionFileError(f"{path.name}: tid, smpl and camera of frame {number} do not go together; track the video again")
    times = [frame.get("time") for frame in frames]
    if all(isinstance(time, int) for time in times):
        frames.sort(key=lambda frame: frame["time"])
    return frames


def _people(frames: list[Mapping[str, Any]], path: Path) -> dict[str, list[tuple[int, int]]]:
    """For each person, in order of their numbers, the frames in which they were seen and where in these frames' lists they stand."""
    found: dict[int, dict[int, int]] = {}
    for number, frame in enumerate(frames):
        seen = frame.get("tracked_time")
        really = frame.get("tracked_ids")
        for place, tid in enumerate(frame["tid"]):
            if not isinstance(tid, int | np.integer):
                raise MotionFileError(f"{path.name}: frame {number} has a track called {str(tid)[:20]!r}; a number is needed")
            fresh = seen[place] == 0 if isinstance(seen, list) and len(seen) > place else not isinstance(really, list) or tid in really
            if fresh:
                found.setdefault(int(tid), {}).setdefault(number, place)
    if not found:
        raise MotionFileError(f"{path.name} has {len(frames)} frames, and nobody is seen in any; choose another video or file")
    if len(found) > MAX_PEOPLE:
        raise MotionFileError(f"{path.name} has {len(found)} people; at most {MAX_PEOPLE} are read")
    return {f"person {tid}": sorted(found[tid].items()) for tid in sorted(found)}


def _seen(frames: list[Mapping[str, Any]], name: str, at: list[tuple[int, int]], path: Path) -> _Seen:
    rows = [_detection(frames[number], place, f"{name} in frame {number}", path) for number, place in at]
    betas = [row[2] for row in rows]
    if len({len(row) for row in betas}) != 1:
        raise MotionFileError(f"{path.name}: {name} has shapes of several lengths; track the video again")
    rotations = checked_matrices(np.stack([row[0] for row in rows]), f"the rotations of {name}", path)
    numbered = np.array([number for number, _ in at], dtype=np.int64)
    return _Seen(name, numbered, rotations, np.stack([row[1] for row in rows]), np.stack(betas), np.array([row[3] for row in rows]))


def _detection(frame: Mapping[str, Any], place: int, who: str, path: Path) -> tuple[Array, Array, Array, float]:
    """Rotations ``(24, 3, 3)``, camera ``(3,)``, betas ``(B,)`` and confidence."""
    smpl = frame["smpl"][place]
    if not isinstance(smpl, dict):
        raise MotionFileError(f"{path.name}: {who} has no SMPL body; track the video again")
    root = numbers(smpl.get("global_orient"), f"global_orient of {who}", path, 1, 3, 3)
    body = numbers(smpl.get("body_pose"), f"body_pose of {who}", path, 23, 3, 3)
    camera = frame["camera"][place]
    where = numbers(camera.reshape(-1) if isinstance(camera, np.ndarray) else camera, f"camera of {who}", path, 3)
    shape = smpl.get("betas")
    betas = numbers(shape.reshape(-1) if isinstance(shape, np.ndarray) else np.zeros(10), f"betas of {who}", path, None)
    confidences = frame.get("conf")
    sure = confidences[place] if isinstance(confidences, list) and len(confidences) > place else 1.0
    confidence = float(sure) if isinstance(sure, int | float | np.number) and np.isfinite(sure) else 1.0
    return np.concatenate([root, body]), where, betas, min(max(confidence, _SEEN), 1.0)


def _track(seen: _Seen, n_frames: int, shelf: "BodyShelf", path: Path) -> tuple[BodyTrack, tuple[str, ...]]:
    shown, fresh = held(seen.frames, n_frames)
    shape, changing = one_shape(seen.betas, path, seen.confidence)
    betas, cut = fitted_shape(shape, MODEL, shelf)
    confidence = np.repeat((seen.confidence[shown] * fresh)[:, None], SMPL.n_joints, axis=1)
    gaps = int((~fresh).sum())
    missing = (
        (f"{seen.track_id} is not seen in {gaps} of {n_frames} frames; the last pose is held there, with confidence 0.",) if gaps else ()
    )
    track = BodyTrack(seen.track_id, "smpl", MODEL, betas, seen.rotations[shown], seen.places[shown], confidence)
    return track, (*missing, *changing, *cut)


def _size(frames: list[Mapping[str, Any]], options: ReadOptions, path: Path) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Width and height of the picture, and a sentence where they were assumed."""
    for frame in frames:
        for row in frame.get("size") or ():
            values = [int(side) for side in row if isinstance(side, int | np.integer)] if isinstance(row, list | tuple | np.ndarray) else []
            if len(values) == 2:
                height, width = values
                if not 1 <= min(values) <= max(values) <= _MAX_SIDE:
                    raise MotionFileError(f"{path.name}: the picture is {width} x {height} pixels; sides from 1 to {_MAX_SIDE} are read")
                return (width, height), ()
    if options.size is not None:
        return options.size, ()
    return SIZE, (f"The file does not say how large the picture is; {SIZE[0]} x {SIZE[1]} pixels are assumed.",)
