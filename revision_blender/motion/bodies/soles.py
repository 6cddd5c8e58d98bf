"""Where the soles of a body are: the points that touch the floor."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .body_model import BodyModel, Identity, joints_of, world_rotations

Array = NDArray[np.floating]

ANKLES, FEET = (7, 8), (10, 11)  # SMPL joints
_PARTS = ((8, 7, -1.0), (8, 7, 1.0), (11, 10, 1.0), (9, 8, -1.0), (9, 8, 1.0), (12, 11, 1.0))  # label, joint, towards z
_SOLE = 0.015  # metres over the lowest vertex that still count as sole


@cache
def _sole_vertices(model: BodyModel) -> tuple[int, ...]:
    """Heel, ball and toe of the left foot, then of the right: indices of vertices on the sole."""
    found = []
    for label, _, direction in _PARTS:
        part = np.flatnonzero(model.part_labels == label)
        sole = part[model.v_template[part, 1] < model.v_template[part, 1].min() + _SOLE]
        found.append(int(sole[np.argmax(direction * model.v_template[sole, 2])]))
    return tuple(found)


def sole_points(identity: Identity, rotations: Array, translation: Array) -> Array:
    """``(F, 2, 3, 3)`` world metres: left and right foot; heel, ball, toe of each, rigid with ankle and foot joint.

    rotations: ``(F, 24, 3, 3)`` R_parent_joint. translation: ``(F, 3)`` metres.
    """
    joints = joints_of(identity, rotations, translation)
    world = world_rotations(identity.model.parents, rotations)
    points = [
        joints[:, joint] + world[:, joint] @ (identity.v_shaped[vertex] - identity.joints_rest[joint])
        for vertex, (_, joint, _) in zip(_sole_vertices(identity.model), _PARTS, strict=True)
    ]
    return np.stack(points, axis=1).reshape(len(rotations), 2, 3, 3)
