"""How far each joint's rotation can be trusted, from the landmarks that decide it."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.lifting.people.landmark_names import HEAD, index_of
from backend.lifting.people.landmarks import Landmarks
from revision_blender.masks.labels import SMPL_JOINT_NAMES

APART_HALVES = 0.06  # of the height: passes this far apart halve the trust
HIDDEN = 0.15  # what is left of the trust in a landmark behind somebody or something
SHARP_SHARE, BLURRED = 0.25, 0.4  # of a limb's usual detail: below it the picture is blurred; what blur leaves of the trust at worst
LEAST_DETAIL = 30.0  # of 8-bit second differences, squared: less is no detail
LEAST = 0.05  # a joint is never worth nothing: the pose prior holds it


def joint_confidence(landmarks: Landmarks) -> Float[NDArray[np.float32], "F 24"]:
    """``(F, 24)`` in [0, 1]: the smallest visibility among the landmarks that a joint's rotation is read from."""
    return confidence_of(landmarks.visibility * landmarks.found[:, None])


def confidence_of(trust: Float[NDArray[np.floating], "F 33"]) -> Float[NDArray[np.float32], "F 24"]:
    """From how far each landmark is trusted, in [0, 1]."""
    columns = [trust[:, _deciding(name)].min(axis=1) for name in SMPL_JOINT_NAMES]
    return np.clip(np.stack(columns, axis=1), LEAST, 1.0).astype(np.float32)


def landmark_trust(
    landmarks: Landmarks,
    apart: Float[NDArray[np.floating], "F 33"],
    blocked: UInt8[NDArray[np.uint8], "F H W"] | None,
    sharpness: Float[NDArray[np.floating], "F 33"] | None = None,
    hidden: float = HIDDEN,
) -> Float[NDArray[np.float32], "F 33"]:
    """How far each landmark is trusted: visibility, less where the passes disagree, where something stands before it, where the
    picture is blurred.

    apart: of the person's height. blocked: 255 on pixels that show somebody or something else. sharpness: in [0, 1].
    hidden: what is left of the trust in a landmark behind something.
    """
    trust = landmarks.visibility * landmarks.found[:, None]
    trust = trust / (1.0 + (apart / APART_HALVES) ** 2)
    if blocked is not None:
        trust = np.where(_inside(blocked, landmarks.pixels), hidden * trust, trust)
    if sharpness is not None:
        trust = trust * sharpness
    return np.clip(trust, 0.0, 1.0).astype(np.float32)


def _inside(masks: NDArray[np.uint8], pixels: NDArray[np.floating]) -> NDArray[np.bool_]:
    """``(F, 33)`` where the points lie on a mask; beyond the picture they do not."""
    frames, height, width = masks.shape
    places = np.floor(pixels).astype(int)
    within = ((places >= 0) & (places < [width, height])).all(axis=-1)
    clipped = np.clip(places, 0, [width - 1, height - 1])
    return within & (masks[np.arange(frames)[:, None], clipped[..., 1], clipped[..., 0]] > 0)


def local_sharpness(
    frames: UInt8[NDArray[np.uint8], "F H W 3"], pixels: Float[NDArray[np.floating], "F 33 2"]
) -> Float[NDArray[np.float32], "F 33"]:
    """``(F, 33)`` in [``BLURRED``, 1]: how sharp the picture is about each landmark, against the same landmark in the other frames.

    Motion blur takes the fine detail that the same limb shows elsewhere; where a limb never shows any, nothing is known.
    """
    extent = float(np.median(np.ptp(pixels, axis=1).max(axis=-1)))
    radius = int(np.clip(0.04 * extent, 4, 24))
    detail = np.stack([[_detail(frame, x, y, radius) for x, y in points] for frame, points in zip(frames, pixels, strict=True)])
    known = np.isfinite(detail)
    usual = np.array([np.median(column[inside]) if inside.any() else np.nan for column, inside in zip(detail.T, known.T, strict=True)])
    share = np.where(known, (detail + LEAST_DETAIL) / (usual + LEAST_DETAIL), 1.0)
    return np.clip(share / SHARP_SHARE, BLURRED, 1.0).astype(np.float32)


def _detail(frame: NDArray[np.uint8], x: float, y: float, radius: int) -> float:
    """The variance of the second differences about a point; NaN where it lies beyond the picture."""
    height, width = frame.shape[:2]
    left, top, right, bottom = max(int(x) - radius, 0), max(int(y) - radius, 0), min(int(x) + radius, width), min(int(y) + radius, height)
    if right - left < 4 or bottom - top < 4:
        return float("nan")
    gray = cv2.cvtColor(np.ascontiguousarray(frame[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_32F).var())


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
