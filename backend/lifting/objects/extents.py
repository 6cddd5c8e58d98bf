"""How far a thing reaches where something hides a part of it: its whole box on every frame, from the sides that show and from other frames.

Each side of the visible pixels is either the thing's own edge or where something begins that may hide the rest. The boxes are those
that agree best with all own edges while a thing's size changes slowly and it goes on as it goes: constant velocity, where nothing shows.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, diags_array, eye_array, kron, vstack
from scipy.sparse.linalg import spsolve

from backend.lifting.objects.window import Window
from backend.lifting.subject import Followed

Array = NDArray[np.floating]

BAND = 0.015  # of the size: the outermost pixels of a side
CUT_SHARE = 0.3  # of them: so many beside something else and the side may not be the thing's own
NOISE, NOISE_PIXELS = 0.012, 0.7  # of a mask's edge: of the size, and at least so many pixels
TURN = 0.1  # sizes a frame and frame: how suddenly things mostly set off; now and then (a bounce) they do it faster
GROW, DEFORM = 0.01, 0.008  # a frame: how fast their size, and their width against their height, changes, if it does not really change
FADE = 8.0  # frames after the last sight (or before the first) in which motion dies away
LEAST_SURE = 0.05  # of what is believed of a frame that shows the thing
DOUBTED = 0.1  # what a side that may be hidden counts for, where the whole may reach beyond it
ROUNDS = 12
OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # of left, top, right, bottom


@dataclass(frozen=True, eq=False)
class Sides:
    """boxes: ``(F, 4)`` left, top, right, bottom of what shows, pixels. own: ``(F, 4)`` that side is the thing's own edge. sure: ``(F,)``
    in [0, 1] how far what shows is believed, 0 where nothing does."""

    boxes: Float[NDArray[np.float64], "F 4"]
    own: Bool[NDArray[np.bool_], "F 4"]
    sure: Float[NDArray[np.float64], " F"]

    @property
    def seen(self) -> Bool[NDArray[np.bool_], " F"]:
        return self.sure > 0.0


def visible_sides(followed: Followed, others: NDArray[np.uint8] | None) -> Sides:
    """others: ``(F, H, W)`` not 0 where something else is that may hide the thing."""
    boxes, own = followed.boxes.astype(np.float64), np.zeros((followed.n_frames, 4), bool)
    for frame in np.flatnonzero(followed.seen):
        own[frame] = ~_beside(boxes[frame], followed.masks[frame], others, int(frame))
    return Sides(boxes, own, believed(followed.score, followed.seen))


def believed(score: Array, seen: NDArray[np.bool_]) -> Float[NDArray[np.float64], " F"]:
    """In [0, 1] how far each frame is believed: like the others, unless its score is worse than theirs."""
    usual = float(np.median(score[seen])) if seen.any() else 1.0
    return (np.clip(score / max(usual, 1e-6), LEAST_SURE, 1.0) * seen).astype(np.float64)


def _beside(box: Array, mask: NDArray[np.uint8], others: NDArray[np.uint8] | None, frame: int) -> NDArray[np.bool_]:
    """``(4,)`` whether something else, or the picture's border, is at the outermost pixels of a side."""
    size = float(max(box[2:] - box[:2]))
    window = Window.about(box)
    thing, other = window.of(mask, 0) > 0, window.hidden(others, frame, mask.shape, size)
    band = max(1, round(BAND * size))
    rows, columns = np.flatnonzero(thing.any(axis=1)), np.flatnonzero(thing.any(axis=0))
    strips = [
        (slice(None), slice(columns[0], columns[0] + band)),
        (slice(rows[0], rows[0] + band), slice(None)),
        (slice(None), slice(columns[-1] + 1 - band, columns[-1] + 1)),
        (slice(rows[-1] + 1 - band, rows[-1] + 1), slice(None)),
    ]
    return np.array([float(other[strip][thing[strip]].mean()) >= CUT_SHARE for strip in strips])


def whole_boxes(sides: Sides, drift: Float[NDArray[np.floating], "F 2"]) -> Float[NDArray[np.float64], "F 4"]:
    """Boxes of the whole thing, pixels, on every frame; the thing has to be seen on some frame.

    drift: where the background has gone since the first frame, pixels: a thing that rests goes with it.
    """
    steadied = sides.boxes - np.tile(drift, (1, 2))
    extents = (steadied[:, 2:] - steadied[:, :2])[sides.seen]
    extent = np.maximum(np.percentile(extents, 90.0, axis=0), 1.0)
    size = float(extent.max())
    A, smooth = _side_rows(len(steadied)), _smoothness(sides.seen, extent / size)
    seen = np.repeat(sides.seen, 4)
    showing, wanted = A[seen], (steadied / size).ravel()[seen]
    trust = _Trust(sides.own.ravel()[seen], np.repeat(np.square(sides.sure), 4)[seen], NOISE + NOISE_PIXELS / size)
    solution = np.zeros(4 * len(steadied))
    weights, calm = trust.weights(0.0 * wanted), _calm(smooth @ solution, len(steadied))
    for _ in range(ROUNDS):
        normal = showing.T @ diags_array(weights) @ showing + smooth.T @ diags_array(calm) @ smooth
        solution = np.asarray(spsolve(csc_array(normal), showing.T @ (weights * wanted)))
        weights, calm = trust.weights(showing @ solution - wanted), _calm(smooth @ solution, len(steadied))
    return (A @ solution).reshape(-1, 4) * size + np.tile(drift, (1, 2))


@dataclass(frozen=True, eq=False)
class _Trust:
    """What the sides that show count for. own: they are the thing's own edge. sure: how far their frame is believed. noise: of a side."""

    own: NDArray[np.bool_]
    sure: Array
    noise: float

    def weights(self, beyond: Array) -> Array:
        """beyond: how far to the right of (below) the side that shows the whole's is, sizes.

        An own edge, and any edge that the whole would not reach, by Huber; one that may be hidden is let go the farther the whole reaches
        beyond it, for then it is hidden.
        """
        outward = beyond * np.resize(OUTWARD, len(beyond)) / self.noise
        weights = np.where(self.own | (outward < 0.0), _huber(outward), DOUBTED * _forgiving(outward))
        return weights * self.sure / self.noise**2


def _huber(residuals: Array) -> Array:
    """Weights of least squares in which what is beyond two spreads counts by its amount, not by its square (Huber, 1964)."""
    return np.minimum(1.0, 2.0 / np.maximum(np.abs(residuals), 1e-9))


def _forgiving(residuals: Array) -> Array:
    """Weights of least squares in which what is far beyond two spreads does not count at all (Geman and McClure, 1987)."""
    return 1.0 / np.square(1.0 + np.square(residuals / 2.0))


def _calm(residuals: Array, frames: int) -> Array:
    """Weights of ``_smoothness``: a size either stays or really changes, then freely; a path may bend, at a cost."""
    sizes = 2 * (frames - 1)
    return np.concatenate([_forgiving(residuals[:sizes]), _huber(residuals[sizes:])])


def _side_rows(frames: int) -> csr_array:
    """``(4 F, 4 F)`` left, top, right, bottom from a frame's unknowns: centre x, y, width, height."""
    block = csr_array(np.array([[1.0, 0.0, -0.5, 0.0], [0.0, 1.0, 0.0, -0.5], [1.0, 0.0, 0.5, 0.0], [0.0, 1.0, 0.0, 0.5]]))
    return csr_array(kron(eye_array(frames), block))


def _smoothness(seen: NDArray[np.bool_], extent: Array) -> csr_array:
    """``(R, 4 F)`` rows that are small, in spreads, for things that move and grow as things do. extent: usual width and height, in sizes."""
    frames, known = len(seen), np.flatnonzero(seen)
    step = csr_array(np.diff(np.eye(frames), axis=0))
    second = csr_array(np.diff(np.eye(frames), n=2, axis=0))
    beyond = step[np.flatnonzero((np.arange(frames - 1) < known[0]) | (np.arange(frames - 1) >= known[-1]))]
    width, height = 1.0 / extent
    sizes = np.array([[0.0, 0.0, 0.5 * width / GROW, 0.5 * height / GROW], [0.0, 0.0, width / DEFORM, -height / DEFORM]])
    place = np.eye(2, 4) / TURN
    return csr_array(vstack([kron(step, sizes), kron(second, place), kron(beyond, place / FADE)]))
