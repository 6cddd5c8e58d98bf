"""What the motion tests share: the mean open human and a rotation of the world."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_model import Identity, identity_of, open_human
from revision_blender.motion.clip import GroundPlane
from revision_blender.motion.inbetween import Pose
from revision_blender.motion.library import Motion
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

R_TILTED = matrix_from_axis_angle(np.array([2.9, 0.2, -0.3]))  # y up turned nearly upside down, as in a camera's world
SHIFT = np.array([0.4, 1.2, 3.5])


@cache
def mean_body() -> Identity:
    return identity_of(open_human(), np.zeros(10))


def tilted_ground() -> GroundPlane:
    """The floor y = 0 seen from another world."""
    return GroundPlane(R_TILTED[:, 1], SHIFT)


def pose_of(motion: Motion, frame: int) -> Pose:
    """One frame of a library motion in the tilted world."""
    rotations = motion.rotations[frame].copy()
    rotations[0] = R_TILTED @ rotations[0]
    pelvis = R_TILTED @ motion.pelvis[frame] + SHIFT
    return Pose(rotations, pelvis - mean_body().joints_rest[0])
