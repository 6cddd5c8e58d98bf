"""A small clip with a body and a thing, for tests of what travels."""

import numpy as np

from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import N_OBJECT_POINTS, BodyTrack, Clip, GroundPlane, ObjectTrack


def sample_clip(frames: int = 3, seed: int = 0) -> Clip:
    draw = np.random.default_rng(seed)
    poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    camera = Camera(64, 48, 70.0, np.array([32.0, 24.0]), poses)
    body = BodyTrack(
        "p0",
        "smpl",
        "open_human",
        draw.normal(size=10),
        draw.normal(size=(frames, 24, 3, 3)),
        draw.normal(size=(frames, 3)),
        np.ones((frames, 24)),
    )
    thing = ObjectTrack("ball", "a ball", np.ones(3), draw.normal(size=(frames, N_OBJECT_POINTS, 3)), np.ones(frames))
    return Clip(12.0, camera, GroundPlane(np.array([0.0, -1.0, 0.0]), np.zeros(3)), (body, thing))
