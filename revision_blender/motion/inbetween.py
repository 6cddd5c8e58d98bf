"""From one pose on: to a target pose, or into a recorded motion, on the clip's own floor.

The world is a clip's: its up is ``ground.normal``, not y. A motion of the library lives over its own floor, y up, facing +z;
it is turned to the way the start pose faces and put on the clip's floor. The first frame is the start pose exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bodies.body_model import Identity
from .bodies.soles import sole_points
from .clip import GroundPlane
from .errors import ClipError
from .library import Motion
from .resample import sampled
from .retargeting.cmu import leg_length
from .rotation import angle_between, slerp

Array = NDArray[np.floating]

BLEND_SECONDS = 0.4
ENTRY_SECONDS = {True: 1.2, False: 0.3}  # how far into a cyclic motion, or another, it may be entered for a likelier pose
NEAR_FLOOR = 0.03  # metres: a sole at this height carries 1/e of the weight of one on the floor


@dataclass(frozen=True, eq=False)
class Pose:
    """rotations: ``(24, 3, 3)`` R_parent_joint, joint 0 to the world. translation: ``(3,)`` metres, as in SMPL."""

    rotations: Array
    translation: Array


def eased(part: Array) -> Array:
    """0 to 1 for 0 to 1, with no speed and no acceleration at either end; held outside."""
    t = np.clip(part, 0.0, 1.0)
    return t**3 * (10.0 - 15.0 * t + 6.0 * t**2)


def R_world_floor(root: Array, ground: GroundPlane) -> Array:
    """``(3, 3)``: y to the floor's up, +z to where a body of root rotation ``root`` ``(3, 3)`` faces, along the floor."""
    up = ground.normal
    left = root[:, 0] - up * (root[:, 0] @ up)
    if np.linalg.norm(left) < 0.3:  # lies on a side: ahead is the better witness
        ahead = root[:, 2] - up * (root[:, 2] @ up)
        left = np.cross(up, ahead)
    left = left / np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)], axis=1)


def between(start: Pose, target: Pose, identity: Identity, ground: GroundPlane, n_frames: int) -> tuple[Array, Array]:
    """``n_frames`` from ``start`` to ``target``: joints along geodesics, eased, the lowest sole's height kept between both ends'.

    Returns rotations ``(F, 24, 3, 3)`` and translation ``(F, 3)``; the first and the last frame are the poses exactly.
    """
    _check_length(n_frames)
    part = eased(np.linspace(0.0, 1.0, n_frames))
    rotations = slerp(_repeated(start.rotations, n_frames), _repeated(target.rotations, n_frames), part[:, None])
    translation = start.translation + (target.translation - start.translation) * part[:, None]
    heights = _lowest(identity, rotations, translation, ground)
    wanted = heights[0] + (heights[-1] - heights[0]) * part
    translation = translation + (wanted - heights)[:, None] * ground.normal
    rotations[0], translation[0] = start.rotations, start.translation
    rotations[-1], translation[-1] = target.rotations, target.translation
    return rotations, translation


def continue_with(motion: Motion, start: Pose, identity: Identity, ground: GroundPlane, n_frames: int, fps: float) -> tuple[Array, Array]:
    """``n_frames`` at ``fps`` that begin in ``start`` and go over into ``motion`` within ``BLEND_SECONDS``.

    Returns rotations ``(F, 24, 3, 3)`` and translation ``(F, 3)`` in the clip's world; frame 0 is ``start`` exactly. A motion
    that ends before the clip does holds its last pose.
    """
    _check_length(n_frames)
    seconds = np.arange(n_frames) / fps
    blend = eased(seconds / BLEND_SECONDS)
    R_floor = R_world_floor(start.rotations[0], ground)
    scale = leg_length(identity.joints_rest) / motion.leg_length
    at = _entry(motion, start) + seconds * motion.fps
    recorded, moved = sampled(motion.rotations, motion.pelvis * scale, at)
    recorded[:, 0] = R_floor @ recorded[:, 0]
    path = (moved * [1.0, 0.0, 1.0]) @ R_floor.T
    heights = _lowest(identity, recorded, moved @ R_floor.T + ground.point - identity.joints_rest[0], ground)
    rotations = slerp(_repeated(start.rotations, n_frames), recorded, blend[:, None])
    rotations[0] = start.rotations
    return rotations, _carried(rotations, path, np.maximum(heights, 0.0), blend, start, identity, ground)


def _carried(rotations: Array, path: Array, heights: Array, blend: Array, start: Pose, identity: Identity, ground: GroundPlane) -> Array:
    """Translation ``(F, 3)``: along the feet that stand while blending, along the motion's path later; soles at their height."""
    still = np.repeat(start.translation[None], len(rotations), axis=0)
    soles = sole_points(identity, rotations, still).reshape(len(rotations), 6, 3)
    above = ground.height(soles)
    relative = above - above.min(axis=1, keepdims=True)
    weight = np.exp(-np.maximum(relative[1:], relative[:-1]) / NEAR_FLOOR)
    standing = -(np.diff(soles, axis=0) * weight[..., None]).sum(axis=1) / weight.sum(axis=1)[:, None]
    standing -= (standing @ ground.normal)[:, None] * ground.normal
    part = ((blend[1:] + blend[:-1]) / 2.0)[:, None]
    steps = standing * (1.0 - part) + np.diff(path, axis=0) * part
    translation = start.translation + np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    lowest = above.min(axis=1)
    wanted = lowest[0] * (1.0 - blend) + heights * blend
    return translation + (wanted - lowest)[:, None] * ground.normal


def _entry(motion: Motion, start: Pose) -> float:
    """The frame of the motion's beginning whose joints are turned most like the start's, the root's apart."""
    last = min(int(ENTRY_SECONDS[motion.cyclic] * motion.fps), motion.n_frames - 1)
    angles = angle_between(motion.rotations[: last + 1, 1:], _repeated(start.rotations[1:], last + 1))
    return float(np.argmin((angles**2).sum(axis=1)))


def _lowest(identity: Identity, rotations: Array, translation: Array, ground: GroundPlane) -> Array:
    soles = sole_points(identity, rotations, translation)
    return ground.height(soles).min(axis=(1, 2))


def _repeated(rotations: Array, n_frames: int) -> Array:
    return np.broadcast_to(rotations, (n_frames, *rotations.shape))


def _check_length(n_frames: int) -> None:
    if n_frames < 2:
        raise ClipError(f"a motion of {n_frames} frames was asked for; at least 2 are needed")
