"""The size that a lift works at: pictures larger than need be are scaled down, and what was found is given in the original's pixels."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.errors import InputError
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip
from revision_blender.motion.subjects import OFF, Prompt

WORK_SIDE = 1280  # pixels on the longer side
LEAST_BOX = 2.0  # working pixels: a narrower one shows nothing


@dataclass(frozen=True, eq=False)
class Working:
    """frames: ``(F, h, w, 3)`` to work on. width, height: of the original. scale: working pixels an original pixel, at most 1."""

    frames: UInt8[NDArray[np.uint8], "F h w 3"]
    width: int
    height: int
    scale: float

    def smaller(self, prompts: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
        """Prompts in original pixels, in working pixels."""
        return scaled_prompts(prompts, self.scale)

    def larger(self, clip: Clip) -> Clip:
        return replace(clip, camera=self.larger_camera(clip.camera))

    def larger_camera(self, camera: Camera) -> Camera:
        return camera if self.scale == 1.0 else camera.resized(self.width, self.height)

    def larger_masks(self, masks: UInt8[NDArray[np.uint8], "F h w"]) -> UInt8[NDArray[np.uint8], "F H W"]:
        """Masks or indices, each pixel its nearest."""
        if self.scale == 1.0:
            return masks
        size = (self.width, self.height)
        return np.stack([cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) for mask in masks]).astype(np.uint8, copy=False)


def working_size(frames: UInt8[NDArray[np.uint8], "F H W 3"], side: int = WORK_SIDE) -> Working:
    height, width = frames.shape[1:3]
    scale = min(1.0, side / max(width, height))
    if scale == 1.0:
        return Working(frames, width, height, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.empty((len(frames), size[1], size[0], 3), np.uint8)
    for index, frame in enumerate(frames):
        small[index] = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return Working(small, width, height, scale)


def scaled_prompts(prompts: tuple[Prompt, ...], scale: float) -> tuple[Prompt, ...]:
    if scale == 1.0:
        return prompts
    return tuple(_scaled(prompt, scale) for prompt in prompts)


def _scaled(prompt: Prompt, scale: float) -> Prompt:
    clicks = tuple(replace(click, x=click.x * scale, y=click.y * scale) for click in prompt.clicks)
    if prompt.box is None:
        return replace(prompt, clicks=clicks)
    left, top, right, bottom = (value * scale for value in prompt.box)
    return replace(prompt, clicks=clicks, box=(left, top, right, bottom))


def checked_prompts(prompts: tuple[Prompt, ...], n_frames: int, width: int, height: int) -> tuple[Prompt, ...]:
    """The prompts as they came. Raises ``InputError`` for one that lies outside the frames or the picture, or shows nothing."""
    kinds: dict[str, str] = {}
    for prompt in prompts:
        if prompt.frame >= n_frames:
            raise InputError(f"{prompt.name} is shown on frame {prompt.frame}, but the video ends with frame {n_frames - 1}; move it.")
        if prompt.box is not None:
            _check_box(prompt, width, height)
        if any(not (0 <= click.x <= width and 0 <= click.y <= height) for click in prompt.clicks):
            raise InputError(f"A click of {prompt.name} on frame {prompt.frame} lies outside the picture of {width} x {height}; remove it.")
        if kinds.setdefault(prompt.name, prompt.kind) != prompt.kind:
            raise InputError(f"{prompt.name} is both {kinds[prompt.name]} and {prompt.kind}; give it one kind.")
    shown = {prompt.name for prompt in prompts if prompt.box is not None or any(click.part != OFF for click in prompt.clicks)}
    for name in kinds.keys() - shown:
        raise InputError(f"The clicks of {name} only say what it is not; draw a box about it, or click on it.")
    return prompts


def _check_box(prompt: Prompt, width: int, height: int) -> None:
    assert prompt.box is not None
    left, top, right, bottom = prompt.box
    inside = min(right, width) - max(left, 0.0), min(bottom, height) - max(top, 0.0)
    where = f"The box of {prompt.name} on frame {prompt.frame}"
    if not min(inside) > 0.0:
        raise InputError(f"{where} lies outside the picture of {width} x {height}; draw it again.")
    if min(inside) < LEAST_BOX * max(1.0, max(width, height) / WORK_SIDE):
        raise InputError(f"{where} holds {inside[0]:.1f} x {inside[1]:.1f} pixels of the picture, too few to see anything; draw it larger.")
