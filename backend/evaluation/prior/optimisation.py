"""The optimisation baseline on the protocol's takes: ``backend.prior.refine`` knows clips of the bundled body, seen by a camera."""

from dataclasses import replace

import numpy as np

from backend.prior.refine import refine_clip
from backend.prior.state.fill import filled
from backend.prior.state.take import N_JOINTS, Damaged, Take
from backend.progress import silent
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane

AWAY = np.array([0.0, 1.1, 4.0])  # metres from the person to the camera that follows: the protocol's noise knows no line of sight
_BODY = N_JOINTS["human"]


def optimised(damaged: Damaged) -> Take:
    """A person's take refined whole, its missing entries filled first and trusted as little as the lifter trusts what it cannot see."""
    take = filled(damaged).take
    refined = refine_clip(clip_of(take, damaged), (), 1.0, silent()).bodies[0]
    rest = open_human().joint_template[0]
    return replace(take, rotations=refined.rotations[:, :_BODY], root=refined.translation + rest)


def clip_of(take: Take, damaged: Damaged) -> Clip:
    """The take on the bundled body of mean shape; the hands as in the rest pose."""
    frames = take.n_frames
    hands = np.broadcast_to(np.eye(3), (frames, 2, 3, 3))
    confidence = np.concatenate([damaged.trust, np.ones((frames, 2))], axis=1)
    confidence[:, 0] = np.minimum(confidence[:, 0], damaged.root_trust)
    rotations = np.concatenate([take.rotations, hands], axis=1)
    track = BodyTrack("person", "smpl", "open_human", np.zeros(10), rotations, take.root - open_human().joint_template[0], confidence)
    camera = static_camera(1280, 720, 1100.0, frames)
    pose = camera.T_world_camera.copy()
    pose[:, :3, :3] = np.diag([1.0, -1.0, -1.0])  # looks along -z, its y down
    pose[:, :3, 3] = take.root * np.array([1.0, 0.0, 1.0]) + AWAY
    ground = GroundPlane(np.array([0.0, 1.0, 0.0]), np.zeros(3))
    return Clip(take.fps, replace(camera, T_world_camera=pose), ground, (track,))
