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


def flicker(frames: Video, labels: Maps, margin: int = 12) -> float:
    """Mean absolute change a frame of the pixels further than ``margin`` pixels from the person in both frames, 0 to 255."""
    import cv2

    window = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    people = [cv2.dilate((label > 0).astype(np.uint8), window) > 0 for label in labels]
    changes = []
    for index in range(1, len(frames)):
        background = ~(people[index] | people[index - 1])
        change = np.abs(frames[index].astype(np.int16) - frames[index - 1])[background]
        changes.append(float(change.mean()) if change.size else 0.0)
    return float(np.mean(changes)) if changes else 0.0


def seen_by_detector(frames: Video, labels: Maps, progress: Progress) -> tuple[float, float]:
    """detected and mask_iou: share of frames with a person, and mean IoU of segmentation and label foreground over those."""
    from backend.errors import InputError
    from backend.lifting.landmarks import detect_landmarks
    from backend.lifting.segmentation import person_masks

    try:
        landmarks = detect_landmarks(frames, progress.part(0.0, 0.7))
    except InputError:  # it found nobody: that is the measure's answer
        return 0.0, 0.0
    people = person_masks(frames, landmarks, progress.part(0.7, 1.0)) > 0
    foreground = labels > 0
    overlaps = [float((a & b).sum()) / max(int((a | b).sum()), 1) for a, b in zip(people, foreground, strict=True)]
    return float(landmarks.found.mean()), float(np.mean(np.array(overlaps)[landmarks.found]))


def measure(
    frames: Video, picture: NDArray[np.uint8], labels: Maps, uncovered: float, camera_still: bool, progress: Progress | None = None
) -> Quality:
    """All measures of one output. labels: the part masks that it was made from. uncovered: as the engine reported."""
    detected, overlap = seen_by_detector(frames, labels, progress or silent())
    return Quality(psnr(frames[0], picture), uncovered, detected, overlap, flicker(frames, labels) if camera_still else None)
