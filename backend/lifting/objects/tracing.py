"""Where a small thing is on every frame: blobs of its colour and size, and the most likely path through them over the whole shot.

A ball moves many times its size in a frame, blurs, bounces, leaves the picture and comes back. So no frame is decided alone:
on every frame a few likely places are found, and dynamic programming picks the path that looks right, moves as things move,
and may be missing for a while: Viterbi over detections.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from backend.lifting.objects.colours import BINS, perceptual
from backend.lifting.objects.stabilising import background_motion, steady_median

Array = NDArray[np.floating]
Soft = NDArray[np.float32]

BLOB = 11.0  # pixels across that the thing has where blobs are looked for
LONGEST = 720  # pixels on the longer side of the pictures in which they are
PRIOR = 2e-4  # chance of a colour never seen
RADII = (0.75, 1.0, 1.3)
RING = 1.7  # radii: around the thing its colour should not be
PLACES = 14  # likeliest places kept of each frame
LEAST = 0.28  # of the response on the shown frames: less is no place
WORTH = 0.30  # response at which a place is as good as a missing thing
STRAY = 1.2  # cost of a place that nothing led to; paid in full only beyond the spread
OLD = 1.6  # further cost of a jump to where its colour was all along
SPREAD = 1.1  # diameters a frame^2: what bounces and kicks add to a constant velocity
MISSING = 0.03  # cost of each frame without the thing
GROWTH = 0.5  # diameters a frame by which its place becomes unsure while it is missing
LONG_GONE = 40  # frames


@dataclass(frozen=True, eq=False)
class Trace:
    """middle: ``(F, 2)`` full pixels, interpolated over frames without. found: ``(F,)``. score: ``(F,)`` response against the shown frames'.
    scale: ``(F,)`` size against that shown."""

    middle: Float64[NDArray[np.float64], "F 2"]
    found: Bool[NDArray[np.bool_], " F"]
    score: Float64[NDArray[np.float64], " F"]
    scale: Float64[NDArray[np.float64], " F"]


@dataclass(frozen=True, eq=False)
class _Places:
    """Of one frame. xy: ``(K, 2)`` pixels of the small picture. score, novel: ``(K,)``. scale: ``(K,)``."""

    xy: Array
    score: Array
    novel: Array
    scale: Array


def traced(frames: NDArray[np.uint8], taken: NDArray[np.uint8] | None, shown: dict[int, NDArray[np.uint8]]) -> Trace:
    """frames: ``(F, H, W, 3)``. taken: ``(F, H, W)`` of others. shown: full masks of the thing on the frames that show it."""
    diameter = float(np.median([2.0 * np.sqrt((mask > 0).sum() / np.pi) for mask in shown.values()]))
    scale = min(1.0, max(BLOB / diameter, 320 / max(frames.shape[1:3])), LONGEST / max(frames.shape[1:3]))
    size = round(frames.shape[2] * scale), round(frames.shape[1] * scale)
    labs = np.stack([perceptual(cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.uint8)) for frame in frames])
    small = {at: cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 127 for at, mask in shown.items()}
    blocked = None if taken is None else [cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 200 for mask in taken]
    likely = _likelihoods(labs, small, blocked)
    radius = max(1.5, 0.5 * diameter * scale)
    responses = [_response(one, radius) for one in likely]
    usual = steady_median(background_motion(np.repeat(labs[..., :1], 3, axis=3)), [response.max(axis=0) for response in responses])
    middles = {at: np.argwhere(mask).mean(axis=0)[::-1] for at, mask in small.items() if mask.any()}
    own = float(np.median([_at(responses[at].max(axis=0), middle) for at, middle in middles.items()])) if middles else 1.0
    places = [
        _fixed(responses[at], middles[at], own) if at in middles else _places(responses[at], usual[at], max(own, 0.05), radius)
        for at in range(len(frames))
    ]
    return _as_trace(_best_path(places, sorted(middles), 2.0 * radius), places, scale)


def _likelihoods(labs: NDArray[np.uint8], shown: dict[int, NDArray[np.bool_]], blocked: list[NDArray[np.bool_]] | None) -> list[Soft]:
    """``(h, w)`` in [0, 1] a frame: how much a pixel has the thing's colour and not that of everything else on the shown frames."""
    on, off = np.zeros(BINS**3), np.zeros(BINS**3)
    indices = [_index(lab) for lab in labs]
    for at, mask in shown.items():
        near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        core = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        on += np.bincount(indices[at][core if core.sum() > 12 else mask], minlength=BINS**3)
        off += np.bincount(indices[at][~near], minlength=BINS**3)
    on, off = (_soft(counts) for counts in (on, off))
    share = on / (on + 6.0 * off + PRIOR)
    maps = [share[index].astype(np.float32) for index in indices]
    for values, mask in zip(maps, blocked or [], strict=False):
        values[mask] = 0.0
    return maps


def _index(lab: NDArray[np.uint8]) -> NDArray[np.intp]:
    bins = (lab >> 4).astype(np.intp)
    return (bins[..., 0] * BINS + bins[..., 1]) * BINS + bins[..., 2]


def _soft(counts: Array) -> Array:
    """A histogram as chances, smoothed over neighbouring colours."""
    cube = counts.reshape((BINS,) * 3) / max(float(counts.sum()), 1.0)
    for axis in range(3):
        padded = np.pad(cube, [(1, 1) if k == axis else (0, 0) for k in range(3)], mode="edge")
        parts = [np.take(padded, range(k, k + BINS), axis=axis) for k in range(3)]
        cube = 0.2 * parts[0] + 0.6 * parts[1] + 0.2 * parts[2]
    return cube.ravel()


def _response(likely: Soft, radius: float) -> Soft:
    """``(R, h, w)`` for each radius: how full of its colour a disc is, less how full the ring around it is."""
    maps = []
    for factor in RADII:
        disc, ring = _disc(radius * factor), _disc(radius * factor * RING)
        inner = cv2.filter2D(likely, -1, disc / disc.sum(), borderType=cv2.BORDER_CONSTANT)
        outer = cv2.filter2D(likely, -1, ring / ring.sum(), borderType=cv2.BORDER_CONSTANT)
        share = disc.sum() / ring.sum()
        around = (outer - share * inner) / (1.0 - share)
        maps.append(inner - 0.8 * around)
    return np.stack(maps).astype(np.float32)


def _disc(radius: float) -> Soft:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0).astype(np.float32)


def _at(values: Soft, middle: Array) -> float:
    x, y = round(float(middle[0])), round(float(middle[1]))
    return float(values[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max())


def _fixed(response: Soft, middle: Array, own: float) -> _Places:
    return _Places(middle[None], np.ones(1), np.ones(1), np.ones(1))


def _places(response: Soft, usual: Soft, own: float, radius: float) -> _Places:
    """The likeliest places of a frame, none twice."""
    best = response.max(axis=0) / own
    side = 2 * max(1, round(0.8 * radius)) + 1
    peaks = (best >= cv2.dilate(best, np.ones((side, side), np.uint8))) & (best > LEAST)
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-best[rows, columns])[:PLACES]
    rows, columns = rows[order], columns[order]
    novel = best[rows, columns] - usual[rows, columns] / own
    factor = np.array(RADII)[response[:, rows, columns].argmax(axis=0)] if len(rows) else np.ones(0)
    return _Places(np.stack([columns, rows], axis=1).astype(np.float64), np.minimum(best[rows, columns], 1.2), novel, factor)


def _best_path(places: list[_Places], shown: list[int], diameter: float) -> NDArray[np.intp]:
    """``(F,)`` the place taken on each frame, -1 for none; goes through the shown frames."""
    path = np.full(len(places), -1, np.intp)
    for k, start in enumerate(shown):
        path[start] = 0
        until = shown[k + 1] if k + 1 < len(shown) else len(places) - 1
        _walk(places, path, start, until, 1, diameter, k + 1 < len(shown))
    _walk(places, path, shown[0], 0, -1, diameter, False)
    return path


@dataclass(eq=False)
class _Front:
    """The best way to each place of one frame. cost: ``(K,)``. velocity: ``(K, 2)``. came: ``(K, 2)`` the frame and place before."""

    cost: Array
    velocity: Array
    came: NDArray[np.intp]


def _walk(places: list[_Places], path: NDArray[np.intp], start: int, until: int, step: int, diameter: float, must_end: bool) -> None:
    """Fills ``path`` from a shown frame on to ``until``, forward or back."""
    fronts = {start: _Front(np.zeros(1), np.full((1, 2), np.nan), np.full((1, 2), -1, np.intp))}
    for frame in range(start + step, until + step, step):
        if len(places[frame].xy):
            fronts[frame] = _advanced(places, fronts, frame, step, diameter)
    ends = [until] if must_end and until in fronts else list(fronts)
    costs = [float(fronts[at].cost.min()) + MISSING * abs(until - at) for at in ends]
    frame = ends[int(np.argmin(costs))]
    place = int(np.argmin(fronts[frame].cost))
    while frame != start:
        path[frame] = place
        frame, place = (int(value) for value in fronts[frame].came[place])


def _advanced(places: list[_Places], fronts: dict[int, _Front], frame: int, step: int, diameter: float) -> _Front:
    here = places[frame]
    cost = np.full(len(here.xy), np.inf)
    velocity = np.zeros((len(here.xy), 2))
    came = np.full((len(here.xy), 2), -1, np.intp)
    for gap in range(1, LONG_GONE + 1):
        before = frame - gap * step
        if before not in fronts:
            continue
        front, origin = fronts[before], places[before].xy
        moved = (here.xy[None] - origin[:, None]) / gap
        known = np.isfinite(front.velocity[:, :1])
        drift = np.where(known, front.velocity, 0.0)[:, None] - moved
        spread = diameter * (SPREAD + GROWTH * (gap - 1)) * np.where(known, 1.0, 2.0) / gap
        off = np.linalg.norm(drift, axis=-1) / spread
        jump = np.minimum(0.25 * np.square(off), STRAY * np.minimum(off / 2.0, 1.0)) + OLD * (off > 2.0) * (here.novel[None] < 0.4)
        total = front.cost[:, None] + jump + MISSING * (gap - 1)
        best = total.argmin(axis=0)
        least = total[best, np.arange(len(here.xy))]
        better = least < cost
        cost[better], came[better] = least[better], np.stack([np.full(len(best), before), best], axis=1)[better]
        velocity[better] = moved[best, np.arange(len(here.xy))][better]
    return _Front(cost + WORTH - here.score, velocity, came)


def _as_trace(path: NDArray[np.intp], places: list[_Places], scale: float) -> Trace:
    found = path >= 0
    at = np.flatnonzero(found)
    middle = np.array([places[frame].xy[path[frame]] for frame in at])
    values = [np.array([getattr(places[frame], name)[path[frame]] for frame in at]) for name in ("score", "scale")]
    every = np.arange(len(path))
    whole = np.stack([np.interp(every, at, (middle[:, axis] + 0.5) / scale) for axis in range(2)], axis=1)
    score = np.zeros(len(path))
    score[at] = values[0]
    return Trace(whole, found, score, np.interp(every, at, values[1]))
