"""Drawn backgrounds: a floor, a wall or sky above it, and a few things that stand still. RGB in [0, 1]."""

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def drawn(rng: np.random.Generator, height: int, width: int, horizon: float) -> F32:
    """``(height, width, 3)`` in [0, 1]. horizon: row, as a share of the height, at which the floor begins.

    Colours are dull and of middle brightness, so that clothes stand out without being told to.
    """
    row, column = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (row + 0.5) / height, (column + 0.5) / width
    above, below = _dull(rng), _dull(rng)
    picture = np.where(
        (y < horizon)[..., None], _graded(rng, above, y / max(horizon, 1e-3)), _graded(rng, below, (y - horizon) / (1.0 - horizon))
    )
    for _ in range(int(rng.integers(0, 5))):
        _stand(rng, picture, x, y, horizon)
    if rng.random() < 0.3:
        _striped_floor(rng, picture, x, y, horizon)
    picture = picture + _soft_noise(rng, height, width, float(rng.uniform(0.0, 0.03)))
    return np.clip(picture, 0.0, 1.0).astype(np.float32)


def _dull(rng: np.random.Generator) -> F32:
    gray = rng.uniform(0.25, 0.85)
    return (gray + rng.uniform(-0.09, 0.09, 3)).astype(np.float32)


def _graded(rng: np.random.Generator, colour: F32, at: F32) -> F32:
    return colour + (at[..., None] - 0.5) * rng.uniform(-0.2, 0.2, 3).astype(np.float32)


def _stand(rng: np.random.Generator, picture: F32, x: F32, y: F32, horizon: float) -> None:
    """A block with straight edges: a house, a window, a shelf."""
    left, wide, high = rng.uniform(-0.1, 1.0), rng.uniform(0.08, 0.4), rng.uniform(0.1, 0.45)
    bottom = horizon + rng.uniform(-0.25, 0.04)
    inside = (x > left) & (x < left + wide) & (y < bottom) & (y > bottom - high)
    picture[inside] = _dull(rng) + (y[inside, None] - bottom) * 0.2


def _striped_floor(rng: np.random.Generator, picture: F32, x: F32, y: F32, horizon: float) -> None:
    """Lines on the floor that run to one point on the horizon."""
    depth = np.maximum(y - horizon, 1e-3)
    stripes = np.sin((x - rng.uniform(0.2, 0.8)) / depth * rng.uniform(1.0, 4.0)) > 0.6
    picture[stripes & (y > horizon + 0.03)] += np.float32(rng.uniform(-0.12, 0.12))


def _soft_noise(rng: np.random.Generator, height: int, width: int, strength: float) -> F32:
    coarse = rng.normal(0.0, strength, (height // 16 + 2, width // 16 + 2, 3)).astype(np.float32)
    rows, columns = np.arange(height) / 16.0, np.arange(width) / 16.0
    i, j = rows.astype(int), columns.astype(int)
    u, v = (rows - i).astype(np.float32)[:, None, None], (columns - j).astype(np.float32)[None, :, None]
    top = coarse[i][:, j] * (1 - v) + coarse[i][:, j + 1] * v
    bottom = coarse[i + 1][:, j] * (1 - v) + coarse[i + 1][:, j + 1] * v
    return top * (1 - u) + bottom * u
