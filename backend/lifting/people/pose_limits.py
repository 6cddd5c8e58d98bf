"""What joints of a person can do: a quadratic well about a middle pose, and walls where anatomy ends.

Numbers are axis-angle components in radians of SMPL's rest pose (T-pose, y up, facing +z): written down for the left side,
mirrored for the right. They are ours, from everyday ranges of motion; nothing is learned or downloaded.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from revision_blender.masks.labels import SMPL_JOINT_NAMES

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class JointRange:
    """middle, spread: of the well. low, high: the walls."""

    middle: Triple
    spread: Triple
    low: Triple
    high: Triple


_STIFF = JointRange((0, 0, 0), (0.02, 0.02, 0.02), (-0.1, -0.1, -0.1), (0.1, 0.1, 0.1))

RANGES: dict[str, JointRange] = {
    "pelvis": JointRange((0, 0, 0), (9, 9, 9), (-9, -9, -9), (9, 9, 9)),
    "hip": JointRange((-0.2, 0, 0.1), (0.8, 0.35, 0.35), (-2.1, -0.8, -0.5), (0.6, 0.8, 1.1)),
    "knee": JointRange((0.3, 0, 0), (0.8, 0.12, 0.08), (0.02, -0.4, -0.2), (2.5, 0.4, 0.2)),
    "ankle": JointRange((0, 0, 0), (0.35, 0.2, 0.2), (-0.6, -0.4, -0.4), (0.9, 0.4, 0.4)),
    "foot": JointRange((0, 0, 0), (0.15, 0.05, 0.05), (-0.7, -0.1, -0.1), (0.3, 0.1, 0.1)),
    "spine1": JointRange((0.05, 0, 0), (0.2, 0.15, 0.15), (-0.35, -0.4, -0.4), (0.6, 0.4, 0.4)),
    "spine2": JointRange((0.05, 0, 0), (0.2, 0.15, 0.15), (-0.35, -0.4, -0.4), (0.6, 0.4, 0.4)),
    "spine3": JointRange((0.0, 0, 0), (0.1, 0.12, 0.1), (-0.3, -0.4, -0.3), (0.4, 0.4, 0.3)),
    "neck": JointRange((0.05, 0, 0), (0.25, 0.3, 0.2), (-0.7, -0.8, -0.5), (0.8, 0.8, 0.5)),
    "head": JointRange((0.05, 0, 0), (0.25, 0.3, 0.2), (-0.7, -0.8, -0.5), (0.8, 0.8, 0.5)),
    "collar": JointRange((0, 0, -0.05), (0.1, 0.15, 0.15), (-0.3, -0.5, -0.4), (0.3, 0.5, 0.5)),
    "shoulder": JointRange((0.1, -0.2, -0.8), (0.7, 0.8, 0.8), (-1.8, -2.2, -1.7), (1.8, 1.3, 1.7)),
    "elbow": JointRange((0, -0.6, 0), (0.5, 0.8, 0.12), (-1.3, -2.6, -0.4), (1.3, -0.02, 0.4)),
    "wrist": JointRange((0, 0, 0), (0.3, 0.25, 0.3), (-0.8, -0.6, -1.0), (0.8, 0.6, 1.0)),
    "hand": _STIFF,
}
_MIRROR = (1.0, -1.0, -1.0)
WALL_SPREAD = 0.08


class PoseLimits:
    """Energy of axis-angle poses; one row a joint in SMPL's order."""

    def __init__(self) -> None:
        rows = [_row(name) for name in SMPL_JOINT_NAMES]
        self.middle, self.spread, self.low, self.high = (torch.tensor([row[i] for row in rows]) for i in range(4))

    def energy(self, pose: Tensor) -> tuple[Tensor, Tensor]:
        """``(F, 24, 3)`` to the well's and the walls' energy, each ``(F,)``."""
        well = ((pose - self.middle) / self.spread).square().sum((-1, -2))
        beyond = (pose - self.high).clamp(min=0.0) + (self.low - pose).clamp(min=0.0)
        return well, (beyond / WALL_SPREAD).square().sum((-1, -2))


def _row(name: str) -> tuple[Triple, Triple, Triple, Triple]:
    limits = RANGES[name.removeprefix("left_").removeprefix("right_")]
    if not name.startswith("right_"):
        return limits.middle, limits.spread, limits.low, limits.high
    middle = _times(limits.middle, _MIRROR)
    low, high = _times(limits.low, _MIRROR), _times(limits.high, _MIRROR)
    return middle, limits.spread, _each(min, low, high), _each(max, low, high)


def _times(a: Triple, b: Triple) -> Triple:
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])


def _each(pick, a: Triple, b: Triple) -> Triple:  # noqa: ANN001 - min or max
    return (pick(a[0], b[0]), pick(a[1], b[1]), pick(a[2], b[2]))
