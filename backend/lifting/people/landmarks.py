"""Body landmarks and a first person mask on every frame, by MediaPipe Pose.

Two passes see every frame, each picture by itself: as it is, and mirrored. MediaPipe's tracking of the person's box loses a
stroke at 12 frames a second (5 % of the height off in the fastest frame), and its smoothing lags it by several pixels, so
neither is used. Where the passes agree their mean halves the noise; where they do not, the one that fits the neighbouring
frames is taken and trusted less.

Only the model inside the wheel is used (complexity 1): nothing is ever downloaded.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from backend.errors import BackendError, InputError
from backend.lifting.people.landmark_names import MIRROR, N_LANDMARKS
from backend.lifting.people.limb_swaps import unswapped
from backend.lifting.people.two_passes import combined, filled, person_height
from backend.progress import Progress

MIN_SHARE = 0.5  # of the frames must show a person


__all__ = ["Landmarks", "detect_landmarks", "person_height", "refuse_download"]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """MediaPipe's 33 landmarks over ``F`` frames of ``W`` x ``H`` pixels.

    pixels: x, y in pixels. visibility: in [0, 1]; 0 where no person was found. world: metres about the middle of the hips,
    camera axes (x right, y down, z forward). person: first segmentation, 1 on the person. found: a person was seen.
    Frames without a person hold the values of the nearest frames that have one.
    """

    pixels: Float32[NDArray[np.float32], "F 33 2"]
    visibility: Float32[NDArray[np.float32], "F 33"]
    world: Float32[NDArray[np.float32], "F 33 3"]
    person: Float32[NDArray[np.float32], "F H W"]
    found: Bool[NDArray[np.bool_], " F"]

    @property
    def n_frames(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, eq=False)
class _Pass:
    points: NDArray[np.float32]  # (F, 33, 6): x, y, visibility, world x, y, z; NaN where nothing was found
    person: NDArray[np.float32]  # (F, H, W)


def refuse_download(model_path: str) -> None:
    """Stands in for MediaPipe's own downloader."""
    raise BackendError(
        f"MediaPipe wants to download {model_path}; only the model inside its wheel may be used. Reinstall mediapipe 0.10.21."
    )


@contextmanager
def _pose() -> Iterator[Any]:
    os.environ.setdefault("GLOG_minloglevel", "2")
    from mediapipe.python.solutions import download_utils, pose  # late: a second of imports that only a lift needs

    download_utils.download_oss_model = refuse_download
    solution = pose.Pose(
        static_image_mode=True,
        model_complexity=1,
        smooth_landmarks=False,
        enable_segmentation=True,
        smooth_segmentation=False,
        min_detection_confidence=0.4,
    )
    with solution:
        yield solution


def _points_of(result: Any, width: int, height: int) -> NDArray[np.float32]:
    if result.pose_landmarks is None or result.pose_world_landmarks is None:
        return np.full((N_LANDMARKS, 6), np.nan, dtype=np.float32)
    flat = [(p.x * width, p.y * height, p.visibility) for p in result.pose_landmarks.landmark]
    deep = [(p.x, p.y, p.z) for p in result.pose_world_landmarks.landmark]
    return np.concatenate([np.array(flat, np.float32), np.array(deep, np.float32)], axis=1)


def _look(frames: NDArray[np.uint8], mirrored: bool, progress: Progress) -> _Pass:
    count, height, width = frames.shape[:3]
    points = np.full((count, N_LANDMARKS, 6), np.nan, dtype=np.float32)
    person = np.zeros((count, height, width), dtype=np.float32)
    with _pose() as solution:
        for index in progress.each(range(count), count, "Finding the person"):
            picture = np.ascontiguousarray(frames[index, :, ::-1]) if mirrored else frames[index]
            result = solution.process(picture)
            points[index] = _points_of(result, width, height)
            if result.segmentation_mask is not None and np.isfinite(points[index, 0, 0]):
                person[index] = result.segmentation_mask[:, ::-1] if mirrored else result.segmentation_mask
    return _Pass(unswapped(_unmirrored(points, width) if mirrored else points), person)


def _unmirrored(points: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    points = points[:, MIRROR]
    points[..., 0] = width - points[..., 0]
    points[..., 3] = -points[..., 3]
    return points


def _combined(a: _Pass, b: _Pass) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Points ``(F, 33, 6)``, person ``(F, H, W)``, found ``(F,)`` of two passes; an ``InputError`` where too few show a person."""
    found = np.stack([np.isfinite(look.points[:, 0, 0]) for look in (a, b)])
    _require_person(found.any(axis=0))
    both = combined(a.points, b.points)
    weight = found.astype(np.float32) / np.maximum(found.sum(axis=0), 1)
    person = a.person * weight[0, :, None, None] + b.person * weight[1, :, None, None]
    return both.points, person, both.found


def _require_person(found: NDArray[np.bool_]) -> None:
    count, seen = len(found), int(found.sum())
    if seen == 0 and count == 1:
        raise InputError(
            "No person was found in the picture; choose one that shows a whole person, at least a quarter of the picture tall."
        )
    if seen == 0:
        raise InputError(f"No person was found in any of the {count} frames; choose a video that shows a whole person.")
    if seen < MIN_SHARE * count:
        raise InputError(
            f"A person was found in {seen} of {count} frames only; choose a range of the video in which one stays in the picture."
        )


def detect_landmarks(frames: NDArray[np.uint8], progress: Progress) -> Landmarks:
    """Landmarks and segmentation of the most prominent person in ``(F, H, W, 3)`` uint8 sRGB frames.

    Raises ``InputError`` where no frame, or fewer than half of them, shows a person.
    """
    unheard = Progress(lambda _fraction, _words: None, progress.cancelled)
    with ThreadPoolExecutor(1) as second:  # the detector lets go of Python while it looks, so two passes use two cores
        plain_pass = second.submit(_look, frames, mirrored=False, progress=unheard)
        mirrored = _look(frames, mirrored=True, progress=progress)
        points, person, found = _combined(plain_pass.result(), mirrored)
    points = filled(points, found)
    return Landmarks(
        pixels=np.ascontiguousarray(points[..., :2]),
        visibility=np.clip(points[..., 2], 0.0, 1.0),
        world=np.ascontiguousarray(points[..., 3:]),
        person=person,
        found=found,
    )
