"""Where the parts that a user clicks lie on an animal's body: nose, tail, paws, ears, withers, throat.

Found by geometry in the rest pose (x ahead, z up), so that any body in SMAL's layout will do. A keypoint is the mean of a few
vertices, as one clicks on the middle of a paw and not on its edge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_model import BodyModel
from revision_blender.motion.skeletons import SMAL
from revision_blender.motion.subjects import ANIMAL_PARTS

Array = NDArray[np.floating]
Indices = NDArray[np.int64]

_FOOT = {
    "front_left_paw": "left_front_foot",
    "front_right_paw": "right_front_foot",
    "back_left_paw": "left_back_foot",
    "back_right_paw": "right_back_foot",
}
_TIP = 6  # vertices that make a tip
_RING = 16  # vertices about a joint inside the body: their mean is near the joint


@dataclass(frozen=True, eq=False)
class Keypoints:
    """vertices: for each name of ``ANIMAL_PARTS`` the vertices whose mean it is."""

    vertices: tuple[Indices, ...]

    def of(self, points: Array) -> Array:
        """``(..., V, 3)`` vertices to ``(..., K, 3)`` keypoints in the order of ``ANIMAL_PARTS``."""
        return np.stack([points[..., rows, :].mean(axis=-2) for rows in self.vertices], axis=-2)


def keypoints_of(model: BodyModel) -> Keypoints:
    """The keypoints of a body with SMAL's 35 joints."""
    return Keypoints(tuple(_vertices(model, part) for part in ANIMAL_PARTS))


def _vertices(model: BodyModel, part: str) -> Indices:
    if part in _FOOT:
        return _carried(model, _FOOT[part])
    at = dict(zip(SMAL.names, model.joint_template, strict=True))
    under_head = at["head"] - [0.0, 0.0, 0.8 * np.linalg.norm(at["head"] - at["neck"])]
    found = {
        "nose": lambda: _extreme(model, _carried(model, "head", "mouth"), np.array([1.0, 0.0, -0.2])),
        "tail_base": lambda: _nearest(model, np.arange(model.n_vertices), at["tail1"], _RING),
        "tail_tip": lambda: _farthest(model, _carried(model, "tail7"), at["tail5"]),
        "withers": lambda: _extreme(model, _carried(model, "spine2", "spine3"), np.array([0.0, 0.0, 1.0])),
        "throat": lambda: _nearest(model, _carried(model, "neck", "head"), under_head, _TIP),
    }
    return found[part]() if part in found else _farthest(model, _carried(model, part), at[part])


def _carried(model: BodyModel, *joints: str) -> Indices:
    """The vertices that follow one of the joints most."""
    found = np.flatnonzero(np.isin(model.weights.argmax(axis=1), [SMAL.index(name) for name in joints]))
    if found.size:
        return found
    return _nearest(model, np.arange(model.n_vertices), model.joint_template[SMAL.index(joints[0])], _TIP)


def _extreme(model: BodyModel, among: Indices, direction: Array) -> Indices:
    return among[np.argsort(model.v_template[among] @ direction)[-_TIP:]]


def _farthest(model: BodyModel, among: Indices, place: Array) -> Indices:
    return among[np.argsort(np.linalg.norm(model.v_template[among] - place, axis=1))[-_TIP:]]


def _nearest(model: BodyModel, among: Indices, place: Array, count: int) -> Indices:
    return among[np.argsort(np.linalg.norm(model.v_template[among] - place, axis=1))[:count]]
