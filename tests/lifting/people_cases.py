"""What the tests of people share: people who are known exactly, seen as a reader without error would see them."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.crops import Crop, crop_of_box, cut
from backend.lifting.people.finding import Person
from backend.lifting.people.landmarks import Landmarks
from backend.lifting.people.poses import Pose, clothes_of
from revision_blender.motion.clip import Clip
from tests.backend.lifting_cases import perfect_landmarks, walking_clip

STANDING = np.array(
    [[0, -70], *[[x, -73] for x in (2, 3, 4, -2, -3, -4)], [6, -70], [-6, -70], [2, -66], [-2, -66], [15, -50], [-15, -50], [20, -25],
     [-20, -25], [22, 0], [-22, 0], [23, 6], [-23, 6], [22, 7], [-22, 7], [21, 5], [-21, 5], [10, 0], [-10, 0], [11, 40], [-11, 40],
     [11, 80], [-11, 80], [9, 84], [-9, 84], [15, 86], [-15, 86]], np.float32)  # fmt: skip
RED, BLUE, GREY = (200, 40, 40), (40, 40, 200), (120, 120, 120)


def standing_points(x: float, y: float, scale: float = 1.0) -> NDArray[np.float32]:
    """``(33, 6)`` of a person who stands with the hips at (x, y), 157 pixels tall at scale 1."""
    flat = STANDING * scale + np.array([x, y], np.float32)
    deep = np.concatenate([STANDING / 90.0, np.zeros((33, 1), np.float32)], axis=1)
    return np.concatenate([flat, np.ones((33, 1), np.float32), deep], axis=1).astype(np.float32)


def painted_pose(x: float, y: float, colour: tuple[int, int, int], scale: float = 1.0) -> Pose:
    """A pose on a picture that shows the colour wherever the person is."""
    points = standing_points(x, y, scale)
    crop = Crop(x, y, 220.0 * scale)
    clothes = clothes_of(np.full((720, 1280, 3), colour, np.uint8), points)
    return Pose(points, crop, crop, np.zeros((256, 256), np.uint8), 0.9, clothes)


def person_of(name: str, clip: Clip, apart: float = 0.005) -> tuple[Person, NDArray[np.uint8]]:
    """The person of a clip of one, and the masks ``(F, H, W)``, as a reader without error sees them."""
    landmarks, masks = perfect_landmarks(clip)
    points = np.concatenate([landmarks.pixels, landmarks.visibility[..., None], landmarks.world], axis=-1)
    looks = {}
    for frame, mask in enumerate(masks):
        low, high = landmarks.pixels[frame].min(axis=0), landmarks.pixels[frame].max(axis=0)
        crop = crop_of_box(np.concatenate([low, high]))
        clothes = clothes_of(np.full((*mask.shape, 3), RED, np.uint8), points[frame])
        looks[frame] = (Pose(points[frame], crop, crop, cut(mask, crop), 0.9, clothes),)
    empty = Landmarks(landmarks.pixels, landmarks.visibility, landmarks.world, np.zeros((len(masks), 0, 0), np.float32), landmarks.found)
    boxes = np.concatenate([landmarks.pixels.min(axis=1), landmarks.pixels.max(axis=1)], axis=1)
    person = Person(name, empty, boxes, landmarks.found, 0.9, np.full((len(masks), 33), apart, np.float32), looks)
    return person, masks


def moved(clip: Clip, metres: tuple[float, float, float]) -> Clip:
    """The clip's one person elsewhere."""
    track = clip.bodies[0]
    return replace(clip, tracks=(replace(track, translation=track.translation + np.array(metres)),))


def two_walkers(frames: int = 6) -> tuple[NDArray[np.uint8], list[Person], NDArray[np.uint8]]:
    """Pictures of a red person before a blue one, both as they are found, and the pixels ``(2, F, H, W)`` that show each."""
    clip = walking_clip(frames, 480, 360)
    near, near_mask = person_of("near", clip)
    far, far_mask = person_of("far", moved(clip, (0.30, -0.05, 1.2)))
    pictures = np.full((frames, 360, 480, 3), GREY, np.uint8)
    pictures[far_mask > 0] = BLUE
    pictures[near_mask > 0] = RED
    noise = np.random.default_rng(1).integers(-8, 8, pictures.shape)
    pictures = np.clip(pictures + cv2.blur(noise.astype(np.float32).reshape(-1, 480, 3), (3, 3)).reshape(pictures.shape), 0, 255)
    visible = np.stack([near_mask, np.where(near_mask > 0, 0, far_mask)]).astype(np.uint8)
    return pictures.astype(np.uint8), [near, far], visible
