"""S2's first half: people of a video as body tracks in one world with one camera and one floor."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.lifting.inputs import checked_focal, checked_frames, checked_rate
from backend.lifting.people.fit import ClipFit, Fit
from backend.lifting.people.landmarks import detect_landmarks
from backend.lifting.people.measures import lift_report
from backend.lifting.people.segmentation import person_masks
from backend.lifting.people.trust import joint_confidence
from backend.lifting.world.camera_motion import camera_rotations
from backend.lifting.world.ground import ground_plane
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import BodyModel, identity_of, joints_of, open_human
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.camera import Camera, default_focal, static_camera
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.wire.requests import LiftRequest, LiftResult, Picture

Array = NDArray[np.floating]


def run(request: LiftRequest, progress: Progress) -> LiftResult:
    """Lifts the most prominent person. report: ``landmark_error_median``, ``landmark_error_p95`` (fractions of the person's
    height), ``silhouette_iou_median``, ``silhouette_iou_min``, ``seconds``.

    Raises ``InputError`` where the frames cannot be used or show no person.
    """
    started = time.perf_counter()
    frames = checked_frames(request.frames)
    fps = checked_rate(request.fps)
    height, width = frames.shape[1:3]
    focal = checked_focal(request.focal, width, height) or default_focal(width, height)
    landmarks = detect_landmarks(frames, progress.part(0.0, 0.4))
    people = person_masks(frames, landmarks, progress.part(0.4, 0.5))
    camera = _camera(frames, people, focal, progress.part(0.5, 0.55))
    model = open_human()
    smooth, raw = ClipFit(model, landmarks, people, camera, fps).solve(progress.part(0.55, 0.95))
    progress(0.96, "Measuring the fit")
    confidence = joint_confidence(landmarks)
    clip, unsmoothed = (clip_of(fit, model, camera, fps, confidence) for fit in (smooth, raw))
    unsmoothed = replace(unsmoothed, ground=clip.ground)
    points = np.concatenate([landmarks.pixels, landmarks.visibility[..., None]], axis=-1).astype(np.float32)
    report = lift_report(model, clip, points, people)
    report["seconds"] = time.perf_counter() - started
    progress(1.0, "Lifted")
    return LiftResult(clip, unsmoothed, people, points, report)


def lift_picture(picture: Picture, progress: Progress, focal: float = 0.0) -> LiftResult:
    """One picture ``(H, W, 3)`` uint8 sRGB as a clip of one frame. focal: pixels, 0 where not known."""
    return run(LiftRequest(frames=np.asarray(picture)[None], fps=12.0, focal=focal), progress)


def _camera(frames: NDArray[np.uint8], people: NDArray[np.uint8], focal: float, progress: Progress) -> Camera:
    height, width = frames.shape[1:3]
    camera = static_camera(width, height, focal, len(frames))
    camera.T_world_camera[:, :3, :3] = camera_rotations(frames, people, focal, camera.center, progress)
    return camera


def clip_of(fit: Fit, model: BodyModel, camera: Camera, fps: float, confidence: NDArray[np.float32]) -> Clip:
    """A fit as a clip of one person with the floor under it. confidence: ``(F, 24)``."""
    track = BodyTrack("person_1", "smpl", model.name, fit.betas, fit.rotations, fit.translation, confidence)
    identity = identity_of(model, track.betas)
    joints = joints_of(identity, track.rotations, track.translation)
    soles = sole_points(identity, track.rotations, track.translation)[:, :, [0, 2]].reshape(len(joints), -1, 3)  # heels and toes
    ground = ground_plane(joints, soles, camera.T_world_camera[:, :3, :3], fps)
    return Clip(fps, camera, ground, (track,))
