"""How the background moved through a shot, as a homography a frame: what a camera that turns does to everything far enough away."""

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

Soft = NDArray[np.float32]
Array = NDArray[np.floating]
Gray = NDArray[np.uint8]

WORK_SIDE = 480  # pixels on the longer side at which features are followed
MOST_FRAMES = 15  # of the shot, evenly spread: a median needs no more
MAX_FEATURES = 260
MIN_AGREEING = 16
AGREEING = 0.4  # of the features that were followed
PIXELS = 1.2
STILL = 0.35  # working pixels: a background that moves less stands still


def background_motion(frames: UInt8[NDArray[np.uint8], "F h w 3"]) -> Float64[NDArray[np.float64], "F 3 3"]:
    """Each frame's pixels to the first frame's, of the same size as ``frames``. Where it is not found, as in the frame before."""
    scale = min(1.0, WORK_SIDE / max(frames.shape[1:3]))
    grays = [_small(frame, scale) for frame in frames]
    motions = [np.eye(3)]
    key, key_motion = grays[0], motions[0]
    points = _features(key)
    for at in range(1, len(grays)):
        guess = np.linalg.inv(motions[-1]) @ key_motion
        found = _between(key, grays[at], points, guess)
        if found is None:  # too little of the key frame is left: the frame before takes its place
            key, key_motion = grays[at - 1], motions[-1]
            points = _features(key)
            found = _between(key, grays[at], points, np.eye(3))
        motions.append(motions[-1] if found is None else key_motion @ np.linalg.inv(found))
    result = np.stack(motions)
    if _largest_shift(result, grays[0].shape) < STILL:
        result[:] = np.eye(3)
    larger = np.diag([1.0 / scale, 1.0 / scale, 1.0])
    return larger @ result @ np.linalg.inv(larger)


def steady_median(to_first: Array, maps: list[Soft]) -> list[Soft]:
    """For each frame ``(h, w)`` the median over the shot of a map at what is there in the background."""
    size = maps[0].shape[1], maps[0].shape[0]
    some = np.unique(np.linspace(0, len(maps) - 1, min(MOST_FRAMES, len(maps))).round().astype(int))
    laid = [cv2.warpPerspective(maps[at], to_first[at], size, borderMode=cv2.BORDER_REPLICATE) for at in some]
    middle = np.median(np.stack(laid), axis=0).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return [
        cv2.warpPerspective(middle, one, size, flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float32, copy=False)
        for one in to_first
    ]


def _small(frame: NDArray[np.uint8], scale: float) -> Gray:
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return (gray if scale == 1.0 else cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)).astype(np.uint8, copy=False)


def _features(gray: Gray) -> NDArray[np.float32]:
    points = cv2.goodFeaturesToTrack(gray, MAX_FEATURES, 0.01, 7.0)
    return np.zeros((0, 1, 2), np.float32) if points is None else points.astype(np.float32)


def _between(a: Gray, b: Gray, points: NDArray[np.float32], guess: Array) -> Array | None:
    """``(3, 3)`` pixels of ``a`` to those of ``b``; nothing where too few features agree."""
    if len(points) < MIN_AGREEING:
        return None
    start = cv2.perspectiveTransform(points, guess).astype(np.float32)
    there, seen, _ = cv2.calcOpticalFlowPyrLK(a, b, points, start, winSize=(15, 15), maxLevel=2, flags=cv2.OPTFLOW_USE_INITIAL_FLOW)
    good = (seen.ravel() > 0) & np.all((there >= 0) & (there < [b.shape[1], b.shape[0]]), axis=(1, 2))
    if good.sum() < MIN_AGREEING:
        return None
    cv2.setRNGSeed(0)  # RANSAC draws
    matrix, agreeing = cv2.findHomography(points[good], there[good], cv2.RANSAC, PIXELS)
    if matrix is None or agreeing.sum() < max(MIN_AGREEING, AGREEING * good.sum()):
        return None
    return np.asarray(matrix, np.float64)


def _largest_shift(motions: Array, shape: tuple[int, ...]) -> float:
    corners = np.array([[[0.0, 0.0]], [[shape[1], 0.0]], [[0.0, shape[0]]], [[shape[1], shape[0]]]])
    return max(float(np.abs(cv2.perspectiveTransform(corners, one) - corners).max()) for one in motions)
