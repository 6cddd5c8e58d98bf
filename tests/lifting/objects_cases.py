"""Drawn clips for the objects' tests: a textured thing before a textured background, with all of its truth."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True, eq=False)
class DrawnClip:
    """frames: ``(F, H, W, 3)``. masks: ``(F, H, W)`` the thing's visible pixels. middles: ``(F, 2)`` of the whole thing, pixels."""

    frames: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    middles: Array


def noise(shape: tuple[int, int], low: float, high: float, seed: int, coarse: int = 12) -> Array:
    """``(h, w)`` smooth random values between low and high."""
    small = np.random.default_rng(seed).uniform(low, high, (shape[0] // coarse + 2, shape[1] // coarse + 2))
    return cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def wall(height: int = HEIGHT, width: int = WIDTH) -> Array:
    """``(h, w, 3)`` greenish stones with fine grain: enough to follow a camera by."""
    grain = np.random.default_rng(5).normal(0.0, 7.0, (height, width, 1))
    return np.stack([noise((height, width), low, low + 60, k) for k, low in enumerate((60, 90, 50))], axis=-1) + grain


def moving_box(path: Array, half: tuple[int, int] = (24, 17), pan: float = 0.0, occluder: tuple[int, int] | None = None) -> DrawnClip:
    """A box of stripes. path: ``(F, 2)`` middles in the first frame's pixels. pan: pixels a frame that the camera turns to the right.
    occluder: first and last column (of the first frame) of a post in front of everything."""
    margin = int(abs(pan) * len(path)) + 4
    whole = wall(HEIGHT, WIDTH + 2 * margin)
    stripes = np.where((np.arange(2 * half[0]) // 8 % 2)[None, :, None] > 0, [200.0, 60.0, 40.0], [230.0, 190.0, 70.0])
    stripes = np.broadcast_to(stripes, (2 * half[1], 2 * half[0], 3))
    frames, masks, middles = [], [], []
    for at, (x, y) in enumerate(path):
        picture, mask = whole.copy(), np.zeros(whole.shape[:2], bool)
        left, top = round(x) + margin - half[0], round(y) - half[1]
        rows, columns = _clipped(top, 2 * half[1], picture.shape[0]), _clipped(left, 2 * half[0], picture.shape[1])
        picture[rows[0] : rows[1], columns[0] : columns[1]] = stripes[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
        mask[rows[0] : rows[1], columns[0] : columns[1]] = True
        if occluder is not None:
            picture[:, occluder[0] + margin : occluder[1] + margin] = [40.0, 42.0, 70.0]
            mask[:, occluder[0] + margin : occluder[1] + margin] = False
        start = margin + round(pan * at)
        frames.append(_finished(picture[:, start : start + WIDTH], at))
        masks.append(mask[:, start : start + WIDTH])
        middles.append((x - round(pan * at), y))
    return DrawnClip(np.stack(frames), np.stack(masks), np.array(middles))


def thrown_ball(path: Array, radius: float = 9.0, blur: bool = True) -> DrawnClip:
    """A red ball, smeared along its way as a shutter open half the time smears it; it may leave the picture."""
    background = wall()
    frames, masks = [], []
    velocity = np.gradient(path, axis=0)
    for at, middle in enumerate(path):
        shares = np.linspace(-0.25, 0.25, 7) if blur else np.zeros(1)
        cover = np.mean([_disc(middle + share * velocity[at], radius) for share in shares], axis=0)
        frames.append(_finished(background * (1 - cover[..., None]) + np.array([205.0, 45.0, 40.0]) * cover[..., None], at))
        masks.append(cover > 0.5)
    return DrawnClip(np.stack(frames), np.stack(masks), np.asarray(path, float))


def _disc(middle: Array, radius: float) -> Array:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.clip(radius + 0.5 - np.hypot(x - middle[0], y - middle[1]), 0.0, 1.0)


def _clipped(start: int, length: int, limit: int) -> tuple[int, int]:
    return min(max(start, 0), limit), min(max(start + length, 0), limit)


def _finished(picture: Array, at: int) -> NDArray[np.uint8]:
    soft = cv2.GaussianBlur(picture, (0, 0), 0.7) + np.random.default_rng(100 + at).normal(0.0, 2.0, picture.shape)
    return np.clip(soft, 0, 255).astype(np.uint8)


def overlap(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Intersection over union; 1 where both are empty."""
    union = float((found | truth).sum())
    return float((found & truth).sum()) / union if union else 1.0


def box_about(mask: NDArray[np.bool_], room: float = 2.0) -> tuple[float, float, float, float]:
    """A box as a hand draws it about a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0] - room, rows[0] - room, columns[-1] + 1 + room, rows[-1] + 1 + room
