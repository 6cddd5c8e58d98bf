"""The parameterised physical prior model on a clip: lifted or edited motion in, believable motion out, pins exactly as they were.

After ReVision's S2 (arXiv 2504.21855, sections 3.3 and 3.4), which gives the network's outline; contacts, floor, pins and polish are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from backend.bodies.installed import model_of
from backend.errors import InputError
from backend.prior.answers import Answer, answer
from backend.prior.asked_clip import Options, check, longer, pins_of
from backend.prior.network.weights import TrainedPrior, bundled_prior
from backend.prior.pins import WorldPin
from backend.prior.polish import PlacePins
from backend.prior.state.filters import gaussian
from backend.prior.state.rotation6d import from6d, to6d
from backend.prior.state.take import FPS, Array
from backend.prior.state.world import Placement, from_take, kind_of, offsets_of, to_damaged
from backend.progress import Progress, silent
from revision_blender.motion.bodies.body_size import size_of
from revision_blender.motion.clip import BodyTrack, Clip, ObjectTrack, Pins, Track
from revision_blender.motion.clip_resample import clip_at

__all__ = ["Options", "Refined", "Report", "WorldPin", "refine"]

LEAST_SIZE = 0.04
_ASIDE_SIGMA = 1.0 / FPS  # seconds; fingers, jaw and eyes are smoothed by this alone: no training motion has them


@dataclass(frozen=True, eq=False)
class Report:
    """notes: sentences for the user. contacts: ``(F, 4)`` probabilities by track id, see ``motions.Predicted``."""

    notes: tuple[str, ...]
    contacts: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Refined:
    clip: Clip
    report: Report


def refine(clip: Clip, options: Options | None = None, progress: Progress | None = None) -> Refined:
    """The clip with every person's, animal's and object's motion made believable; camera and ground stay.

    Raises InputError for options out of range, clips without frames, trusted numbers that are not finite, pins that fit no track, and
    tracks that are none of the three kinds; Cancelled.
    """
    options, progress = options or Options(), progress or silent()
    check(clip, options)
    whole = longer(clip, options.frames)
    base = clip_at(whole, options.target_fps or clip.fps)
    network = (options.network or bundled_prior()) if clip.n_frames > 1 else None
    if network is None or (options.strength_of_correction == 0.0 and not options.world_pins):
        return Refined(base, Report((), {}))
    tracks, notes, contacts = [], [], {}
    for index, track in enumerate(whole.tracks):
        progress(index / len(whole.tracks), f"refining {track.track_id}")
        found, refined = _track(
            whole, track, base.tracks[index], _Frames(base.fps, clip.n_frames, base.camera.T_world_camera[:, :3, 3]), options, network
        )
        tracks.append(refined)
        notes += [f"{track.track_id}: {note}" for note in found.notes]
        if found.contacts is not None:
            contacts[track.track_id] = found.contacts
    progress(1.0, "refined")
    return Refined(base.with_tracks(tuple(tracks)), Report(tuple(notes), contacts))


@dataclass(frozen=True)
class _Frames:
    """fps: the answer's. given: frames that the clip has of itself. eyes: ``(F, 3)`` the camera's places at the answer's frames."""

    fps: float
    given: int
    eyes: Array


def _track(whole: Clip, track: Track, base: Track, frames: _Frames, options: Options, network: TrainedPrior) -> tuple[Answer, Track]:
    pins = pins_of(track, options, frames.given)
    damaged, placement = to_damaged(whole, track, _offsets(track), pins, _size(track))
    places = _place_pins(track, placement, damaged.pinned.shape[1], base.n_frames, frames.fps / whole.fps, options.world_pins)
    eyes = placement.inward(frames.eyes) if isinstance(track, BodyTrack) else None
    found = answer(damaged, network.network, options.asked, places, fps=frames.fps * placement.pace, frames=base.n_frames, eyes=eyes)
    refined = from_take(found.take, placement, base)
    if isinstance(refined, BodyTrack):
        refined = _aside_smoothed(refined, found.take.rotations.shape[1], frames.fps)
    return found, _copied(refined, track, pins, frames.fps / whole.fps)


def _offsets(track: Track) -> Array | None:
    """Rest offsets of a body's joints; the body model is looked up by the name in the track. Raises InputError."""
    if isinstance(track, ObjectTrack):
        return None
    kind = kind_of(track)
    model = model_of(track)
    return offsets_of(model.joint_template + model.joint_shapedirs @ model.checked_betas(track.betas), kind)


def _size(track: Track) -> float:
    """How many times as large as the prior's animals an animal is; 1 for everyone else."""
    size = size_of(model_of(track), track.betas) if isinstance(track, BodyTrack) and kind_of(track) == "animal" else 1.0
    if not LEAST_SIZE < size < 1.0 / LEAST_SIZE:
        raise InputError(f"{track.track_id} is {size:g} times as large as a dog, no animal is; set its Size key between -0.95 and 19")
    return size


def _place_pins(track: Track, placement: Placement, joints: int, frames: int, rate: float, pins: Sequence[WorldPin]) -> PlacePins | None:
    mine = [pin for pin in pins if pin.track_id == track.track_id]
    if not mine:
        return None
    held, places = np.zeros((frames, joints), dtype=bool), np.zeros((frames, joints, 3))
    for pin in mine:
        frame = min(round(pin.frame * rate), frames - 1)
        held[frame, pin.joint] = True
        places[frame, pin.joint] = placement.inward(np.asarray(pin.place, dtype=np.float64))
    return PlacePins(held, places)


def _aside_smoothed(track: BodyTrack, count: int, fps: float) -> BodyTrack:
    """Joints from ``count`` on lightly filtered, as far as they are trusted; at rest where nothing near is a number."""
    if track.rotations.shape[1] <= count:
        return track
    given = np.array(track.rotations[:, count:], dtype=np.float64)
    sound = np.isfinite(given).all(axis=(2, 3))
    aside = torch.from_numpy(np.where(sound[..., None, None], given, np.eye(3)))[None]
    trust = torch.from_numpy(np.where(sound, track.confidence[:, count:].astype(np.float64) + 0.02, 1e-6))[None]
    smooth = from6d(gaussian(to6d(aside), _ASIDE_SIGMA * fps, trust))[0].numpy()
    return replace(track, rotations=np.concatenate([track.rotations[:, :count], smooth.astype(track.rotations.dtype)], axis=1))


def _copied(refined: Track, given: Track, pins: Pins, rate: float) -> Track:
    """Pinned entries taken bit for bit from the given track, at the frames that both have."""
    at = np.arange(given.n_frames) * rate
    to = np.round(at).astype(np.int64)
    both = np.flatnonzero((np.abs(at - to) < 1e-6) & (to < refined.n_frames))
    if isinstance(refined, ObjectTrack):
        assert isinstance(given, ObjectTrack)
        return replace(refined, points=_put(refined.points, to[both], given.points[both], pins.translation[both]))
    assert isinstance(given, BodyTrack)
    return replace(
        refined,
        rotations=_put(refined.rotations, to[both], given.rotations[both], pins.joints[both]),
        translation=_put(refined.translation, to[both], given.translation[both], pins.translation[both]),
    )


def _put(values: Array, at: NDArray[np.integer], given: Array, pinned: NDArray[np.bool_]) -> Array:
    result = np.array(values, copy=True)
    mask = pinned.reshape(*pinned.shape, *([1] * (given.ndim - pinned.ndim)))
    result[at] = np.where(mask, given, result[at])
    return result
