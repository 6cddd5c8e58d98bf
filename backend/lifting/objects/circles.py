"""The outline of a ball: of the circles near a first guess the one that parts what is unlike the surroundings from what is like them."""

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

RADII = np.linspace(0.7, 1.1, 9)  # of the guess, which is of a box with some room about the ball
STEPS = np.linspace(-0.2, 0.2, 9)  # radii by which the middle may be off
SPIKE = 0.6  # of the radius: what is thinner is no part of a ball
HALF = 0.45  # what is more unlike than this is rather inside


def best_circle(unlike: NDArray[np.float32], middle: Array, radius: float) -> tuple[Array, float]:
    """Middle ``(2,)`` and radius, pixels. unlike: ``(h, w)`` in [0, 1]. middle, radius: the guess."""
    gain = np.where(np.isfinite(unlike), unlike, 0.0) - HALF
    best, found = -np.inf, (middle, radius)
    for factor in RADII:
        disc = _disc(radius * float(factor))
        inside = cv2.filter2D(gain.astype(np.float32), -1, disc, borderType=cv2.BORDER_CONSTANT)
        for down in STEPS:
            for right in STEPS:
                at = middle + radius * np.array([right, down])
                x, y = int(np.clip(at[0], 0, gain.shape[1] - 1)), int(np.clip(at[1], 0, gain.shape[0] - 1))
                if inside[y, x] > best:
                    best, found = float(inside[y, x]), (np.array([x + 0.5, y + 0.5]), radius * float(factor))
    return found


def rounded(soft: NDArray[np.float32]) -> NDArray[np.float32]:
    """A ball's soft mask ``(h, w)`` without the spikes that leaked out of it and without dents, for what is seen of a ball bulges."""
    inside = (soft > 0.5).astype(np.uint8)
    deepest = float(cv2.distanceTransform(inside, cv2.DIST_L2, 5).max())
    if deepest < 2.0:
        return soft
    reach = round(SPIKE * deepest)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    opened = cv2.morphologyEx(inside, cv2.MORPH_OPEN, kernel)
    contours, _ = cv2.findContours(opened.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    full = np.zeros_like(inside)
    cv2.fillConvexPoly(full, cv2.convexHull(np.concatenate(contours)), (1.0,))
    return np.where(full > 0, np.maximum(soft, np.where(opened > 0, soft, 1.0)), 0.0).astype(np.float32)


def _disc(radius: float) -> NDArray[np.float32]:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0).astype(np.float32)
