"""The floor of a clip, and when which part of a foot rests on it.

Both are decided on the motion as it came, before anything is held, so that cleaning cannot decide what it is judged by.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import Identity, joints_of
from ..bodies.soles import sole_points
from ..clip import BodyTrack, GroundPlane
from ..files.motion_file import Up
from ..skeletons import skeleton_of
from .capture import UP

Array = NDArray[np.floating]

LOW = 0.05  # metres over the floor at which a sole may rest on it: captured floors are even to some centimetres
SLOW = 0.45  # metres a second under which a low sole point rests; a walking foot swings at 1 to 4
LEAVES = 0.6  # metres a second at which a resting point has left
ROLLS = 0.06  # metres a second faster than the foot's slowest low point: the foot rolls over that one, and this one is lifting
_WIDE = 1.0  # metres that feet have to be apart along an axis before the floor may tilt along it
_STEEPEST = np.radians(3.0)
_TIMES_TYPICAL = 4.0  # the median speed of what stands
_LEAST_SLOW = 0.12  # metres a second
SHORTEST = 0.06  # seconds that a contact lasts at least


@dataclass(frozen=True, eq=False)
class Contacts:
    """touching: ``(F, 2, 3)`` left and right foot; heel, ball, toe. floor: ``GroundPlane`` in the world."""

    touching: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Of the frames, those in which any point touches."""
        return float(self.touching.any(axis=(1, 2)).mean())


def floor_of(points: Array, up: Up, fps: float, *, level: bool) -> GroundPlane:
    """The floor that the feet of one clip keep returning to; points ``(F, ..., 3)`` under the feet, world metres.

    First its height, where the lowest points gather; then a plane through what rests there, fitted with little weight on what
    lies off it. level: the plane is square to the world's up axis; otherwise it may tilt by a few degrees, where the feet went far
    enough to tell and lie closer to it by that.
    """
    normal = UP[up]
    heights = points.reshape(len(points), -1, 3) @ normal
    height = _gathered(heights.min(axis=1))
    plane = GroundPlane(normal, normal * height)
    resting = np.zeros((0, 3))
    for _ in range(2):
        resting = _resting(points, plane, fps)
        if len(resting) < 8:
            return plane
        plane = GroundPlane(normal, normal * _gathered(resting @ normal, everything=True))
    return plane if level else _tilted(resting, plane)


def _resting(points: Array, plane: GroundPlane, fps: float) -> Array:
    """``(N, 3)`` the lowest resting point of each foot in each frame."""
    feet = points.reshape(len(points), points.shape[1], -1, 3)
    touching = find_contacts(feet, plane, fps).touching
    heights = np.where(touching, plane.height(feet), np.inf)
    lowest = np.take_along_axis(feet, heights.argmin(axis=2)[..., None, None], axis=2)[:, :, 0]
    return lowest[touching.any(axis=2)]


def _tilted(resting: Array, plane: GroundPlane) -> GroundPlane:
    """The plane turned to fit; as it is where the feet stayed within a step, or it would not come closer by a quarter."""
    middle = np.median(resting, axis=0)
    across = np.eye(3)[np.abs(plane.normal) < 0.5]
    places, heights = (resting - middle) @ across.T, plane.height(resting)
    wide = np.percentile(places, 95.0, axis=0) - np.percentile(places, 5.0, axis=0)
    matrix = np.concatenate([places * (wide > _WIDE), np.ones((len(places), 1))], axis=1)
    weights, fit = np.ones(len(heights)), np.zeros(3)
    for _ in range(8):  # reweighted least squares: a foot that is off the floor counts little
        rows = matrix * weights[:, None]
        fit = np.linalg.lstsq(rows.T @ matrix + 1e-9 * np.eye(3), rows.T @ heights, rcond=None)[0]
        weights = 1.0 / (1.0 + ((heights - matrix @ fit) / 0.01) ** 2)
    slope = float(np.linalg.norm(fit[:2]))
    before, after = (np.median(np.abs(off - np.median(off))) for off in (heights, heights - matrix @ fit))
    if slope > np.tan(_STEEPEST) or after > 0.75 * before:
        return plane
    normal = plane.normal - fit[:2] @ across
    normal = normal / np.linalg.norm(normal)
    on_it = middle - plane.normal * (plane.height(middle) - fit[2])
    return GroundPlane(normal, plane.normal * float(on_it @ normal) / float(plane.normal @ normal))


def _gathered(values: Array, width: float = 0.03, *, everything: bool = False) -> float:
    """The middle of the window of ``width`` that holds most of the values, or of their lower four fifths."""
    ordered = np.sort(values)
    ordered = ordered if everything else ordered[: max(1, int(0.8 * len(ordered)))]
    counts = np.searchsorted(ordered, ordered + width, side="right") - np.arange(len(ordered))
    best = int(np.argmax(counts))
    return float(np.median(ordered[best : best + int(counts[best])]))


def foot_points(track: BodyTrack, identity: Identity) -> Array:
    """``(F, 2, 3, 3)`` sole points of a person, ``(F, 4, 1, 3)`` paws of an animal; world metres."""
    if identity.model.family != "smal":
        return sole_points(identity, track.rotations, track.translation)
    joints = joints_of(identity, track.rotations, track.translation)
    names = skeleton_of("smal").names
    return joints[:, [at for at, name in enumerate(names) if name.endswith("foot")], None]


def find_contacts(points: Array, ground: GroundPlane, fps: float) -> Contacts:
    """When sole points ``(F, 2, 3, 3)`` rest on the floor: low and slow, held on until they are clearly fast or high."""
    heights = ground.height(points)
    speed = _speed(points, fps)
    low = heights < LOW
    slowest = np.where(low, speed, np.inf).min(axis=-1, keepdims=True)
    rests = low & (speed < slowest + ROLLS)
    slow = _slow_here(speed, rests)
    begins, stays = rests & (speed < slow), rests & (speed < LEAVES / SLOW * slow)
    touching = np.zeros_like(begins)
    for foot in range(points.shape[1]):
        for point in range(points.shape[2]):
            touching[:, foot, point] = _runs(begins[:, foot, point], stays[:, foot, point], max(2, round(SHORTEST * fps)))
    return Contacts(touching)


def _slow_here(speed: Array, rests: NDArray[np.bool_]) -> float:
    """Metres a second under which a point of this clip rests: where feet hardly slide while they stand, a slow shuffle is a step."""
    standing = speed[rests & (speed < SLOW)]
    return float(np.clip(_TIMES_TYPICAL * np.median(standing), _LEAST_SLOW, SLOW)) if len(standing) else SLOW


def _speed(points: Array, fps: float) -> Array:
    """``(F, ...)`` metres a second, over about a 30th of a second."""
    if len(points) < 2:
        return np.zeros(points.shape[:-1])
    reach = max(1, round(fps / 60.0))
    ahead = np.minimum(np.arange(len(points)) + reach, len(points) - 1)
    behind = np.maximum(np.arange(len(points)) - reach, 0)
    return np.linalg.norm(points[ahead] - points[behind], axis=-1) * (fps / (ahead - behind)).reshape(-1, *[1] * (points.ndim - 2))


def _runs(begins: NDArray[np.bool_], stays: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """Stretches of ``stays`` that hold a ``begins``, if they last."""
    result = np.zeros_like(stays)
    for first, last in stretches(stays):
        if begins[first:last].any() and last - first >= shortest:
            result[first:last] = True
    return result


def stretches(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, one past the last) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
