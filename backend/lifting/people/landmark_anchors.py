"""Where MediaPipe's 33 landmarks lie on a body with SMPL's joints.

An anchor is a point that moves rigidly with one joint: a vertex of the shaped body, or the joint itself, plus a small
constant offset. Face, hand and foot anchors are found by geometry in the template, so any body in SMPL's layout will do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import LANDMARK_NAMES, N_LANDMARKS
from revision_blender.masks.labels import FIRST_HUMAN, SMPL_JOINT_NAMES
from revision_blender.motion.bodies.body_model import BodyModel

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Anchors:
    """joint: ``(N,)`` the joint that carries the point. vertex: ``(N,)`` its vertex, -1 where it is the joint itself.

    offset: ``(N, 3)`` metres in the rest pose, added to the vertex or joint.
    """

    joint: NDArray[np.int64]
    vertex: NDArray[np.int64]
    offset: NDArray[np.float32]


# Landmark without its side: the joint it is near, and where from it: metres on the left side (x outward, y up, z forward).
# MediaPipe's points are not SMPL's joints; the differences are least-squares means over ten rendered motions of known pose.
_AT_JOINT: dict[str, tuple[str, tuple[float, float, float]]] = {
    "shoulder": ("shoulder", (0.003, -0.013, 0.007)),
    "elbow": ("elbow", (0.0, 0.0, 0.016)),
    "wrist": ("wrist", (0.008, -0.006, 0.006)),
    "hip": ("hip", (-0.018, -0.003, 0.027)),
    "knee": ("knee", (-0.010, -0.013, 0.001)),
    "ankle": ("ankle", (-0.010, 0.024, 0.007)),
    "index": ("wrist", (0.083, -0.014, 0.020)),
    "pinky": ("wrist", (0.078, -0.006, -0.007)),
    "thumb": ("wrist", (0.060, -0.020, 0.030)),
}

# The same from the vertex that geometry says the landmark is: MediaPipe sees faces a little smaller, ears further forward.
_AT_VERTEX: dict[str, tuple[float, float, float]] = {
    "nose": (0.0, 0.011, -0.026),
    "eye_inner": (-0.004, 0.001, -0.019),
    "eye": (-0.012, 0.005, -0.024),
    "eye_outer": (-0.012, 0.004, -0.022),
    "ear": (-0.037, -0.010, 0.035),
    "mouth": (-0.005, 0.014, -0.018),
    "heel": (0.002, 0.008, 0.018),
    "foot_index": (-0.004, 0.003, -0.037),
}

# Face points from the tip of the nose, metres, on the left side; each is moved to the nearest vertex of the head.
_FROM_NOSE: dict[str, tuple[float, float, float]] = {
    "eye_inner": (0.018, 0.036, -0.025),
    "eye": (0.032, 0.037, -0.027),
    "eye_outer": (0.046, 0.036, -0.035),
    "mouth": (0.025, -0.037, -0.015),
}


def anchors_of(model: BodyModel) -> Anchors:
    """The 33 anchors in MediaPipe's order."""
    joint = np.zeros(N_LANDMARKS, np.int64)
    vertex = np.full(N_LANDMARKS, -1, np.int64)
    offset = np.zeros((N_LANDMARKS, 3), np.float32)
    for index, name in enumerate(LANDMARK_NAMES):
        joint[index], vertex[index], offset[index] = _anchor(model, name)
    return Anchors(joint, vertex, offset)


def _anchor(model: BodyModel, name: str) -> tuple[int, int, Array]:
    side = "left" if "left" in name else "right"
    plain = name.replace("left", "").replace("right", "").strip("_")
    outward: Array = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
    if plain in _AT_JOINT:
        joint_name, offset = _AT_JOINT[plain]
        return _joint(f"{side}_{joint_name}"), -1, np.multiply(outward, offset, dtype=np.float64)
    from_vertex: Array = np.multiply(outward, _AT_VERTEX[plain], dtype=np.float64)
    if plain in ("heel", "foot_index"):
        return *_foot(model, side, plain), from_vertex
    return _joint("head"), _face_vertex(model, plain, outward), from_vertex


def _joint(name: str) -> int:
    return SMPL_JOINT_NAMES.index(name)


def _part(model: BodyModel, *names: str) -> NDArray[np.int64]:
    labels = [FIRST_HUMAN + _joint(name) for name in names]
    return np.flatnonzero(np.isin(model.part_labels, labels))


def _face_vertex(model: BodyModel, plain: str, outward: Array) -> int:
    head = _part(model, "head")
    places = model.v_template[head].astype(float)
    middle = np.abs(places[:, 0]) < 0.02
    nose = np.argmax(np.where(middle, places[:, 2], -np.inf))
    if plain == "nose":
        return int(head[nose])
    if plain == "ear":
        level = np.abs(places[:, 1] - places[nose, 1] - 0.01) < 0.035
        return int(head[np.argmax(np.where(level, places[:, 0] * outward[0], -np.inf))])
    target = places[nose] + np.array(_FROM_NOSE[plain]) * outward
    return int(head[np.argmin(np.linalg.norm(places - target, axis=1))])


def _foot(model: BodyModel, side: str, plain: str) -> tuple[int, int]:
    foot = _part(model, f"{side}_ankle", f"{side}_foot")
    depth = model.v_template[foot, 2]
    if plain == "heel":
        return _joint(f"{side}_ankle"), int(foot[np.argmin(depth)])
    return _joint(f"{side}_foot"), int(foot[np.argmax(depth)])
