"""What joints of a four-legged animal can do: a quadratic well about a middle pose, and walls where anatomy ends.

Numbers are axis-angle components in radians of SMAL's rest pose (standing, x ahead, y left, z up): written down for the left side,
mirrored for the right. Wells are the means and spreads of the bundled dog gaits (walk, trot, pace, canter), widened for sitting,
lying and jumping; walls are ours, from everyday ranges of motion.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from revision_blender.motion.skeletons import SMAL

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class JointRange:
    """middle, spread: of the well. low, high: the walls."""

    middle: Triple
    spread: Triple
    low: Triple
    high: Triple


_BACK = JointRange((0, 0, 0), (0.05, 0.12, 0.13), (-0.15, -0.4, -0.4), (0.15, 0.4, 0.4))
_TAIL = JointRange((0, 0, 0), (0.1, 0.22, 0.22), (-0.4, -0.6, -0.6), (0.4, 0.6, 0.6))

RANGES: dict[str, JointRange] = {
    "root": JointRange((0, 0, 0), (9, 9, 9), (-9, -9, -9), (9, 9, 9)),
    "pelvis": _BACK,
    "spine": _BACK,
    "spine0": _BACK,
    "spine1": _BACK,
    "spine2": _BACK,
    "spine3": _BACK,
    "front_leg1": JointRange((-0.08, 0.0, -0.1), (0.22, 0.6, 0.2), (-0.8, -1.6, -0.8), (0.6, 1.4, 0.5)),
    "front_leg2": JointRange((0.0, -0.2, 0.0), (0.1, 0.6, 0.1), (-0.3, -2.2, -0.4), (0.3, 0.7, 0.4)),
    "front_leg3": JointRange((0.0, 0.08, 0.05), (0.12, 0.45, 0.12), (-0.4, -0.7, -0.4), (0.4, 1.8, 0.4)),
    "front_foot": JointRange((0.0, 0.25, 0.0), (0.12, 0.5, 0.12), (-0.4, -1.1, -0.4), (0.4, 1.6, 0.4)),
    "neck": JointRange((0, 0.25, 0), (0.2, 0.4, 0.4), (-0.6, -0.9, -1.2), (0.6, 1.2, 1.2)),
    "head": JointRange((0, -0.3, 0), (0.2, 0.35, 0.35), (-0.7, -1.2, -0.9), (0.7, 0.6, 0.9)),
    "back_leg1": JointRange((-0.05, -0.1, 0.0), (0.18, 0.5, 0.15), (-0.5, -1.7, -0.5), (0.7, 1.2, 0.5)),
    "back_leg2": JointRange((0.05, 0.03, 0.0), (0.1, 0.45, 0.08), (-0.3, -0.9, -0.3), (0.4, 1.6, 0.3)),
    "back_leg3": JointRange((-0.1, 0.1, -0.05), (0.12, 0.35, 0.12), (-0.4, -1.6, -0.4), (0.3, 0.9, 0.3)),
    "back_foot": JointRange((0.05, 0.15, 0.0), (0.12, 0.45, 0.12), (-0.4, -1.0, -0.4), (0.4, 1.7, 0.4)),
    "tail1": JointRange((0, 0.15, 0), (0.2, 0.5, 0.4), (-0.6, -0.9, -1.2), (0.6, 2.2, 1.2)),
    "tail": _TAIL,
    "mouth": JointRange((0, 0.05, 0), (0.02, 0.1, 0.02), (-0.1, -0.1, -0.1), (0.1, 0.6, 0.1)),
    "ear": JointRange((0, 0, 0), (0.25, 0.25, 0.25), (-0.9, -0.9, -0.9), (0.9, 0.9, 0.9)),
}
_MIRROR = (-1.0, 1.0, -1.0)
WALL_SPREAD = 0.08


class JointRanges:
    """Energy of axis-angle poses; one row a joint in SMAL's order."""

    def __init__(self) -> None:
        rows = [_row(name) for name in SMAL.names]
        self.middle, self.spread, self.low, self.high = (torch.tensor([row[i] for row in rows]) for i in range(4))

    def well(self, pose: Float[Tensor, "N 35 3"]) -> Float[Tensor, " N"]:
        return ((pose - self.middle) / self.spread).square().sum((-1, -2))

    def walls(self, pose: Float[Tensor, "N 35 3"]) -> Float[Tensor, " N"]:
        beyond = (pose - self.high).clamp(min=0.0) + (self.low - pose).clamp(min=0.0)
        return (beyond / WALL_SPREAD).square().sum((-1, -2))


def _row(name: str) -> tuple[Triple, Triple, Triple, Triple]:
    plain = name.removeprefix("left_").removeprefix("right_")
    limits = RANGES[plain] if plain in RANGES else RANGES["tail"]
    if not name.startswith("right_"):
        return limits.middle, limits.spread, limits.low, limits.high
    low, high = _mirrored(limits.low), _mirrored(limits.high)
    return _mirrored(limits.middle), limits.spread, _each(min, low, high), _each(max, low, high)


def _mirrored(a: Triple) -> Triple:
    return (a[0] * _MIRROR[0], a[1] * _MIRROR[1], a[2] * _MIRROR[2])


def _each(pick, a: Triple, b: Triple) -> Triple:  # noqa: ANN001 - min or max
    return (pick(a[0], b[0]), pick(a[1], b[1]), pick(a[2], b[2]))
