"""One body of a clip as a BVH file: y up, the floor at 0, metres (or centimetres), joints named as in SMPL's and SMAL's skeletons.

Every joint has its rotation as angles about z, then x, then y of its own axes; the root its place as well. ``bvh_in`` knows these names
and gives back rotations and places as they were, also where the angles meet their pole (the middle one at 90 degrees): there the
last angle is 0 and the first takes the whole turn.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import identity_of
from ..clip import BodyTrack, Clip
from ..errors import MotionFileError
from ..skeletons import skeleton_of
from ..whole_file import whole_file
from .amass_out import body_of, in_z_up_world
from .framing import only_frames

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.floating]

R_BVH_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # z up to y up
_CHANNELS = "Zrotation Xrotation Yrotation"
_BUNDLED = {"smpl": "open_human", "smplh": "open_human_x", "smplx": "open_human_x", "smal": "open_quadruped"}
_POLE = 1e-9  # of the cosine of the middle angle: below, first and last angle are about one axis


def write_bvh(path: Path, clip: Clip, track_id: str, shelf: "BodyShelf", *, centimetres: bool = False) -> tuple[str, ...]:
    """Writes the body called ``track_id``; returns sentences on what the format could not hold.

    Reading the file gives back rotations to 1e-9 rad and places to 1e-7 m (in Blender's world, ``axes.T_blender_world``), where
    the body is installed. ``MotionFileError`` where the clip has no such body or the file cannot be written.
    """
    track = body_of(clip, track_id)
    rotations, translation, notes = in_z_up_world(clip, track, shelf)
    rest, more = _rest_joints(track, shelf)
    rotations = np.array(rotations, dtype=np.float64)
    rotations[:, 0] = R_BVH_BLENDER @ rotations[:, 0]
    scale = 100.0 if centimetres else 1.0
    places = (translation + rest[0]) @ R_BVH_BLENDER.T * scale
    text = "\n".join([*_hierarchy(track.family, rest * scale), *_motion(clip.fps, rotations, places), ""])
    try:
        with whole_file(Path(path)) as stream:
            stream.write(text.encode("ascii"))
    except OSError as reason:
        raise MotionFileError(
            f"the motion cannot be written to {path} ({reason.strerror or reason}); choose another folder or make room"
        ) from reason
    return (*notes, *more, *_left_out(clip, track))


def _rest_joints(track: BodyTrack, shelf: "BodyShelf") -> tuple[Array, tuple[str, ...]]:
    """``(J, 3)`` metres; a bundled body's where the track's own is not installed."""
    if shelf.has(track.model):
        return identity_of(shelf.load(track.model), track.betas).joints_rest, ()
    bundled = shelf.load(_BUNDLED[track.family])
    found = identity_of(bundled, np.zeros(0)).joints_rest
    names = skeleton_of(bundled.family).names
    rest = np.stack([found[names.index(name)] for name in skeleton_of(track.family).names])
    return rest, (f"{track.model} is not installed; the skeleton's lengths are those of {bundled.name}.",)


def _hierarchy(family: str, rest: Array) -> Iterator[str]:
    skeleton = skeleton_of(family)
    children: dict[int, list[int]] = {}
    for joint, parent in enumerate(skeleton.parents):
        children.setdefault(int(parent), []).append(joint)
    yield "HIERARCHY"
    yield from _joint(skeleton.names, children, rest, 0, -1, "")


def _joint(
    names: tuple[str, ...], children: dict[int, list[int]], rest: Array, joint: int, parent: int, margin: str
) -> Iterator[str]:  # fmt: skip
    offset = rest[joint] - rest[parent] if parent >= 0 else np.zeros(3)
    yield f"{margin}{'ROOT' if parent < 0 else 'JOINT'} {names[joint]}"
    yield f"{margin}{{"
    yield f"{margin}\tOFFSET {_row(offset, 9)}"
    yield f"{margin}\tCHANNELS " + (f"6 Xposition Yposition Zposition {_CHANNELS}" if parent < 0 else f"3 {_CHANNELS}")
    for child in children.get(joint, ()):
        yield from _joint(names, children, rest, child, joint, margin + "\t")
    if joint not in children:
        yield f"{margin}\tEnd Site"
        yield f"{margin}\t{{"
        yield f"{margin}\t\tOFFSET {_row(0.5 * offset, 9)}"
        yield f"{margin}\t}}"
    yield f"{margin}}}"


def joint_order(family: str) -> tuple[int, ...]:
    """The joints in the order in which the file's values have them: each joint, then all below it."""
    parents = skeleton_of(family).parents
    order: list[int] = []
    waiting = [0]
    while waiting:
        joint = waiting.pop()
        order.append(joint)
        waiting.extend(int(child) for child in np.flatnonzero(parents == joint)[::-1])
    return tuple(order)


def _motion(fps: float, rotations: Array, places: Array) -> Iterator[str]:
    n_frames, n_joints = rotations.shape[:2]
    family = next(family for family in _BUNDLED if skeleton_of(family).n_joints == n_joints)
    angles = np.degrees(continuous_angles(angles_zxy(rotations)))[:, list(joint_order(family))].reshape(n_frames, -1)
    yield "MOTION"
    yield f"Frames: {n_frames}"
    yield f"Frame Time: {1.0 / fps:.12g}"
    pattern = " ".join(["%.8f"] * 3 + ["%.9f"] * angles.shape[1])
    for row in np.concatenate([places, angles], axis=1).tolist():
        yield pattern % tuple(row)


def angles_zxy(rotations: Array) -> Array:
    """``(..., 3)`` radians z, x, y with ``rotations = Rz Rx Ry``; the middle angle within a quarter turn. Exact at the poles too."""
    r = rotations
    cosine = np.hypot(r[..., 0, 1], r[..., 1, 1])
    pole = cosine < _POLE
    x = np.arctan2(r[..., 2, 1], cosine)
    z = np.where(pole, np.arctan2(r[..., 1, 0], r[..., 0, 0]), np.arctan2(-r[..., 0, 1], r[..., 1, 1]))
    y = np.where(pole, 0.0, np.arctan2(-r[..., 2, 0], r[..., 2, 2]))
    return np.stack([z, x, y], axis=-1)


def continuous_angles(angles: Array) -> Array:
    """The same rotations with angles ``(F, ..., 3)`` that go on from frame to frame, so that curves of them can be read."""
    return np.unwrap(angles, axis=0) if len(angles) > 1 else angles


def _row(values: Array, digits: int) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values)


def _left_out(clip: Clip, track: BodyTrack) -> tuple[str, ...]:
    notes = []
    if len(clip.tracks) > 1:
        notes.append(f"BVH files hold one body; {track.track_id} was written, {len(clip.tracks) - 1} more of the clip were not.")
    if (track.confidence < 1.0).any():
        notes.append("BVH files hold no confidence; it was left out.")
    if track.expression is not None and np.abs(track.expression).max(initial=0.0) > 0.0:
        notes.append("BVH files hold no expressions of the face; they were left out.")
    if not only_frames(clip.camera):
        notes.append("BVH files hold no camera; it was left out.")
    return tuple(notes)
