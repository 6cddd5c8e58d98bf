"""A motion as one row of metres a frame: what time repair compares frames by."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import Damaged, Take

Array = NDArray[np.floating]

_TIP = 0.10  # metres that a joint without children still carries: hands, toes, the head
OTHER_SIDE = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20]  # of SMPL's body joints
_ROOT_TURN = 0.30  # metres at which the turn of the whole body counts


def channels_of(damaged: Damaged) -> Array:
    """``(F, C)`` metres: the root's place, then every rotation's nine numbers by how far it carries what hangs on it.

    Two rows are about as far apart as the bodies they stand for. What is missing is drawn in between its neighbours.
    """
    take = damaged.take
    frames, joints = take.rotations.shape[:2]
    place = _drawn(np.asarray(take.root, dtype=np.float64), damaged.root_trust > 0.0)
    rows = [place]
    reach = reach_of(take) / np.sqrt(2.0)
    for joint in range(joints):
        turn = np.asarray(take.rotations[:, joint], dtype=np.float64).reshape(frames, 9)
        rows.append(reach[joint] * _drawn(turn, damaged.trust[:, joint] > 0.0))
    if take.points is not None:
        points = np.asarray(take.points, dtype=np.float64).reshape(frames, -1) / np.sqrt(take.points.shape[1])
        rows.append(_drawn(points, damaged.trust[:, 0] > 0.0))
    return np.concatenate(rows, axis=1)


def reach_of(take: Take) -> Array:
    """``(J,)`` metres from each joint to the farthest that hangs on it, shared out over the joints."""
    parents = parents_of(take.kind)
    reach = np.full(len(parents), _TIP)
    for joint in range(len(parents) - 1, 0, -1):
        length = float(np.linalg.norm(take.offsets[joint]))
        reach[parents[joint]] = max(reach[parents[joint]], reach[joint] + length)
    reach[0] = min(reach[0], _ROOT_TURN) if len(parents) > 1 else _TIP
    return reach / np.sqrt(max(len(parents) / 4.0, 1.0))  # so many joints make one body's distance, not their sum


def _drawn(values: Array, known: NDArray[np.bool_]) -> Array:
    """``(F, C)`` with unknown rows on the line between the known ones; all unknown: 0."""
    if known.all() or not len(values):
        return values
    if not known.any():
        return np.zeros_like(values)
    frames, at = np.arange(len(values)), np.flatnonzero(known)
    after = np.clip(np.searchsorted(at, frames), 0, len(at) - 1)
    before = np.clip(after - (at[after] > frames), 0, None)
    span = np.maximum(at[after] - at[before], 1)
    share = np.clip((frames - at[before]) / span, 0.0, 1.0)[:, None]
    return values[at[before]] * (1.0 - share) + values[at[after]] * share


def poses_of(take: Take) -> tuple[Array, Array]:
    """``(F, C)`` metres: height and rotations as in ``channels_of`` with the body facing +z, and ``(F, 3, 3)`` R_heading_world."""
    rotations = np.array(take.rotations, dtype=np.float64)
    x, z = rotations[:, 0, 0, 2], rotations[:, 0, 2, 2]
    length = np.maximum(np.hypot(x, z), 1e-9)
    sine, cosine, zero, one = x / length, z / length, np.zeros_like(x), np.ones_like(x)
    heading = np.stack([cosine, zero, -sine, zero, one, zero, sine, zero, cosine], -1).reshape(-1, 3, 3)
    rotations[:, 0] = heading @ rotations[:, 0]
    turns = rotations.reshape(*rotations.shape[:2], 9) * (reach_of(take) / np.sqrt(2.0))[:, None]
    height = np.asarray(take.root, dtype=np.float64)[:, 1:2]
    return np.concatenate([turns.reshape(len(rotations), -1), height], axis=1), heading


def mirrored(take: Take) -> Take:
    """A person's take in the mirror x = 0, left and right changed over."""
    flip = np.diag([-1.0, 1.0, 1.0])
    return replace(take, rotations=flip @ take.rotations[:, OTHER_SIDE] @ flip, root=take.root * [-1.0, 1.0, 1.0])
