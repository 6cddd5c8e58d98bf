"""Two looks at the same frames, one of them mirrored, made into one: where they agree their mean halves the noise; where they
do not, the one that fits the neighbouring frames is taken and trusted less.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

AGREEMENT = 0.04  # of the person's height: passes further apart than this do not speak of the same point


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
    any_found = found.any(axis=0)
    distance = np.linalg.norm(stack[0, ..., :2] - stack[1, ..., :2], axis=-1)
    height = np.ones(len(any_found), np.float32)
    height[any_found] = np.median(person_height(stack[0, any_found, :, :2])) if any_found.any() else 1.0
    disagree = distance > AGREEMENT * height[:, None]
    mean = stack.mean(axis=0)
    points = np.where(disagree[..., None], _nearer_to_neighbours(stack, mean), mean)
    points[..., 2] = np.where(disagree, 0.5 * points[..., 2], points[..., 2])
    apart = np.where(any_found[:, None], distance / height[:, None], 0.0)
    return Combined(points.astype(np.float32), any_found, found.all(axis=0), apart.astype(np.float32))


def _nearer_to_neighbours(stack: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of two candidates ``(2, F, 33, 6)``, the one nearer to the middle of the frames before and after, ``(F, 33, 6)``."""
    padded = np.concatenate([mean[:1], mean, mean[-1:]])
    middle = 0.5 * (padded[:-2] + padded[2:])
    distance = np.linalg.norm((stack - middle)[..., :2], axis=-1)
    distance = np.where(np.isfinite(distance), distance, 0.0)
    second = distance[1] < distance[0]
    return np.where(second[..., None], stack[1], stack[0])


def filled(points: NDArray[np.float32], found: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Frames without a person get values between those of the nearest frames that have one, and visibility 0."""
    places = np.arange(len(points))
    flat = points.reshape(len(points), -1)
    complete = np.stack([np.interp(places, places[found], column[found]) for column in flat.T], axis=1).astype(np.float32)
    complete = complete.reshape(points.shape)
    complete[~found, :, 2] = 0.0
    return complete
