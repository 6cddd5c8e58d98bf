"""Toes that bend when the heel rises, as a shod foot's do, so that they do not dip into the floor.

Captured skeletons have a stiff toe, or none. Toes are ends of the skeleton: no joint moves, only what is drawn of the foot.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from revision_blender.motion.bodies.body_model import Identity, joints_of, world_rotations
from revision_blender.motion.bodies.soles import FEET, sole_points
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

MOST = np.radians(60.0)
_SECONDS = 0.025  # over which the bend is smoothed
_TOE = 2  # of heel, ball, toe


def with_bent_toes(track: BodyTrack, identity: Identity, fps: float) -> BodyTrack:
    """A person's track over the floor y = 0 whose toes are bent up as far as keeps their tips out of it, by ``MOST`` at most."""
    joints = joints_of(identity, track.rotations, track.translation)
    world = world_rotations(identity.model.parents, track.rotations)
    tips = sole_points(identity, track.rotations, track.translation)[:, :, _TOE]
    rotations = track.rotations.copy()
    for foot, joint in enumerate(FEET):
        tip = np.einsum("fji,fj->fi", world[:, joint], tips[:, foot] - joints[:, joint])
        bend = gaussian_filter1d(_bend(joints[:, joint, 1], world[:, joint, 1], tip), _SECONDS * fps)
        rotations[:, joint] = rotations[:, joint] @ matrix_from_axis_angle(-bend[:, None] * [1.0, 0.0, 0.0])
    return replace(track, rotations=rotations)


def _bend(height: Array, up: Array, tip: Array) -> Array:
    """``(F,)`` radians about the toe's -x until its tip is at y = 0; 0 where it is not below.

    height: ``(F,)`` of the joint. up: ``(F, 3)`` the world's y and tip: ``(F, 3)`` the tip, both in the joint's frame. The tip's height
    is ``height + up_x tip_x + C cos a + S sin a``.
    """
    cosine = up[:, 1] * tip[:, 1] + up[:, 2] * tip[:, 2]
    sine = up[:, 1] * tip[:, 2] - up[:, 2] * tip[:, 1]
    wanted = -height - up[:, 0] * tip[:, 0]
    reach = np.maximum(np.hypot(cosine, sine), 1e-9)
    angle = np.arctan2(sine, cosine) - np.arccos(np.clip(wanted / reach, -1.0, 1.0))
    return np.where((cosine < wanted) & (sine > 0.0), np.clip(angle, 0.0, MOST), 0.0)
