"""What is at a place of the background over a whole shot, the camera's motion taken out."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Soft = NDArray[np.float32]

MOST_FRAMES = 15  # of the shot, evenly spread: a median needs no more
MAX_FEATURES = 200
MIN_AGREEING = 12


def steady_median(grays: NDArray[np.uint8], maps: list[Soft]) -> list[Soft]:
    """For each frame ``(h, w)`` the median over the shot of a map at what is there in the background.

    grays: ``(F, h, w)``. maps: one ``(h, w)`` a frame. Where a frame's motion is not found, it takes the one before.
    """
    to_first = _motions(grays)
    size = grays.shape[2], grays.shape[1]
    some = np.unique(np.linspace(0, len(grays) - 1, min(MOST_FRAMES, len(grays))).round().astype(int))
    flags = cv2.INTER_LINEAR
    laid = [cv2.warpAffine(maps[frame], to_first[frame][:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE) for frame in some]
    middle = np.median(np.stack(laid), axis=0).astype(np.float32)
    back = flags | cv2.WARP_INVERSE_MAP
    return [
        cv2.warpAffine(middle, to_first[frame][:2], size, flags=back, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        for frame in range(len(grays))
    ]


def _motions(grays: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """``(3, 3)`` a frame: its pixels to the first frame's, as a similarity of most of the picture."""
    motions = [np.eye(3)]
    for before, now in pairwise(grays):
        step = _step(now, before)
        motions.append(motions[-1] @ step)
    return motions


def _step(now: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.float64]:
    points = cv2.goodFeaturesToTrack(now, MAX_FEATURES, 0.01, 7.0)
    if points is None or len(points) < MIN_AGREEING:
        return np.eye(3)
    there, seen, _ = cv2.calcOpticalFlowPyrLK(now, before, points, points.copy())
    good = seen.ravel() > 0
    if good.sum() < MIN_AGREEING:
        return np.eye(3)
    matrix, agreeing = cv2.estimateAffinePartial2D(points[good], there[good], ransacReprojThreshold=1.0)
    if matrix is None or int(agreeing.sum()) < MIN_AGREEING:
        return np.eye(3)
    return np.concatenate([matrix, [[0.0, 0.0, 1.0]]])
