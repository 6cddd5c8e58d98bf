"""Filling a large hole of a picture with patches of the rest of it.

Wexler, Shechtman, Irani, "Space-Time Completion of Video" (2007) with the search of Barnes et al., "PatchMatch" (2009): on a
pyramid from coarse to fine, every patch over the hole finds its most similar patch in the known part, and every pixel of
the hole becomes the vote of the patches over it. Deterministic: the random search is seeded.
"""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Mask = NDArray[np.bool_]

RADIUS = 3  # patches of 7 x 7 pixels
WORK_SIDE = 512  # the search runs at no more than this many pixels on the longer side; detail comes from the found patches
COARSEST = 48
ROUNDS = 4  # search and vote, at each level; the coarsest gets three times as many
SEARCHES = 2
ROWS_APART = 1000.0  # price, in gray levels squared, of a match a tenth of the height above or below: scenes change most that way
COLUMNS_APART = 30.0  # the same for a match a tenth of the width to the side


def filled(picture: NDArray[np.uint8], hole: Mask, seed: int = 0) -> NDArray[np.uint8]:
    """The picture with the hole filled: ``(H, W, 3)`` and ``(H, W)`` True where nothing is known.

    Pixels outside the hole come back as they are. A hole that covers everything comes back gray.
    """
    if not hole.any():
        return picture.copy()
    if hole.all():
        return np.full_like(picture, 128)
    levels = _pyramid(picture, hole)
    colours = _interpolated(*levels[-1])
    field: I32 | None = None  # found by the coarsest level, of which there is always one
    for index, (known, gap) in reversed(list(enumerate(levels))):
        if field is not None:
            field = _finer(field, gap.shape)
            colours = np.where(gap[..., None], cv2.resize(colours, gap.shape[::-1], interpolation=cv2.INTER_LINEAR), known)
        colours, field = _completed(colours, gap, field, ROUNDS * (3 if index == len(levels) - 1 else 1), seed + index)
    return _detailed(picture, hole, colours, field) if field is not None else picture.copy()


def _pyramid(picture: NDArray[np.uint8], hole: Mask) -> list[tuple[F32, Mask]]:
    """Picture and hole, from the working size down; a pixel is known where all that it averages is known."""
    height, width = hole.shape
    scale = min(1.0, WORK_SIDE / max(height, width))
    levels = []
    while True:
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        share = cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        colours = cv2.resize(picture.astype(np.float32) * ~hole[..., None], size, interpolation=cv2.INTER_AREA)
        levels.append((colours / np.maximum(share, 1e-6)[..., None], share < 0.999))
        scale *= 0.5
        if max(size) * 0.5 < COARSEST or levels[-1][1].all():
            return levels if not levels[-1][1].all() or len(levels) == 1 else levels[:-1]


def _interpolated(colours: F32, hole: Mask) -> F32:
    """A first guess: each gap pixel mixes the nearest known pixels left, right, above and below, the near ones most.

    People are taller than wide, so what stands behind them mostly goes on from left to right: walls, lines, horizons.
    """
    total, weights = np.zeros_like(colours), np.zeros((*hole.shape, 1), np.float32)
    for axis, backwards in ((0, False), (0, True), (1, False), (1, True)):
        place, known = _nearest_along(hole, axis, backwards)
        distance = np.abs(place - np.indices(hole.shape)[axis])
        weight = np.where(known, 1.0 / np.maximum(distance, 1.0) ** 2, 0.0).astype(np.float32)[..., None]
        total += weight * np.take_along_axis(colours, place[..., None], axis=axis)
        weights += weight
    guess = np.where(weights > 0.0, total / np.maximum(weights, 1e-12), colours[~hole].mean(axis=0) if not hole.all() else 128.0)
    return np.where(hole[..., None], guess, colours).astype(np.float32)


def _nearest_along(hole: Mask, axis: int, backwards: bool) -> tuple[NDArray[np.intp], Mask]:
    """Index along ``axis`` of the last known pixel before each one (after, when backwards), and whether there is one."""
    index = np.indices(hole.shape)[axis]
    if backwards:
        last = np.flip(np.minimum.accumulate(np.flip(np.where(hole, hole.shape[axis], index), axis), axis), axis)
        return np.minimum(last, hole.shape[axis] - 1), last < hole.shape[axis]
    last = np.maximum.accumulate(np.where(hole, -1, index), axis)
    return np.maximum(last, 0), last >= 0


def _finer(field: I32, shape: tuple[int, ...]) -> I32:
    """A field of offsets at about half the size, taken to ``shape``."""
    ratio = np.array([shape[0] / field.shape[0], shape[1] / field.shape[1]])
    rows = np.minimum((np.arange(shape[0]) / ratio[0]).astype(int), field.shape[0] - 1)
    columns = np.minimum((np.arange(shape[1]) / ratio[1]).astype(int), field.shape[1] - 1)
    return np.round(field[rows[:, None], columns[None]] * ratio).astype(np.int32)


def _completed(colours: F32, hole: Mask, field: I32 | None, rounds: int, seed: int) -> tuple[F32, I32]:
    """Search and vote at one level; returns colours and the offsets ``(H, W, 2)`` rows, columns to each pixel's match."""
    side = 2 * RADIUS + 1
    window = np.ones((side, side), np.uint8)
    whole = cv2.erode((~hole).astype(np.uint8), window, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)).astype(
        bool
    )  # centres of fully known patches
    touched = cv2.dilate(hole.astype(np.uint8), window).astype(bool)
    if not whole.any():
        return colours, np.zeros((*hole.shape, 2), np.int32)
    rng = np.random.default_rng(seed)
    known = np.argwhere(whole)
    start = known[rng.integers(0, len(known), hole.shape)] - np.moveaxis(np.indices(hole.shape), 0, -1)
    offsets = np.ascontiguousarray(start if field is None else field, dtype=np.int32)
    colours = np.ascontiguousarray(colours, np.float32)
    confidence = np.power(np.float32(1.3), -cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)).astype(np.float32)
    if field is not None:  # the coarser level's matches show this level's detail; its enlarged colours would stay blurred
        _vote(colours, hole, touched, confidence, offsets)
    for _ in range(rounds):
        _search(colours, whole, touched, offsets, known.astype(np.int32), SEARCHES, int(rng.integers(1 << 30)))
        _vote(colours, hole, touched, confidence, offsets)
    return colours, offsets


def _detailed(picture: NDArray[np.uint8], hole: Mask, colours: F32, field: I32) -> NDArray[np.uint8]:
    """At full size: the working colours, and the fine detail of the pixels that the matches point at."""
    height, width = hole.shape
    base = cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC)
    if field.shape[:2] != hole.shape:
        source = picture.astype(np.float32)
        small = cv2.resize(source, field.shape[1::-1], interpolation=cv2.INTER_AREA)
        detail = source - cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        offsets = _finer(field, hole.shape)
        rows, columns = np.nonzero(hole)
        there = np.clip(np.stack([rows, columns], -1) + offsets[rows, columns], 0, [height - 1, width - 1])
        usable = ~hole[there[:, 0], there[:, 1]]
        base[rows[usable], columns[usable]] += detail[there[usable, 0], there[usable, 1]]
    result = picture.copy()
    result[hole] = np.clip(np.round(base[hole]), 0, 255).astype(np.uint8)
    return result


@njit(cache=True)
def _distance(colours: F32, y: int, x: int, v: int, u: int, limit: float) -> float:
    """Squared difference of the patches about (y, x) and (v, u), normalised by the pixels inside; stops above ``limit``."""
    height, width = colours.shape[:2]
    total, count = 0.0, 0
    for dy in range(-RADIUS, RADIUS + 1):
        if y + dy < 0 or y + dy >= height:
            continue
        for dx in range(-RADIUS, RADIUS + 1):
            if x + dx < 0 or x + dx >= width:
                continue
            count += 1
            for channel in range(3):
                difference = colours[y + dy, x + dx, channel] - colours[v + dy, u + dx, channel]
                total += difference * difference
        if total > limit * (2 * RADIUS + 1) ** 2:
            return np.inf
    rows, columns = 10.0 * (v - y) / height, 10.0 * (u - x) / width
    return total / max(count, 1) + ROWS_APART * rows * rows + COLUMNS_APART * columns * columns


@njit(cache=True)
def _search(colours: F32, whole: Mask, touched: Mask, offsets: I32, known: I32, searches: int, seed: int) -> None:
    """PatchMatch: neighbours' offsets and random ones around the best, alternating the direction of the scan."""
    np.random.seed(seed)  # numba's own generator
    height, width = whole.shape
    for turn in range(searches):
        step = 1 if turn % 2 == 0 else -1
        for row in range(height):
            y = row if step == 1 else height - 1 - row
            for column in range(width):
                x = column if step == 1 else width - 1 - column
                if not touched[y, x]:
                    continue
                v, u = y + offsets[y, x, 0], x + offsets[y, x, 1]
                if not (0 <= v < height and 0 <= u < width and whole[v, u]):
                    pick = np.random.randint(len(known))
                    v, u = known[pick, 0], known[pick, 1]
                best = _distance(colours, y, x, v, u, np.inf)
                radius = max(height, width)
                for trial in range(24):
                    if trial < 2:
                        py, px = (y - step, x) if trial == 0 else (y, x - step)
                        if not (0 <= py < height and 0 <= px < width and touched[py, px]):
                            continue
                        b, a = y + offsets[py, px, 0], x + offsets[py, px, 1]
                    else:
                        if radius < 1:
                            break
                        b = v + np.random.randint(-radius, radius + 1)
                        a = u + np.random.randint(-radius, radius + 1)
                        radius //= 2
                    if 0 <= b < height and 0 <= a < width and whole[b, a]:
                        distance = _distance(colours, y, x, b, a, best)
                        if distance < best:
                            best, v, u = distance, b, a
                offsets[y, x, 0], offsets[y, x, 1] = v - y, u - x


@njit(cache=True)
def _vote(colours: F32, hole: Mask, touched: Mask, confidence: F32, offsets: I32) -> None:
    """Every pixel of the hole becomes the mean of what the patches over it say, the surer ones (near the rim) first."""
    height, width = hole.shape
    voted = colours.copy()
    for y in range(height):
        for x in range(width):
            if not hole[y, x]:
                continue
            red, green, blue, total = 0.0, 0.0, 0.0, 0.0
            for dy in range(-RADIUS, RADIUS + 1):
                for dx in range(-RADIUS, RADIUS + 1):
                    py, px = y + dy, x + dx
                    if py < 0 or py >= height or px < 0 or px >= width or not touched[py, px]:
                        continue
                    v, u = y + offsets[py, px, 0], x + offsets[py, px, 1]
                    if v < 0 or v >= height or u < 0 or u >= width:
                        continue
                    weight = confidence[py, px] + 1e-4
                    red += weight * colours[v, u, 0]
                    green += weight * colours[v, u, 1]
                    blue += weight * colours[v, u, 2]
                    total += weight
            if total > 0.0:
                voted[y, x, 0], voted[y, x, 1], voted[y, x, 2] = red / total, green / total, blue / total
    colours[:] = voted
