"""A followed thing put into the world: its 21 points at its depth, and how far they can be trusted."""

import cv2
import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from backend.lifting.objects.contour import contour_points
from backend.lifting.objects.depth import Distance, Looks, distance_of
from backend.lifting.objects.sizes import CommonSize, common_size
from backend.lifting.objects.whole import whole_thing
from backend.lifting.subject import Followed
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import N_OBJECT_POINTS, GroundPlane, ObjectTrack

Array = NDArray[np.floating]

HIDDEN = 0.02  # confidence of a thing that is there, behind something; 0 says that it is not there
BOTTOM = 3  # of a box's sides
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

    All are the whole thing's, also where something hides it or the picture ends; the less of it shows the smaller the confidence: 0.02
    where others hide it all, 0 on other frames that do not show it. There it goes on as it went, between sightings on a smooth path.

    known: ``(F,)`` metres along the camera's axis from a depth map (``depth_from_maps``) or from what it touches
    (``depth_beside``), NaN where nothing is known. others: ``(F, H, W)`` not 0 on pixels of other subjects, which may hide it.
    """
    usual = common_size(followed.label)
    pixels, looks = _seen(followed, usual, others, camera) if followed.seen.any() else _never_seen(followed)
    distance = distance_of(looks, usual, camera, ground, known)
    depth = distance.depth[:, None, None]
    points_camera = np.concatenate(
        [(pixels - camera.center) / camera.focal * depth, np.broadcast_to(depth, (len(depth), N_OBJECT_POINTS, 1))], axis=2
    )
    T = camera.T_world_camera
    points = np.einsum("fij,fnj->fni", T[:, :3, :3], points_camera) + T[:, None, :3, 3]
    confidence = np.clip(followed.score * float(np.exp(-0.7 * distance.spread)), 0.0, 1.0) * looks.shown
    confidence = np.where(looks.behind, HIDDEN, confidence)
    return ObjectTrack(followed.name, followed.label or "object", _size(points, looks.clear, usual, distance), points, confidence)


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


def _seen(followed: Followed, usual: CommonSize | None, others: NDArray[np.uint8] | None, camera: Camera) -> tuple[Array, Looks]:
    """``(F, 21, 2)`` pixels of the whole thing, and what they tell of its size and place."""
    is_round = usual is not None and usual.round
    whole = whole_thing(followed, others, camera, is_round)
    points, extents = whole.points, whole.boxes[:, 2:] - whole.boxes[:, :2]
    side = np.maximum(extents.mean(axis=1) if is_round else np.sqrt(whole.area), 1.0)
    lowest = np.stack([points[np.arange(len(points)), points[:, :16, 1].argmax(axis=1), 0], points[:, 18, 1]], axis=1)
    standing = followed.seen & whole.own[:, BOTTOM]
    return points, Looks(side, points[:, 17, 0] - points[:, 16, 0], lowest, whole.shown, standing, whole.behind)


def _never_seen(followed: Followed) -> tuple[Array, Looks]:
    """What its box tells, with which it is shown nowhere."""
    left, top, right, bottom = (float(value) for value in followed.boxes[0])
    box = np.full((max(1, round(bottom - top)), max(1, round(right - left))), 255, np.uint8)
    pixels = np.tile(contour_points(box) + np.array([left, top]), (followed.n_frames, 1, 1))
    nothing = np.zeros(followed.n_frames)
    side, width = nothing + np.sqrt(box.size), nothing + box.shape[1]
    return pixels, Looks(side, width, pixels[:, 18], nothing, nothing > 0, nothing > 0)


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
