"""Captured motions made physical, once, before anything is learned from them: a floor at y = 0 and feet that rest on it.

What is changed is little, and said: the joints' mean distance from the retargeted source, which stands on the same floor.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import FPS, N_JOINTS, Take
from backend.training.prior.glitches import without_leaps
from backend.training.prior.lifted_feet import with_lifted_feet
from backend.training.prior.loops import unrolled
from backend.training.prior.resampling import resampled
from backend.training.prior.toes import with_bent_toes
from revision_blender.motion.bodies.body_model import Identity, identity_of, joints_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.clip import BodyTrack, GroundPlane
from revision_blender.motion.retargeting.contacts import floor_of, foot_points
from revision_blender.motion.retargeting.held_feet import hold_feet
from revision_blender.motion.retargeting.turns import smallest_turns

Array = NDArray[np.floating]

LONGEST_LOOP = 4.0  # seconds up to which a looping file is said again
MOST_CHANGE = 0.015  # metres, of a clip: mean over frames and joints
LOW, SLOW = 0.05, 0.15  # metres over the floor and metres a second: when a sole point counts as resting
_FLOOR = GroundPlane(np.array([0.0, 1.0, 0.0]), np.zeros(3))


@dataclass(frozen=True)
class Change:
    """What making one motion physical did; lengths in mm, nan where it was not asked (animals) or nothing rests.

    joints: mean distance of the 22 joints from the source's. sliding: horizontal step a frame, at 30 frames a second, of sole points
    that rest in the target, in the source and in the target. sinking: mean depth of the lowest sole point under the floor.
    """

    name: str
    joints: float
    sliding_before: float
    sliding: float
    sinking: float


def physical(track: BodyTrack, fps: float, ground: GroundPlane, shelf: BodyShelf, loops: bool) -> tuple[Take, Change]:
    """A body's track over its clip's floor as a take at ``FPS``, and what was changed.

    loops: whether the file's last frame leads on to its first; a short one is said several times, feet held over all of it.
    The take's name is the track's; its group and text are empty.
    """
    identity = identity_of(shelf.load(track.model), track.betas)
    source = _over_floor(replace(track, rotations=without_leaps(track.rotations, fps)), ground, identity)
    if loops:
        source = unrolled(source, identity.joints_rest[0], fps, LONGEST_LOOP)
    person = track.family != "smal"
    held = _made_physical(source, identity, fps) if person else source
    before, after = _at_clock(source, fps), _at_clock(held, fps)
    change = _change(before, after, identity) if person else Change(track.track_id, *[float("nan")] * 4)
    return _take(after, identity), change


def _made_physical(source: BodyTrack, identity: Identity, fps: float) -> BodyTrack:
    """A person's track with feet that rest, and do not sink; without the former where it would change more than ``MOST_CHANGE``."""
    held = hold_feet(source, identity, fps, _FLOOR)[0]
    for base in (held, source):
        lifted = with_lifted_feet(base, identity, fps)
        if _apart(lifted, source, identity) <= MOST_CHANGE:
            return with_bent_toes(lifted, identity, fps)
    return with_bent_toes(source, identity, fps)


def _apart(one: BodyTrack, other: BodyTrack, identity: Identity) -> float:
    """Metres, mean over frames and the joints of a take."""
    places = [joints_of(identity, track.rotations, track.translation)[:, : N_JOINTS["human"]] for track in (one, other)]
    return float(np.linalg.norm(places[0] - places[1], axis=-1).mean())


def floor_under(track: BodyTrack, fps: float, given: GroundPlane, shelf: BodyShelf) -> GroundPlane:
    """The floor that the track's feet keep returning to, in the world of a clip whose own floor is ``given``."""
    up = {1: "y", 2: "z"}.get(int(np.argmax(given.normal)))
    if up is None or given.normal.max() < np.cos(np.radians(10.0)):
        return given  # a camera's world: the lifter knows better where up is
    axis: Literal["y", "z"] = "y" if up == "y" else "z"
    points = foot_points(track, identity_of(shelf.load(track.model), track.betas))
    return floor_of(points, axis, fps, level=track.family == "smal")


def _over_floor(track: BodyTrack, ground: GroundPlane, identity: Identity) -> BodyTrack:
    """The track in a world whose floor is y = 0."""
    R_up = smallest_turns(ground.normal, _FLOOR.normal)
    rotations = track.rotations.copy()
    rotations[:, 0] = R_up @ rotations[:, 0]
    rest = identity.joints_rest[0]
    return replace(track, rotations=rotations, translation=(track.translation + rest - ground.point) @ R_up.T - rest)


def _at_clock(track: BodyTrack, fps: float) -> BodyTrack:
    rotations, translation = resampled(track.rotations, track.translation, fps, FPS)
    return replace(track, rotations=rotations, translation=translation, confidence=np.ones(rotations.shape[:2]))


def _take(track: BodyTrack, identity: Identity) -> Take:
    """The take of a track that runs at ``FPS`` over the floor y = 0."""
    kind = "animal" if track.family == "smal" else "human"
    count = N_JOINTS[kind]
    parents = identity.model.parents[:count]
    rest = identity.joints_rest[:count]
    offsets = np.where(parents[:, None] < 0, 0.0, rest - rest[parents])
    return Take(kind, FPS, track.rotations[:, :count], track.translation + rest[0], offsets, name=track.track_id)


def _change(before: BodyTrack, after: BodyTrack, identity: Identity) -> Change:
    soles = [sole_points(identity, track.rotations, track.translation) for track in (before, after)]
    sinking = np.maximum(-soles[1][..., 1].min(axis=(1, 2)), 0.0).mean()
    slid = [_sliding(points, soles[1]) for points in soles]
    return Change(after.track_id, 1e3 * _apart(before, after, identity), slid[0], slid[1], 1e3 * float(sinking))


def _sliding(soles: Array, judged_on: Array) -> float:
    """Mean horizontal step in mm a frame of points ``(F, 2, 3, 3)`` over the steps in which ``judged_on`` rests."""
    step = np.linalg.norm(np.diff(judged_on, axis=0), axis=-1)
    rests = (step < SLOW / FPS) & (np.maximum(judged_on[1:, ..., 1], judged_on[:-1, ..., 1]) < LOW)
    moved = np.linalg.norm(np.diff(soles[..., [0, 2]], axis=0), axis=-1)
    return 1e3 * float(moved[rests].mean()) if rests.any() else float("nan")
