"""S2's first half: everything that moves in a video as tracks in one world with one camera and one floor."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.lifting.inputs import checked_focal, checked_frames, checked_rate
from backend.lifting.people.fit import Fit
from backend.lifting.providers.registry import choices
from backend.lifting.world.cuts import shot_starts, shots_of
from backend.lifting.world.ground import ground_plane
from backend.lifting.world.joining import joined_shots
from backend.lifting.world.lifted import LiftedShot
from backend.lifting.world.nothing import nothing_found, said_of_shots
from backend.lifting.world.relifting import relifted
from backend.lifting.world.report import focal_spread, joined_figures, lens_words, whole_figures
from backend.lifting.world.shot import Measured, lifted_shot, seen_shot, through_one_lens
from backend.lifting.world.wish import Wish
from backend.lifting.world.working import Working, checked_prompts, working_size
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import BodyModel, identity_of, joints_of
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.wire.requests import LiftRequest, LiftResult, Picture


def run(request: LiftRequest, progress: Progress) -> LiftResult:
    """Lifts people, and the animals and objects that are shown. report: of the whole ``depth_order``, ``ground_confidence``, ``people``,
    ``tracks``, ``shots``, ``seconds`` and ``seconds_STEP`` of each step, ``focal_spread`` (how far the focal length can be wrong, as a share
    of it: 0 where it is given, NaN where it is assumed); of the first person ``landmark_error_median``, ``landmark_error_p95`` (fractions of its height),
    ``silhouette_iou_median``, ``silhouette_iou_min``; of each track "NAME/frames_seen" and so on, see ``world.report``.

    Raises ``InputError`` where the request cannot be used or the frames show nothing that can be lifted.
    """
    started = time.perf_counter()
    working, wish = _checked(request)
    starts = shot_starts(working.frames, progress.part(0.0, 0.02))
    if request.only:
        measured = relifted(working, wish, starts, request.only, request.known, progress.part(0.02, 0.99))
    else:
        measured = _lifted(working, wish, starts, progress.part(0.02, 0.99))
    report = measured.figures | whole_figures(measured.shot.tracks, measured.figures)
    report |= {"shots": float(len(starts)), "seconds": time.perf_counter() - started}
    report |= {f"seconds_{step}": seconds for step, seconds in wish.watch.seconds.items()}
    progress(1.0, "Lifted")
    return _result(measured.shot, working, report, starts, wish)


def lift_picture(picture: Picture, progress: Progress, focal: float = 0.0) -> LiftResult:
    """One picture ``(H, W, 3)`` uint8 sRGB as a clip of one frame. focal: pixels, 0 where not known."""
    return run(LiftRequest(frames=np.asarray(picture)[None], fps=12.0, focal=focal), progress)


def _checked(request: LiftRequest) -> tuple[Working, Wish]:
    frames, fps = checked_frames(request.frames), checked_rate(request.fps)
    height, width = frames.shape[1:3]
    focal = checked_focal(request.focal, width, height)
    prompts = checked_prompts(request.prompts, len(frames), width, height)
    if not 1 <= request.most_people <= 64:
        raise InputError(f"At most {request.most_people} people are asked for; choose from 1 to 64.")
    if request.known is not None and request.known.n_frames != len(frames):
        raise InputError(f"The clip known has {request.known.n_frames} frames, the video {len(frames)}; lift everything again.")
    working = working_size(frames)
    chosen = choices(request.providers)
    wish = Wish(fps, focal * working.scale, working.smaller(prompts), request.people, request.most_people, chosen)
    return working, wish


def _lifted(working: Working, wish: Wish, starts: list[int], progress: Progress) -> Measured:
    shots = shots_of(starts, len(working.frames))
    shares = [(shot.start / len(working.frames), shot.stop / len(working.frames)) for shot in shots]
    first, between, last = progress.part(0.0, 0.54), progress.part(0.54, 0.55), progress.part(0.55, 1.0)
    seen = [seen_shot(working.frames[shot], wish.within(shot), first.part(*share)) for shot, share in zip(shots, shares, strict=True)]
    seen, told = through_one_lens(seen, between)
    lifted = [lifted_shot(one, last.part(*share)) for one, share in zip(seen, shares, strict=True)]
    nothing_found([one.shot for one in lifted], wish)
    said_of_shots([one.shot for one in lifted], shots, wish)
    joined = joined_shots([one.shot for one in lifted])
    if told is not None:
        wish.note(lens_words(told, working.larger_camera(joined.camera)))
    spread = focal_spread(told, all(one.camera.given for one in seen))
    return Measured(joined, joined_figures([one.figures for one in lifted]) | {"focal_spread": spread})


def _result(shot: LiftedShot, working: Working, report: dict[str, float], starts: list[int], wish: Wish) -> LiftResult:
    clip, raw = working.larger(shot.clip), shot.raw
    raw = replace(raw, camera=clip.camera, ground=clip.ground)
    people = [lifted for lifted in shot.tracks if lifted.landmarks is not None]
    masks = np.maximum.reduce([np.zeros(working.frames.shape[:3], np.uint8), *(lifted.mask for lifted in people)])
    landmarks = people[0].landmarks if people else None
    points = np.zeros((clip.n_frames, 33, 3), np.float32) if landmarks is None else landmarks.copy()
    points[..., :2] /= working.scale
    return LiftResult(
        clip,
        raw,
        working.larger_masks(masks),
        points,
        report | {"ground_confidence": shot.ground_confidence},
        working.larger_masks(shot.visible()),
        np.array(starts, np.int32),
        "\n".join(wish.choices.notes),
    )


def clip_of(fit: Fit, model: BodyModel, camera: Camera, fps: float, confidence: NDArray[np.float32]) -> Clip:
    """A fit as a clip of one person with the floor under it. confidence: ``(F, 24)``."""
    track = BodyTrack("person_1", "smpl", model.name, fit.betas, fit.rotations, fit.translation, confidence)
    identity = identity_of(model, track.betas)
    joints = joints_of(identity, track.rotations, track.translation)
    soles = sole_points(identity, track.rotations, track.translation)[:, :, [0, 2]].reshape(len(joints), -1, 3)  # heels and toes
    ground = ground_plane(joints, soles, camera.T_world_camera[:, :3, :3], fps)
    return Clip(fps, camera, ground, (track,))
