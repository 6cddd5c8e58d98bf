"""What in a box is unlike its surroundings: nearest neighbours among pixels by colour and place together.

Colour models of a whole neighbourhood mix a white dog with a white wall at the other side; a pixel is only ever compared with
surroundings that look alike and lie near. Distances are counted in units in which 1 is a difference that one sees or a walk of a
third of the box.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray
from scipy.spatial import KDTree

from backend.lifting.objects.edges import on_edges

Array = NDArray[np.floating]
Soft = NDArray[np.float32]
Truth = NDArray[np.bool_]

SEEN_DIFFERENCE = 5.0  # of 8-bit Lab
WALK = 0.3  # of the box's longer side
NEAR_WALK = 0.12  # of the side of a thing that is followed: from one frame to the next things stay near
NEIGHBOURS = 4
SAMPLES = 1800
LEAST_UNLIKE, MOST_UNLIKE = 1.0, 4.0
ROUNDS = 3
STEEP = 3.0  # how fast a ratio of distances becomes certainty
CENTRAL = 0.3  # what the middle of a box counts for


@dataclass(frozen=True, eq=False)
class Boxed:
    """A crop about a box. picture: ``(h, w, 3)`` sRGB. inside: the box. on, off: pixels that are certain. central: ``(h, w)`` 1 in its middle,
    0 at its rim, less outside."""

    picture: NDArray[np.uint8]
    inside: Bool[NDArray[np.bool_], "h w"]
    on: Bool[NDArray[np.bool_], "h w"]
    off: Bool[NDArray[np.bool_], "h w"]
    central: Float32[NDArray[np.float32], "h w"]


def unlike_surroundings(boxed: Boxed, boldness: tuple[float, ...]) -> list[Soft]:
    """Soft masks ``(h, w)``, one for each boldness: above 1 takes in what is little unlike the surroundings."""
    places, free = _places(boxed), boxed.inside & ~boxed.off
    unlike, limit = _unlike(places, free)
    return [_settled(boxed, places, free, unlike, limit / bold) for bold in boldness]


def unlikeness(boxed: Boxed) -> Soft:
    """``(h, w)`` in [0, 1]: 0 where a pixel looks as the surroundings of the box, 1 where certainly not."""
    unlike, limit = _unlike(_places(boxed), boxed.inside & ~boxed.off)
    return np.clip(unlike / (1.2 * limit), 0.0, 1.0).astype(np.float32)


def _unlike(places: Soft, free: Truth) -> tuple[Soft, float]:
    """Distance of each pixel that may be of the thing to those that cannot, and the distance that divides them best."""
    unlike = np.zeros(free.shape, np.float32)
    if free.all() or not free.any():
        return unlike, LEAST_UNLIKE
    unlike[free] = _distance(places[free], places[~free])
    return unlike, float(np.clip(_two_classes(unlike[free]), LEAST_UNLIKE, MOST_UNLIKE))


def nearer_sides(before: NDArray[np.uint8], inside: Truth, outside: Truth, now: NDArray[np.uint8], asked: Truth, side: float) -> Soft:
    """``(h, w)`` log odds of the asked pixels of ``now`` by whether what looks like them near by lay inside or outside in ``before``.

    before, now: sRGB ``(h, w, 3)`` with the motion between them taken out. inside, outside: sure pixels of ``before``. side: the thing's,
    pixels. 0 where not asked, or where one side is empty.
    """
    odds = np.zeros(asked.shape, np.float32)
    if inside.sum() < 2 * NEIGHBOURS or outside.sum() < 2 * NEIGHBOURS or not asked.any():
        return odds
    old, new = _coloured_places(before, NEAR_WALK * side), _coloured_places(now, NEAR_WALK * side)
    off, on = (_distance(new[asked], old[mask]) for mask in (outside, inside))
    odds[asked] = np.clip(STEEP * np.log((off + 0.4) / (on + 0.4)), -4.0, 4.0)
    return odds


def _places(boxed: Boxed) -> Soft:
    rows, columns = np.flatnonzero(boxed.inside.any(axis=1)), np.flatnonzero(boxed.inside.any(axis=0))
    side = float(max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1) if len(rows) else 1.0
    return _coloured_places(boxed.picture, WALK * side)


def _coloured_places(picture: NDArray[np.uint8], walk: float) -> Soft:
    """``(h, w, 5)`` colour and place of each pixel in the units above."""
    lab = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), (0, 0), 0.6).astype(np.float32) / SEEN_DIFFERENCE
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.concatenate([lab, np.stack([x, y], axis=-1) / walk], axis=-1).astype(np.float32)


def _distance(places: Soft, among: Soft) -> Soft:
    """``(N,)`` mean distance to the nearest few of a sample."""
    if len(among) > SAMPLES:
        among = among[np.random.default_rng(0).permutation(len(among))[:SAMPLES]]
    count = min(NEIGHBOURS, len(among))
    distances, _ = KDTree(among).query(places, k=count, eps=0.3)
    return np.asarray(distances).reshape(len(places), -1).mean(axis=1).astype(np.float32)


def _two_classes(values: Soft) -> float:
    """Otsu's threshold."""
    levels = np.clip(values * 20.0, 0, 255).astype(np.uint8).reshape(1, -1)
    return float(cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]) / 20.0


def _settled(boxed: Boxed, places: Soft, free: Truth, unlike: Soft, limit: float) -> Soft:
    """From what is unlike by more than ``limit``, rounds of asking each pixel which side is nearer to it."""
    odds = np.clip(2.5 * np.log((unlike + 0.3) / (limit + 0.3)), -4.0, 4.0) + 0.5 * boxed.central
    soft = _soft(boxed, free, odds)
    kernel = np.ones((3, 3), np.uint8)
    for _ in range(ROUNDS):
        inside = soft > 0.5
        core = (cv2.erode(inside.astype(np.uint8), kernel) > 0) | boxed.on
        if core.sum() < 2 * NEIGHBOURS:
            break
        beyond = cv2.dilate(inside.astype(np.uint8), kernel, iterations=2) == 0
        nearer = (_distance(places[free], places[beyond | ~free]) + 0.4) / (_distance(places[free], places[core]) + 0.4)
        odds = np.full(free.shape, -4.0, np.float32)
        odds[free] = np.clip(STEEP * np.log(nearer), -4.0, 4.0) + CENTRAL * boxed.central[free]
        soft = _soft(boxed, free, odds)
    return soft


def _soft(boxed: Boxed, free: Truth, odds: Array) -> Soft:
    soft = (1.0 / (1.0 + np.exp(-odds))).astype(np.float32)
    soft[~free], soft[boxed.on] = 0.0, 1.0
    soft = on_edges(boxed.picture, soft)
    soft[~free], soft[boxed.on] = 0.0, 1.0
    return soft
