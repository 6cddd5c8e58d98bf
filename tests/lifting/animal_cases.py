"""Animals whose pose is known, their outlines, and the hand-drawn outlines of two pictures."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.bodies.installed import shelf
from backend.lifting.subject import Followed, boxes_of
from backend.raster.part_masks import part_masks
from backend.training.prior.gaits import animal
from revision_blender.motion.bodies.body_model import identity_of, joints_of
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.subjects import Prompt, prompt_from

Array = NDArray[np.floating]
PICTURES = Path(__file__).parents[3] / "shared" / "data" / "images"
WIDTH, HEIGHT, FOCAL, FPS = 320, 240, 330.0, 15.0
TILT = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])  # y up and looking along -z, to OpenCV's axes
UP = TILT @ [0.0, 1.0, 0.0]


@cache
def quadruped():
    return shelf().load("open_quadruped")


@cache
def walking(n_frames: int = 8, gait: str = "walk", kind: str = "dog") -> Clip:
    """A dog that walks past the camera, at a third of a turn to it; the prior's gaits are at 20 or more frames a second, every other is kept."""
    take = animal(gait, 4, False, 2 * n_frames)
    betas = shape_presets(shelf(), "open_quadruped")[kind]
    identity = identity_of(quadruped(), betas)
    rotations = take.rotations[::2].astype(np.float64)
    heading = rotations[n_frames // 2, 0, :, 0]
    R_turn = matrix_from_axis_angle(np.array([0.0, 0.5 + np.arctan2(heading[2], heading[0]), 0.0]))
    root = take.root[::2].astype(np.float64) @ R_turn.T
    root -= root[n_frames // 2] + [0.0, 0.0, 2.1]
    rotations[:, 0] = TILT @ R_turn @ rotations[:, 0]
    track = BodyTrack("dog", "smal", "open_quadruped", betas, rotations, root @ TILT.T - identity.joints_rest[0], np.ones((n_frames, 35)))
    ground = GroundPlane(UP, TILT @ [0.0, -0.5, 0.0])
    return Clip(FPS, static_camera(WIDTH, HEIGHT, FOCAL, n_frames), ground, (track,))


def drawn(clip: Clip) -> NDArray[np.uint8]:
    """``(F, H, W)`` 255 on the animal."""
    return np.where(part_masks(clip) > 0, 255, 0).astype(np.uint8)


def followed_of(masks: NDArray[np.uint8], label: str = "dog", prompts: tuple[Prompt, ...] = ()) -> Followed:
    boxes, seen = boxes_of(masks)
    return Followed(label, "animal", label, boxes, seen, seen.astype(np.float32), masks, prompts)


def track_of(fit) -> BodyTrack:
    return BodyTrack("fit", fit.family, fit.model, fit.betas, fit.rotations, fit.translation, fit.confidence)


def joints_in_world(track: BodyTrack) -> Array:
    return joints_of(identity_of(quadruped(), track.betas), track.rotations, track.translation)


def overlaps(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> Array:
    """``(F,)`` intersection over union."""
    both, either = ((a > 0) & (b > 0)).sum((1, 2)), ((a > 0) | (b > 0)).sum((1, 2))
    return both / np.maximum(either, 1)


@dataclass(frozen=True, eq=False)
class Picture:
    """frame ``(1, H, W, 3)`` RGB, mask ``(1, H, W)`` drawn by hand, prompt: a box and six clicks."""

    frame: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    prompt: Prompt


def picture(name: str) -> Picture:
    """Skips where the pictures are not."""
    facts = json.loads((Path(__file__).parent / "pictures" / f"{name}.json").read_text(encoding="utf-8"))
    path = PICTURES / facts["file"]
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    frame = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    mask = np.zeros(frame.shape[:2], np.uint8)
    for outline in facts["outline"]:
        cv2.fillPoly(mask, [np.array(outline, np.int32)], (255,))
    return Picture(frame[None], mask[None], prompt_from(facts["prompt"]))
