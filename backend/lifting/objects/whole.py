"""The whole shape of a thing of which something hides a part: what shows of it, and what other frames know of the rest.

A shape is remembered within its box: every frame tells, for each place in the box, whether the thing is there, unless something else
is that may hide it. A hidden place is as the frames nearest in time say; what no frame ever shows is filled up to the convex hull.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from backend.lifting.objects.contour import closed_line, steady_points
from backend.lifting.objects.discs import Disc, disc_of
from backend.lifting.objects.extents import Sides, believed, visible_sides, whole_boxes
from backend.lifting.objects.window import Window
from backend.lifting.subject import Followed
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]

GRID = 64  # places across a remembered shape
MEMORY = 3.0  # frames: how much sooner a near frame is believed than a far one
NEAR = 4  # frames before and after that tell a disc's radius
HIDES = 0.1  # of the thing: less hidden than this says nothing
ALIKE = 0.85  # what shows and what is remembered overlap so far (IoU), else what is remembered is believed
BEHIND = 0.5  # of the thing: so much of it lies behind others where it is hidden and not just gone
LARGEST = 2.0  # times what ever shows of it: a whole is not larger


@dataclass(frozen=True, eq=False)
class WholeThing:
    """A thing as it looks where nothing hides it. points: ``(F, 21, 2)`` as ``steady_points`` has them, pixels. area: ``(F,)`` pixels.
    boxes: ``(F, 4)`` as they are measured, left, top, right, bottom. shown: ``(F,)`` share of it that nothing hides, 0 where
    it is not seen. behind: ``(F,)`` something else hides it all. own: ``(F, 4)`` sides that show, in the order of boxes.
    """

    points: Float[NDArray[np.float64], "F 21 2"]
    area: Float[NDArray[np.float64], " F"]
    boxes: Float[NDArray[np.float64], "F 4"]
    shown: Float[NDArray[np.float64], " F"]
    behind: Bool[NDArray[np.bool_], " F"]
    own: Bool[NDArray[np.bool_], "F 4"]


def whole_thing(followed: Followed, others: NDArray[np.uint8] | None, camera: Camera, is_round: bool = False) -> WholeThing:
    """others: ``(F, H, W)`` not 0 on pixels of other subjects, which may hide it. is_round: it looks like a disc from everywhere. The
    thing has to be seen on some frame."""
    showing = visible_sides(followed, others)
    sides = _discs(followed, others, showing) if is_round else showing
    boxes = _bounded(whole_boxes(sides, drift_of(sides, camera)), sides)
    shapes = _round_shapes(followed.n_frames) if is_round else _shapes(followed, others, boxes, sides.sure)
    looks = [_look(followed, others, boxes[frame], shapes[frame], frame, is_round) for frame in range(followed.n_frames)]
    return WholeThing(
        steady_points([look.line for look in looks]),
        np.array([look.area for look in looks]),
        boxes,
        np.array([look.shown for look in looks]),
        np.array([look.behind for look in looks]),
        showing.own,
    )


def _discs(followed: Followed, others: NDArray[np.uint8] | None, showing: Sides) -> Sides:
    """The sides of the circles of which masks show a part; of a radius that their neighbours in time have, too."""
    boxes, share = showing.boxes.copy(), np.zeros(followed.n_frames)
    found, usual = dict[int, Disc](), dict[int, float]()
    seen = [int(frame) for frame in np.flatnonzero(followed.seen)]
    for _ in range(2):
        found = {frame: _disc(followed, others, frame, usual.get(frame)) for frame in seen}
        radii = np.array([found[frame].radius for frame in seen])
        usual = {frame: float(np.median(radii[max(0, place - NEAR) : place + NEAR + 1])) for place, frame in enumerate(seen)}
    for frame, disc in found.items():
        boxes[frame] = disc.x - disc.radius, disc.y - disc.radius, disc.x + disc.radius, disc.y + disc.radius
        share[frame] = disc.share
    return Sides(boxes, np.repeat(followed.seen[:, None], 4, axis=1), believed(share, followed.seen))


def _disc(followed: Followed, others: NDArray[np.uint8] | None, frame: int, usual: float | None) -> Disc:
    box = followed.boxes[frame].astype(np.float64)
    window = Window.about(box)
    disc = disc_of(window.of(followed.masks[frame], 0), window.hidden(others, frame, followed.masks.shape[1:], _size(box)), usual)
    return replace(disc, x=disc.x + float(window.origin[0]), y=disc.y + float(window.origin[1]))


def drift_of(sides: Sides, camera: Camera) -> Float[NDArray[np.float64], "F 2"]:
    """Where the background behind a thing has gone since the first frame by the camera's turning, pixels."""
    known = np.flatnonzero(sides.seen)
    middle = (sides.boxes[:, :2] + sides.boxes[:, 2:]) / 2.0
    places = np.stack([np.interp(np.arange(len(middle)), known, middle[known, axis]) for axis in range(2)], axis=1)
    rays = np.concatenate([(places - camera.center) / camera.focal, np.ones((len(places), 1))], axis=1)
    R = camera.T_world_camera[:, :3, :3]
    turned = np.einsum("fji,fjk,fk->fi", R[1:], R[:-1], rays[:-1])
    ahead = np.maximum(turned[:, 2:], 0.1)
    steps = turned[:, :2] / ahead * camera.focal + camera.center - places[:-1]
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


def _bounded(boxes: Array, sides: Sides) -> Array:
    """No box is smaller than a few pixels or far larger than what ever shows."""
    middle, extent = (boxes[:, :2] + boxes[:, 2:]) / 2.0, boxes[:, 2:] - boxes[:, :2]
    shown = sides.boxes[sides.seen]
    extent = np.clip(extent, 2.0, LARGEST * np.maximum((shown[:, 2:] - shown[:, :2]).max(), 2.0))
    return np.concatenate([middle - extent / 2.0, middle + extent / 2.0], axis=1)


def _shapes(followed: Followed, others: NDArray[np.uint8] | None, boxes: Array, sure: Array) -> Float[NDArray[np.float32], "F n n"]:
    """In [0, 1] what is known of the shape within its box on each frame, from all frames."""
    seen = np.flatnonzero(followed.seen)
    there, known = np.zeros((2, len(seen), GRID, GRID), np.float32)
    for place, frame in enumerate(seen):
        window = Window.about(boxes[frame])
        local = boxes[frame] - np.tile(window.origin, 2)
        free = ~window.hidden(others, frame, followed.masks.shape[1:], _size(boxes[frame]))
        there[place] = _in_box(window.of(followed.masks[frame], 0), local)
        known[place] = np.maximum(_in_box(np.where(free, 255, 0).astype(np.uint8), local), there[place])
    apart = np.abs(np.arange(followed.n_frames)[:, None] - seen[None])
    filled = there.mean(axis=(1, 2))
    telling = sure[seen] * np.square(filled / max(float(filled.max()), 1e-6))  # what shows more of it knows it better
    weights = (np.exp(-apart / MEMORY) + 1e-6) * telling
    evidence = np.tensordot(weights, known, axes=1)
    shapes = (np.tensordot(weights, there, axes=1) / np.maximum(evidence, 1e-9)).astype(np.float32)
    never = known.max(axis=0, initial=0.0) < 0.5
    return np.stack([_filled(shape, never) for shape in shapes]) if never.any() else shapes


def _in_box(mask: NDArray[np.uint8], box: Array) -> NDArray[np.float32]:
    """``(GRID, GRID)`` in [0, 1] a mask within a box."""
    step = (box[2:] - box[:2]) / GRID
    to_pixels = np.array([[step[0], 0.0, box[0] + step[0] / 2.0 - 0.5], [0.0, step[1], box[1] + step[1] / 2.0 - 0.5]])
    return cv2.warpAffine(mask, to_pixels, (GRID, GRID), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP).astype(np.float32) / 255.0


def _filled(shape: NDArray[np.float32], never: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A shape whose places that nobody ever saw are taken where the convex hull of the others holds them."""
    rows, columns = np.nonzero((shape > 0.5) & ~never)
    if not len(rows):
        return np.ones_like(shape)
    hull = np.zeros(shape.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32)), (1.0,))
    return np.where(never, hull, shape).astype(np.float32)


def _round_shapes(frames: int) -> Float[NDArray[np.float32], "F n n"]:
    y, x = np.mgrid[:GRID, :GRID] + 0.5 - GRID / 2.0
    disc = np.clip(0.5 + GRID / 2.0 - np.hypot(x, y), 0.0, 1.0).astype(np.float32)
    return np.broadcast_to(disc, (frames, GRID, GRID))


@dataclass(frozen=True, eq=False)
class _Look:
    """One frame's outline ``(N, 2)`` and area, pixels, the share that nothing hides, and whether something else hides it all."""

    line: Array
    area: float
    shown: float
    behind: bool


def _look(
    followed: Followed, others: NDArray[np.uint8] | None, box: Array, shape: NDArray[np.float32], frame: int, known_shape: bool
) -> _Look:
    seen = bool(followed.seen[frame])
    around = (
        np.concatenate([np.minimum(box[:2], followed.boxes[frame, :2]), np.maximum(box[2:], followed.boxes[frame, 2:])]) if seen else box
    )
    window = Window.about(around)
    expected = window.warped(shape, box) > 0.5
    visible = window.of(followed.masks[frame], 0) > 0
    hidden = window.hidden(others, frame, followed.masks.shape[1:], _size(box))
    remembered = known_shape or not seen or _lost(visible, expected, hidden)
    whole = _some(expected if remembered else visible | (expected & hidden))
    area = float(whole.sum())
    other = window.of(others[frame], 0) > 0 if others is not None else np.zeros_like(hidden)
    behind = not seen and float((other & whole).sum()) > BEHIND * area
    line = closed_line(whole.astype(np.uint8)) + window.origin
    return _Look(line, area, 1.0 - float((whole & hidden & ~visible).sum()) / area if seen else 0.0, behind)


def _lost(visible: NDArray[np.bool_], expected: NDArray[np.bool_], hidden: NDArray[np.bool_]) -> bool:
    """Whether a thing of which something hides a part was followed badly: where nothing hides it, it looks otherwise than it is remembered."""
    if float((expected & hidden).sum()) < HIDES * float(expected.sum()):
        return False
    either = (visible | expected) & ~hidden
    return float((visible & expected & ~hidden).sum()) < ALIKE * float(either.sum())


def _some(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask; its middle pixel if it is empty."""
    if mask.any():
        return mask
    found = mask.copy()
    found[mask.shape[0] // 2, mask.shape[1] // 2] = True
    return found


def _size(box: Array) -> float:
    return float((box[2:] - box[:2]).max())
