"""What a captured window needs before it can start anywhere: no glitches, a floor, feet that stay, a heading."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from revision_blender.motion.bodies.body_model import Identity, joints_of
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle, slerp

Array = NDArray[np.floating]

GLITCH = 12.0  # rad/s of the root: the files' angles were interpolated across the +-180 degree seam
TOUCH = 0.035  # metres over the floor at which a sole may be in contact


@dataclass(frozen=True, eq=False)
class Take:
    """A motion of one body: rotations ``(F, 24, 3, 3)``, translation ``(F, 3)`` metres, y up."""

    body: Identity
    rotations: Array
    translation: Array

    @property
    def soles(self) -> Array:
        """``(F, 2, 3, 3)`` heel, ball and toe of both feet."""
        return sole_points(self.body, self.rotations, self.translation)


def smoothed_glitches(rotations: Array, translation: Array, fps: float) -> tuple[Array, Array]:
    """The root's rotation carried over the few frames in which it leaps; everything else as it is."""
    fast = np.flatnonzero(angle_between(rotations[:-1, 0], rotations[1:, 0]) * fps > GLITCH)
    if len(fast) == 0:
        return rotations, translation
    turned = rotations.copy()
    for run in np.split(fast, np.flatnonzero(np.diff(fast) > 0.1 * fps) + 1):
        first, last = max(int(run[0]) - 4, 0), min(int(run[-1]) + 5, len(turned) - 1)
        part = np.linspace(0.0, 1.0, last - first + 1)
        ends = np.broadcast_to(rotations[first, 0], (len(part), 3, 3)), np.broadcast_to(rotations[last, 0], (len(part), 3, 3))
        turned[first : last + 1, 0] = slerp(*ends, part)
    return turned, translation


def on_floor(take: Take) -> Take:
    """Moved so that the floor is y = 0: the height that the lowest sole point keeps returning to."""
    lowest = take.soles[..., 1].min(axis=(1, 2))
    return replace(take, translation=take.translation - [0.0, np.percentile(lowest, 15.0), 0.0])


def contacts(take: Take, fps: float) -> NDArray[np.bool_]:
    """``(F, 2, 3)``: which sole points rest on the floor: low, and slow against the body's own speed."""
    soles = take.soles
    speed = np.linalg.norm(np.gradient(soles, 1.0 / fps, axis=0), axis=-1)
    return (soles[..., 1] < TOUCH) & (speed < 0.6)


def held_feet(take: Take, fps: float) -> Take:
    """The root moved so that points in contact keep their place, and so that nothing in contact floats or sinks.

    The captured skeleton has one size for all actors, so feet slide by some millimetres a frame; taking the contacts' mean
    velocity off the root's costs the body no pose.
    """
    touching = contacts(take, fps)
    soles = take.soles
    steps = np.diff(soles, axis=0)
    both = (touching[1:] & touching[:-1])[..., None]
    count = both.sum(axis=(1, 2))
    slide = np.where(count > 0, (steps * both).sum(axis=(1, 2)) / np.maximum(count, 1), 0.0) * [1.0, 0.0, 1.0]
    drift = np.concatenate([np.zeros((1, 3)), np.cumsum(gaussian_filter1d(slide, 1.0, axis=0), axis=0)])
    lowest = soles[..., 1].min(axis=(1, 2))
    rise = gaussian_filter1d(np.where(touching.any(axis=(1, 2)), -lowest, np.maximum(-lowest, 0.0)), 1.5)
    return replace(take, translation=take.translation - drift + rise[:, None] * [0.0, 1.0, 0.0])


def longer(take: Take, n_frames: int, blend: int = 6) -> Take:
    """A gait continued from its own best-matching earlier frame, again and again, with a short blend at each seam."""
    rotations, translation = take.rotations, take.translation
    source = np.array(_cycle(take, blend))
    while len(rotations) < n_frames:
        rotations, translation = _appended(rotations, translation, take, source, blend)
    return replace(take, rotations=rotations[:n_frames], translation=translation[:n_frames])


def _cycle(take: Take, blend: int) -> tuple[int, int]:
    """(frame to go on from, frame to jump at): the two most alike in joints and their velocity, a step cycle or more apart."""
    joints = joints_of(take.body, take.rotations, take.translation)
    local = joints - joints[:, :1]
    speed = np.gradient(local, axis=0)
    n = len(local)
    best = (np.inf, 0, n - 1)
    for jump in range(max(n - 20, n // 2), n - 1):
        for back in range(1, min(jump - 12, n - blend - 2)):
            cost = np.abs(local[jump] - local[back]).mean() + 3.0 * np.abs(speed[jump] - speed[back]).mean() + 0.00005 * back
            best = min(best, (float(cost), back, jump))
    return best[1], best[2]


def _appended(rotations: Array, translation: Array, take: Take, cycle: Array, blend: int) -> tuple[Array, Array]:
    back, jump = cycle
    length = len(rotations) - 1 - (len(take.rotations) - 1 - jump)  # the frame of the whole that shows ``jump``
    turn = _yaw(rotations[length, 0]) - _yaw(take.rotations[back, 0])
    R_turn = matrix_from_axis_angle(np.array([0.0, turn, 0.0]))
    more = take.rotations[back:].copy()
    more[:, 0] = R_turn @ more[:, 0]
    moved = (take.translation[back:] - take.translation[back]) @ R_turn.T + translation[length]
    moved[:, 1] = take.translation[back:, 1]
    fade = np.clip(np.arange(len(more)) / blend, 0.0, 1.0)
    fade = fade * fade * (3.0 - 2.0 * fade)
    tail = min(len(rotations) - length, len(more))
    held = np.concatenate([rotations[length : length + tail], np.repeat(rotations[-1:], len(more) - tail, axis=0)])
    more = slerp(held, more, np.broadcast_to(fade[:, None], more.shape[:2]))
    moved[:, 1] = translation[length, 1] * (1.0 - fade) + moved[:, 1] * fade
    return np.concatenate([rotations[:length], more]), np.concatenate([translation[:length], moved])


def _yaw(rotation: Array) -> float:
    return float(np.arctan2(rotation[0, 2], rotation[2, 2]))


def faced(take: Take, frames: int = 6) -> Take:
    """Turned and moved so that it starts over the origin, the pelvis of its first frames facing +z on average."""
    ahead = take.rotations[:frames, 0, :, 2].mean(axis=0)
    R_turn = matrix_from_axis_angle(np.array([0.0, -np.arctan2(ahead[0], ahead[2]), 0.0]))
    rotations = take.rotations.copy()
    rotations[:, 0] = R_turn @ rotations[:, 0]
    pelvis = (take.translation + take.body.joints_rest[0]) @ R_turn.T
    pelvis = pelvis - pelvis[0] * [1.0, 0.0, 1.0]
    return replace(take, rotations=rotations, translation=pelvis - take.body.joints_rest[0])
