"""What refining changed, frame by frame: for the graph that the animator looks at.

Sliding, sinking and jitter are read off the joints and soles in the prior's world, for people, animals and objects alike. Contacts are
found once, on the motion that was given, and hold for both, so that a motion cannot do better by touching the floor less.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import model_of
from backend.prior.footing import Footing, Pose, footing_of, pose_of
from backend.prior.stances import stances
from backend.prior.state.fill import filled
from backend.prior.state.take import Take
from backend.prior.state.world import kind_of, offsets_of, to_damaged
from revision_blender.motion.clip import Clip, ObjectTrack, Track
from revision_blender.motion.clip_resample import clip_at

Array = NDArray[np.floating]
Changes = Float[NDArray[np.float32], "2 3 frames"]

NAMES = ("sliding_mm", "sinking_mm", "jitter_10_m_s3")
_STANDS = 0.5  # of a point's hold, from which on it counts as standing


def changes(before: Clip, after: Clip) -> Changes:
    """``(2, 3, F)`` before and after at the frames of ``after``: the feet's sliding in mm a frame, how deep the lowest point is under
    the floor in mm, the joints' mean jerk in 10 m/s^3. NaN where there is nothing to tell: no contact, the first and last frames.

    Over several tracks: the mean of sliding and jitter, the largest of sinking. Raises InputError for bodies that are not known.
    """
    same = clip_at(before, after.fps)
    rows = [_of_track(same, first, after, second) for first, second in zip(same.tracks, after.tracks, strict=True)]
    if not rows:
        return np.full((2, 3, after.n_frames), np.nan, dtype=np.float32)
    stacked = np.stack([row[..., : after.n_frames] for row in rows])
    known = np.isfinite(stacked)
    count = known.sum(axis=0)
    mean = np.where(count > 0, np.where(known, stacked, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    mean[:, 1] = np.where(known[:, :, 1], stacked[:, :, 1], 0.0).max(axis=0)
    return mean.astype(np.float32)


def means(found: Changes) -> dict[str, float]:
    """The mean of each measure by name, over the frames that have it; what no frame has is left out."""
    named = {}
    for when, rows in zip(("before", "after"), found, strict=True):
        for name, row in zip(NAMES, rows, strict=True):
            known = row[np.isfinite(row)]
            if len(known):
                named[f"{name}_{when}"] = float(known.mean())
    return named


def _of_track(before: Clip, first: Track, after: Clip, second: Track) -> NDArray[np.float64]:
    takes = [_take(before, first), _take(after, second)]
    footing = footing_of(takes[0])
    poses = [pose_of(take, footing) for take in takes]
    held = stances(poses[0].points, footing, None, before.fps) > _STANDS if takes[0].kind != "object" else None
    return np.stack([_rows(take, footing, pose, held) for take, pose in zip(takes, poses, strict=True)])


def _take(clip: Clip, track: Track) -> Take:
    offsets = None
    if not isinstance(track, ObjectTrack):
        model = model_of(track)
        offsets = offsets_of(model.joint_template + model.joint_shapedirs @ model.checked_betas(track.betas), kind_of(track))
    return filled(to_damaged(clip, track, offsets)[0]).take


def _rows(take: Take, footing: Footing, pose: Pose, held: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    rows = np.full((3, take.n_frames), np.nan)
    if held is not None and take.n_frames > 1:
        step = np.linalg.norm(np.diff(pose.points[..., (0, 2)], axis=0), axis=-1) * 1000.0
        both = held[1:] & held[:-1]
        count = both.sum(axis=1)
        rows[0, 1:] = np.where(count > 0, (step * both).sum(axis=1) / np.maximum(count, 1), np.nan)
    floor = footing.rest if take.kind == "animal" else 0.0  # a paw is told by its joint, which stands over the floor
    rows[1] = np.maximum(floor - pose.points[..., 1], 0.0).max(axis=1) * 1000.0
    moving = pose.points if take.kind == "object" else pose.joints
    if take.n_frames > 3:
        jerk = np.linalg.norm(np.diff(moving, n=3, axis=0), axis=-1).mean(axis=1) * take.fps**3
        rows[2, 1:-2] = jerk / 10.0
    return rows
