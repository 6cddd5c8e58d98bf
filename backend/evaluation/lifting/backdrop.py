"""The set that truth scenes play on: a paved floor at y = 0 and a wall behind it, seen by a camera that may move.

Floor coordinates are metres, y up; a camera looks along -z. Pictures are linear light.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
F32 = NDArray[np.float32]

WALL = -2.6  # metres: the wall's z on the floor
TEXEL = 0.008  # metres
_FLOOR = (-8.0, WALL, 8.0, 6.0)  # x, z, x, z
_BEHIND = (-9.0, 0.0, 9.0, 5.0)  # x, y, x, y


@dataclass(frozen=True, eq=False)
class Eye:
    """One frame's camera. place: ``(3,)`` metres on the floor. R_floor_camera: ``(3, 3)``, OpenCV camera axes in floor coordinates."""

    place: Array
    R_floor_camera: Array
    focal: float
    width: int
    height: int

    def to_pixels(self, points_floor: Array) -> Array:
        """``(N, 3)`` floor points before the camera to pixels ``(N, 2)``."""
        seen = (points_floor - self.place) @ self.R_floor_camera
        return seen[:, :2] / seen[:, 2:] * self.focal + [self.width / 2.0, self.height / 2.0]


def backdrop(eye: Eye) -> F32:
    """``(H, W, 3)`` linear light of floor and wall; both are planes, so each is one homography of its texture."""
    floor = _seen(eye, _floor(), np.array([_FLOOR[0], 0.0, _FLOOR[1]]), np.array([0.0, 0.0, 1.0]))
    wall = _seen(eye, _wall(), np.array([_BEHIND[0], _BEHIND[1], WALL]), np.array([0.0, 1.0, 0.0]))
    return np.where(_on_floor(eye)[..., None], floor, wall)


def _seen(eye: Eye, texture: F32, origin: Array, along: Array) -> F32:
    """A plane whose texture's columns run along x and its rows along ``along`` from ``origin``."""
    K = np.array([[eye.focal, 0.0, eye.width / 2.0], [0.0, eye.focal, eye.height / 2.0], [0.0, 0.0, 1.0]])
    plane = np.stack([np.array([TEXEL, 0.0, 0.0]), along * TEXEL, origin - eye.place], axis=1)
    centres = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])  # OpenCV counts from the middle of the first pixel
    homography = np.linalg.inv(centres) @ K @ eye.R_floor_camera.T @ plane @ centres
    size = (eye.width, eye.height)
    return np.asarray(cv2.warpPerspective(texture, homography, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _on_floor(eye: Eye) -> NDArray[np.bool_]:
    """``(H, W)``: pixels below the line where the floor meets the wall."""
    left, right = eye.to_pixels(np.array([[-1.0, 0.0, WALL], [1.0, 0.0, WALL]]))
    x, y = np.arange(eye.width) + 0.5, np.arange(eye.height) + 0.5
    line = left[1] + (x - left[0]) / (right[0] - left[0]) * (right[1] - left[1])
    return y[:, None] > line[None]


@cache
def _floor() -> F32:
    x, z = _grid(_FLOOR)
    return paved(x, z, 0.6, 0.6, (0.33, 0.29, 0.24)).astype(np.float32)


@cache
def _wall() -> F32:
    x, y = _grid(_BEHIND)
    wall = paved(x + 0.13 * (np.floor(y / 0.16) % 2), y, 0.42, 0.16, (0.50, 0.42, 0.34))
    wall[y < 0.12] *= 0.45
    return wall.astype(np.float32)


def _grid(edges: tuple[float, float, float, float]) -> tuple[Array, Array]:
    left, first, right, last = edges
    columns, rows = round((right - left) / TEXEL), round((last - first) / TEXEL)
    x, y = np.meshgrid(left + (np.arange(columns) + 0.5) * TEXEL, first + (np.arange(rows) + 0.5) * TEXEL)
    return x, y


def paved(u: Array, v: Array, width: float, height: float, colour: tuple[float, float, float]) -> Array:
    """Linear colour ``(..., 3)`` of tiles in slightly different shades with dark joints and speckle that stays with the surface."""
    column, row = np.floor(u / width), np.floor(v / height)
    shade = 0.85 + 0.3 * _hash(column, row)
    speckle = 0.92 + 0.16 * _hash(np.floor(u / 0.02), np.floor(v / 0.02))
    edge = np.minimum(np.minimum(u - column * width, (column + 1.0) * width - u), np.minimum(v - row * height, (row + 1.0) * height - v))
    return np.array(colour) * (shade * speckle * np.where(edge < 0.008, 0.45, 1.0))[..., None]


def _hash(a: Array, b: Array) -> Array:
    wave = np.sin(a * 127.1 + b * 311.7) * 43758.5453
    return wave - np.floor(wave)
