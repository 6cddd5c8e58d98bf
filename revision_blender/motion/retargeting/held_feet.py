"""Feet that stay where they stand: sliding taken out of a captured motion at the least change of it.

While a foot rests on the floor, the mean step of its resting points is taken off its path, so that it keeps its place; between two
stances what was taken off fades from one to the next. The root follows the slow common part of both feet, the legs do the
rest: hip and knee turn (two bones, the knee in its own plane), the foot keeps its direction in the world.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import Identity, joints_of, world_rotations
from ..clip import BodyTrack, GroundPlane
from .contacts import Contacts, find_contacts, foot_points, stretches
from .limits import within_limits
from .turns import smallest_turns, unit

Array = NDArray[np.floating]

LEGS = ((1, 4, 7), (2, 5, 8))  # hip, knee, ankle of SMPL, left and right
_NAMES = {1: "left_hip", 4: "left_knee", 7: "left_ankle", 2: "right_hip", 5: "right_knee", 8: "right_ankle"}
_ROOT_SECONDS = 0.12  # width of the root's smoothing
_ROOT_PART = 0.3  # of the feet's common shift: all joints move with the root, legs alone cost the least change
_STRETCH = 0.9995  # of the leg's length: as straight as a leg is made
_FADE_SECONDS = 0.5  # in which what a foot was moved by is given up after a stance, if no other follows sooner
_MOST_UP = 0.02  # metres that a foot is moved up or down at most
_MOST_DOWN = 0.01  # metres that the root is lowered at most for legs that are too short; what is left, the foot stays off
_MOST = 0.08  # metres that a foot is moved at most: more would be another motion


@dataclass(frozen=True)
class Held:
    """What the cleaning did. contacts: as decided before it. shift: ``(F, 2, 3)`` metres each foot was moved; root: ``(F, 3)``."""

    contacts: Contacts
    shift: Array
    root: Array


def with_held_feet(track: BodyTrack, identity: Identity, fps: float, ground: GroundPlane) -> tuple[BodyTrack, str]:
    """The track with resting feet held, and a sentence on it. ground: the floor of the clip (``contacts.floor_height``)."""
    cleaned, held = hold_feet(track, identity, fps, ground)
    before, after = (joints_of(identity, t.rotations, t.translation) for t in (track, cleaned))
    change = 1e3 * float(np.linalg.norm(after - before, axis=-1).mean())
    return (
        cleaned,
        f"Feet on the floor in {100.0 * held.contacts.share:.0f} % of the frames were held; joints moved by {change:.0f} mm on average.",
    )


def hold_feet(track: BodyTrack, identity: Identity, fps: float, ground: GroundPlane) -> tuple[BodyTrack, Held]:
    """A person's track with resting feet held, and what was done.

    Contacts are those of the given track. The change of the joints is a few millimetres on average; what cannot be reached by a
    straight leg is not.
    """
    points = foot_points(track, identity)
    contacts = find_contacts(points, ground, fps)
    shift = np.stack([_foot_shift(points[:, foot], contacts.touching[:, foot], ground, fps) for foot in range(2)], axis=1)
    root = _ROOT_PART * _smoothed(shift.mean(axis=1), _ROOT_SECONDS * fps)
    joints = joints_of(identity, track.rotations, track.translation)
    root = _within_reach(joints, shift, root, fps, ground)
    rotations = _with_legs(track.rotations, identity, joints, shift - root[:, None])
    return replace(track, rotations=rotations, translation=track.translation + root), Held(contacts, shift, root)


def _foot_shift(points: Array, touching: NDArray[np.bool_], ground: GroundPlane, fps: float) -> Array:
    """``(F, 3)`` how a foot is moved so that its resting points rest; points ``(F, P, 3)``, touching ``(F, P)``."""
    shift = np.zeros((len(points), 3))
    known = np.zeros(len(points), dtype=bool)
    for first, last in stretches(touching.any(axis=1)):
        shift[first:last] = _stance_shift(points[first:last], touching[first:last], ground)
        known[first:last] = True
    return _faded(shift, known, _FADE_SECONDS * fps)


def _stance_shift(points: Array, touching: NDArray[np.bool_], ground: GroundPlane) -> Array:
    steps = np.diff(points, axis=0)
    both = (touching[1:] & touching[:-1])[..., None]
    count = both.sum(axis=1)
    mean = np.where(count > 0, (steps * both).sum(axis=1) / np.maximum(count, 1), 0.0)
    drift = np.concatenate([np.zeros((1, 3)), np.cumsum(mean, axis=0)])
    shift = drift.mean(axis=0) - drift
    heights = np.where(touching, ground.height(points), np.inf).min(axis=1) + shift @ ground.normal
    # a sole stands on the floor, neither over nor under it, unless it is so far off that it stands on something else
    shift = shift - ground.normal * np.clip(np.median(heights), -_MOST_UP, _MOST_UP)
    size = np.linalg.norm(shift, axis=-1, keepdims=True)
    return shift * np.minimum(1.0, _MOST / np.maximum(size, 1e-9))


def _faded(values: Array, known: NDArray[np.bool_], width: float) -> Array:
    """Gaps filled from both their ends, each fading to nothing over ``width`` frames; a shorter gap goes from one to the other."""
    if not known.any():
        return values
    filled = values.copy()
    for first, last in stretches(~known):
        length = min(width, last - first + 1)
        at = np.arange(1, last - first + 1)[:, None]
        before = values[first - 1] * _falling(at / length) if first > 0 else 0.0
        after = values[last] * _falling((last - first + 1 - at) / length) if last < len(values) else 0.0
        filled[first:last] = before + after
    return filled


def _falling(part: Array) -> Array:
    """From 1 at 0 to 0 at 1 and beyond, level at both ends."""
    part = np.clip(part, 0.0, 1.0)
    return 1.0 - part * part * (3.0 - 2.0 * part)


def _smoothed(values: Array, width: float) -> Array:
    """Gaussian mean over frames along axis 0, ends mirrored."""
    reach = int(np.ceil(3.0 * width))
    if reach < 1 or len(values) < 2:
        return values
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel = kernel / kernel.sum()
    around = np.arange(-reach, len(values) + reach)
    period = 2 * (len(values) - 1)
    around = np.abs((around + period) % period)
    padded = values[np.where(around >= len(values), period - around, around)]
    return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=-1)


def _within_reach(joints: Array, shift: Array, root: Array, fps: float, ground: GroundPlane) -> Array:
    """The root lowered, smoothly, where a foot would be farther from its hip than the leg is long, but not by much."""
    down = np.zeros(len(joints))
    for _ in range(3):
        lack = np.zeros(len(joints))
        for foot, (hip, knee, ankle) in enumerate(LEGS):
            length = np.linalg.norm(joints[0, knee] - joints[0, hip]) + np.linalg.norm(joints[0, ankle] - joints[0, knee])
            before = np.linalg.norm(joints[:, ankle] - joints[:, hip], axis=-1)
            wanted = np.linalg.norm(joints[:, ankle] + shift[:, foot] - joints[:, hip] - root + down[:, None] * ground.normal, axis=-1)
            lack = np.maximum(lack, wanted - np.maximum(_STRETCH * length, before))
        if lack.max() <= 0.0:
            break
        width = 0.05 * fps
        wide = np.max([np.roll(np.maximum(lack, 0.0), k) for k in range(-int(width), int(width) + 1)], axis=0)
        down = np.minimum(down + _smoothed(wide[:, None], width)[:, 0], _MOST_DOWN)
    return root - down[:, None] * ground.normal


def _with_legs(rotations: Array, identity: Identity, joints: Array, moved: Array) -> Array:
    """Rotations with each ankle moved by ``moved`` ``(F, 2, 3)`` against its hip, the feet's world rotations as they were."""
    world = world_rotations(identity.model.parents, rotations)
    result = rotations.copy()
    for foot, (hip, knee, ankle) in enumerate(LEGS):
        thigh, shank = _two_bones(joints[:, hip], joints[:, knee], joints[:, ankle], joints[:, ankle] + moved[:, foot], world[:, hip])
        R_hip, R_knee = thigh @ world[:, hip], shank @ world[:, knee]
        result[:, hip] = np.swapaxes(world[:, 0], -1, -2) @ R_hip
        result[:, knee] = np.swapaxes(R_hip, -1, -2) @ R_knee
        result[:, ankle] = np.swapaxes(R_knee, -1, -2) @ world[:, ankle]
        for joint in (hip, knee, ankle):
            result[:, joint] = within_limits(_NAMES[joint], result[:, joint])[0]
    return result


def _two_bones(hip: Array, knee: Array, ankle: Array, goal: Array, R_world_hip: Array) -> tuple[Array, Array]:
    """World turns ``(F, 3, 3)`` of thigh and shank that bring the ankle to ``goal``, all places ``(F, 3)``."""
    upper, lower = np.linalg.norm(knee - hip, axis=-1), np.linalg.norm(ankle - knee, axis=-1)
    now, then = ankle - hip, goal - hip
    longest = np.maximum(_STRETCH * (upper + lower), np.linalg.norm(now, axis=-1))
    distance = np.clip(np.linalg.norm(then, axis=-1), np.abs(upper - lower) * 1.001, longest)
    along = smallest_turns(unit(now), unit(then))
    bend = knee - hip - unit(now) * ((knee - hip) * unit(now)).sum(-1, keepdims=True)
    bend = bend + 1e-4 * R_world_hip[:, :, 2]  # a straight leg bends forward
    bend = np.einsum("fij,fj->fi", along, bend)
    toward = unit(then)
    bend = unit(bend - toward * (bend * toward).sum(-1, keepdims=True))
    cosine = np.clip((upper**2 + distance**2 - lower**2) / (2.0 * upper * distance), -1.0, 1.0)[:, None]
    new_knee = upper[:, None] * (cosine * toward + np.sqrt(1.0 - cosine**2) * bend)
    new_ankle = toward * distance[:, None]
    thigh = smallest_turns(np.einsum("fij,fj->fi", along, unit(knee - hip)), unit(new_knee)) @ along
    shank = smallest_turns(np.einsum("fij,fj->fi", along, unit(ankle - knee)), unit(new_ankle - new_knee)) @ along
    return thigh, shank
