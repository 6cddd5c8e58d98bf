"""A sharp person mask out of MediaPipe's soft 256 x 256 one.

Three steps a frame, in a box about the person: what is out of reach of the skeleton goes (a racket, a ball, a bystander);
an edge-aware filter (He, Sun, Tang: Guided image filtering, 2013) pulls the soft border onto the picture's edges; islands
that touch no bone go and pinholes close.
"""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import HEAD, index_of
from backend.lifting.people.landmarks import Landmarks
from backend.progress import Progress

Array = NDArray[np.floating]
Mask = NDArray[np.uint8]

WORK_HEIGHT = 384  # the box about the person is refined at no more than this height in pixels
GUIDE_RADIUS = 4
GUIDE_EPSILON = 6e-4  # of a picture in [0, 1]: edges weaker than about 6/255 do not guide
VISIBLE = 0.3

# How far a body with its clothes reaches from its bones, metres. Tight at the hands: there things are held.
REACH: tuple[tuple[str, str, float], ...] = (
    *((f"{side}_{a}", f"{side}_{b}", reach)
    for side in ("left", "right")
    for a, b, reach in (
        ("shoulder", "elbow", 0.15), ("elbow", "wrist", 0.11), ("wrist", "index", 0.09), ("wrist", "pinky", 0.09), ("wrist", "thumb", 0.07),
        ("shoulder", "hip", 0.22), ("hip", "knee", 0.22), ("knee", "ankle", 0.15), ("ankle", "heel", 0.11), ("heel", "foot_index", 0.11),
    )),
    ("left_shoulder", "right_shoulder", 0.18),
    ("left_hip", "right_hip", 0.24),
)  # fmt: skip
HEAD_REACH = 0.20
WHITE = (255.0,)
WORKERS = 2  # frames at a time: OpenCV and numpy let go of Python, and more would only crowd a laptop


def person_masks(frames: NDArray[np.uint8], landmarks: Landmarks, progress: Progress) -> UInt8[NDArray[np.uint8], "F H W"]:
    """``(F, H, W)`` 255 on the person, 0 elsewhere, at the frames' own size; a frame without a person is empty."""
    masks = np.zeros(frames.shape[:3], dtype=np.uint8)
    found = np.flatnonzero(landmarks.found)
    with ThreadPoolExecutor(WORKERS) as pool:
        done = pool.map(lambda index: _refine_into(masks[index], frames[index], landmarks, index), found)
        for _ in progress.each(done, len(found), "Cutting the person out"):
            pass
    return masks


def _refine_into(mask: Mask, frame: NDArray[np.uint8], landmarks: Landmarks, index: int) -> None:
    box = box_about(landmarks, index, frame.shape[1], frame.shape[0])
    left, top, right, bottom = box
    if bottom - top >= 8 and right - left >= 8:
        sharp = sharpened(frame, landmarks.person[index, top:bottom, left:right], landmarks, index, box)
        mask[top:bottom, left:right] = np.where(sharp > 0.5, 255, 0)


def sharpened(
    frame: NDArray[np.uint8], soft: NDArray[np.float32], landmarks: Landmarks, index: int, box: tuple[int, int, int, int]
) -> NDArray[np.float32]:
    """How much each pixel of a box (left, top, right, bottom) is the person, in [0, 1]. soft: MediaPipe's mask of the box."""
    left, top, right, bottom = box
    scale = min(1.0, WORK_HEIGHT / max(bottom - top, right - left))
    size = (max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale)))
    picture = cv2.resize(frame[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
    pixels = (landmarks.pixels[index] - [left, top]) * scale
    reach, bones = _skeleton(pixels, landmarks.visibility[index], pixels_per_metre(landmarks, index) * scale, small.shape)
    within = (reach > 0).astype(np.float32)
    sharp = _guided(picture.astype(np.uint8, copy=False), small.astype(np.float32) * within) * within
    kept = _connected(sharp > 0.5, bones).astype(np.float32)
    kept *= sharp
    return cv2.resize(kept, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def box_about(landmarks: Landmarks, index: int, width: int, height: int) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the landmarks and of the soft mask about them, within the picture."""
    low, high = landmarks.pixels[index].min(axis=0), landmarks.pixels[index].max(axis=0)
    margin = 0.15 * float((high - low).max()) + 8.0
    left, top = np.maximum(np.floor(low - margin), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + margin), [width, height]).astype(int)
    return int(left), int(top), int(right), int(bottom)


def pixels_per_metre(landmarks: Landmarks, index: int) -> float:
    """Scale of the person in the picture, from the spread of the landmarks in pixels and in metres."""
    pixels, world = landmarks.pixels[index], landmarks.world[index, :, :2]
    return float(np.linalg.norm(pixels - pixels.mean(axis=0)) / max(np.linalg.norm(world - world.mean(axis=0)), 1e-3))


def _skeleton(pixels: Array, visibility: Array, unit: float, shape: tuple[int, ...]) -> tuple[Mask, Mask]:
    """What the body can reach, and its bones as thin lines; ``unit`` pixels a metre."""
    reach, bones = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    places = [(round(float(x)), round(float(y))) for x, y in np.clip(pixels, -16384, 16384)]
    for start, end, metres in REACH:
        a, b = places[index_of(start)], places[index_of(end)]
        cv2.line(reach, a, b, WHITE, max(1, round(2.0 * metres * unit)), cv2.LINE_8)
        if min(visibility[index_of(start)], visibility[index_of(end)]) > VISIBLE:
            cv2.line(bones, a, b, WHITE, max(1, round(0.03 * unit)), cv2.LINE_8)
    trunk = np.array([places[index_of(n)] for n in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")], np.int32)
    for canvas in (reach, bones):
        cv2.fillConvexPoly(canvas, cv2.convexHull(trunk), WHITE)
    head = np.mean([places[i] for i in HEAD], axis=0)
    neck = np.mean([places[index_of("left_shoulder")], places[index_of("right_shoulder")]], axis=0)
    middle = tuple(int(v) for v in head + 0.25 * (head - neck))
    cv2.circle(reach, middle, max(1, round(HEAD_REACH * unit)), WHITE, -1)
    cv2.line(reach, tuple(int(v) for v in neck), middle, WHITE, max(1, round(0.2 * unit)))
    cv2.circle(bones, tuple(int(v) for v in head), max(1, round(0.05 * unit)), WHITE, -1)
    return reach, bones


def _guided(picture: NDArray[np.uint8], soft: NDArray[np.float32]) -> NDArray[np.float32]:
    """The soft mask, made a local linear function of the picture's colours."""
    guide = picture.astype(np.float32) / 255.0
    side = (2 * GUIDE_RADIUS + 1,) * 2

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.boxFilter(values, -1, side, borderType=cv2.BORDER_REFLECT).astype(np.float32, copy=False)

    soft = soft.astype(np.float32)
    mean_guide, mean_soft = mean(guide), mean(soft)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    products = [mean(guide[..., i] * guide[..., j]) - mean_guide[..., i] * mean_guide[..., j] for i, j in pairs]
    covariance = mean(guide * soft[..., None]) - mean_guide * mean_soft[..., None]
    slope = _solved(products, covariance)
    offset = mean_soft - np.sum(slope * mean_guide, axis=-1)
    return np.clip(np.sum(mean(slope) * guide, axis=-1) + mean(offset), 0.0, 1.0)


def _solved(products: list[NDArray[np.float32]], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Solves the symmetric 3 x 3 systems of every pixel by the adjugate; products are rr rg rb gg gb bb."""
    rr, rg, rb, gg, gb, bb = products
    rr, gg, bb = rr + GUIDE_EPSILON, gg + GUIDE_EPSILON, bb + GUIDE_EPSILON
    a, b, c = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    d, e, f = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = np.maximum(rr * a + rg * b + rb * c, 1e-12)
    x, y, z = right[..., 0], right[..., 1], right[..., 2]
    return np.stack([a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z], axis=-1) / determinant[..., None]


def _connected(mask: NDArray[np.bool_], bones: Mask) -> NDArray[np.bool_]:
    """Drops islands that touch no bone and fills pinholes."""
    solid = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, islands = cv2.connectedComponents(solid, connectivity=8)
    touched = np.unique(islands[(bones > 0) & (solid > 0)])
    return np.isin(islands, touched[touched > 0])
