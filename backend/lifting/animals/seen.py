"""What a followed animal's masks, the user's clicks and the camera say, as the fit takes it."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from backend.lifting.animals.energy import Evidence, View
from backend.lifting.animals.outlines import Crops, crops_of
from backend.lifting.subject import Followed
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import GroundPlane
from revision_blender.motion.subjects import ANIMAL_PARTS, Prompt

LEAST_THIN, MOST_THIN, UNASKED = 0.05, 0.8, 0.4
SLIP, BESIDE = 0.015, 0.02  # of the animal's size: how far off people click, and what is beyond that


def evidence_of(
    followed: Followed, prompts: Sequence[Prompt], camera: Camera, ground: GroundPlane | None, occluders: NDArray[np.uint8] | None
) -> Evidence:
    """A row a frame. Without a floor the camera is taken to be level."""
    keypoints, clicked = _clicks(prompts, followed.n_frames)
    normal = np.array([0.0, -1.0, 0.0]) if ground is None else ground.normal
    up = np.einsum("fab,a->fb", camera.T_world_camera[:, :3, :3], normal).astype(np.float32)
    view = View(float(camera.focal), torch.tensor(camera.center, dtype=torch.float32), torch.from_numpy(up))
    crops = crops_of(followed.masks, followed.boxes, occluders)
    return Evidence(crops, torch.from_numpy(keypoints), torch.from_numpy(clicked), view, _trust_in_thin(crops, keypoints, clicked))


def _trust_in_thin(crops: Crops, keypoints: NDArray[np.float32], clicked: NDArray[np.float32]) -> float:
    """How far the masks can be trusted about legs: whether they hold the paws that were clicked."""
    paws = [row for row, part in enumerate(ANIMAL_PARTS) if part.endswith("paw")]
    shown = clicked[:, paws] > 0.0
    if not shown.any():
        return UNASKED
    beside = crops.distance(crops.to_crop(torch.from_numpy(keypoints)))[:, paws] / crops.size[:, None]
    held = np.sort(np.exp(-np.maximum(beside.numpy()[shown] - SLIP, 0.0) / BESIDE))
    held = held[: (len(held) + 1) // 2].mean()  # the half that is held worst
    return float(LEAST_THIN + (MOST_THIN - LEAST_THIN) * held)


def _clicks(prompts: Sequence[Prompt], frames: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixels ``(F, K, 2)`` of the parts that were clicked, and which were ``(F, K)``; the mean where one was clicked twice."""
    total, count = np.zeros((frames, len(ANIMAL_PARTS), 2), np.float32), np.zeros((frames, len(ANIMAL_PARTS)), np.float32)
    for prompt in prompts:
        for click in prompt.clicks:
            if click.part in ANIMAL_PARTS and prompt.frame < frames:
                part = ANIMAL_PARTS.index(click.part)
                total[prompt.frame, part] += click.x, click.y
                count[prompt.frame, part] += 1.0
    return total / np.maximum(count, 1.0)[..., None], np.minimum(count, 1.0)
