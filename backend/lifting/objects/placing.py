"""A followed thing put into the world: its 21 points at its depth, and how far they can be trusted."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from backend.lifting.objects.contour import contour_points
from backend.lifting.objects.depth import Distance, Looks, distance_of
from backend.lifting.objects.sizes import CommonSize, common_size
from backend.lifting.subject import Followed
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import N_OBJECT_POINTS, GroundPlane, ObjectTrack

Array = NDArray[np.floating]

EDGE = 1.5  # pixels from the picture's border within which a thing counts as cut off
CENTRE = N_OBJECT_POINTS - 1
HIDDEN_RIM = 0.08  # of its outline
HELD_SIZE = 0.25  # of a body's pixels: larger things are not held but stand beside it
BESIDE = 3  # pixels: masks this close touch


def place_object(
    followed: Followed,
    camera: Camera,
    ground: GroundPlane | None = None,
    known: Array | None = None,
    others: NDArray[np.uint8] | None = None,
) -> ObjectTrack:
    """The thing as 2.5D points in the camera's world, metres: its contour, box and centre at the depth of its middle.

    known: ``(F,)`` metres along the camera's axis from a depth map (``depth_from_maps``) or from what it touches
    (``depth_beside``), NaN where nothing is known. others: ``(F, H, W)`` not 0 on pixels of other subjects, which
    may hide it: what is left of it then tells no size. Frames that do not show it take a path between those that do, with
    confidence 0.
    """
    pixels = _points_in_pixels(followed)
    usual = common_size(followed.label)
    looks = _looks(followed, pixels, usual, others)
    distance = distance_of(looks, usual, camera, ground, known)
    points_camera = np.concatenate(
        [
            (pixels - camera.center) / camera.focal * distance.depth[:, None, None],
            np.repeat(distance.depth[:, None, None], N_OBJECT_POINTS, 1),
        ],
        axis=2,
    )
    T = camera.T_world_camera
    points = np.einsum("fij,fnj->fni", T[:, :3, :3], points_camera) + T[:, None, :3, 3]
    points = _bridged(points, followed.seen)
    return ObjectTrack(
        followed.name,
        followed.label or "object",
        _size(points, looks.clear if looks.clear.any() else followed.seen, usual, distance),
        points,
        _confidence(followed, distance),
    )


def depth_from_maps(followed: Followed, maps: Float32[NDArray[np.float32], "F h w"]) -> Array:
    """``(F,)`` the median depth on a thing's pixels of metric depth maps of any size, NaN where it is not seen."""
    known = np.full(followed.n_frames, np.nan)
    for frame in np.flatnonzero(followed.seen):
        mask = cv2.resize(followed.masks[frame], maps.shape[:0:-1], interpolation=cv2.INTER_AREA) > 200
        values = maps[frame][mask]
        values = values[np.isfinite(values) & (values > 0)]
        if len(values):
            known[frame] = float(np.median(values))
    return known


def depth_beside(followed: Followed, others: NDArray[np.uint8], depths: Array) -> Array:
    """``(F,)`` the depth of what a thing touches in the picture, where that is likely what holds it; NaN where it touches nothing.

    others: ``(P, F, H, W)`` masks. depths: ``(P, F)`` metres along the camera's axis. What only passes before or behind something
    touches it, too, so this is a hint: give it where nothing better is known.
    """
    known = np.full(followed.n_frames, np.nan)
    kernel = np.ones((2 * BESIDE + 1,) * 2, np.uint8)
    for frame in np.flatnonzero(followed.seen):
        near = cv2.dilate(followed.masks[frame], kernel) > 0
        area = float((followed.masks[frame] > 0).sum())
        touched = np.array([float((mask[frame][near] > 0).sum()) for mask in others])
        nearest = int(np.argmax(touched)) if len(touched) else -1
        if nearest >= 0 and touched[nearest] > 0 and area < HELD_SIZE * float((others[nearest, frame] > 0).sum()):
            known[frame] = depths[nearest, frame]
    return known


def _points_in_pixels(followed: Followed) -> Array:
    """``(F, 21, 2)``; frames that do not show the thing take the nearest that does."""
    pixels = np.zeros((followed.n_frames, N_OBJECT_POINTS, 2))
    seen = np.flatnonzero(followed.seen)
    for frame in seen:
        pixels[frame] = contour_points(followed.masks[frame])
    if not len(seen):
        box = followed.boxes[0]
        whole = np.zeros(followed.masks.shape[1:], np.uint8)
        whole[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = 255
        return np.tile(contour_points(whole), (followed.n_frames, 1, 1))
    return pixels[seen[np.abs(np.arange(followed.n_frames)[:, None] - seen[None]).argmin(axis=1)]]


@dataclass(frozen=True)
class _Shape:
    side: float
    lowest: tuple[float, float]


def _looks(followed: Followed, pixels: Array, usual: CommonSize | None, others: NDArray[np.uint8] | None) -> Looks:
    height, width = followed.masks.shape[1:]
    low, high = pixels[:, 16], pixels[:, 18]
    cut_off = (low < EDGE).any(axis=1) | (high > np.array([width, height]) - EDGE).any(axis=1)
    shapes = [
        _shape(mask if seen else None, points, usual) for mask, seen, points in zip(followed.masks, followed.seen, pixels, strict=True)
    ]
    side = np.array([shape.side for shape in shapes])
    hidden, standing = _hidden(followed, others)
    clear = followed.seen & ~cut_off & ~hidden
    standing = standing & followed.seen & (high[:, 1] < height - EDGE)
    if clear.any():  # what is half hidden looks smaller than it is
        clear &= side > 0.7 * np.median(side[clear])
    return Looks(side, np.array([shape.lowest for shape in shapes]), clear, standing)


def _hidden(followed: Followed, others: NDArray[np.uint8] | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """``(F,)`` whether something else is at much of its outline, and whether nothing is under it."""
    hidden, standing = np.zeros(followed.n_frames, bool), np.ones(followed.n_frames, bool)
    if others is None:
        return hidden, standing
    kernel = np.ones((2 * BESIDE + 1,) * 2, np.uint8)
    for frame in np.flatnonzero(followed.seen):
        mask = followed.masks[frame]
        rim = (cv2.dilate(mask, kernel) > 0) & (mask == 0)
        hidden[frame] = float((others[frame][rim] > 0).mean()) > HIDDEN_RIM if rim.any() else False
        rows, columns = np.nonzero(mask)
        low = columns[rows >= rows.max() - 1]
        below = others[frame][min(rows.max() + 1 + BESIDE, mask.shape[0] - 1), low]
        standing[frame] = not (below > 0).any()
    return hidden, standing


def _shape(mask: NDArray[np.uint8] | None, points: Array, usual: CommonSize | None) -> _Shape:
    """A round thing's diameter is what is left of it when motion draws it out; others count by the root of their area."""
    contour = points[:16].astype(np.float32)
    low = points[int(np.argmax(points[:16, 1]))]
    if usual is not None and usual.round:
        sides = cv2.minAreaRect(contour)[1]
        return _Shape(max(float(min(sides)), 0.8 * float(max(sides)), 1.0), (float(low[0]), float(low[1])))
    area = float((mask > 0).sum()) if mask is not None else float(cv2.contourArea(contour))
    return _Shape(max(float(np.sqrt(area)), 1.0), (float(low[0]), float(points[18, 1])))


def _bridged(points: Array, seen: NDArray[np.bool_]) -> Array:
    """Frames that do not show the thing: its centre goes on a smooth path from the last to the next that does, its shape stays."""
    known = np.flatnonzero(seen)
    if not len(known) or seen.all():
        return points
    centre = points[:, CENTRE].copy()
    shape = points - centre[:, None]
    for frame in np.flatnonzero(~seen):
        before, after = known[known < frame], known[known > frame]
        if not len(before) or not len(after):
            centre[frame] = centre[known[0] if not len(before) else known[-1]]
            continue
        centre[frame] = _between(centre, before, after, frame)
        shape[frame] = shape[before[-1]] if frame - before[-1] <= after[0] - frame else shape[after[0]]
    return shape + centre[:, None]


def _between(centre: Array, before: NDArray[np.intp], after: NDArray[np.intp], frame: int) -> Array:
    """Hermite's cubic: a thing thrown out of the picture comes back on its parabola."""
    a, b = int(before[-1]), int(after[0])
    span, share = b - a, (frame - a) / (b - a)
    start = (centre[a] - centre[a - 1]) * span if len(before) > 1 and before[-2] == a - 1 else centre[b] - centre[a]
    end = (centre[b + 1] - centre[b]) * span if len(after) > 1 and after[1] == b + 1 else centre[b] - centre[a]
    s2, s3 = share**2, share**3
    return (2 * s3 - 3 * s2 + 1) * centre[a] + (s3 - 2 * s2 + share) * start + (3 * s2 - 2 * s3) * centre[b] + (s3 - s2) * end


def _size(points: Array, seen: NDArray[np.bool_], usual: CommonSize | None, distance: Distance) -> Array:
    """``(3,)`` extents of the box as it is seen, metres; the depth that nobody sees from the usual shape or the smaller side."""
    if usual is not None and usual.round:
        return np.full(3, distance.size)
    used = points[seen] if seen.any() else points
    width = float(np.median(np.linalg.norm(used[:, 17] - used[:, 16], axis=-1)))
    height = float(np.median(np.linalg.norm(used[:, 19] - used[:, 16], axis=-1)))
    if usual is None:
        return np.array([width, height, min(width, height)])
    return np.array([width, height, usual.extents[2] * np.sqrt(width * height / (usual.extents[0] * usual.extents[1]))])


def _confidence(followed: Followed, distance: Distance) -> Array:
    """``(F,)``: how sure the mask is, times how sure the depth."""
    return np.clip(followed.score * float(np.exp(-0.7 * distance.spread)), 0.0, 1.0).astype(np.float64) * followed.seen
