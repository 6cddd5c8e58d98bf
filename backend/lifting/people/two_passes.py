"""Two looks at the same frames, one of them mirrored, made into one: where they agree their mean halves the noise.

Where they do not, one is wrong, or has taken a limb for the one of the other side: the sequence of looks, exchanged or not, in which
the limbs accelerate least is taken, and trusted less.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import LANDMARK_NAMES, MIRROR, N_LANDMARKS, index_of

EXCHANGED = 0.03  # what it costs to say that a pass took a limb for the one of the other side
JUMP = 0.6  # of the height: further is no worse
DEEP = 0.3  # of the height a metre: what the third dimension counts beside the picture's
AGREEMENT = 0.04  # of the person's height: passes further apart than this do not speak of the same point


LEGS = tuple(index_of(f"{side}_{name}") for name in ("knee", "ankle", "heel", "foot_index") for side in ("left", "right"))
ARMS = tuple(index_of(f"{side}_{name}") for name in ("elbow", "wrist", "pinky", "index", "thumb") for side in ("left", "right"))
REST = tuple(index for index in range(N_LANDMARKS) if index not in (*LEGS, *ARMS))
# Landmarks that are taken from one pass together, and what a limb hangs on.
GROUPS = ((LEGS, "hip"), (ARMS, "shoulder"), (REST, ""))


@dataclass(frozen=True, eq=False)
class Combined:
    """points: ``(F, 33, 6)`` x, y in pixels, visibility, world x, y, z; NaN where nothing was found. found, twice: by one pass at least, by both. apart: how far the passes lie
    apart, of the person's height, 0 where there was one only.
    """

    points: Float32[NDArray[np.float32], "F 33 6"]
    found: Bool[NDArray[np.bool_], " F"]
    twice: Bool[NDArray[np.bool_], " F"]
    apart: Float32[NDArray[np.float32], "F 33"]


def person_height(pixels: NDArray[np.floating]) -> NDArray[np.floating]:
    """``(F, 33, 2)`` to ``(F,)``: the person's extent in pixels, the measure that errors are fractions of.

    The larger of the box's sides, so that a person who lies or bends is not taken for a small one.
    """
    extent = pixels.max(axis=1) - pixels.min(axis=1)
    return np.maximum(extent.max(axis=-1), 1.0)


def combined(a: NDArray[np.float32], b: NDArray[np.float32]) -> Combined:
    """Two passes ``(F, 33, 6)``, NaN where they found nobody."""
    stack = np.stack([a, b])
    found = np.isfinite(stack[..., 0, 0])
    stack = np.where(found[:, :, None, None], stack, stack[::-1])  # a pass that found nothing repeats the other
    seen = np.flatnonzero(found.any(axis=0))
    points, apart = np.full(a.shape, np.nan, np.float32), np.zeros(a.shape[:2], np.float32)
    if len(seen):
        height = float(np.median(person_height(stack[0, seen, :, :2])))
        points[seen], apart[seen] = _merged(stack[:, seen], seen, height)
    return Combined(points, found.any(axis=0), found.all(axis=0), apart)


def _merged(stack: NDArray[np.float32], times: NDArray[np.intp], height: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points ``(N, 33, 6)`` of the frames that show a person, and how far the passes lie apart, of the height."""
    apart = np.linalg.norm(stack[0, ..., :2] - stack[1, ..., :2], axis=-1) / height
    points = np.empty_like(stack[0])
    for landmarks, hung_on in GROUPS:
        group = list(landmarks)
        exchanged = _exchanged(stack, group, hung_on) if hung_on else stack[:, :, group]
        candidates = np.stack([stack[0][:, group], stack[1][:, group], exchanged[0], exchanged[1]], axis=1)
        chosen = calmest(candidates if hung_on else candidates[:, :2], times, height)
        points[:, group] = _with_the_other(candidates, chosen, height)
    doubt = np.where(apart > AGREEMENT, 0.5, 1.0)
    points[..., 2] *= doubt
    return points, apart.astype(np.float32)


def _exchanged(stack: NDArray[np.float32], group: list[int], hung_on: str) -> NDArray[np.float32]:
    """The limbs ``(2, N, n, 6)`` of the other side. In the picture they stay where they are; in space they move to their own side's joint.

    A pass that takes one leg for the other is right about the trunk, and has the legs' depths from there.
    """
    other = MIRROR[group]
    left = np.array([LANDMARK_NAMES[index].startswith("left") for index in group])
    joints = stack[:, :, [index_of(f"left_{hung_on}"), index_of(f"right_{hung_on}")], 3:]
    across = joints[:, :, :1] - joints[:, :, 1:]
    exchanged = stack[:, :, other].copy()
    exchanged[..., 3:] += np.where(left[:, None], across, -across)
    return exchanged


def _with_the_other(candidates: NDArray[np.float32], chosen: NDArray[np.intp], height: float) -> NDArray[np.float32]:
    """Each chosen candidate, averaged with the other pass's where that agrees, exchanged or not."""
    rows = np.arange(len(candidates))
    best = candidates[rows, chosen]
    of_other = 1 - chosen % 2
    plain, exchanged = candidates[rows, of_other], candidates[rows, of_other + 2]
    distance = [np.linalg.norm((one - best)[..., :2], axis=-1) for one in (plain, exchanged)]
    nearer = (distance[1].mean(axis=1) < distance[0].mean(axis=1))[:, None]
    other = np.where(nearer[..., None], exchanged, plain)
    agree = np.where(nearer, distance[1], distance[0]) <= AGREEMENT * height
    return np.where(agree[..., None], 0.5 * (best + other), best).astype(np.float32)


def calmest(candidates: NDArray[np.float32], times: NDArray[np.intp], height: float) -> NDArray[np.intp]:
    """Which of ``(N, K, n, 6)`` candidates to take on each frame so that the points accelerate least, ``(N,)``; by dynamic programming.

    Candidates from the third on are limbs exchanged for those of the other side: each costs something by itself.
    times: the frames' numbers.
    """
    count, kinds = candidates.shape[:2]
    places = np.concatenate([candidates[..., :2] / height, DEEP * candidates[..., 3:]], axis=-1).reshape(count, kinds, -1, 5)
    own = np.where(np.arange(kinds) >= 2, EXCHANGED, 0.0)
    total = own[:, None] + own[None, :] + (_step(places[0], places[1]) if count > 1 else 0.0)  # (before, here)
    if count == 1:
        return np.zeros(1, np.intp)
    back = []
    for frame in range(2, count):
        share = (times[frame] - times[frame - 1]) / max(times[frame - 1] - times[frame - 2], 1)
        jump = _turn(places[frame - 2], places[frame - 1], places[frame], share)  # (two before, before, here)
        cost = total[:, :, None] + jump
        back.append(cost.argmin(axis=0))
        total = cost.min(axis=0) + own[None, :]
    before, here = np.unravel_index(int(total.argmin()), total.shape)
    chosen = [int(here), int(before)]
    for step in reversed(back):
        chosen.append(int(step[chosen[-1], chosen[-2]]))
    return np.array(chosen[::-1], np.intp)


def _step(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean distance between every candidate ``(K, n, 5)`` of a frame and of the next, ``(K, K)``."""
    return np.minimum(np.linalg.norm(a[:, None] - b[None], axis=-1), JUMP).mean(axis=-1)


def _turn(a: NDArray[np.float32], b: NDArray[np.float32], c: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Mean distance of the third from where the first two lead, ``(K, K, K)``."""
    ahead = b[None] + share * (b[None] - a[:, None])
    return np.minimum(np.linalg.norm(ahead[:, :, None] - c[None, None], axis=-1), JUMP).mean(axis=-1)


def filled(points: NDArray[np.float32], found: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Frames without a person get values between those of the nearest frames that have one, and visibility 0."""
    places = np.arange(len(points))
    flat = points.reshape(len(points), -1)
    complete = np.stack([np.interp(places, places[found], column[found]) for column in flat.T], axis=1).astype(np.float32)
    complete = complete.reshape(points.shape)
    complete[~found, :, 2] = 0.0
    return complete
