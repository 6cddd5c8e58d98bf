"""How far each joint's rotation can be trusted, from the landmarks that decide it."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import HEAD, index_of
from backend.lifting.people.landmarks import Landmarks
from revision_blender.masks.labels import SMPL_JOINT_NAMES

LEAST = 0.05  # a joint is never worth nothing: the pose prior holds it


def joint_confidence(landmarks: Landmarks) -> Float[NDArray[np.float32], "F 24"]:
    """``(F, 24)`` in [0, 1]: the smallest visibility among the landmarks that a joint's rotation is read from."""
    seen = landmarks.visibility * landmarks.found[:, None]
    columns = [seen[:, _deciding(name)].min(axis=1) for name in SMPL_JOINT_NAMES]
    return np.clip(np.stack(columns, axis=1), LEAST, 1.0).astype(np.float32)


def _deciding(joint: str) -> list[int]:
    side = "left" if joint.startswith("left") else "right"
    of_limb = {
        "hip": ("knee",), "knee": ("knee", "ankle"), "ankle": ("heel", "foot_index"), "foot": ("foot_index",),
        "collar": ("shoulder",), "shoulder": ("elbow",), "elbow": ("elbow", "wrist"), "wrist": ("index", "pinky"), "hand": ("index", "pinky"),
    }  # fmt: skip
    plain = joint.removeprefix("left_").removeprefix("right_")
    if plain in of_limb:
        return [index_of(f"{side}_{name}") for name in of_limb[plain]]
    if plain in ("neck", "head"):
        return list(HEAD)
    return [index_of(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]
