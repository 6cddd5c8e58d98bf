"""Two closed balls in the orbits, apart from the skin."""

import numpy as np
from numpy.typing import NDArray

from .animals import Animal
from .placing import eye_frame

Array = NDArray[np.float64]

_CIRCLES, _AROUND = 8, 14
N_BALL = _CIRCLES * _AROUND + 2


def ball_triangles() -> NDArray[np.int64]:
    """``(T, 3)`` of the left ball; the poles are the last two vertices, the pupil's first."""
    rows = []
    front, back = N_BALL - 2, N_BALL - 1
    for k in range(_AROUND):
        n = (k + 1) % _AROUND
        rows += [(front, k, n), (back, (_CIRCLES - 1) * _AROUND + n, (_CIRCLES - 1) * _AROUND + k)]
        for r in range(_CIRCLES - 1):
            a, b, c, d = r * _AROUND + k, r * _AROUND + n, (r + 1) * _AROUND + k, (r + 1) * _AROUND + n
            rows += [(a, c, b), (b, c, d)]
    return np.array(rows)


def ball_places(a: Animal) -> Array:
    """``(N_BALL, 3)`` the left eyeball in withers heights; circles from the pupil backwards."""
    centre, radius, gaze, ahead, down = eye_frame(a)
    polar = np.pi * (np.arange(_CIRCLES) + 1) / (_CIRCLES + 1)
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND
    across = np.cos(turn)[:, None] * ahead + np.sin(turn)[:, None] * down
    circles = np.cos(polar)[:, None, None] * gaze + np.sin(polar)[:, None, None] * across
    return centre + radius * np.concatenate([circles.reshape(-1, 3), gaze[None], -gaze[None]])
