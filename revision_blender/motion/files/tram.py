"""TRAM's results folder: several people as SMPL in the camera, and the camera's way through a world without a known "up".

``camera.npy`` holds ``pred_cam_R`` (F, 3, 3) and ``pred_cam_T`` (F, 3), camera to world in metres (``world_cam_R``, ``world_cam_T`` in older
results), ``img_focal`` and ``img_center``; ``hps/hps_track_<k>.npy`` one person each: ``pred_rotmat`` (N, 24, 3, 3), ``pred_trans`` (N, 1, 3),
``pred_shape`` (N, 10) and ``frame`` (N,). Both are pickled dictionaries, with torch tensors inside. The floor is laid under the people's
feet, as TRAM does for its own pictures. Any file of the folder may be chosen.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..camera import Camera
from ..clip import BodyTrack, Clip
from ..errors import MotionFileError
from ..pickles.values import Refusal
from ..skeletons import SMPL
from .lifted import floor_under, held, moved, root_rest
from .motion_file import MAX_PEOPLE, MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size, chosen_people
from .smpl_values import checked_matrices, fitted_shape, numbers, one_shape, rate
from .torch_file import Tensor, read_pickled_npy

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

FORMAT = "TRAM"
MODEL = "smpl_neutral"
_PERSON = re.compile(r"hps_track_(\d{1,6})\.npy")

Array = NDArray[np.float64]
Held = Mapping[Any, Any]


@dataclass(frozen=True, eq=False)
class _Way:
    """The camera: T_world_camera ``(F, 4, 4)``, focal length in pixels, principal point ``(2,)``."""

    poses: Array
    focal: float
    center: Array


def matches(path: Path, head: bytes) -> bool:
    return _folder(path) is not None


def summary(path: Path) -> MotionSummary:
    folder = _known_folder(path)
    n_frames = len(_way(folder).poses)
    found = {name: _frame_numbers(held_values, n_frames, file) for name, (file, held_values) in _people(folder).items()}
    people = tuple(PersonSummary(name, len(at), int(at[0])) for name, at in found.items())
    return MotionSummary(FORMAT, None, n_frames, people, True, "smpl")


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    folder = _known_folder(path)
    way, people = _way(folder), _people(folder)
    chosen = chosen_people(tuple(people), options, path)
    check_size(path, len(way.poses) * len(chosen), SMPL.n_joints)
    fps, notes = rate(None, options)
    built = [_track(name, *people[name], way.poses, shelf) for name in chosen]
    tracks = tuple(track for track, _ in built)
    width, height = (max(1, round(2.0 * float(half))) for half in way.center)
    camera = Camera(width, height, way.focal, way.center, way.poses)
    remarks = tuple(dict.fromkeys(note for _, more in built for note in more))
    guess = "TRAM does not say which way is up; the floor is laid under the people's feet."
    sources = (folder / "camera.npy", *(people[name][0] for name in chosen))
    return MotionFile(Clip(fps, camera, floor_under(tracks), tracks), FORMAT, True, (*notes, *remarks, guess), sources)


def _folder(path: Path) -> Path | None:
    """The results folder of which ``path`` is part; None where it is of none."""
    for folder in (path, path.parent, path.parent.parent):
        if (folder / "camera.npy").is_file() and (folder / "hps").is_dir():
            return folder if path.is_dir() or path.suffix == ".npy" else None
    return None


def _known_folder(path: Path) -> Path:
    folder = _folder(path)
    if folder is None:
        raise MotionFileError(f"{path} is no results folder of TRAM: camera.npy and a folder hps are needed; choose another one")
    return folder


def _dictionary(file: Path) -> Held:
    found = read_pickled_npy(file, "TRAM file")
    if not isinstance(found, dict):
        raise MotionFileError(f"{file.name} holds no dictionary, so it is no result of TRAM; make it again")
    return found


def _array(held_values: Held, names: tuple[str, ...], file: Path) -> NDArray[Any]:
    """The numbers of the first of these names that is there: an array, a tensor or a plain number."""
    for name in names:
        found = held_values.get(name)
        if isinstance(found, int | float | np.number | np.ndarray):
            return np.asarray(found)
        if isinstance(found, Tensor):
            try:
                return found.array()
            except Refusal as reason:
                raise MotionFileError(f"{file.name} is not a whole TRAM file ({reason}); make it again") from reason
    raise MotionFileError(f"{file.name} lacks {names[0]}, so it is no result of TRAM; make it again")


def _way(folder: Path) -> _Way:
    file = folder / "camera.npy"
    values = _dictionary(file)
    R = _array(values, ("pred_cam_R", "world_cam_R"), file)
    check_size(file, len(R) if R.ndim else 0, SMPL.n_joints)
    poses = np.tile(np.eye(4), (len(R), 1, 1))
    poses[:, :3, :3] = checked_matrices(numbers(R, "pred_cam_R", file, len(R), 3, 3), "pred_cam_R", file)
    poses[:, :3, 3] = numbers(_array(values, ("pred_cam_T", "world_cam_T"), file), "pred_cam_T", file, len(R), 3)
    focal = float(numbers(_array(values, ("img_focal",), file).reshape(-1)[:1], "img_focal", file, 1)[0])
    center = numbers(_array(values, ("img_center",), file).reshape(-1)[:2], "img_center", file, 2)
    if not focal > 0.0 or not (center > 0.0).all():
        raise MotionFileError(f"{file.name}: the camera has focal length {focal:g} and centre {center}; make it again")
    return _Way(poses, focal, center)


def _people(folder: Path) -> dict[str, tuple[Path, Held]]:
    """The people's files by track id, the longest track first, as TRAM numbers them from 0."""
    found = {int(match.group(1)): file for file in (folder / "hps").iterdir() if (match := _PERSON.fullmatch(file.name))}
    if not found:
        raise MotionFileError(f"{folder} holds a camera but nobody in hps; run TRAM's estimate_humans on it")
    if len(found) > MAX_PEOPLE:
        raise MotionFileError(f"{folder} holds {len(found)} people; at most {MAX_PEOPLE} are read")
    return {f"person {number + 1}": (found[number], _dictionary(found[number])) for number in sorted(found)}


def _frame_numbers(values: Held, n_frames: int, file: Path) -> NDArray[np.int64]:
    frames = numbers(_array(values, ("frame",), file), "frame", file, None)
    if not len(frames) or frames[0] < 0 or frames[-1] >= n_frames or (np.diff(frames) <= 0).any():
        raise MotionFileError(f"{file.name}: its frames are not ascending numbers within the {n_frames} of the camera; make it again")
    return frames.astype(np.int64)


def _track(name: str, file: Path, values: Held, poses: Array, shelf: "BodyShelf") -> tuple[BodyTrack, tuple[str, ...]]:
    frames = _frame_numbers(values, len(poses), file)
    N = len(frames)
    found = numbers(_array(values, ("pred_rotmat",), file), "pred_rotmat", file, N, 24, 3, 3)
    rotations = checked_matrices(found, "pred_rotmat", file)
    place = _array(values, ("pred_trans",), file)
    in_camera = numbers(place.reshape(N, 3) if place.size == 3 * N else place, "pred_trans", file, N, 3)
    shape, changing = one_shape(numbers(_array(values, ("pred_shape",), file), "pred_shape", file, N, None), file)
    betas, cut = fitted_shape(shape, MODEL, shelf)
    at = poses[frames]
    turned, translation = moved(at[:, :3, :3], at[:, :3, 3], rotations, in_camera, root_rest(MODEL, "smpl", betas, shelf))
    shown, fresh = held(frames, len(poses))
    confidence = np.repeat(fresh[:, None].astype(np.float64), SMPL.n_joints, axis=1)
    gaps = int((~fresh).sum())
    missing = (f"{name} is not seen in {gaps} of {len(poses)} frames; the last pose is held there, with confidence 0.",) if gaps else ()
    return BodyTrack(name, "smpl", MODEL, betas, turned[shown], translation[shown], confidence), (*missing, *changing, *cut)
