"""The baseline refiner: whole-clip optimisation with hard pins.

Levenberg-Marquardt on ``backend.prior.energy``: the terms tie three frames at most, so a step costs time linear in the clip's length.
Pinned unknowns are substituted, not penalised: they are outside the equations, and the arrays given are handed back in their place.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from backend.errors import InputError
from backend.prior import rotations as so3
from backend.prior.energy import Goal, State, linearised, state_of
from backend.prior.goal import N_JOINTS, Held, goal_of
from backend.prior.normal_equations import solve
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import BodyModel, open_human
from revision_blender.motion.clip import BodyTrack, Clip, Pins
from revision_blender.motion.rotation import slerp

Array = NDArray[np.floating]

MOST_PASSES = 20
SETTLED = 1e-4  # relative fall of the energy below which another pass changes nothing visible


def refine_clip(clip: Clip, pins: Sequence[Pins], strength: float, progress: Progress) -> Clip:
    """The clip with every body's motion made plausible; things that are not bodies, camera and ground stay.

    strength: in [0, 1], the share of the way from the given to the refined motion; 0 returns the clip itself. Pinned rotations and
    translations come back bit for bit. Raises InputError for numbers that are not finite, a strength out of range, pins that fit
    no track, and bodies other than the bundled one; Cancelled.
    """
    _check(clip, pins, strength)
    if strength == 0.0 or not clip.bodies:
        return clip
    tracks = []
    for index, track in enumerate(clip.tracks):
        share = progress.part(index / len(clip.tracks), (index + 1) / len(clip.tracks))
        tracks.append(_refine_track(clip, track, pins, strength, share) if isinstance(track, BodyTrack) else track)
    return clip.with_tracks(tuple(tracks))


def _refine_track(clip: Clip, track: BodyTrack, pins: Sequence[Pins], strength: float, progress: Progress) -> BodyTrack:
    held = _held(track, pins)
    progress(0.0, "finding where the feet touch the ground")
    goal = goal_of(clip, track, _model_of(track), held)
    state = optimise(goal, held, progress)
    rotations = slerp(np.asarray(track.rotations, dtype=np.float64), state.rotations.numpy(), strength)
    translation = track.translation + strength * (state.translation.numpy() - track.translation)
    return replace(
        track,
        rotations=np.where(held.joints[..., None, None], track.rotations, rotations.astype(track.rotations.dtype)),
        translation=np.where(held.translation[:, None], track.translation, translation.astype(track.translation.dtype)),
    )


def optimise(goal: Goal, held: Held, progress: Progress) -> State:
    """The motion of least energy near the given one, with what is held exactly as given."""
    free = held.free()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the matrices are small: a second thread gains little alone, and loses tenfold on a busy machine
    try:
        return _descended(goal, free, progress)
    finally:
        torch.set_num_threads(threads)


def _descended(goal: Goal, free: torch.Tensor, progress: Progress) -> State:
    state = state_of(goal, goal.rotations, goal.translation)
    damping = 1e-3
    for index in range(MOST_PASSES):
        progress(0.05 + 0.9 * index / MOST_PASSES, f"refining, pass {index + 1}")
        step = solve(linearised(goal, state).held(free), damping)
        candidate = _moved(goal, state, step)
        fall = state.energy - candidate.energy
        if fall > 0.0:
            settled = fall < SETTLED * state.energy
            state, damping = candidate, damping * 0.2
            if settled:
                break
        else:
            damping *= 10.0
            if damping > 1e3:
                break
    progress(1.0, "refined")
    return state


def _moved(goal: Goal, state: State, step: torch.Tensor) -> State:
    turned = so3.exp(step[:, 3:].unflatten(1, (-1, 3))) @ state.rotations
    return state_of(goal, turned, state.translation + step[:, :3])


def _held(track: BodyTrack, pins: Sequence[Pins]) -> Held:
    """All pins of one track together."""
    joints = np.zeros(track.rotations.shape[:2], dtype=bool)
    translation = np.zeros(track.n_frames, dtype=bool)
    for pin in pins:
        if pin.track_id == track.track_id:
            joints |= np.asarray(pin.joints, dtype=bool)
            translation |= np.asarray(pin.translation, dtype=bool)
    return Held(joints, translation)


def _model_of(track: BodyTrack) -> BodyModel:
    if track.model != "open_human":
        raise InputError(
            f"track {track.track_id!r} uses the body {track.model!r}; the refiner knows only 'open_human': lift the clip with it"
        )
    return open_human()


def _check(clip: Clip, pins: Sequence[Pins], strength: float) -> None:
    if not 0.0 <= strength <= 1.0:
        raise InputError(f"the strength is {strength}; it must lie between 0 (nothing changes) and 1")
    for track in clip.bodies:
        _model_of(track)
        if track.rotations.shape[1] != N_JOINTS:
            raise InputError(f"track {track.track_id!r} has {track.rotations.shape[1]} joints; the refiner needs SMPL's {N_JOINTS}")
        for name in ("rotations", "translation", "betas", "confidence"):
            bad = int(np.count_nonzero(~np.isfinite(getattr(track, name))))
            if bad:
                raise InputError(f"track {track.track_id!r} has {bad} numbers in its {name} that are not finite; lift the clip again")
    by_id = {track.track_id: track for track in clip.bodies}
    for pin in pins:
        _check_pins(pin, by_id.get(pin.track_id))


def _check_pins(pin: Pins, track: BodyTrack | None) -> None:
    if track is None:
        raise InputError(f"pins are given for {pin.track_id!r}, but the clip has no such body; remove them or take the clip again")
    wanted = track.rotations.shape[:2]
    if pin.joints.shape != wanted or pin.translation.shape != wanted[:1]:
        raise InputError(
            f"pins of {pin.track_id!r} have shapes {pin.joints.shape} and {pin.translation.shape}; the track needs {wanted} and {wanted[:1]}"
        )
