"""The points of a body's soles that meet the floor: heel, inner ball, outer ball and toe of each foot.

They are vertices of the body itself, chosen on its rest pose (y up, toes to +z), so that contact is judged where skin is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_model import BodyModel

POINT_NAMES = ("heel", "inner_ball", "outer_ball", "toe")
ANKLES = (7, 8)
FEET = (10, 11)

_SOLE = 0.02  # metres over the lowest point of the foot that still count as sole
_HEEL, _BALL_FROM, _BALL_TO, _TOE = 0.15, 0.60, 0.75, 0.90  # shares of the foot's length from behind


@dataclass(frozen=True, eq=False)
class Soles:
    """index: ``(8,)`` vertices, four a foot in the order of ``POINT_NAMES``, left foot first. rest: ``(8,)`` metres.

    rest: height of each point over the lowest one of its foot in the rest pose: what is left under it when the foot stands flat.
    """

    index: NDArray[np.int64]
    rest: NDArray[np.float64]

    @property
    def feet(self) -> NDArray[np.int64]:
        """``(8,)``: 0 for points of the left foot, 1 for the right."""
        return np.repeat(np.arange(2), len(POINT_NAMES))


def soles_of(model: BodyModel) -> Soles:
    """The sole points of a body with SMPL's joints."""
    owner = model.weights.argmax(axis=1)
    sides = [_foot(np.asarray(model.v_template, dtype=np.float64), np.isin(owner, (ANKLES[side], FEET[side]))) for side in range(2)]
    return Soles(np.concatenate([index for index, _ in sides]), np.concatenate([rest for _, rest in sides]))


def _foot(vertices: NDArray[np.float64], member: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    candidates = np.flatnonzero(member)
    low = vertices[candidates, 1].min()
    sole = candidates[vertices[candidates, 1] < low + _SOLE]
    length = vertices[candidates, 2]
    share = (vertices[sole, 2] - length.min()) / np.ptp(length)
    inward = -np.abs(vertices[sole, 0])  # both feet stand beside the body's middle plane x = 0
    zones = (share < _HEEL, (share > _BALL_FROM) & (share < _BALL_TO), (share > _BALL_FROM) & (share < _BALL_TO), share > _TOE)
    side = (np.zeros(len(sole)), -inward, inward, np.zeros(len(sole)))
    chosen = [_lowest(vertices, sole[zone], 0.3 * lean[zone]) for zone, lean in zip(zones, side, strict=True)]
    index = np.array(chosen)
    return index, vertices[index, 1] - low


def _lowest(vertices: NDArray[np.float64], candidates: NDArray[np.int64], lean: NDArray[np.float64]) -> int:
    """The lowest vertex of a zone, leaning to one side of it where ``lean`` says so."""
    return int(candidates[np.argmin(vertices[candidates, 1] + lean)])
