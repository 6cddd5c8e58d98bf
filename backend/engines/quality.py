"""Measures of an engine's output, as the demo's report and the tests state them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.progress import Progress, silent

Video = NDArray[np.uint8]  # (F, H, W, 3)
Maps = NDArray[np.uint8]  # (F, H, W)

MAX_PSNR = 99.0  # dB: two equal pictures


@dataclass(frozen=True)
class Quality:
    """first_frame_psnr: dB against the source picture. uncovered: pixels without a colour. detected: share of frames in which
    the detector finds the person. mask_iou: the detector's segmentation against the part masks' foreground, mean. flicker: mean
    absolute change a frame of pixels that no person covers in either frame, gray levels of 255; None for a moving camera.
    """

    first_frame_psnr: float
    uncovered: float
    detected: float
    mask_iou: float
    flicker: float | None


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures in dB, at most ``MAX_PSNR``."""
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return MAX_PSNR if error == 0.0 else min(MAX_PSNR, 10.0 * float(np.log10(255.0**2 / error)))


def flicker(frames: Video, people: Maps, margin: int = 12) -> float:
    """Mean absolute change a frame of the pixels further than ``margin`` pixels from any person in both frames, 0 to 255.

    people: ``(F, H, W)`` not 0 on the person.
    """
    import cv2

    window = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    near = [cv2.dilate((mask > 0).astype(np.uint8), window) > 0 for mask in people]
    changes = []
    for index in range(1, len(frames)):
        background = ~(near[index] | near[index - 1])
        change = np.abs(frames[index].astype(np.int16) - frames[index - 1])[background]
        changes.append(float(change.mean()) if change.size else 0.0)
    return float(np.mean(changes)) if changes else 0.0


@dataclass(frozen=True, eq=False)
class Sighting:
    """What the detector sees. found: ``(F,)``. people: ``(F, H, W)`` 255 on the person."""

    found: NDArray[np.bool_]
    people: Maps


def sighting_of(frames: Video, progress: Progress) -> Sighting:
    """Looks for the person in every frame; a video without one is a sighting of nobody."""
    from backend.errors import InputError
    from backend.lifting.people.landmarks import detect_landmarks
    from backend.lifting.people.segmentation import person_masks

    try:
        landmarks = detect_landmarks(frames, progress.part(0.0, 0.7))
    except InputError:  # it found nobody: that is the measure's answer
        return Sighting(np.zeros(len(frames), bool), np.zeros(frames.shape[:3], np.uint8))
    return Sighting(landmarks.found, person_masks(frames, landmarks, progress.part(0.7, 1.0)))


def overlap(people: Maps, labels: Maps, found: NDArray[np.bool_]) -> float:
    """Mean intersection over union of segmentation and part masks' foreground over the frames with a person; 0 without any."""
    pairs = [(a > 0, b > 0) for a, b, seen in zip(people, labels, found, strict=True) if seen]
    return float(np.mean([(a & b).sum() / max(int((a | b).sum()), 1) for a, b in pairs])) if pairs else 0.0


def measure(
    frames: Video, picture: NDArray[np.uint8], labels: Maps, uncovered: float, camera_still: bool, progress: Progress | None = None
) -> Quality:
    """All measures of one output. labels: the part masks that it was made from. uncovered: as the engine reported."""
    sighting = sighting_of(frames, progress or silent())
    return Quality(
        first_frame_psnr=psnr(frames[0], picture),
        uncovered=uncovered,
        detected=float(sighting.found.mean()),
        mask_iou=overlap(sighting.people, labels, sighting.found),
        flicker=flicker(frames, np.maximum(sighting.people, labels)) if camera_still else None,
    )
