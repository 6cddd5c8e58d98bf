"""The circle of which a round thing's mask shows a part: what hides the thing and what its mask lost or caught is no part of the circle."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.lifting.objects.contour import outline_of

Array = NDArray[np.floating]

POINTS = 60  # of an outline that are looked at
CLOSE, CLOSE_PIXELS = 0.04, 0.6  # of the radius, and at least so many pixels: points so near the circle are on it
WIDEST = 1.6  # times the radius of the disc of as many pixels
REFINED = 3


@dataclass(frozen=True)
class Disc:
    """x, y: the centre, pixels. radius: pixels. share: of the circle that the outline lies on."""

    x: float
    y: float
    radius: float
    share: float


def disc_of(mask: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> Disc:
    """The circle on which most of a mask's outline lies (as Fischler and Bolles, 1981, but of all the triples of a fixed list).

    mask: ``(h, w)`` with something on it. hidden: where the outline may be another thing's. Without three points that are its own,
    the disc of as many pixels about the middle.
    """
    line = outline_of(mask)
    outline = line[np.linspace(0, len(line), min(POINTS, len(line)), endpoint=False).astype(int)]
    cells = np.clip(np.floor(outline).astype(int), 0, np.array(mask.shape)[::-1] - 1)
    own = outline[~hidden[cells[:, 1], cells[:, 0]]]
    rows, columns = np.nonzero(mask)
    plain = Disc(float(columns.mean() + 0.5), float(rows.mean() + 0.5), float(np.sqrt(len(rows) / np.pi)), 0.0)
    circles = _through_triples(own) if len(own) >= 3 else np.zeros((0, 3))
    circles = circles[(circles[:, 2] < WIDEST * plain.radius) & (circles[:, 2] > plain.radius / WIDEST)]
    if not len(circles):
        return plain
    counts = np.array([_near(own, circle).sum() for circle in circles])
    circle = circles[int(np.argmax(counts))]
    for _ in range(REFINED):
        circle = _fitted(own[_near(own, circle)], circle)
    spacing = float(np.median(np.linalg.norm(np.diff(outline, axis=0), axis=1)))
    share = float(_near(own, circle).sum()) * spacing / (2.0 * np.pi * circle[2])
    return Disc(float(circle[0]), float(circle[1]), float(circle[2]), min(share, 1.0))


def _through_triples(points: Array) -> Float[NDArray[np.float64], "T 3"]:
    """Circles (x, y, radius) through triples of points that lie well apart along the outline."""
    count = len(points)
    steps = [(a * count // 12, b * count // 12) for a in range(2, 6) for b in range(2, 6)]
    starts = np.arange(0, count, max(1, count // 20))
    triples = np.array([[start, (start + a) % count, (start + a + b) % count] for start in starts for a, b in steps if a and b])
    if not len(triples):
        return np.zeros((0, 3))
    p, q, r = (points[triples[:, place]] for place in range(3))
    u, v = q - p, r - p
    cross = 2.0 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    fine = np.abs(cross) > 1e-6
    u, v, p, cross = u[fine], v[fine], p[fine], cross[fine]
    uu, vv = np.square(u).sum(axis=1), np.square(v).sum(axis=1)
    offset = np.stack([v[:, 1] * uu - u[:, 1] * vv, u[:, 0] * vv - v[:, 0] * uu], axis=1) / cross[:, None]
    return np.concatenate([p + offset, np.linalg.norm(offset, axis=1)[:, None]], axis=1)


def _near(points: Array, circle: Array) -> NDArray[np.bool_]:
    distance = np.linalg.norm(points - circle[:2], axis=1)
    return np.abs(distance - circle[2]) < max(CLOSE * circle[2], CLOSE_PIXELS)


def _fitted(points: Array, circle: Array) -> Array:
    """The circle of least squares through points (Kasa, 1976), where they are enough to tell."""
    if len(points) < 6:
        return circle
    middle = points.mean(axis=0)
    local = points - middle
    A = np.column_stack([2.0 * local, np.ones(len(local))])
    solution, _, rank, _ = np.linalg.lstsq(A, np.square(local).sum(axis=1), rcond=None)
    squared = float(solution[2] + np.square(solution[:2]).sum())
    return np.array([*(solution[:2] + middle), np.sqrt(squared)]) if rank == 3 and squared > 0.0 else circle
