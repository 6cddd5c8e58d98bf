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
DOUBTED = 0.4  # what an outline counts for where it may be another thing's, and a place where the thing may be hidden
CELLS = 1500  # places at which a circle is compared with the mask
PLAIN = 1.0  # of the square of radii that a circle is off the mask's middle, if all its outline may be another thing's
LIKELY = 0.1  # spread of the logarithm of the radius about what other frames say
REFINED = 3


@dataclass(frozen=True)
class Disc:
    """x, y: the centre, pixels. radius: pixels. share: of the circle that the outline lies on."""

    x: float
    y: float
    radius: float
    share: float


def disc_of(mask: NDArray[np.uint8], hidden: NDArray[np.bool_], usual: float | None = None) -> Disc:
    """The circle that explains a mask: most of its outline lies on it (as Fischler and Bolles, 1981, but of all the triples of a fixed
    list), it holds the mask's pixels and no others that show.

    mask: ``(h, w)`` with something on it. hidden: where something else is, of which the thing may stand before or behind. usual: the
    radius that other frames tell, pixels.
    """
    line = outline_of(mask)
    outline = line[np.linspace(0, len(line), min(POINTS, len(line)), endpoint=False).astype(int)]
    cells = np.clip(np.floor(outline).astype(int), 0, np.array(mask.shape)[::-1] - 1)
    weights = np.where(hidden[cells[:, 1], cells[:, 0]], DOUBTED, 1.0)
    rows, columns = np.nonzero(mask)
    plain = np.array([columns.mean() + 0.5, rows.mean() + 0.5, np.sqrt(len(rows) / np.pi)])
    circles = np.concatenate([plain[None], _through_triples(outline)])
    circles = circles[(circles[:, 2] < WIDEST * plain[2] + 1e-6) & (circles[:, 2] > plain[2] / WIDEST - 1e-6)]
    on_it = np.array([weights[_near(outline, circle)].sum() for circle in circles])
    off = np.square(circles[:, :2] - plain[:2]).sum(axis=1) / plain[2] ** 2 + np.square(np.log(circles[:, 2] / plain[2]))
    scores = on_it / weights.sum() + _overlaps(circles, mask, hidden) - PLAIN * float(np.mean(weights < 1.0)) ** 2 * off
    if usual is not None:
        scores -= 0.5 * np.square(np.log(circles[:, 2] / usual) / LIKELY)
    circle = circles[int(np.argmax(scores))]
    for _ in range(REFINED):
        near = _near(outline, circle)
        circle = _fitted(outline[near], weights[near], circle)
    near = _near(outline, circle)
    spacing = float(np.median(np.linalg.norm(np.diff(outline, axis=0), axis=1))) if len(outline) > 1 else 1.0
    share = float(weights[near].sum()) * spacing / (2.0 * np.pi * circle[2])
    return Disc(float(circle[0]), float(circle[1]), float(circle[2]), min(share, 1.0))


def _overlaps(circles: Array, mask: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> Float[NDArray[np.float64], " N"]:
    """Of each circle with the mask (IoU); places where the thing may be hidden count less."""
    step = max(1, int(np.ceil(np.sqrt(mask.size / CELLS))))
    y, x = np.mgrid[0 : mask.shape[0] : step, 0 : mask.shape[1] : step]
    there, weight = mask[y, x].ravel() > 0, np.where(hidden[y, x], DOUBTED, 1.0).ravel()
    weight = np.where(there, 1.0, weight)
    distance = np.square(x.ravel() + 0.5 - circles[:, :1]) + np.square(y.ravel() + 0.5 - circles[:, 1:2])
    inside = distance <= np.square(circles[:, 2:])
    return (inside & there) @ weight / np.maximum((inside | there) @ weight, 1e-9)


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


def _fitted(points: Array, weights: Array, circle: Array) -> Array:
    """The circle of weighted least squares through points (Kasa, 1976), where they are enough to tell."""
    if len(points) < 6:
        return circle
    middle, root = points.mean(axis=0), np.sqrt(weights)
    local = points - middle
    A = np.column_stack([2.0 * local, np.ones(len(local))])
    solution, _, rank, _ = np.linalg.lstsq(A * root[:, None], np.square(local).sum(axis=1) * root, rcond=None)
    squared = float(solution[2] + np.square(solution[:2]).sum())
    if rank < 3 or squared <= 0.0 or abs(np.log(np.sqrt(squared) / circle[2])) > LIKELY:
        return circle
    return np.array([*(solution[:2] + middle), np.sqrt(squared)])
