"""CMU's skeleton (as BVH) to the rotations of SMPL's 24 joints.

A limb's bone keeps its direction in the world: with ``W`` the capture's world rotation of the matching joint and ``A`` the
smallest turn from the target's rest bone to the capture's rest bone, the target's world rotation is ``W A``, so that its bone
points where the captured one does whatever the two rest poses are. Trunk and head stand upright in both rest poses, facing
+z, and keep their rotations; so do the collars, whose bones begin at other places in the two skeletons. The root's place is
scaled by the legs' length. CMU's own rest: arms out along x, palms down, legs straddled by 20 degrees.
"""

import numpy as np
from numpy.typing import NDArray

from ..files.bvh import Bvh, world_motion
from ..rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

# SMPL joint -> joint of the CMU skeleton whose rotation it takes
CMU_JOINTS = (
    "Hips", "LFemur", "RFemur", "LowerBack", "LTibia", "RTibia", "UpperBack", "LFoot", "RFoot",
    "Thorax", "LToes", "RToes", "UpperNeck", "LClavicle", "RClavicle", "Head", "LHumerus",
    "RHumerus", "LRadius", "RRadius", "LWrist", "RWrist", "LHand", "RHand",
)  # fmt: skip

# SMPL joint -> (the end of its bone, the CMU joint at the end of the matching bone); the others keep the capture's rotation
LIMB_BONES = {
    1: (4, "LTibia"), 2: (5, "RTibia"), 4: (7, "LFoot"), 5: (8, "RFoot"),
    16: (18, "LRadius"), 17: (19, "RRadius"),
    18: (20, "LWrist"), 19: (21, "RWrist"), 20: (22, "LFingers"), 21: (23, "RFingers"),
}  # fmt: skip

_STIFF = (10, 11, 22, 23)  # CMU's toes and fingers are noise: they go with the foot and the hand


def retarget(bvh: Bvh, joints_rest: Array, parents: NDArray[np.integer]) -> tuple[Array, Array]:
    """Rotations ``(F, 24, 3, 3)`` R_parent_joint (joint 0 to the world) and translation ``(F, 3)`` in metres, SMPL's way.

    bvh: in metres, y up. joints_rest: ``(24, 3)`` of the target body, y up, facing +z. Feet are as high as captured; see
    ``library`` for the floor. Raises MotionFileError where the skeleton is not CMU's.
    """
    index = [bvh.joint(name) for name in CMU_JOINTS]
    turned, places = world_motion(bvh)
    rest = _rest_places(bvh)
    world = turned[:, index].copy()
    for joint, (end, cmu_end) in LIMB_BONES.items():
        captured = rest[bvh.joint(cmu_end)] - rest[index[joint]]
        world[:, joint] = world[:, joint] @ smallest_turn(joints_rest[end] - joints_rest[joint], captured)
    rotations = world.copy()
    rotations[:, 1:] = np.swapaxes(world[:, parents[1:]], -1, -2) @ world[:, 1:]
    rotations[:, _STIFF] = np.eye(3)
    return rotations, _translation(bvh, places, world[:, 0], joints_rest, rest)


def _translation(bvh: Bvh, places: Array, root: Array, joints_rest: Array, rest: Array) -> Array:
    hips = [bvh.joint("LFemur"), bvh.joint("RFemur")]
    legs = [rest[bvh.joint(name)] for name in ("LFemur", "LTibia", "LFoot")]
    scale = leg_length(joints_rest) / (np.linalg.norm(legs[0] - legs[1]) + np.linalg.norm(legs[1] - legs[2]))
    middle = joints_rest[[1, 2]].mean(axis=0) - joints_rest[0]
    return places[:, hips].mean(axis=1) * scale - root @ middle - joints_rest[0]


def _rest_places(bvh: Bvh) -> Array:
    rest = np.zeros((len(bvh.names), 3))
    for joint in range(1, len(rest)):
        rest[joint] = rest[bvh.parents[joint]] + bvh.offsets[joint]
    return rest


def leg_length(joints_rest: Array) -> float:
    """Hip to knee to ankle in metres, mean of both legs, of rest joints ``(24, 3)``."""
    bones = [np.linalg.norm(joints_rest[a] - joints_rest[b]) for a, b in ((1, 4), (4, 7), (2, 5), (5, 8))]
    return float(sum(bones) / 2.0)


def smallest_turn(start: Array, end: Array) -> Array:
    """``(3, 3)`` rotation by the smallest angle that takes the direction ``start`` to ``end``, both ``(3,)``."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(a, b)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:  # opposite directions: half a turn about any axis across
        across = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
        return np.eye(3) if a @ b > 0.0 else matrix_from_axis_angle(np.pi * across / np.linalg.norm(across))
    return matrix_from_axis_angle(axis / sine * np.arctan2(sine, float(a @ b)))
