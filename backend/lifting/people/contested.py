"""Whose the pixels are where people overlap: by what each part of each body looks like elsewhere, and by where the bones are.

Every pixel of the people's common area goes to the person for whom colour (a histogram for each part of the body, learned on
frames where nobody else is near) and distance from the bones speak best, levelled over a small neighbourhood.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import HEAD, index_of

Array = NDArray[np.floating]

WHITE = (255.0,)
LAB_BINS = (8, 12, 12)
CHROMA_REACH = 100.0  # of Lab's a and b about gray, on OpenCV's scale: beyond it bins end
FLOOR = 0.02  # the share of a histogram that says nothing: unseen colours are unlikely, not impossible
LEVEL = 5  # pixels: the side of the neighbourhood
NEARER, NEARER_BY = 0.9, 0.06  # what being nearer to the camera is worth, and by how much nearer (in the logarithm of the scale)
MOST_LEARNED = 6  # frames

# Parts of the body: their bones, and how far their flesh reaches from them, metres.
PARTS: tuple[tuple[tuple[tuple[str, str], ...], float], ...] = (
    ((), 0.13),  # the head, drawn from all of its landmarks
    ((("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip")), 0.10),
    *(((tuple((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right"))), reach)
      for a, b, reach in (("shoulder", "elbow", 0.07), ("elbow", "wrist", 0.06), ("wrist", "index", 0.06), ("hip", "knee", 0.11),
                          ("knee", "ankle", 0.08), ("heel", "foot_index", 0.06))),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Contender:
    """One person in a cut-out of a frame. pixels: ``(33, 2)`` landmarks in the cut-out. unit: its pixels a metre. near: how near the
    person is to the camera, to compare. looks: ``(parts, bins)`` histograms, each of sum 1, or nothing learned.
    """

    pixels: Float[Array, "33 2"]
    unit: float
    near: float
    looks: Float32[NDArray[np.float32], "G N"]


def parts_of(
    pixels: Array, unit: float, shape: tuple[int, int]
) -> tuple[Int[NDArray[np.intp], "h w"], Float32[NDArray[np.float32], "h w"]]:
    """Of every pixel: the part of the body that it is nearest to, and how far it is from that part's bones, in reaches."""
    distances = [_distance(_bones(pixels, unit, part, shape)) / max(reach * unit, 1.0) for part, (_, reach) in enumerate(PARTS)]
    stack = np.stack(distances)
    part = stack.argmin(axis=0)
    return part, np.take_along_axis(stack, part[None], axis=0)[0]


def _bones(pixels: Array, unit: float, part: int, shape: tuple[int, int]) -> UInt8[NDArray[np.uint8], "h w"]:
    canvas = np.zeros(shape, np.uint8)
    places = [(round(float(x)), round(float(y))) for x, y in np.clip(pixels, -16384, 16384)]
    for start, end in PARTS[part][0]:
        cv2.line(canvas, places[index_of(start)], places[index_of(end)], WHITE, 1)
    if part == 0:
        head = pixels[list(HEAD)].mean(axis=0)
        neck = pixels[[index_of("left_shoulder"), index_of("right_shoulder")]].mean(axis=0)
        crown = np.clip(head + 0.35 * (head - neck), -16384, 16384)
        cv2.line(
            canvas, tuple(np.clip(head, -16384, 16384).round().astype(int).tolist()), tuple(crown.round().astype(int).tolist()), WHITE, 1
        )
    if part == 1:
        trunk = [places[index_of(name)] for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
        cv2.fillConvexPoly(canvas, cv2.convexHull(np.array(trunk, np.int32)), WHITE)
    return canvas


def _distance(bones: UInt8[NDArray[np.uint8], "h w"]) -> Float32[NDArray[np.float32], "h w"]:
    if not bones.any():
        return np.full(bones.shape, 1e3, np.float32)
    return np.asarray(cv2.distanceTransform(np.where(bones > 0, 0, 255).astype(np.uint8), cv2.DIST_L2, 3), np.float32)


def colour_bins(picture: UInt8[NDArray[np.uint8], "h w 3"]) -> Int[NDArray[np.intp], "h w"]:
    """The cell of Lab's histogram of every pixel."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    light = np.clip(lab[..., 0] / 256.0, 0.0, 0.999) * LAB_BINS[0]
    chroma = np.clip((lab[..., 1:] - 128.0) / CHROMA_REACH + 0.5, 0.0, 0.999) * LAB_BINS[1:]
    cells = np.concatenate([light[..., None], chroma], axis=-1).astype(np.intp)
    return (cells[..., 0] * LAB_BINS[1] + cells[..., 1]) * LAB_BINS[2] + cells[..., 2]


def counted(
    bins: Int[NDArray[np.intp], "h w"], part: Int[NDArray[np.intp], "h w"], inside: Bool[NDArray[np.bool_], "h w"]
) -> Float32[NDArray[np.float32], "G N"]:
    """How often each colour occurs on each part, within ``inside``."""
    cells = int(np.prod(LAB_BINS))
    counts = np.bincount(part[inside] * cells + bins[inside], minlength=len(PARTS) * cells)
    return counts.reshape(len(PARTS), cells).astype(np.float32)


def likelihoods(counts: Float32[NDArray[np.float32], "G N"]) -> Float32[NDArray[np.float32], "G N"]:
    """Histograms of sum 1, smoothed over neighbouring colours; a part that was never seen looks like the whole body."""
    blurred = np.stack([_blurred(row) for row in counts])
    whole = blurred.sum(axis=0)
    total = blurred.sum(axis=1, keepdims=True)
    rows = np.where(total > 0, blurred / np.maximum(total, 1e-9), whole / max(float(whole.sum()), 1e-9))
    return ((1.0 - FLOOR) * rows + FLOOR / rows.shape[1]).astype(np.float32)


def _blurred(row: Float32[NDArray[np.float32], " N"]) -> Float32[NDArray[np.float32], " N"]:
    layers = row.reshape(LAB_BINS)
    smooth = np.stack([cv2.GaussianBlur(layer, (0, 0), 0.6, borderType=cv2.BORDER_REPLICATE) for layer in layers])
    padded = np.concatenate([smooth[:1], smooth, smooth[-1:]])
    return (0.2 * padded[:-2] + 0.6 * padded[1:-1] + 0.2 * padded[2:]).ravel().astype(np.float32)


def owners(picture: UInt8[NDArray[np.uint8], "h w 3"], contenders: Sequence[Contender]) -> Int[NDArray[np.intp], "h w"]:
    """Which of the people every pixel would belong to, if it belonged to one of them."""
    bins = colour_bins(picture)
    middle = float(np.mean([contender.near for contender in contenders]))
    scores = [_score(bins, contender, NEARER * float(np.tanh((contender.near - middle) / NEARER_BY))) for contender in contenders]
    return np.stack(scores).argmax(axis=0)


def _score(bins: Int[NDArray[np.intp], "h w"], contender: Contender, nearer: float) -> Float32[NDArray[np.float32], "h w"]:
    """nearer: counts on the bones only, and fades to the body's edge: who is nearer hides what is behind the body, not beside it."""
    part, away = parts_of(contender.pixels, contender.unit, (bins.shape[0], bins.shape[1]))
    beyond = np.clip(away - 0.7, 0.0, None)
    score = np.log(contender.looks[part, bins]) - 2.0 * np.minimum(beyond, 3.0) ** 2 + nearer * np.clip(1.6 - 2.0 * away, 0.0, 1.0)
    return np.asarray(cv2.blur(score.astype(np.float32), (LEVEL, LEVEL)), np.float32)
