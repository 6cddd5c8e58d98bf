"""A small clip of the bundled body for the tests inside Blender: tilted camera, principal point off the middle, 7 fps."""

from collections.abc import Callable
from types import ModuleType

import numpy as np

Room = Callable[[str], ModuleType]

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0
PITCH = np.radians(12.0)


def tilt() -> np.ndarray:
    cos, sin = np.cos(PITCH), np.sin(PITCH)
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])


def random_rotations(room: Room, frames: int, joints: int, size: float, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(frames, joints, 3)) * size
    return room("revision_blender.motion.rotation").matrix_from_axis_angle(vectors)


def sample_track(room: Room, frames: int, *, seed: int = 0, size: float = 0.25, track_id: str = "person", distance: float = 3.4):
    """One person facing the camera, every joint turned at random, walking to the right."""
    rng = np.random.default_rng(seed + 100)
    rotations = random_rotations(room, frames, 24, size, seed)
    upright = tilt() @ np.diag([1.0, -1.0, -1.0])
    rotations[:, 0] = upright @ rotations[:, 0]
    steps = np.linspace(0.0, 0.4, frames)[:, None] * np.array([1.0, 0.0, 0.0])
    translation = np.array([-0.2, 0.1, distance]) + steps
    clip = room("revision_blender.motion.clip")
    return clip.BodyTrack(
        track_id, "smpl", "open_human", rng.normal(size=10), rotations, translation, rng.uniform(0.2, 1.0, size=(frames, 24))
    )


def sample_clip(room: Room, frames: int = 6, *, seed: int = 0, moving: bool = False, fps: float = 7.0, **track):
    """A clip of one person over a floor one metre below the pelvis."""
    clip, camera = room("revision_blender.motion.clip"), room("revision_blender.motion.camera")
    person = sample_track(room, frames, seed=seed, **track)
    up = tilt() @ np.array([0.0, -1.0, 0.0])
    poses = np.tile(np.eye(4), (frames, 1, 1))
    if moving:
        turn = np.linspace(0.0, 0.1, frames)[:, None] * np.array([0.2, 1.0, 0.1])
        poses[:, :3, :3] = room("revision_blender.motion.rotation").matrix_from_axis_angle(turn)
        poses[:, 0, 3] = np.linspace(0.0, 0.2, frames)
    view = camera.Camera(WIDTH, HEIGHT, FOCAL, np.array([WIDTH / 2 + 9.0, HEIGHT / 2 - 5.0]), poses)
    return clip.Clip(fps, view, clip.GroundPlane(up, person.translation[0] - up), (person,))


def import_sample(room: Room, scene, clip, *, take_id: str = "take-1", name: str = "Person", **options):
    """Imports a clip in one go and returns its take."""
    take = room("revision_blender.scene.take")
    for words in take.import_clip(scene, clip, take_id=take_id, name=name, **options):
        assert words
    return take.find_take(scene, take_id)
