"""Stage ``refine``: the lifted and hand-edited motion made plausible."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from backend.errors import InputError
from backend.prior.changes import changes, means
from backend.prior.measures import refinement_report
from backend.prior.network.weights import BUNDLED, DESCRIPTION, WEIGHTS, TrainedPrior, load_prior
from backend.prior.pins import WorldPin
from backend.prior.pppm import Options
from backend.prior.pppm import refine as refine_by_prior
from backend.prior.refine import refine_clip
from backend.progress import Progress
from revision_blender.motion.clip import BodyTrack, Clip, Pins
from revision_blender.motion.clip_resample import clip_at
from revision_blender.wire.requests import AUTO, REFINERS, RefineRequest, RefineResult

FOLDER_VARIABLE = "REVISION_PRIOR"  # a folder with the weights of one's own training, in place of those that come with the product
_MEASURED = "open_human"  # whose skin the report's figures are taken from


def run(request: RefineRequest, progress: Progress) -> RefineResult:
    """Refines every track; report and changes compare the result with the clip that was given.

    Raises InputError for an unknown method, weights that are not there, and what ``pppm.refine`` and ``refine_clip`` refuse; Cancelled.
    """
    if request.method not in REFINERS:
        raise InputError(f"the method {request.method!r} is not known; choose one of {', '.join(REFINERS)}")
    refined, notes = (_by_prior if request.method == "prior" else _by_optimisation)(request, progress.part(0.0, 0.95))
    progress(0.95, "comparing with the motion before")
    changed = changes(request.clip, refined)
    report = {**means(changed), **_report(request.clip, refined)}
    progress(1.0, "refined")
    return RefineResult(refined, report, changed, "\n".join(notes))


def _by_prior(request: RefineRequest, progress: Progress) -> tuple[Clip, tuple[str, ...]]:
    options = Options(
        pins=request.pins,
        world_pins=tuple(pin for pins in request.pins for pin in _world_pins(pins)),
        strength_of_correction=request.strength,
        text=request.prompt,
        motion_strength=None if request.motion == AUTO else request.motion,
        target_fps=request.fps or None,
        polish=request.polish,
        first_frame=request.hold_first,
        target_pose=request.hold_last,
        network=installed_prior(),
    )
    found = refine_by_prior(request.clip, options, progress)
    return found.clip, found.report.notes


def _by_optimisation(request: RefineRequest, progress: Progress) -> tuple[Clip, tuple[str, ...]]:
    """The ends of the clip are kept by pins; objects stay as they are."""
    if any(_world_pins(pins) for pins in request.pins):
        raise InputError("the optimisation cannot hold a hand or foot at a place; choose the motion prior or clear those pins")
    tracks = {track.track_id: track for track in request.clip.bodies}
    pins = [pins for pins in request.pins if pins.track_id in tracks]
    pins += [_ends(track, request) for track in tracks.values() if request.hold_first or request.hold_last]
    refined = refine_clip(request.clip, pins, request.strength, progress)
    return clip_at(refined, request.fps or refined.fps), ()


def _ends(track: BodyTrack, request: RefineRequest) -> Pins:
    joints = np.zeros(track.rotations.shape[:2], dtype=bool)
    joints[:1], joints[-1:] = request.hold_first, request.hold_last or (request.hold_first and len(joints) == 1)
    return Pins(track.track_id, joints, joints[:, 0].copy())


def _world_pins(pins: Pins) -> tuple[WorldPin, ...]:
    if pins.places is None:
        return ()
    held = np.argwhere(np.isfinite(pins.places).all(axis=-1))
    return tuple(WorldPin(pins.track_id, int(joint), int(frame), pins.places[frame, joint]) for frame, joint in held)


def installed_prior() -> TrainedPrior:
    """The network of ``FOLDER_VARIABLE``, else the one that comes with the product. Raises InputError where there is none."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    folder = Path(named) if named else BUNDLED
    missing = [name for name in (WEIGHTS, DESCRIPTION) if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"the motion prior is not installed ({folder / missing[0]} is not there); choose the method Optimisation, or train one"
        )
    return _loaded(folder, (folder / DESCRIPTION).stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _loaded(folder: Path, _changed: int) -> TrainedPrior:
    return load_prior(folder)


def _report(before: Clip, after: Clip) -> dict[str, float]:
    """Ratios against the given motion; of the bundled body only, whose soles are known."""
    same = clip_at(before, after.fps)
    pairs = [(a, b) for a, b in zip(same.bodies, after.bodies, strict=True) if a.model == _MEASURED]
    if not pairs:
        return {}
    first, second = (clip.with_tracks(tracks) for clip, tracks in zip((same, after), zip(*pairs, strict=True), strict=True))
    return refinement_report(first, second).numbers()
