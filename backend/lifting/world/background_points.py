"""Points of the background and where they are in other frames; what moves by itself is left out."""

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy.typing import NDArray

MARGIN = 0.03  # of the longer side: so far about what moves nothing is believed
CLOSE = 0.5  # pixels: a point that is followed forth and back ends so near to where it began
_WINDOW = {"winSize": (15, 15), "maxLevel": 3, "flags": cv2.OPTFLOW_USE_INITIAL_FLOW}


def small_gray(frame: UInt8[NDArray[np.uint8], "H W 3"], scale: float) -> UInt8[NDArray[np.uint8], "h w"]:
    """The frame's brightness, ``scale`` times as large, at most as large as it was."""
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = gray if scale >= 1.0 else cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def background(moving: UInt8[NDArray[np.uint8], "H W"], shape: tuple[int, ...]) -> UInt8[NDArray[np.uint8], "h w"]:
    """255 where nothing moves by itself, nor near it. moving: 255 on what does. shape: of the result."""
    small = cv2.resize(moving, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    reach = max(3, round(MARGIN * max(shape))) | 1
    return np.where(cv2.dilate(small, np.ones((reach, reach), np.uint8)) > 0, 0, 255).astype(np.uint8)


def corners(gray: UInt8[NDArray[np.uint8], "h w"], free: UInt8[NDArray[np.uint8], "h w"], most: int) -> Float32[NDArray[np.float32], "N 2"]:
    """At most so many points of the background that can be found again, pixels of ``gray``."""
    points = cv2.goodFeaturesToTrack(gray, most, 0.01, 7.0, mask=free)
    return np.zeros((0, 2), np.float32) if points is None else points.reshape(-1, 2).astype(np.float32)


def followed(
    a: UInt8[NDArray[np.uint8], "h w"],
    b: UInt8[NDArray[np.uint8], "h w"],
    points: Float32[NDArray[np.float32], "N 2"],
    guess: Float32[NDArray[np.float32], "N 2"],
    free: UInt8[NDArray[np.uint8], "h w"],
) -> tuple[Float32[NDArray[np.float32], "N 2"], Bool[NDArray[np.bool_], " N"]]:
    """Where the points of ``a`` are in ``b``, and which of them come back, lie in the picture and on ``b``'s background, ``free``."""
    there, seen, _ = cv2.calcOpticalFlowPyrLK(a, b, points, guess.copy(), **_WINDOW)
    back, seen_back, _ = cv2.calcOpticalFlowPyrLK(b, a, there, points.copy(), **_WINDOW)
    found = np.asarray(there, np.float32)
    good = (seen.ravel() > 0) & (seen_back.ravel() > 0) & (np.linalg.norm(back - points, axis=1) < CLOSE)
    good &= np.all((found >= 0) & (found < np.array([b.shape[1], b.shape[0]]) - 1), axis=1)
    good[good] = free[found[good, 1].astype(int), found[good, 0].astype(int)] > 0
    return found, good
