"""Tracks of a clip as takes in the prior's world (y up, floor at y = 0), and back into the clip's own world.

The prior's animals are all of one size, a large dog's. One of another size is seen that much smaller, and as much faster as the root of
that: animals of all sizes move alike then (Alexander and Jayes, "A dynamic similarity hypothesis for the gaits of quadrupedal mammals",
1983), and what is felt of gravity stays.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.prior.state.clock import FASTEST, SLOWEST
from backend.prior.state.skeletons import parents_of
from backend.prior.state.take import N_JOINTS, Array, Damaged, Kind, Take
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack, Pins, Track

_CENTRE = 20  # of an object's 21 points


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a take lies in its clip's world: ``prior = turn @ (world - point) / size``.

    turn: ``(3, 3)`` R_prior_world. point: ``(3,)`` metres in the clip's world, on its floor. rest_root: ``(3,)`` joint 0 of the rest pose.
    size: metres of the clip a metre of the prior. pace: the prior's frames a second for each of the clip's.
    """

    turn: Array
    point: Array
    rest_root: Array
    size: float = 1.0
    pace: float = 1.0

    def inward(self, places: Array) -> Array:
        """``(..., 3)`` places of the clip's world in the prior's."""
        return (places - self.point) @ self.turn.T / self.size

    def outward(self, places: Array) -> Array:
        """``(..., 3)`` places of the prior's world in the clip's."""
        return self.size * places @ self.turn + self.point


def kind_of(track: Track) -> Kind:
    """``InputError`` for a track that is neither of SMPL's kin, nor of SMAL's, nor an object."""
    if isinstance(track, ObjectTrack):
        return "object"
    if not isinstance(track, BodyTrack) or track.family not in ("smpl", "smplh", "smplx", "smal"):
        family = getattr(track, "family", type(track).__name__)
        raise InputError(f"the motion prior knows people, animals and objects, not {family!r}; leave that track out")
    return "animal" if track.family == "smal" else "human"


def offsets_of(joints_rest: Array, kind: Kind) -> Array:
    """``(J, 3)`` rest places of at least the kind's joints to what ``to_take`` takes: each joint's minus its parent's; row 0 the root's own."""
    parents = np.array(parents_of(kind))
    rest = np.asarray(joints_rest, dtype=np.float64)[: len(parents)]
    return np.where(parents[:, None] >= 0, rest - rest[parents], rest)


def to_take(clip: Clip, track: Track, offsets: Array | None = None, size: float = 1.0) -> tuple[Take, Placement]:
    """One track at the clip's rate in the prior's world; joints beyond the kind's own (fingers, jaw, eyes) are left aside.

    offsets: ``(J, 3)`` as ``offsets_of`` gives them; an object needs none. size: how many times as large as the prior's animals an animal
    is. ``InputError`` for unknown kinds and too few joints.
    """
    kind = kind_of(track)
    turn = _to_y_up(clip.ground)
    if isinstance(track, ObjectTrack):
        placement = Placement(turn, np.asarray(clip.ground.point, dtype=np.float64), np.zeros(3))
        points = placement.inward(np.asarray(track.points, dtype=np.float64))
        centre = points[:, _CENTRE]
        turned = np.tile(np.eye(3), (track.n_frames, 1, 1, 1))
        return Take(kind, clip.fps, turned, centre, np.zeros((1, 3)), points - centre[:, None], track.label), placement
    count = N_JOINTS[kind]
    if offsets is None or track.rotations.shape[1] < count or offsets.shape != (count, 3):
        raise InputError(
            f"track {track.track_id!r} has {track.rotations.shape[1]} joints and offsets of shape {None if offsets is None else offsets.shape};"
            f" the motion prior needs the {kind}'s first {count} joints with {(count, 3)} rest offsets"
        )
    placement = Placement(
        turn, np.asarray(clip.ground.point, dtype=np.float64), np.asarray(offsets[0], dtype=np.float64), size, _pace(clip.fps, size)
    )
    rotations = np.array(track.rotations[:, :count], dtype=np.float64)
    rotations[:, 0] = turn @ rotations[:, 0]
    root = placement.inward(np.asarray(track.translation, dtype=np.float64) + placement.rest_root)
    below = np.concatenate([np.zeros((1, 3)), np.asarray(offsets[1:], dtype=np.float64) / size])
    return Take(kind, clip.fps * placement.pace, rotations, root, below, None, track.track_id), placement


def _pace(fps: float, size: float) -> float:
    """The root of the size, as far as the prior's clock takes such rates."""
    return float(np.clip(size**0.5, min(SLOWEST / fps, 1.0), max(FASTEST / fps, 1.0)))


def from_take(take: Take, placement: Placement, track: Track) -> Track:
    """The track with the take's motion, which must have the track's frames; what the take leaves aside stays as it was."""
    if take.n_frames != track.n_frames:
        raise InputError(f"the motion has {take.n_frames} frames, the track {track.track_id!r} {track.n_frames}; resample it first")
    if isinstance(track, ObjectTrack):
        assert take.points is not None
        points = placement.outward(take.root[:, None] + take.points)
        return replace(track, points=points.astype(track.points.dtype))
    rotations = np.array(track.rotations, copy=True)
    rotations[:, : take.rotations.shape[1]] = take.rotations
    rotations[:, 0] = placement.turn.T @ take.rotations[:, 0]
    translation = placement.outward(take.root) - placement.rest_root
    return replace(track, rotations=rotations, translation=translation.astype(track.translation.dtype))


def to_damaged(
    clip: Clip, track: Track, offsets: Array | None = None, pins: Pins | None = None, size: float = 1.0
) -> tuple[Damaged, Placement]:
    """As ``to_take``, with the track's confidence as trust (the root's for its place too) and the animator's pins."""
    take, placement = to_take(clip, track, offsets, size)
    frames, joints = take.rotations.shape[:2]
    if isinstance(track, ObjectTrack):
        trust = np.asarray(track.confidence, dtype=np.float64)[:, None]
    else:
        trust = np.asarray(track.confidence[:, :joints], dtype=np.float64)
    trust = np.clip(np.nan_to_num(trust), 0.0, 1.0)
    pinned, root_pinned = np.zeros((frames, joints), dtype=bool), np.zeros(frames, dtype=bool)
    if pins is not None:
        pinned, root_pinned = np.array(pins.joints[:, :joints], dtype=bool), np.array(pins.translation, dtype=bool)
    return Damaged(take, trust, trust[:, 0].copy(), pinned, root_pinned), placement


def _to_y_up(ground: GroundPlane) -> NDArray[np.float64]:
    """R_prior_world: rows are the prior's axes. Which way x points does not matter to the prior; here it stays near the world's x or z."""
    up = np.asarray(ground.normal, dtype=np.float64)
    up = up / np.linalg.norm(up)
    near = np.array([1.0, 0.0, 0.0]) if abs(up[0]) < 0.8 else np.array([0.0, 0.0, 1.0])
    left = near - (near @ up) * up
    left = left / np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)])
