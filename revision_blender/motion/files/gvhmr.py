"""GVHMR's ``hmr4d_results.pt``: one person as SMPL-X's 22 body joints, in the camera and in a world with y up.

``smpl_params_global`` and ``smpl_params_incam`` hold ``body_pose`` (L, 63), ``global_orient`` (L, 3), ``betas`` (L, 10) and
``transl`` (L, 3); ``K_fullimg`` (L, 3, 3). The same body in both gives the camera's way through the world, whose lowest
joint is at y = 0, so that the floor is a sole below. The video was read at 30 frames a second. Everything else in the file is left unread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..camera import Camera
from ..clip import BodyTrack, Clip
from ..errors import MotionFileError
from ..skeletons import SMPLX
from .framing import floor
from .lifted import SOLE, camera_between, root_rest
from .motion_file import MotionFile, MotionSummary, PersonSummary, ReadOptions, check_size, chosen_people
from .smpl_values import fitted_shape, matrices, numbers, one_shape, rate
from .torch_file import Tensor, torch_tensors

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

FORMAT = "GVHMR"
PERSON = "person 1"
MODEL = "smplx_neutral"
_WORLD, _CAMERA = "smpl_params_global", "smpl_params_incam"
_BODY_JOINTS = 22


@dataclass(frozen=True, eq=False)
class _Params:
    """rotations: ``(F, 22, 3, 3)``. translation: ``(F, 3)``. betas: ``(F, B)``."""

    rotations: NDArray[np.float64]
    translation: NDArray[np.float64]
    betas: NDArray[np.float64]


def matches(path: Path, head: bytes) -> bool:
    name = path.suffix.lower()
    return (head.startswith(b"PK") and (name in (".pt", ".pth") or b"data.pkl" in head[:256])) or name in (".pt", ".pth")


def summary(path: Path) -> MotionSummary:
    _check_head(path)
    with torch_tensors(path, "GVHMR file") as root:
        n_frames = len(_tensor(_part(root, _WORLD, path), "transl", path))
    check_size(path, n_frames, SMPLX.n_joints)
    return MotionSummary(FORMAT, None, n_frames, (PersonSummary(PERSON, n_frames),), True, "smplx")


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    chosen_people((PERSON,), options, path)
    _check_head(path)
    with torch_tensors(path, "GVHMR file") as root:
        world = _params(_part(root, _WORLD, path), _WORLD, path)
        camera = _params(_part(root, _CAMERA, path), _CAMERA, path)
        K = numbers(_tensor(root, "K_fullimg", path), "K_fullimg", path, None, 3, 3)
    n_frames = len(world.translation)
    if len(camera.translation) != n_frames or len(K) not in (1, n_frames):
        raise MotionFileError(f"{path.name} has {n_frames} frames in the world, {len(camera.translation)} in the camera; make it again")
    fps, notes = rate(None, options)
    betas, changing = one_shape(world.betas, path)
    betas, cut = fitted_shape(betas, MODEL, shelf)
    rest = root_rest(MODEL, "smplx", betas, shelf)
    poses = camera_between((world.rotations[:, 0], world.translation), (camera.rotations[:, 0], camera.translation), rest)
    rotations = np.tile(np.eye(3), (n_frames, SMPLX.n_joints, 1, 1))
    rotations[:, :_BODY_JOINTS] = world.rotations
    track = BodyTrack(PERSON, "smplx", MODEL, betas, rotations, world.translation, np.ones((n_frames, SMPLX.n_joints)))
    view, why = _view(K, poses, path)
    hands = "GVHMR finds no hands, jaw or eyes; they are at rest."
    return MotionFile(Clip(fps, view, floor("y", -SOLE), (track,)), FORMAT, True, (*notes, *changing, *cut, *why, hands), (path,))


def _check_head(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            head = stream.read(2)
    except OSError as reason:
        raise MotionFileError(f"{path} cannot be read ({reason.strerror or reason}); check the disk and the file's permissions") from reason
    if head != b"PK":
        raise MotionFileError(
            f"{path.name} is not in the format that torch.save has written since PyTorch 1.6; save it again with a newer one"
        )


def _part(root: Any, name: str, path: Path) -> Any:
    if not isinstance(root, dict) or not isinstance(root.get(name), dict):
        held = ", ".join(str(key) for key in list(root)[:6]) if isinstance(root, dict) else type(root).__name__
        raise MotionFileError(
            f"{path.name} holds no {name}, so it is no result of GVHMR (it has {held or 'nothing'}); choose hmr4d_results.pt"
        )
    return root[name]


def _tensor(part: Any, name: str, path: Path) -> NDArray[Any]:
    found = part.get(name)
    if not isinstance(found, Tensor):
        raise MotionFileError(f"{path.name} lacks {name}; make it again with GVHMR")
    return found.array()


def _params(part: Any, where: str, path: Path) -> _Params:
    place = _tensor(part, "transl", path)
    check_size(path, len(place) if place.ndim else 0, SMPLX.n_joints)
    F = len(place)
    orient = numbers(_tensor(part, "global_orient", path), f"{where}.global_orient", path, F, 3)
    body = numbers(_tensor(part, "body_pose", path), f"{where}.body_pose", path, F, 63)
    return _Params(
        matrices(np.concatenate([orient, body], axis=1).reshape(F, _BODY_JOINTS, 3)),
        numbers(place, f"{where}.transl", path, F, 3),
        numbers(_tensor(part, "betas", path), f"{where}.betas", path, F, None),
    )


def _view(K: NDArray[np.float64], poses: NDArray[np.float64], path: Path) -> tuple[Camera, tuple[str, ...]]:
    focal = float(np.median(K[:, [0, 1], [0, 1]]))
    center = np.median(K[:, :2, 2], axis=0)
    width, height = (round(2.0 * float(half)) for half in center)  # GVHMR takes the middle of the picture
    if not 1 <= min(width, height) <= max(width, height) <= 100_000 or not focal > 0.0:
        raise MotionFileError(f"{path.name}: K_fullimg has focal length {focal:g} and centre {center}; make it again")
    changes = float(np.ptp(K[:, 0, 0])) > 1e-3 * focal
    note = (f"The focal length changes over the frames; its median of {focal:.0f} pixels is used.",) if changes else ()
    return Camera(width, height, focal, center, poses), note
