"""A mask's outline as the 2.5D points of a clip: 16 round the contour, 4 box corners, the box's centre (paper, section 3.2)."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from backend.errors import InputError
from revision_blender.motion.clip import N_OBJECT_POINTS

Array = NDArray[np.floating]

N_CONTOUR = 16
FINER = 4  # the contour is taken at this many samples a pixel, so that a small thing's outline is no staircase
FINER_UP_TO = 500  # pixels on the longer side; larger things need no finer samples
TURNS = np.linspace(-0.25, 0.25, 129)  # of the way round that a contour's first point may be off its usual start
STAY = 0.2  # what being off costs, against moving as far between two frames
ROUND = 2.5  # box diagonals: the way round
SIGNIFICANT = 0.1  # parts of at least this share of the largest belong to the thing (an arm or a leg before it cut it in two)


def contour_points(mask: NDArray[np.uint8]) -> Float64[NDArray[np.float64], "21 2"]:
    """Pixels ``(21, 2)``: contour from where it lies right of the centre, clockwise as one sees it; corners from the top left
    clockwise; centre of the box. A point of the contour stands at its place on the line, whatever corner the line has there.

    mask: ``(H, W)``, not 0 on the thing. A thing in several pieces counts as what lies between them, too. Raises ``InputError``
    for an empty mask.
    """
    return _points(closed_line(mask))


def steady_points(lines: Sequence[Float64[NDArray[np.float64], "N 2"]]) -> Float64[NDArray[np.float64], "F 21 2"]:
    """As ``contour_points`` of each frame's ``closed_line``, but a point stays near where it was on the frame before.

    Where a contour's shape makes its meeting with the ray to the right jump, its points go there over some frames: of all turns of all
    frames' points those that move the points least and leave least of the usual start (a shortest path, Bellman, 1957).
    """
    usual, turned = np.stack([_points(line) for line in lines]), np.stack([_spread(line, TURNS) for line in lines])
    size = np.maximum(np.linalg.norm(usual[:, 18] - usual[:, 16], axis=1), 1e-6)
    flat = ((turned - usual[:, None, 20:]) / size[:, None, None, None]).reshape(len(lines), len(TURNS), -1)
    away = STAY * N_CONTOUR * np.square(ROUND * TURNS)
    cost, came = away, []
    for before, after in pairwise(flat):
        moved = np.square(after).sum(axis=1)[:, None] + np.square(before).sum(axis=1) - 2.0 * after @ before.T
        came.append((cost + moved).argmin(axis=1))
        cost = (cost + moved).min(axis=1) + away
    chosen = [int(cost.argmin())]
    for step in reversed(came):
        chosen.append(int(step[chosen[-1]]))
    usual[:, :N_CONTOUR] = turned[np.arange(len(lines)), chosen[::-1]]
    return usual


def closed_line(mask: NDArray[np.uint8]) -> Float64[NDArray[np.float64], "N 2"]:
    """The outline of a mask, pixels, clockwise as one sees it from where it lies right of its box's centre. ``InputError`` if empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise InputError("A thing has no pixels in this frame; draw its box larger or show it on another frame.")
    left, top = int(columns[0]), int(rows[0])
    crop = np.where(mask[top : rows[-1] + 1, left : columns[-1] + 1] > 0, 255, 0).astype(np.uint8)
    outline = outline_of(crop) + np.array([left, top])
    return _from_the_right(outline, (outline.min(axis=0) + outline.max(axis=0)) / 2.0)


def _points(line: Array) -> Array:
    """``(21, 2)`` of a closed line that starts where its points do."""
    low, high = line.min(axis=0), line.max(axis=0)
    box = np.array([low, [high[0], low[1]], high, [low[0], high[1]], (low + high) / 2.0])
    points = np.concatenate([_spread(line, np.zeros(1))[0], box])
    assert len(points) == N_OBJECT_POINTS
    return points


def outline_of(crop: NDArray[np.uint8]) -> Array:
    """``(N, 2)`` the closed line about a mask that is not empty, pixels of the mask; goes round clockwise as one sees it."""
    finer = FINER if max(crop.shape) <= FINER_UP_TO else 1
    padded = cv2.copyMakeBorder(crop, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0.0,))
    fine = cv2.resize(padded, None, fx=finer, fy=finer, interpolation=cv2.INTER_LINEAR)
    contours, _ = cv2.findContours((fine > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [max(cv2.contourArea(contour), 0.5) for contour in contours]
    parts = [contour for contour, area in zip(contours, areas, strict=True) if area >= SIGNIFICANT * max(areas)]
    hull = len(parts) > 1
    line = cv2.convexHull(np.concatenate(parts)) if hull else parts[0]
    pixels = (line[:, 0].astype(np.float64) + 0.5) / finer - 1.0
    if not hull:
        pixels = _smooth(pixels, 2 * finer + 1)
    if finer == 1:
        pixels += 0.5 * np.sign(pixels - pixels.mean(axis=0))  # the line ran through the border pixels' centres
    return pixels if _signed_area(pixels) > 0.0 else pixels[::-1]


def _smooth(line: Array, samples: int) -> Array:
    """Running means along a closed line: the steps between pixels would make slanted edges longer than straight ones."""
    if len(line) < 4 * samples:
        return line
    reach = samples // 2
    padded = np.concatenate([line[-reach:], line, line[:reach]])
    return np.stack([np.convolve(padded[:, axis], np.full(samples, 1.0 / samples), mode="valid") for axis in range(2)], axis=1)


def _signed_area(line: Array) -> float:
    """Positive where the line goes clockwise on a screen whose y points down."""
    after = np.roll(line, -1, axis=0)
    return 0.5 * float(np.sum(line[:, 0] * after[:, 1] - after[:, 0] * line[:, 1]))


def _from_the_right(outline: Array, centre: Array) -> Array:
    """The line turned so that it starts at its outermost meeting with the ray from the centre to the right."""
    after = np.roll(outline, -1, axis=0)
    a, b = outline[:, 1] - centre[1], after[:, 1] - centre[1]
    crossing = (a <= 0.0) != (b <= 0.0)
    share = np.where(crossing, a / np.where(crossing, a - b, 1.0), 0.0)
    x = np.where(crossing, outline[:, 0] + share * (after[:, 0] - outline[:, 0]), -np.inf)
    row = int(np.argmax(x))
    start = np.array([[x[row], centre[1]]]) if np.isfinite(x[row]) else outline[row : row + 1]
    return np.concatenate([start, np.roll(outline, -row - 1, axis=0)])


def _spread(line: Array, turns: Array) -> Array:
    """``(K, 16, 2)`` places at equal arc length along a closed line, the first of them at each of the shares ``(K,)`` of the way round."""
    closed = np.concatenate([line, line[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = (np.arange(N_CONTOUR) / N_CONTOUR + turns[:, None]) % 1.0 * along[-1]
    return np.stack([np.interp(at, along, closed[:, axis]) for axis in range(2)], axis=2)
