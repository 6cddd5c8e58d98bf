"""Masks of several people: each cut out by itself; where two overlap the pixels go to whom the picture says they are."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.lifting.people.crops import laid_back
from backend.lifting.people.finding import Person
from backend.lifting.people.landmark_names import index_of
from backend.lifting.people.segmentation import WORKERS, box_about, pixels_per_metre, sharpened
from backend.progress import Progress

FEET = tuple(index_of(f"{side}_{name}") for side in ("left", "right") for name in ("heel", "foot_index", "ankle"))
SEEN_FOOT = 0.5
FOOT_COUNTS = 4.0  # of how much lower the feet stand, in heights, in the logarithm of nearness
CALM = 5  # frames over which nearness is levelled
DEEP = 4.0  # how strongly nearness speaks beside the masks themselves


def people_masks(
    frames: UInt8[NDArray[np.uint8], "F H W 3"], people: list[Person], progress: Progress
) -> UInt8[NDArray[np.uint8], "P F H W"]:
    """255 on the visible pixels of each person, at most one a pixel; empty where a person is not seen."""
    masks = np.zeros((len(people), *frames.shape[:3]), np.uint8)
    near = nearness(people)

    def cut(index: int) -> None:
        _cut_frame(masks[:, index], frames[index], people, index, near[:, index])

    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in progress.each(pool.map(cut, range(len(frames))), len(frames), "Cutting people out"):
            pass
    return masks


def nearness(people: list[Person]) -> Float[NDArray[np.float64], "P F"]:
    """How near each person is to the camera, to compare within a frame: the logarithm of their scale, and whose feet stand lower."""
    if not people:
        return np.zeros((0, 0))
    rows = []
    for person in people:
        marks = person.landmarks
        scale = np.log([max(pixels_per_metre(marks, frame), 1e-3) for frame in range(marks.n_frames)])
        rows.append(_levelled(scale))
    lowest = np.stack([_levelled(_lowest_foot(person)) for person in people])
    height = np.array([[float(np.median(np.ptp(person.landmarks.pixels[..., 1], axis=1)))] for person in people])
    common = lowest - np.nanmean(lowest, axis=0, keepdims=True) if np.isfinite(lowest).all() else np.zeros_like(lowest)
    return np.stack(rows) + FOOT_COUNTS * common / np.maximum(height.mean(), 1.0) * 0.25


def _lowest_foot(person: Person) -> NDArray[np.floating]:
    return person.landmarks.pixels[:, list(FEET), 1].max(axis=1).astype(np.float64)


def _levelled(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The median over neighbouring frames."""
    half = CALM // 2
    padded = np.pad(np.asarray(values, np.float64), half, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, CALM), axis=-1)


def _cut_frame(masks: NDArray[np.uint8], frame: NDArray[np.uint8], people: list[Person], index: int, near: NDArray[np.floating]) -> None:
    """Fills ``(P, H, W)`` for one frame."""
    height, width = frame.shape[:2]
    owner = np.full((height, width), -1, np.int16)
    best = np.zeros((height, width), np.float32)
    order = np.argsort(-near)
    for person in order:
        if index not in people[person].looks:
            continue
        marks = people[person].landmarks
        box = box_about(marks, index, width, height)
        left, top, right, bottom = box
        if bottom - top < 8 or right - left < 8:
            continue
        sharp = sharpened(frame, _soft(people[person], index, box), marks, index, box)
        weight = np.where(sharp > 0.5, sharp * np.exp(DEEP * (near[person] - near.max())), 0.0)
        better = weight > best[top:bottom, left:right]
        best[top:bottom, left:right][better] = weight[better]
        owner[top:bottom, left:right][better] = person
    for person in range(len(people)):
        masks[person] = np.where(owner == person, 255, 0)


def _soft(person: Person, index: int, box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    looks = [laid_back(look.soft, look.crop, box).astype(np.float32) / 255.0 for look in person.looks[index]]
    return cv2.GaussianBlur(np.mean(looks, axis=0).astype(np.float32), (0, 0), 1.0)
