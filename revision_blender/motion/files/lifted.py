"""What the files of video lifters have in common: people seen in some frames only, cameras to be found, floors to be guessed."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import identity_of, joints_of, open_human
from ..clip import BodyTrack, GroundPlane

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.float64]

SOLE = 0.02  # metres from SMPL's toe joints down to the sole, of the mean shape standing
_FEET = (7, 8, 10, 11)  # ankles and toes, alike in SMPL, SMPL-H and SMPL-X
_BODY_JOINTS = 22
_ENOUGH = 4000  # frames, to know where feet are

# Rest joint 0 of the mean neutral bodies, metres: where a body is not installed, the difference to the person's own moves the
# person by a constant of a centimetre or two. Sources: the joints that the official neutral models regress at zero betas.
_ROOT_REST = {
    "smpl": (-0.00179506, -0.22333382, 0.02821918),
    "smplh": (-0.00179506, -0.22333382, 0.02821918),
    "smplx": (0.00312326, -0.35140744, 0.01203655),
}


def root_rest(track_model: str, family: str, betas: Array, shelf: "BodyShelf") -> Array:
    """``(3,)`` metres: the joint about which the root turns, of that person; of the mean body where it is not installed."""
    if shelf.has(track_model):
        model = shelf.load(track_model)
        return model.joint_template[0] + model.joint_shapedirs[0] @ model.checked_betas(betas[: model.n_betas])
    return np.array(_ROOT_REST.get(family, (0.0, 0.0, 0.0)))


def held(frames: NDArray[np.integer], n_frames: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each of ``n_frames`` the number of the observation to show, and whether it was made in that very frame.

    frames: ``(N,)`` ascending, at which frame each observation was made. Between two the former is held, before the first the first.
    """
    shown = np.maximum(np.searchsorted(frames, np.arange(n_frames), side="right") - 1, 0)
    return shown, frames[shown] == np.arange(n_frames)


def moved(R: Array, place: Array, rotations: Array, translation: Array, rest: Array) -> tuple[Array, Array]:
    """A body's rotations ``(F, J, 3, 3)`` and translation ``(F, 3)`` in another world, given ``R`` ``(F, 3, 3)`` and ``place`` ``(F, 3)``.

    The root turns about rest joint 0, not about the origin: ``t' = R (rest + t) + place - rest``.
    """
    turned = rotations.copy()
    turned[:, 0] = R @ rotations[:, 0]
    return turned, np.einsum("fij,fj->fi", R, rest + translation) + place - rest


def camera_between(world: tuple[Array, Array], camera: tuple[Array, Array], rest: Array) -> Array:
    """``(F, 4, 4)`` T_world_camera such that the body in the world, seen by that camera, is the body in camera coordinates.

    world, camera: the root's rotation ``(F, 3, 3)`` and the translation ``(F, 3)`` in each. With ``R`` the ratio of the two
    rotations the camera's place is ``rest + t_world - R (rest + t_camera)``.
    """
    R = world[0] @ np.swapaxes(camera[0], -1, -2)
    poses = np.tile(np.eye(4), (len(R), 1, 1))
    poses[:, :3, :3] = R
    poses[:, :3, 3] = rest + world[1] - np.einsum("fij,fj->fi", R, rest + camera[1])
    return poses


def floor_under(tracks: tuple[BodyTrack, ...]) -> GroundPlane:
    """The floor where nothing is known of it: across the mean upright of the people, at the height of their feet.

    Only frames in which someone was seen count. The bundled body stands for those that are not installed; legs are much alike.
    """
    ups, feet = [], []
    for track in tracks:
        seen = np.flatnonzero(track.confidence[:, 0] > 0.0)
        ups.append(track.rotations[seen, 0, :, 1])
        feet.append(_feet(track, seen))
    all_ups = np.concatenate(ups)
    up = np.median(all_ups, axis=0) if len(all_ups) else np.array([0.0, -1.0, 0.0])
    length = float(np.linalg.norm(up))
    up = up / length if length > 0.1 else np.array([0.0, -1.0, 0.0])
    heights = np.concatenate([(places @ up).min(axis=1) for places in feet]) if len(all_ups) else np.zeros(1)
    return GroundPlane(up, up * (float(np.median(heights)) - SOLE))


def lowest_feet(track: BodyTrack, up: Array) -> float:
    """Height in metres along ``up`` of the lowest sole of a person in any frame."""
    return float((_feet(track, np.arange(track.n_frames)) @ up).min()) - SOLE


def _feet(track: BodyTrack, frames: NDArray[np.int64]) -> Array:
    """``(N, 4, 3)`` metres: ankles and toes in these frames, or in thousands spread over them where they are more."""
    frames = frames[:: max(1, len(frames) // _ENOUGH)]
    model = open_human()
    rotations = np.tile(np.eye(3), (len(frames), model.n_joints, 1, 1))
    rotations[:, :_BODY_JOINTS] = track.rotations[frames, :_BODY_JOINTS]
    return joints_of(identity_of(model, np.zeros(model.n_betas)), rotations, track.translation[frames])[:, _FEET]
