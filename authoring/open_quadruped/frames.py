"""Where the head is: its own axes, and points given in head lengths."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .animals import Animal

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeadFrame:
    """origin: the occiput. along: towards the nose. up: across it in the middle plane. length: a head length."""

    origin: Array
    along: Array
    up: Array
    length: float

    def points(self, along: Array, up: Array, out: Array) -> Array:
        """``(..., 3)`` from coordinates in head lengths, each ``(...)``."""
        side = np.array([0.0, 1.0, 0.0])
        return self.origin + self.length * (
            np.asarray(along)[..., None] * self.along + np.asarray(up)[..., None] * self.up + np.asarray(out)[..., None] * side
        )

    def direction(self, along: float, out: float, up: float) -> Array:
        """``(3,)`` unit vector."""
        found = along * self.along + up * self.up + np.array([0.0, out, 0.0])
        return found / np.linalg.norm(found)


def head_frame(a: Animal) -> HeadFrame:
    x, z, pitch, length = a.head
    along = np.array([np.cos(pitch), 0.0, np.sin(pitch)])
    return HeadFrame(np.array([x, 0.0, z]), along, np.array([-np.sin(pitch), 0.0, np.cos(pitch)]), float(length))
