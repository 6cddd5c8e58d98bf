"""AMASS and its kin: one body's ``.npz`` of axis-angle poses, as SMPL-H, as SMPL-X "stage ii" and as the SMPL-X add-on has it.

Members (F frames): ``poses`` (F, 3 J) or its parts ``root_orient`` ``pose_body`` ``pose_jaw`` ``pose_eye`` ``pose_hand``; ``trans``
(F, 3) metres, added after posing; ``betas``; ``gender``; the rate as ``mocap_framerate``, ``mocap_frame_rate`` or ``fps``. The hands
are absolute (no mean is to be added). AMASS is z up with the floor at 0; exports for the SMPL-X add-on may be y up. Where ReVision
wrote the file, ``surface_model_type``, ``revision_model`` and ``pose_smpl_hands`` say what SMPL-H's layout cannot.
Everything else that a file holds (markers, labels, soft tissue) is not looked at, so it may be of any kind.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..clip import BodyTrack, Clip
from ..errors import MotionFileError
from ..npz_file import NpzArray, npz_arrays, read_npz
from ..skeletons import skeleton_of
from .framing import floor, framing_camera
from .motion_file import MotionFile, MotionSummary, PersonSummary, ReadOptions, Up, check_size, chosen_people
from .smpl_values import GENDERS, MAX_BETAS, fitted_shape, matrices, model_name, numbers, one_shape, rate

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

FORMAT = "AMASS"
PERSON = "person 1"
RATES = ("mocap_framerate", "mocap_frame_rate", "fps")
MAX_BYTES = 256 * 2**20

_PLACES = ("trans", "transl")
_EXPRESSIONS = ("expressions", "expression")
_PARTS = ("root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand")  # in SMPL-X's order of joints
_WIDTHS = {"root_orient": 3, "pose_body": 63, "pose_jaw": 3, "pose_eye": 6, "pose_hand": 90}
_FAMILIES = {72: "smpl", 66: "smplh", 156: "smplh", 165: "smplx", 105: "smal"}  # columns of poses
_FIRST_JOINTS = {"pose_body": 1, "pose_jaw": 22, "pose_eye": 23}  # the hands are the last 30, the others begin at the root
_WORDS = ("gender", "surface_model_type", "revision_model")

_MAX_COMPONENTS = 4_000_000  # of shape or expression, over all frames

Held = Mapping[str, NpzArray]
Members = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class _Layout:
    """Which members make the motion. poses: one member or the parts that are there; columns: how many numbers they have in all."""

    family: str
    n_frames: int
    poses: tuple[str, ...]
    place: str
    rate: str | None
    expression: str | None

    @property
    def wanted(self) -> set[str]:
        optional = {"betas", "pose_smpl_hands", *_WORDS, self.rate or "betas", self.expression or "betas"}
        return {*self.poses, self.place} | optional


def matches(path: Path, head: bytes) -> bool:
    if not head.startswith(b"PK"):
        return False
    try:
        held = npz_arrays(path, error=MotionFileError, what="motion file")
    except MotionFileError:
        return path.suffix.lower() == ".npz"  # so that `read` says what is wrong with it
    return _has_poses(held) or path.suffix.lower() == ".npz"


def summary(path: Path) -> MotionSummary:
    held = _held(path)
    layout = _layout(held, path)
    members = _members(path, held, {layout.rate or "fps", "surface_model_type"}, 1 << 16)
    people = (PersonSummary(PERSON, layout.n_frames),)
    return MotionSummary(FORMAT, _rate(members, layout, path), layout.n_frames, people, False, _family(members, layout))


def read(path: Path, shelf: "BodyShelf", options: ReadOptions) -> MotionFile:
    chosen_people((PERSON,), options, path)
    held = _held(path)
    layout = _layout(held, path)
    members = _members(path, held, layout.wanted, MAX_BYTES)
    fps, notes = rate(_rate(members, layout, path), options)
    track, more = _track(members, layout, path, shelf)
    up, why = _up(track, options)
    camera = framing_camera(up, track.translation, track.n_frames, options.size)
    left_out = ("Soft tissue (dmpls) is left out.",) if "dmpls" in held else ()
    return MotionFile(Clip(fps, camera, floor(up), (track,)), FORMAT, False, (*notes, *more, *why, *left_out), (path,))


def _members(path: Path, held: Held, wanted: set[str], max_bytes: int) -> dict[str, NDArray[Any]]:
    """Those wanted that are numbers or text: what is optional may be of any kind, and is then as good as not there."""
    plain = {name for name in wanted if name in held and (held[name].is_number or held[name].is_text)}
    return read_npz(path, max_bytes=max_bytes, error=MotionFileError, what="motion file", wanted=plain, text=True)


def _held(path: Path) -> dict[str, NpzArray]:
    return npz_arrays(path, error=MotionFileError, what="motion file")


def _has_poses(held: Held) -> bool:
    return ("poses" in held or {"root_orient", "pose_body"} <= set(held)) and any(name in held for name in _PLACES)


def _layout(held: Held, path: Path) -> _Layout:
    if not _has_poses(held):
        raise MotionFileError(_why_not(held, path))
    poses = ("poses",) if "poses" in held else tuple(name for name in _PARTS if name in held)
    shapes = {name: held[name].shape for name in poses}
    for name, shape in shapes.items():
        if not held[name].is_number or len(shape) not in (2, 3) or shape[0] != shapes[poses[0]][0]:
            raise MotionFileError(f"{path.name}: {name} has shape {shape}; a row of numbers a frame is needed")
    family = _FAMILIES.get(_columns(shapes["poses"])) if poses == ("poses",) else _family_of_parts(shapes, path)
    if family is None:
        listed = ", ".join(str(columns) for columns in sorted(_FAMILIES))
        raise MotionFileError(f"{path.name}: poses have {_columns(shapes['poses'])} numbers a frame; {listed} are known")
    n_frames, place = shapes[poses[0]][0], _first(held, _PLACES) or "trans"
    check_size(path, n_frames, skeleton_of(family).n_joints)
    if held[place].shape != (n_frames, 3) or not held[place].is_number:
        raise MotionFileError(f"{path.name}: {place} has shape {held[place].shape}; {(n_frames, 3)} is needed beside the poses")
    layout = _Layout(family, n_frames, poses, place, _first(held, RATES), _first(held, _EXPRESSIONS))
    for name in ("betas", layout.expression or "betas"):
        if name in held and (math.prod(held[name].shape[1:]) > MAX_BETAS or math.prod(held[name].shape) > _MAX_COMPONENTS):
            raise MotionFileError(f"{path.name}: {name} has shape {held[name].shape}; at most {MAX_BETAS} components a frame are read")
    return layout


def _why_not(held: Held, path: Path) -> str:
    if "v_template" in held:
        return f"{path.name} is a body model, not a motion; add it to your bodies in the preferences"
    if "betas" in held and not any(name in held for name in ("poses", "root_orient")):
        return f"{path.name} holds a body's shape but no poses; choose a file with a motion"
    return f"{path.name} holds no motion: poses and trans are needed, it has {', '.join(sorted(held)[:8]) or 'nothing'}"


def _family_of_parts(shapes: Mapping[str, tuple[int, ...]], path: Path) -> str:
    for name, shape in shapes.items():
        if _columns(shape) != _WIDTHS[name]:
            raise MotionFileError(f"{path.name}: {name} has {_columns(shape)} numbers a frame; {_WIDTHS[name]} are needed")
    return "smplx" if "pose_jaw" in shapes or "pose_eye" in shapes else "smplh"


def _columns(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:])


def _first(held: Held, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in held), None)


def _family(members: Members, layout: _Layout) -> str:
    """SMPL goes in SMPL-H's layout where ReVision wrote it, and says so."""
    return "smpl" if layout.family == "smplh" and _text(members, "surface_model_type") == "smpl" else layout.family


def _rate(members: Members, layout: _Layout, path: Path) -> float | None:
    if layout.rate is None or layout.rate not in members:
        return None
    found = members[layout.rate].ravel()
    try:
        fps = float(found[0])
    except (IndexError, ValueError):
        fps = 0.0
    if not 0.0 < fps <= 10_000.0:
        raise MotionFileError(
            f"{path.name}: the rate {layout.rate} is {str(found[:1])[:40]}; a positive number of frames a second is needed"
        )
    return fps


def _track(members: Members, layout: _Layout, path: Path, shelf: "BodyShelf") -> tuple[BodyTrack, tuple[str, ...]]:
    F, family = layout.n_frames, _family(members, layout)
    translation = numbers(members[layout.place], layout.place, path, F, 3)
    rotations = _rotations(members, layout, path)
    if layout.family != family:  # the two hand joints that SMPL-H's layout has no place for
        hands = matrices(numbers(members.get("pose_smpl_hands", np.zeros((F, 6))), "pose_smpl_hands", path, F, 6).reshape(F, 2, 3))
        rotations = np.concatenate([rotations[:, :22], hands], axis=1)
    gender = _text(members, "gender").lower()
    name = _text(members, "revision_model") or model_name(family, gender)
    notes = () if gender in GENDERS else ("The file does not say its gender; the neutral body is taken.",)
    given = members.get("betas", np.zeros(0))
    shape, changing = one_shape(numbers(given, "betas", path, *([None] * min(max(given.ndim, 1), 2))), path)
    betas, cut = fitted_shape(shape, name, shelf)
    expression = None
    if family == "smplx" and layout.expression is not None and layout.expression in members:
        expression = numbers(members[layout.expression], layout.expression, path, F, None)
    track = BodyTrack(PERSON, family, name, betas, rotations, translation, np.ones(rotations.shape[:2]), expression)
    return track, (*notes, *changing, *cut)


def _rotations(members: Members, layout: _Layout, path: Path) -> NDArray[np.float64]:
    """``(F, J, 3, 3)``; joints that the file does not have stay at rest."""
    F, n_joints = layout.n_frames, skeleton_of(layout.family).n_joints
    if layout.poses == ("poses",) and math.prod(members["poses"].shape) == F * n_joints * 3:
        return matrices(numbers(members["poses"].reshape(F, -1), "poses", path, F, None).reshape(F, n_joints, 3))
    axis_angle = np.zeros((F, n_joints, 3))
    for name in layout.poses:
        rows = numbers(members[name].reshape(F, -1), name, path, F, None).reshape(F, -1, 3)
        first = n_joints - 30 if name == "pose_hand" else _FIRST_JOINTS.get(name, 0)
        axis_angle[:, first : first + rows.shape[1]] = rows
    return matrices(axis_angle)


def _text(members: Members, name: str) -> str:
    """The one word of a member, empty where it is none: text comes as numpy text, as bytes and as an array of one."""
    found = members.get(name)
    if found is None or found.dtype.kind not in "SU" or found.size != 1 or found.dtype.itemsize > 1024:
        return ""
    word = found.ravel()[0]
    return str(word.decode("latin-1") if isinstance(word, bytes) else word).strip()


def _up(track: BodyTrack, options: ReadOptions) -> tuple[Up, tuple[str, ...]]:
    """Which axis is up: the one along which the body stands, and AMASS's z wherever that is not clear."""
    if options.up is not None:
        return options.up, ()
    if track.family == "smal":
        return "z", ()
    _, y, z = track.rotations[:, 0, :, 1].mean(axis=0)  # the pelvis's own up, people being y up
    if y > 0.7 and y > 2.0 * abs(z):
        return "y", ("The body stands along y, so y is taken as up; choose z where that is wrong.",)
    return "z", ()
