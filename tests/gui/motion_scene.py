"""A clip to look at: a person whose fingers curl, a walking dog and a thrown box, made without any file from outside."""

from pathlib import Path

import numpy as np

from revision_blender.motion.bodies.body_model import Identity, identity_of, vertices_of
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack, Clip, ObjectTrack
from revision_blender.motion.clip_file import save_clip
from revision_blender.motion.files.framing import floor, framing_camera
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.skeletons import SMAL, SMPLX

FPS, FRAMES = 12.0, 24
TIMES = np.arange(FRAMES) / FPS
_UPRIGHT = matrix_from_axis_angle(np.array([-np.pi / 2.0, 0.0, 0.0]))  # SMAL's z up to the world's y up


def _on_floor(identity: Identity, rotations: np.ndarray, place: tuple[float, float]) -> np.ndarray:
    lowest = vertices_of(identity, rotations, np.zeros((FRAMES, 3)))[..., 1].min(axis=1)
    return np.stack([np.full(FRAMES, place[0]), -lowest, np.full(FRAMES, place[1])], axis=1)


def person() -> BodyTrack:
    """Arms half raised, the fingers of both hands closing one after another."""
    vectors = np.zeros((FRAMES, SMPLX.n_joints, 3))
    swing = np.sin(2.0 * np.pi * TIMES / TIMES[-1])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        vectors[:, SMPLX.index(f"{side}_shoulder"), 2] = -sign * 0.75
        vectors[:, SMPLX.index(f"{side}_elbow"), 1] = -sign * (1.35 + 0.2 * swing)
        for order, finger in enumerate(("index", "middle", "ring", "pinky")):
            curl = np.clip(1.6 * TIMES / TIMES[-1] - 0.2 * order, 0.0, 1.0)
            for segment in (1, 2, 3):
                vectors[:, SMPLX.index(f"{side}_{finger}{segment}"), 2] = -sign * 1.2 * curl
    rotations = matrix_from_axis_angle(vectors)
    identity = identity_of(BodyShelf(None).load("open_human_x"), np.zeros(10))
    translation = _on_floor(identity, rotations, (-0.9, 0.0))
    return BodyTrack(
        "person", "smplx", "open_human_x", np.zeros(10), rotations, translation, np.ones(rotations.shape[:2]), np.zeros((FRAMES, 10))
    )


def dog() -> BodyTrack:
    """A walk on the spot: the legs swing in the order of a quadruped's walk, the tail wags."""
    vectors = np.zeros((FRAMES, SMAL.n_joints, 3))
    for leg, phase in (("left_back", 0.0), ("left_front", 0.25), ("right_back", 0.5), ("right_front", 0.75)):
        turn = np.sin(2.0 * np.pi * (TIMES - phase))
        lifted = np.maximum(np.cos(2.0 * np.pi * (TIMES - phase)), 0.0)
        vectors[:, SMAL.index(f"{leg}_leg1"), 1] = -0.35 * turn
        vectors[:, SMAL.index(f"{leg}_leg2"), 1] = (0.6 if leg.endswith("front") else -0.5) * lifted
    vectors[:, SMAL.index("tail2"), 2] = 0.4 * np.sin(4.0 * np.pi * TIMES)
    rotations = matrix_from_axis_angle(vectors)
    rotations[:, 0] = _UPRIGHT @ rotations[:, 0]
    betas = shape_presets(BodyShelf(None), "open_quadruped")["dog"]
    translation = _on_floor(identity_of(BodyShelf(None).load("open_quadruped"), betas), rotations, (0.7, 0.0))
    return BodyTrack("dog", "smal", "open_quadruped", betas, rotations, translation, np.ones(rotations.shape[:2]))


def box() -> ObjectTrack:
    """A turning box on a parabola over both."""
    size = np.array([0.3, 0.3, 0.3])
    around = np.arange(16) / 16.0 * 2.0 * np.pi
    shape = np.zeros((21, 3))
    shape[:16, :2] = 0.15 * np.stack([np.cos(around), np.sin(around)], axis=-1)
    shape[16:20, :2] = 0.15 * np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    turns = matrix_from_axis_angle(TIMES[:, None] * np.array([0.0, 1.0, 2.0]))
    path = np.stack([-0.9 + 0.8 * TIMES, 1.2 + 2.4 * TIMES - 1.2 * TIMES**2, np.full(FRAMES, 0.6)], axis=1)
    return ObjectTrack("box", "box", size, shape @ np.swapaxes(turns, -1, -2) + path[:, None], np.ones(FRAMES))


def write_scene(path: Path) -> Path:
    """Person, dog and box in one clip file."""
    tracks = (person(), dog(), box())
    places = np.concatenate([tracks[0].translation, tracks[1].translation, tracks[2].points[:, -1]])
    save_clip(path, Clip(FPS, framing_camera("y", places, FRAMES), floor("y"), tracks))
    return path
