"""What the figures of truth scenes wear: linear colours of points of the rest pose, fine enough for detectors made for photographs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revision_blender.masks.labels import ANIMAL_PART_NAMES, FIRST_ANIMAL

Array = NDArray[np.floating]
Labels = NDArray[np.uint8]
Colour = tuple[float, float, float]

SKIN, HAIR, TROUSERS, SHOE = (0.72, 0.50, 0.38), (0.10, 0.065, 0.045), (0.13, 0.16, 0.27), (0.12, 0.11, 0.11)
SHIRT_LABELS, LEG_LABELS, FOOT_LABELS = (4, 7, 10, 14, 15, 17, 18), (1, 2, 3, 5, 6), (8, 9, 11, 12)


@dataclass(frozen=True)
class Clothes:
    """sRGB in [0, 1]."""

    shirt: Colour
    trousers: Colour = TROUSERS
    hair: Colour = HAIR
    skin: Colour = SKIN

    def colours(self, labels: Labels, rest: Array) -> Array:
        """Linear colour ``(N, 3)`` of points ``(N, 3)`` of the resting open human by part label: clothes, hair and a painted face."""
        colours = np.tile(np.array(self.skin) ** 2.2, (len(labels), 1))
        x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
        for parts, colour in ((SHIRT_LABELS, self.shirt), (LEG_LABELS, self.trousers), (FOOT_LABELS, SHOE)):
            colours[np.isin(labels, parts)] = np.array(colour) ** 2.2
        colours[np.isin(labels, (17, 18)) & (x > 0.37)] = np.array(self.skin) ** 2.2
        colours[np.isin(labels, SHIRT_LABELS) & (np.floor(y / 0.04) % 4 == 0)] *= 0.6
        hair = np.array(self.hair) ** 2.2
        head = labels == 16
        front = head & (z > 0.11)
        colours[head & (y - 0.704 > 1.25 * (z - 0.128))] = hair
        colours[front & (((x - 0.033) / 0.021) ** 2 + ((y - 0.6655) / 0.005) ** 2 < 1.0)] = hair
        colours[front & (((x - 0.0305) / 0.015) ** 2 + ((y - 0.639) / 0.007) ** 2 < 1.0)] = 0.75
        colours[front & (((x - 0.0305) / 0.0065) ** 2 + ((y - 0.639) / 0.0065) ** 2 < 1.0)] = 0.02
        colours[front & ((x / 0.026) ** 2 + ((y - 0.5655) / 0.008) ** 2 < 1.0)] = (0.30, 0.06, 0.05)
        return colours


@dataclass(frozen=True)
class Coat:
    """fur, marks: sRGB in [0, 1]; the marks are socks, chest, muzzle and the tail's tip."""

    fur: Colour
    marks: Colour

    def colours(self, labels: Labels, rest: Array) -> Array:
        """Linear colour ``(N, 3)`` of points ``(N, 3)`` of the resting open quadruped (x ahead, z up) by part label."""
        strands = 0.85 + 0.3 * np.modf(np.abs(np.sin(rest @ np.array([[311.7], [127.1], [74.7]]))[:, 0] * 437.585))[0]
        colours = np.tile(np.array(self.fur) ** 2.2, (len(labels), 1))
        lower = [FIRST_ANIMAL + row for row, name in enumerate(ANIMAL_PART_NAMES) if name.endswith("lower")]
        marked = np.isin(labels, lower) & (rest[:, 2] < -0.36)
        marked |= (labels == FIRST_ANIMAL) & (rest[:, 0] > 0.5)
        marked |= (labels == _part("mouth")) | ((labels == _part("tail")) & (rest[:, 0] < -0.24))
        colours[marked] = np.array(self.marks) ** 2.2
        eyes = (np.isin(labels, (_part("head"), _part("mouth")))) & _near(rest, (0.735, 0.045, 0.155), 0.014)
        nose = rest[:, 0] > 0.84
        colours[eyes | nose] = 0.012
        return colours * strands[:, None]


@dataclass(frozen=True)
class Paint:
    """A thing of two colours, sRGB: sides of a box by turns with a stripe, or a ball's panels."""

    first: Colour
    second: Colour

    def colours(self, labels: Labels, rest: Array) -> Array:
        """Linear colour ``(N, 3)`` of points whose rest place is in [-0.5, 0.5]^3."""
        side = np.abs(rest).argmax(axis=1)
        second = np.where(side == 0, np.abs(rest[:, 1]) < 0.12, (side == 2) ^ (np.abs(rest[:, 0]) < 0.12))
        return np.where(second[:, None], np.array(self.second) ** 2.2, np.array(self.first) ** 2.2)


def _part(name: str) -> int:
    return FIRST_ANIMAL + ANIMAL_PART_NAMES.index(name)


def _near(rest: Array, place: Colour, radius: float) -> NDArray[np.bool_]:
    mirrored = rest * [1.0, np.nan, 1.0]
    mirrored[:, 1] = np.abs(rest[:, 1])
    return np.linalg.norm(mirrored - np.array(place), axis=1) < radius
