"""Motions with a known truth for the refiner's tests: a kick on a planted left foot, seen by a camera at four metres."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_model import Identity, identity_of, joints_of, open_human, world_rotations
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle

OPENCV_FROM_UP = np.diag([1.0, -1.0, -1.0])
L_ANKLE = 7


def person() -> Identity:
    return identity_of(open_human(), np.zeros(10))


def _turns(frames: int, joint_angles: dict[int, tuple[NDArray, tuple[float, float, float]]]) -> NDArray:
    vectors = np.zeros((frames, 24, 3))
    for joint, (angles, axis) in joint_angles.items():
        vectors[:, joint] = angles[:, None] * np.array(axis)
    return matrix_from_axis_angle(vectors)


def kick(frames: int = 24, fps: float = 12.0) -> Clip:
    """The body sways over its left foot, which stands perfectly still; the right leg kicks within two frames; both arms swing."""
    t = np.arange(frames) / fps
    pulse = 1.0 / (1.0 + np.exp(-(t - 0.9) / 0.04)) - 1.0 / (1.0 + np.exp(-(t - 1.5) / 0.12))
    sway = np.sin(2.0 * np.pi * 0.5 * t)
    x, z = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
    rotations = _turns(frames, {
        0: (0.05 * sway, x), 3: (0.08 * sway, z), 2: (-0.8 - 0.9 * pulse, x), 5: (1.2 - 0.8 * pulse, x), 4: (0.05 + 0.04 * sway, x),
        16: (-1.1 + 0.2 * sway, z), 17: (1.1 + 0.2 * sway, z), 18: (-0.4 * sway, x), 19: (0.5 * sway - 0.4 * pulse, x),
    })  # fmt: skip
    identity = person()
    world = world_rotations(identity.model.parents, rotations)
    rotations[:, L_ANKLE] = np.swapaxes(world[:, 4], -1, -2)
    ankle = joints_of(identity, rotations, np.zeros((frames, 3)))[:, L_ANKLE]
    translation = identity.joints_rest[L_ANKLE] - ankle
    return _seen(identity, rotations, translation, fps)


def _seen(identity: Identity, rotations: NDArray, translation: NDArray, fps: float) -> Clip:
    """A motion with y up as a lifter would give it: OpenCV axes, the camera 1.1 m over the floor and 4 m away."""
    pelvis = identity.joints_rest[0]
    floor = float(identity.model.v_template[:, 1].min())
    place = (translation + pelvis - np.array([0.0, floor + 1.1, 0.0])) @ OPENCV_FROM_UP.T + np.array([0.0, 0.0, 4.0])
    turned = rotations.copy()
    turned[:, 0] = OPENCV_FROM_UP @ rotations[:, 0]
    frames = len(rotations)
    track = BodyTrack("person", "smpl", "open_human", np.zeros(10), turned, place - pelvis, np.ones((frames, 24)))
    ground = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.1, 0.0]))
    return Clip(fps, static_camera(1280, 720, 1100.0, frames), ground, (track,))


def noisy(clip: Clip, seed: int = 0, degrees: float = 2.0, centimetres: float = 2.0, spikes: int = 1) -> Clip:
    """Errors like a lifter's: rotations by ``degrees``, places by ``centimetres`` along the line of sight and a third of it across.

    spikes: single joints in single frames that are wrong by 20 to 30 degrees.
    """
    generator = np.random.default_rng(seed)
    track = clip.bodies[0]
    vectors = np.radians(degrees) * generator.normal(size=(track.n_frames, 24, 3))
    for _ in range(spikes):
        vectors[generator.integers(track.n_frames), generator.integers(1, 24)] += 0.25 * generator.normal(size=3)
    shift = generator.normal(size=(track.n_frames, 3)) * np.array([1.0, 1.0, 3.0]) * centimetres / 300.0
    return with_body(clip, rotations=matrix_from_axis_angle(vectors) @ track.rotations, translation=track.translation + shift)


def with_body(clip: Clip, **changes: NDArray | str) -> Clip:
    """The clip with its only body changed."""
    return clip.with_tracks((replace(clip.bodies[0], **changes),))


def part(clip: Clip, frames: int) -> Clip:
    """The first frames of a clip."""
    track = clip.bodies[0]
    short = replace(track, rotations=track.rotations[:frames], translation=track.translation[:frames], confidence=track.confidence[:frames])
    return replace(clip, camera=replace(clip.camera, T_world_camera=clip.camera.T_world_camera[:frames]), tracks=(short,))


def joint_error(clip: Clip, truth: Clip) -> float:
    """Mean distance of joints in metres."""
    return float(np.linalg.norm(joints(clip) - joints(truth), axis=-1).mean())


def joints(clip: Clip) -> NDArray:
    track = clip.bodies[0]
    return joints_of(identity_of(open_human(), track.betas), track.rotations, track.translation)
