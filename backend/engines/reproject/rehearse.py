"""S1's motion: the picture's people lifted, then led to the target pose or into a bundled motion that fits the prompt."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.bodies.installed import identity_of_track
from backend.errors import InputError
from backend.progress import Progress
from backend.stages.lift import lift_picture
from revision_blender.motion.bodies.body_model import Identity, joints_of
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.motion.errors import RevisionError
from revision_blender.motion.inbetween import Pose, between, continue_with
from revision_blender.motion.library import motion_for_prompt
from revision_blender.wire.requests import CoarseRequest

Array = NDArray[np.floating]

SHARES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.12)  # of the motion's own path
MARGIN, SLACK = 0.04, 0.02  # of the picture: how near to its border a joint may come, and how much further for a moment


@dataclass(frozen=True, eq=False)
class Scene:
    """source: the picture's people, one frame. motion: what they do. person: ``(H, W)`` where they are."""

    source: Clip
    motion: Clip
    person: NDArray[np.bool_]


def rehearsal(request: CoarseRequest, progress: Progress) -> Scene:
    """Lifts and animates. Raises InputError where nobody is in the picture or the target pose is of another body."""
    lifted = lift_picture(request.picture, progress)
    source = replace(lifted.clip, fps=request.fps)
    camera = source.camera
    still = replace(static_camera(camera.width, camera.height, camera.focal, request.frames), center=camera.center)
    tracks = tuple(_track(request, track, source) for track in source.bodies)
    return Scene(source, Clip(request.fps, still, source.ground, tracks), lifted.people[0] > 0)


def _track(request: CoarseRequest, track: BodyTrack, source: Clip) -> BodyTrack:
    identity, start = identity_of_track(track), Pose(track.rotations[0], track.translation[0])
    try:
        rotations, translation = _moved(request, identity, start, source)
    except RevisionError as error:  # a sentence already; the user knows one family of errors from here
        raise InputError(str(error)) from error
    return replace(track, rotations=rotations, translation=translation, confidence=np.repeat(track.confidence[:1], request.frames, axis=0))


def _moved(request: CoarseRequest, identity: Identity, start: Pose, source: Clip) -> tuple[Array, Array]:
    if request.frames < 2:
        return start.rotations[None], start.translation[None]
    if request.target is not None and request.target.bodies:
        return between(start, target_pose(request.target, identity), identity, source.ground, request.frames)
    motion = motion_for_prompt(request.prompt, request.strength, request.seed)
    rotations, translation = continue_with(motion, start, identity, source.ground, request.frames, request.fps)
    return rotations, kept_in_view(identity, rotations, translation, source)


def kept_in_view(identity: Identity, rotations: Array, translation: Array, source: Clip) -> Array:
    """The path, shortened along the floor until the body stays within the still picture as far as it began there.

    A shortened path makes standing feet slide; that is for S2 to put right, where a person out of the picture is lost.
    """
    up, camera = source.ground.normal, source.camera
    travel = translation - translation[0]
    rise = (travel @ up)[:, None] * up
    for share in SHARES:
        path = translation[0] + rise + share * (travel - rise)
        joints = joints_of(identity, rotations, path)
        depth = np.maximum(joints[..., 2], 1e-3)
        pixels = joints[..., :2] / depth[..., None] * camera.focal + camera.center
        size = np.array([camera.width, camera.height])
        low = np.minimum(pixels[0].min(axis=0), MARGIN * size)
        high = np.maximum(pixels[0].max(axis=0), (1.0 - MARGIN) * size)
        outside = np.maximum(np.maximum(low - pixels, pixels - high), 0.0).max()
        if joints[..., 2].min() > 0.3 and outside <= SLACK * size.max():
            return path
    return translation[0] + rise


def target_pose(target: Clip, identity: Identity) -> Pose:
    """The first body of a one-frame clip, seen from that clip's camera: the lifted picture's world is its camera's."""
    track = target.bodies[0]
    if track.rotations.shape[1] != identity.model.n_joints:
        raise InputError(f"The target pose has {track.rotations.shape[1]} joints, the lifted body {identity.model.n_joints}.")
    T = target.camera.T_camera_world[0]
    rotations = np.array(track.rotations[0], dtype=np.float64)
    rotations[0] = T[:3, :3] @ rotations[0]
    pelvis = T[:3, :3] @ (track.translation[0] + identity_of_track(track).joints_rest[0]) + T[:3, 3]
    return Pose(rotations, pelvis - identity.joints_rest[0])
