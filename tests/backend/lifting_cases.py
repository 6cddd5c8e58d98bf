"""What the lifter's tests share: windows of the real videos, and a posed body seen by a camera."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.landmarks import Landmarks
from backend.lifting.people.measures import body_silhouettes, landmark_points
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle

SHARED_DATA = Path(os.environ.get("REVISION_SHARED_DATA", Path(__file__).parents[2] / "../shared/data"))
WINDOW = 24


@dataclass(frozen=True)
class Window:
    """A part of a video, as the bars name it. start: first frame. stride: every n-th frame."""

    name: str
    file: str
    start: int
    stride: int
    fps: float

    @property
    def path(self) -> Path:
        return SHARED_DATA / "videos" / self.file


WINDOWS = (
    Window("tennis start", "tennis.mp4", 0, 2, 14.9),
    Window("tennis middle, a stroke", "tennis.mp4", 110, 2, 14.9),
    Window("tennis end", "tennis.mp4", 264, 2, 14.9),
    Window("juggler start", "ball_juggler.mp4", 0, 2, 12.0),
    Window("juggler middle", "ball_juggler.mp4", 100, 2, 12.0),
    Window("juggler end, a kick", "ball_juggler.mp4", 199, 2, 12.0),
)


def frames_of(window: Window, count: int = WINDOW) -> NDArray[np.uint8]:
    """``(F, H, W, 3)`` uint8 sRGB."""
    video = cv2.VideoCapture(str(window.path))
    video.set(cv2.CAP_PROP_POS_FRAMES, window.start)
    frames = []
    while len(frames) < count:
        ok, frame = video.read()
        assert ok, f"{window.path} ends before frame {window.start + window.stride * len(frames)}"
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        for _ in range(window.stride - 1):
            video.grab()
    video.release()
    return np.stack(frames)


def walking_clip(frames: int = 8, width: int = 320, height: int = 360) -> Clip:
    """A body that swings arms and legs 4 m before a camera that stands still."""
    model = open_human()
    phase = np.linspace(0.0, 3.0, frames)
    pose = np.zeros((frames, 24, 3))
    pose[:, 0, 0], pose[:, 0, 1] = np.pi, 0.4  # upright before a camera whose y points down
    pose[:, 1, 0], pose[:, 2, 0] = -0.2 + 0.5 * np.sin(phase), -0.2 - 0.5 * np.sin(phase)
    pose[:, 4, 0], pose[:, 5, 0] = 0.4 + 0.3 * np.cos(phase), 0.4 - 0.3 * np.cos(phase)
    pose[:, 16, 2], pose[:, 17, 2] = -1.0, 1.0
    pose[:, 18, 1], pose[:, 19, 1] = -0.6 - 0.3 * np.sin(phase), 0.6 - 0.3 * np.sin(phase)
    rotations = matrix_from_axis_angle(pose)
    rotations[:, 0] = matrix_from_axis_angle(np.array([0.0, 0.4, 0.0])) @ matrix_from_axis_angle(np.array([np.pi, 0.0, 0.0]))
    translation = np.column_stack([0.1 * phase, np.full(frames, 0.1), 4.0 - 0.1 * phase])
    betas = np.zeros(10)
    betas[0] = 0.6
    track = BodyTrack("person_1", "smpl", model.name, betas, rotations, translation, np.ones((frames, 24)))
    camera = static_camera(width, height, float(np.hypot(width, height)), frames)
    ground = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.1, 4.0]))
    return Clip(12.0, camera, ground, (track,))


def perfect_landmarks(clip: Clip, noise: float = 0.0) -> tuple[Landmarks, NDArray[np.uint8]]:
    """What a detector without error (or with ``noise`` pixels of it) says of a clip, and its person masks."""
    model, track, camera = open_human(), clip.bodies[0], clip.camera
    points = landmark_points(model, track)
    pixels, _ = camera.project(points)
    pixels = pixels + np.random.default_rng(0).normal(0.0, noise, pixels.shape)
    hips = points[:, 23:25].mean(axis=1, keepdims=True)
    masks = np.where(body_silhouettes(model, track, camera, camera.width, camera.height, 1.0), 255, 0).astype(np.uint8)
    seen = np.ones(len(pixels), bool)
    person = (masks / 255.0).astype(np.float32)
    visibility = np.ones(pixels.shape[:2], np.float32)
    return Landmarks(pixels.astype(np.float32), visibility, (points - hips).astype(np.float32), person, seen), masks


def procrustes_error(found: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """PA-MPJPE: mean distance in metres after the best similarity of every frame, ``(F, J, 3)`` twice."""
    a, b = found - found.mean(axis=1, keepdims=True), truth - truth.mean(axis=1, keepdims=True)
    u, s, vt = np.linalg.svd(np.einsum("fji,fjk->fik", a, b))
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    u[..., 2] *= sign[:, None]
    s[..., 2] *= sign
    scale = s.sum(axis=-1) / np.square(a).sum(axis=(1, 2))
    aligned = scale[:, None, None] * np.einsum("fji,fik->fjk", a, u @ vt)
    return float(np.linalg.norm(aligned - b, axis=-1).mean())
