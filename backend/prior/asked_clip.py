"""Whether what is asked of the prior fits the clip, and the clip and its pins as the prior takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.prior.answers import GUIDANCE, Asked
from backend.prior.network.text import ClipText
from backend.prior.network.weights import TrainedPrior
from backend.prior.pins import WorldPin
from backend.prior.state.clock import FASTEST, SLOWEST
from backend.prior.state.fill import MISSING
from backend.prior.state.take import N_JOINTS
from backend.prior.state.world import kind_of
from revision_blender.motion.clip import BodyTrack, Clip, ObjectTrack, Pins, Track

MOST_BEYOND = 300  # frames: motion that nothing holds drifts into standing


@dataclass(frozen=True, eq=False)
class Options:
    """How a clip is refined.

    pins: rotations and places that come back bit for bit. world_pins: places that hands or feet must have, reached within 1 mm.
    strength_of_correction: in [0, 1], the share of the way from the given to the refined motion. text: what is done, in words;
    text_encoder: CLIP's, for networks trained with it. motion_strength: in [0, 1], how much movement, None for *auto*; guidance: how far
    that counts. first_frame, target_pose: keep the first, the last given frame whole. target_fps: the rate of the result, None for the
    clip's own. frames: how many, at the clip's rate, to go on beyond its end. network: None for the one that comes with the product.
    """

    pins: Sequence[Pins] = ()
    world_pins: Sequence[WorldPin] = ()
    strength_of_correction: float = 1.0
    text: str = ""
    motion_strength: float | None = None
    guidance: float = GUIDANCE
    target_fps: float | None = None
    frames: int = 0
    polish: bool = True
    time_repair: bool = True
    first_frame: bool = False
    target_pose: bool = False
    text_encoder: ClipText | None = None
    network: TrainedPrior | None = None

    @property
    def asked(self) -> Asked:
        """What concerns each take by itself."""
        return Asked(
            correction=self.strength_of_correction,
            text=self.text,
            strength=self.motion_strength,
            guidance=self.guidance,
            polish=self.polish,
            time_repair=self.time_repair,
            encoder=self.text_encoder,
        )


def check(clip: Clip, options: Options) -> None:
    """Raises InputError with one sentence about the first thing that is wrong."""
    if clip.n_frames == 0:
        raise InputError("the clip has 0 frames; lift or import a motion first")
    _check_share("strength of correction", options.strength_of_correction)
    if options.motion_strength is not None:
        _check_share("motion strength", options.motion_strength)
    for fps in (clip.fps, options.target_fps or clip.fps):
        if not SLOWEST <= fps <= FASTEST:
            raise InputError(f"the rate {fps:g} frames a second is outside {SLOWEST:g} to {FASTEST:g}; choose one between")
    if not 0 <= options.frames <= MOST_BEYOND:
        raise InputError(f"{options.frames} frames beyond the end are asked for; give 0 to {MOST_BEYOND}")
    for track in clip.tracks:
        kind_of(track)
        _check_numbers(track)
    tracks = {track.track_id: track for track in clip.tracks}
    for pin in options.pins:
        _check_pins(pin, tracks.get(pin.track_id))
    _check_world_pins(options.world_pins, tracks)


def _check_share(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise InputError(f"the {name} is {value}; it must lie between 0 and 1")


def _check_numbers(track: Track) -> None:
    """Entries that the lifter does not trust may hold anything: they are filled."""
    bad: dict[str, int] = {}
    if isinstance(track, BodyTrack):
        trusted = track.confidence > MISSING
        bad["rotations"] = int((trusted & ~np.isfinite(track.rotations).all(axis=(2, 3))).sum())
        bad["translation"] = int((trusted[:, 0] & ~np.isfinite(track.translation).all(axis=1)).sum())
        bad["betas"] = int((~np.isfinite(track.betas)).sum())
    elif isinstance(track, ObjectTrack):
        bad["points"] = int(((track.confidence > MISSING) & ~np.isfinite(track.points).all(axis=(1, 2))).sum())
    bad["confidence"] = int((~np.isfinite(track.confidence)).sum())
    for name, count in bad.items():
        if count:
            raise InputError(f"track {track.track_id!r} has {count} entries in its {name} that are not finite; lift the clip again")


def _check_pins(pin: Pins, track: Track | None) -> None:
    if track is None:
        raise InputError(f"pins are given for {pin.track_id!r}, but the clip has no such track; remove them or take the clip again")
    wanted = _entries(track)
    if pin.joints.shape != wanted or pin.translation.shape != wanted[:1]:
        raise InputError(
            f"pins of {pin.track_id!r} have shapes {pin.joints.shape} and {pin.translation.shape}; the track needs {wanted} and {wanted[:1]}"
        )


def _check_world_pins(pins: Sequence[WorldPin], tracks: dict[str, Track]) -> None:
    for pin in pins:
        track = tracks.get(pin.track_id)
        if not isinstance(track, BodyTrack):
            raise InputError(f"a place is pinned for {pin.track_id!r}, but the clip has no such body; remove it or take the clip again")
        joints = N_JOINTS[kind_of(track)]
        if not (0 <= pin.joint < joints and 0 <= pin.frame < track.n_frames):
            raise InputError(
                f"a place is pinned for joint {pin.joint} at frame {pin.frame} of {pin.track_id!r}; "
                f"it has joints 0 to {joints - 1} and frames 0 to {track.n_frames - 1}"
            )
        if not np.all(np.isfinite(pin.place)):
            raise InputError(f"the pinned place of joint {pin.joint} at frame {pin.frame} is not finite; set it again")


def _entries(track: Track) -> tuple[int, int]:
    """Frames and joints; an object has one."""
    return track.n_frames, track.rotations.shape[1] if isinstance(track, BodyTrack) else 1


def longer(clip: Clip, frames: int) -> Clip:
    """The clip with so many frames more, in which nothing is known; the camera stands still there."""
    if frames == 0:
        return clip
    camera = replace(clip.camera, T_world_camera=_held(clip.camera.T_world_camera, frames))
    return replace(clip, camera=camera, tracks=tuple(_longer_track(track, frames) for track in clip.tracks))


def _longer_track(track: Track, frames: int) -> Track:
    confidence = np.concatenate([track.confidence, np.zeros((frames, *track.confidence.shape[1:]), track.confidence.dtype)])
    if isinstance(track, ObjectTrack):
        return replace(track, points=_held(track.points, frames), confidence=confidence)
    expression = None if track.expression is None else _held(track.expression, frames)
    rotations, translation = _held(track.rotations, frames), _held(track.translation, frames)
    return replace(track, rotations=rotations, translation=translation, confidence=confidence, expression=expression)


def _held(values: NDArray[np.floating], frames: int) -> NDArray[np.floating]:
    return np.concatenate([values, np.repeat(values[-1:], frames, axis=0)])


def pins_of(track: Track, options: Options, given: int) -> Pins:
    """All pins of one track together, over the track's frames, of which the first ``given`` can be pinned."""
    joints = np.zeros(_entries(track), dtype=bool)
    translation = np.zeros(track.n_frames, dtype=bool)
    for pin in options.pins:
        if pin.track_id == track.track_id:
            joints[:given] |= np.asarray(pin.joints, dtype=bool)
            translation[:given] |= np.asarray(pin.translation, dtype=bool)
    for kept, frame in ((options.first_frame, 0), (options.target_pose, given - 1)):
        if kept:
            joints[frame], translation[frame] = True, True
    return Pins(track.track_id, joints, translation)
