"""WHAM's ``wham_output.pkl``: several people as SMPL, each in the camera and each in a world of its own, y up.

A dictionary by person: ``pose`` (T, 72) and ``trans`` (T, 3) in camera coordinates, ``pose_world`` and ``trans_world``, ``betas`` (T, 10),
``frame_ids`` (T,) of the video's frames, ``verts`` (not used). Every person's world begins where that person does, so they do not fit
together. Here the world is that of the person seen longest; that person in both gives the camera's way, and the camera brings the
others. The lens is the one that WHAM assumes, the picture's diagonal; the picture's size and the frame rate are not in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..camera import Camera, default_focal
from ..clip import BodyTrack, Clip
from ..errors import MotionFileError
from ..pickles.head import is_pickle
from ..pickles.pickle_file import read_pickle
from ..skeletons import SMPL
from .framing import floor
from .lifted import camera_between, held, lowest_feet, moved, root_rest
from .motion_file import MAX_PEOPLE, MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size, chosen_people
from .smpl_values import fitted_shape, matrices, numbers, one_shape, rate

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

FORMAT = "WHAM"
MODEL = "smpl_neutral"
SIZE = (1920, 1080)  # where nothing is known: what phones film
MAX_BYTES = 384 * 2**20
_PIECES = 16 * 2**20  # what is neither array nor text: a few arrays for each person
_KEYS = ("pose", "trans", "pose_world", "trans_world", "frame_ids")

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Person:
    """frames: ``(T,)`` ascending. rotations: ``(T, 24, 3, 3)`` with the root to the camera; world: ``(T, 3, 3)`` the root to its world."""

    track_id: str
    frames: NDArray[np.int64]
    rotations: Array
    in_camera: Array
    world: Array
    in_world: Array
    betas: Array


def matches(path: Path, head: bytes) -> bool:
    return is_pickle(head) and path.suffix.lower() in (".pkl", ".pickle", ".joblib", ".pth")


def summary(path: Path) -> MotionSummary:
    found = _content(path)
    frames = {name: _frame_numbers(person, name, path) for name, person in found.items()}
    people = tuple(PersonSummary(name, len(at), int(at[0])) for name, at in frames.items())
    return MotionSummary(FORMAT, None, max(int(at[-1]) for at in frames.values()) + 1, people, True, "smpl")


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    found = _content(path)
    chosen = chosen_people(tuple(found), options, path)
    numbered = {name: _frame_numbers(person, name, path) for name, person in found.items()}
    n_frames = max(int(at[-1]) for at in numbered.values()) + 1
    check_size(path, n_frames * len(chosen), SMPL.n_joints)
    longest = max(numbered, key=lambda name: len(numbered[name]))
    guide = _person(found[longest], longest, numbered[longest], path)
    betas, _ = one_shape(guide.betas, path)
    poses = camera_between((guide.world, guide.in_world), (guide.rotations[:, 0], guide.in_camera), root_rest(MODEL, "smpl", betas, shelf))
    poses = poses[held(guide.frames, n_frames)[0]]
    fps, notes = rate(None, options)
    built = [_track(_person(found[name], name, numbered[name], path), poses, shelf, path) for name in chosen]
    tracks = tuple(track for track, _ in built)
    guided = next((track for track in tracks if track.track_id == longest), None) or _track(guide, poses, shelf, path)[0]
    width, height = options.size or SIZE
    center = np.array([width / 2.0, height / 2.0])
    camera = Camera(width, height, default_focal(width, height), center, poses)
    clip = Clip(fps, camera, floor("y", lowest_feet(guided, np.array([0.0, 1.0, 0.0]))), tracks)
    return MotionFile(clip, FORMAT, True, (*notes, *_remarks(options, len(found), longest, [more for _, more in built])), (path,))


def _remarks(options: ReadOptions, n_people: int, longest: str, more: list[tuple[str, ...]]) -> tuple[str, ...]:
    width, height = SIZE
    size = () if options.size else (f"The file does not say how large the picture is; {width} x {height} pixels are assumed.",)
    shared = (f"The world is that of {longest}, who is seen longest; the others stand where the camera sees them.",) if n_people > 1 else ()
    return tuple(dict.fromkeys((*size, *shared, *(note for notes in more for note in notes))))


def _content(path: Path) -> dict[str, Mapping[str, Any]]:
    """The people by track id, in order of their numbers."""
    found = read_pickle(path, error=MotionFileError, max_bytes=MAX_BYTES, max_pieces=_PIECES, what="pickled motion file")
    if not isinstance(found, dict):
        raise MotionFileError(f"{path.name} holds a {type(found).__name__}, which is no motion that is known; choose another file")
    if "v_template" in found:
        raise MotionFileError(f"{path.name} is a body model, not a motion; add it to your bodies in the preferences")
    if not found or not all(isinstance(person, dict) and set(_KEYS) <= set(person) for person in found.values()):
        held_keys = ", ".join(str(key)[:20] for key in list(found)[:6]) or "nothing"
        raise MotionFileError(f"{path.name} is no result of 4D-Humans, PHALP or WHAM (it has {held_keys}); choose another file")
    if len(found) > MAX_PEOPLE:
        raise MotionFileError(f"{path.name} has {len(found)} people; at most {MAX_PEOPLE} are read")
    if not all(isinstance(key, int | str | np.integer) for key in found):
        raise MotionFileError(f"{path.name} numbers its people by neither numbers nor words; make the file again")
    return {
        f"person {str(key)[:40]}": found[key]
        for key in sorted(found, key=lambda key: (isinstance(key, str), str(key) if isinstance(key, str) else int(key)))
    }


def _frame_numbers(person: Mapping[str, Any], name: str, path: Path) -> NDArray[np.int64]:
    frames = numbers(_array(person, "frame_ids"), f"frame_ids of {name}", path, None)
    check_size(path, len(frames), SMPL.n_joints)
    if frames[0] < 0 or (np.diff(frames) <= 0).any() or (frames != np.floor(frames)).any():
        raise MotionFileError(f"{path.name}: frame_ids of {name} are not ascending whole numbers; make the file again")
    check_size(path, int(frames[-1]) + 1, SMPL.n_joints)
    return frames.astype(np.int64)


def _array(person: Mapping[str, Any], key: str) -> Any:
    found = person.get(key)
    return np.asarray(found) if isinstance(found, list) and len(found) < 1 << 20 and all(isinstance(n, int) for n in found) else found


def _person(person: Mapping[str, Any], name: str, frames: NDArray[np.int64], path: Path) -> _Person:
    T = len(frames)
    rotations = matrices(numbers(person["pose"], f"pose of {name}", path, T, 72).reshape(T, 24, 3))
    world = matrices(numbers(person["pose_world"], f"pose_world of {name}", path, T, 72)[:, :3].reshape(T, 1, 3))[:, 0]
    in_camera = _places(person["trans"], f"trans of {name}", T, path)
    in_world = _places(person["trans_world"], f"trans_world of {name}", T, path)
    shape = person.get("betas")
    betas = numbers(shape, f"betas of {name}", path, T, None) if shape is not None else np.zeros((T, 10))
    return _Person(name, frames, rotations, in_camera, world, in_world, betas)


def _places(found: Any, what: str, n_frames: int, path: Path) -> Array:
    """``(T, 3)``: WHAM leaves a dimension of one around some of them."""
    if isinstance(found, np.ndarray) and found.size == 3 * n_frames:
        found = found.reshape(n_frames, 3)
    return numbers(found, what, path, n_frames, 3)


def _track(person: _Person, poses: Array, shelf: "BodyShelf", path: Path) -> tuple[BodyTrack, tuple[str, ...]]:
    n_frames = len(poses)
    shape, changing = one_shape(person.betas, path)
    betas, cut = fitted_shape(shape, MODEL, shelf)
    rest = root_rest(MODEL, "smpl", betas, shelf)
    shown, fresh = held(person.frames, n_frames)
    at = poses[person.frames]
    rotations, translation = moved(at[:, :3, :3], at[:, :3, 3], person.rotations, person.in_camera, rest)
    gaps = int((~fresh).sum())
    missing = (
        (f"{person.track_id} is not seen in {gaps} of {n_frames} frames; the last pose is held there, with confidence 0.",) if gaps else ()
    )
    confidence = np.repeat(fresh[:, None].astype(np.float64), SMPL.n_joints, axis=1)
    return BodyTrack(person.track_id, "smpl", MODEL, betas, rotations[shown], translation[shown], confidence), (*missing, *changing, *cut)
