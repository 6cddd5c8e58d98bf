"""MediaPipe Pose's 33 landmarks: order, left-right mirror, and the bones between them."""

import numpy as np

LANDMARK_NAMES: tuple[str, ...] = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel",
    "left_foot_index", "right_foot_index",
)  # fmt: skip

N_LANDMARKS = len(LANDMARK_NAMES)


def index_of(name: str) -> int:
    """Place of a landmark in MediaPipe's order; KeyError for a name that does not exist."""
    if name not in LANDMARK_NAMES:
        raise KeyError(name)
    return LANDMARK_NAMES.index(name)


def _mirrored(name: str) -> str:
    return name.replace("left", "@").replace("right", "left").replace("@", "right")


MIRROR = np.array([index_of(_mirrored(name)) for name in LANDMARK_NAMES])

HEAD = tuple(range(11))

# (start, end) of the limbs' and the trunk's bones: what is compared with MediaPipe's own 3D directions.
BONES: tuple[tuple[int, int], ...] = (
    *((index_of(f"{side}_{start}"), index_of(f"{side}_{end}"))
    for side in ("left", "right")
    for start, end in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("heel", "foot_index"), ("hip", "shoulder"),
        ("wrist", "index"),
    )),
    (index_of("left_hip"), index_of("right_hip")),
    (index_of("left_shoulder"), index_of("right_shoulder")),
    (index_of("left_ear"), index_of("right_ear")),
)  # fmt: skip
