"""One body of a clip as an AMASS-style ``.npz``, z up with the floor at 0, for everything that reads AMASS.

SMPL-X goes out as the "stage ii" release has it (``root_orient``, ``pose_body`` … beside ``poses``), SMPL-H and SMPL as the first release
(``poses`` with 156 numbers a frame), SMAL with its 105. SMPL's two hand joints have no place in SMPL-H; they go in ``pose_smpl_hands``, which
other readers pass over, so that nothing is lost. The frame rate stands under both names that readers look for.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..axes import T_blender_world
from ..clip import BodyTrack, Clip
from ..errors import MotionFileError
from ..npz_file import write_npz
from ..rotation import axis_angle_from_matrix
from .framing import only_frames
from .lifted import moved, root_rest
from .smpl_values import GENDERS

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.float64]

_BODY_JOINTS = 22
_PARTS = {"root_orient": (0, 1), "pose_body": (1, 22), "pose_jaw": (22, 23), "pose_eye": (23, 25), "pose_hand": (25, 55)}


def write_amass(path: Path, clip: Clip, track_id: str, shelf: "BodyShelf") -> tuple[str, ...]:
    """Writes the body called ``track_id``; returns sentences on what the format could not hold.

    Reading the file gives back rotations to 1e-6 rad and places to 1e-9 m in the z-up world (``axes.T_blender_world``).
    ``MotionFileError`` where the clip has no such body or the file cannot be written.
    """
    track = body_of(clip, track_id)
    rotations, translation, notes = in_z_up_world(clip, track, shelf)
    members = _members(clip.fps, track, axis_angle_from_matrix(rotations), translation)
    try:
        write_npz(Path(path), members)
    except OSError as reason:
        raise MotionFileError(
            f"the motion cannot be written to {path} ({reason.strerror or reason}); choose another folder or make room"
        ) from reason
    return (*notes, *_left_out(clip, track))


def body_of(clip: Clip, track_id: str) -> BodyTrack:
    """The body of that name; ``MotionFileError`` lists those that there are."""
    for track in clip.bodies:
        if track.track_id == track_id:
            return track
    listed = ", ".join(track.track_id for track in clip.bodies[:12]) or "none"
    raise MotionFileError(f"the clip has no body called {track_id!r}; choose from: {listed}")


def in_z_up_world(clip: Clip, track: BodyTrack, shelf: "BodyShelf") -> tuple[Array, Array, tuple[str, ...]]:
    """Rotations ``(F, J, 3, 3)`` and translation ``(F, 3)`` in Blender's world, and what there is to say about it.

    A clip that stands there already keeps its numbers as they are.
    """
    T = T_blender_world(clip)
    if np.abs(T - np.eye(4)).max() < 1e-12:
        return track.rotations, track.translation, ()
    rest = root_rest(track.model, track.family, track.betas, shelf)
    R, place = np.tile(T[:3, :3], (clip.n_frames, 1, 1)), T[:3, 3]
    rotations, translation = moved(R, place, track.rotations, track.translation, rest)
    if shelf.has(track.model):
        return rotations, translation, ()
    return rotations, translation, (f"{track.model} is not installed; its mean body's root was used to turn the motion upright.",)


def _members(fps: float, track: BodyTrack, axis_angle: Array, translation: Array) -> dict[str, NDArray[Any]]:
    F, family = len(axis_angle), track.family
    rate = np.array(float(fps))
    members: dict[str, NDArray[Any]] = {
        "trans": np.asarray(translation, dtype=np.float64),
        "betas": np.asarray(track.betas, dtype=np.float64),
        "gender": np.array(_gender(track.model)),
        "surface_model_type": np.array(family),
        "revision_model": np.array(track.model),
        "mocap_framerate": rate,
        "mocap_frame_rate": rate,
    }
    if family == "smpl":
        body = np.zeros((F, 52, 3))
        body[:, :_BODY_JOINTS] = axis_angle[:, :_BODY_JOINTS]
        members["pose_smpl_hands"] = axis_angle[:, _BODY_JOINTS:].reshape(F, -1)
        axis_angle = body
    elif family == "smplx":
        members |= {name: axis_angle[:, first:last].reshape(F, -1) for name, (first, last) in _PARTS.items()}
        if track.expression is not None:
            members["expressions"] = np.asarray(track.expression, dtype=np.float64)
    return {"poses": axis_angle.reshape(F, -1), **members}


def _gender(model: str) -> str:
    last = model.rsplit("_", maxsplit=1)[-1]
    return last if last in GENDERS else "neutral"


def _left_out(clip: Clip, track: BodyTrack) -> tuple[str, ...]:
    notes = []
    if (track.confidence < 1.0).any():
        notes.append("AMASS files hold no confidence; it was left out.")
    if not only_frames(clip.camera):
        notes.append("AMASS files hold no camera; it was left out.")
    return tuple(notes)
