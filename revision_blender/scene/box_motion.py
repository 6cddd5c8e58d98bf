"""An object's 21 points as the motion of a box and what is left over. Pure mathematics.

The box stands at the track's centre point. It turns with the points where they move as one rigid thing over the whole clip
(Kabsch, about the centre, against the first frame); where they do not, it keeps the clip's own axes. Points are then
seen from the box, in halves of its extents, so that they follow when the animator moves, turns or stretches it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import N_OBJECT_POINTS, ObjectTrack
from ..motion.rotation import continuous_quaternions, quaternion_from_matrix

Array = NDArray[np.floating]

CENTRE = N_OBJECT_POINTS - 1
_FIRST_CORNER = 16
_RIGID = 0.05  # of the points' mean distance from the centre: what they may be off and still count as rigid
_SPREAD = 1e-3  # second singular value over the first: points on a line tell no rotation
_THIN = 0.05  # of the largest distance: no side of the box is taken thinner, for the points must be told in its halves
_LEAST = 5e-4  # metres


@dataclass(frozen=True, eq=False)
class BoxMotion:
    """location: ``(F, 3)`` in Blender's world, metres. quaternions: ``(F, 4)``. half: ``(3,)`` half extents, metres, none of them 0.
    points: ``(F, 21, 3)`` seen from the box, in halves of its extents."""

    location: Array
    quaternions: Array
    half: Array
    points: Array


def _corner_axes(points: Array, otherwise: Array) -> Array:
    """``(3, 3)``: x along the first side of the four corners, y along the last; the axes ``otherwise`` where they span nothing."""
    corners = points[_FIRST_CORNER:CENTRE]
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    normal = np.cross(along, across)
    if np.linalg.norm(normal) < 1e-6 * max(float(along @ along), float(across @ across), 1e-12):
        return otherwise
    x, z = along / np.linalg.norm(along), normal / np.linalg.norm(normal)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _turns(points: Array) -> Array | None:
    """``(F, 3, 3)``: rotations of points about the centre ``(F, 21, 3)`` against the first frame; ``None`` where they are not rigid."""
    u, sizes, vt = np.linalg.svd(np.einsum("fni,nj->fij", points, points[0]))
    sign = np.sign(np.linalg.det(u @ vt))
    u[:, :, 2] *= sign[:, None]
    turns = u @ vt
    off = np.sqrt(np.mean(np.sum((points - points[0] @ np.swapaxes(turns, 1, 2)) ** 2, axis=-1), axis=1))
    reach = np.sqrt(np.mean(np.sum(points[0] ** 2, axis=-1)))
    rigid = off.max() <= _RIGID * reach and (sizes[:, 1] > _SPREAD * np.maximum(sizes[:, 0], 1e-12)).all()
    return turns if rigid else None


def box_motion(track: ObjectTrack, T_blender_world: Array, half: Array | None = None) -> BoxMotion:
    """The track as a box in Blender's world. half: ``(3,)`` of a box that is there already; its own from the track otherwise."""
    world = track.points.astype(np.float64) @ T_blender_world[:3, :3].T + T_blender_world[:3, 3]
    location = world[:, CENTRE]
    about = world - location[:, None]
    turns = _turns(about)
    if turns is None:
        axes = np.tile(T_blender_world[:3, :3], (track.n_frames, 1, 1))
    else:
        axes = turns @ _corner_axes(about[0], T_blender_world[:3, :3])
    seen = np.einsum("fji,fnj->fni", axes, about)
    if half is None:
        half = np.maximum(np.maximum(0.5 * track.size, _THIN * np.abs(seen).max()), _LEAST)
    return BoxMotion(location, continuous_quaternions(quaternion_from_matrix(axes)), half, seen / half)
