"""Clip time and scene time. A clip keeps its own rate; keys, pictures and strips are placed by seconds, on subframes.

Frame ``k`` of a clip is at ``k / fps`` seconds and therefore at scene frame ``start + k / fps * scene_fps``. A video shows
picture ``k`` from that moment until the next picture's.
"""

import math

import bpy
import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-4  # of a clip frame: a moment this close before a picture's time counts as that time (rounding in fps ratios)


def scene_fps(scene: bpy.types.Scene) -> float:
    """Frames a second of the scene, ``fps / fps_base`` (23.976 is 24 / 1.001)."""
    return scene.render.fps / scene.render.fps_base


def key_frames(n_frames: int, fps: float, scene_rate: float, start_frame: float) -> NDArray[np.float64]:
    """``(F,)`` scene frames, with fractions, of a clip's frames."""
    return start_frame + np.arange(n_frames) / fps * scene_rate


def whole_frames(frames: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The whole scene frames from the first to the last of ``frames`` ``(F,)``, which are evenly spaced and rise, and the
    clip frame with fraction at each, ``(W,)`` twice. Where none lies inside, the whole frame nearest to the first."""
    first, last = math.ceil(frames[0] - _SLACK), math.floor(frames[-1] + _SLACK)
    whole = np.arange(first, last + 1, dtype=np.float64) if last >= first else np.array([float(round(frames[0]))])
    step = (frames[-1] - frames[0]) / (len(frames) - 1) if len(frames) > 1 else 1.0
    return whole, np.clip((whole - frames[0]) / step, 0.0, len(frames) - 1.0)


def shown_pictures(n_frames: int, fps: float, scene_rate: float, start_frame: float) -> tuple[int, NDArray[np.int64]]:
    """Which picture of a clip shows at each whole scene frame.

    Returns the first whole scene frame at or after the clip's start, and one picture index for it and each following
    frame until the clip's last picture has shown for its full time. Pictures repeat or are skipped as the rates demand.
    """
    first = math.ceil(start_frame - 1e-6)
    end = start_frame + n_frames / fps * scene_rate
    count = max(1, math.ceil(end - 1e-6) - first)
    clip_frames = (first + np.arange(count) - start_frame) / scene_rate * fps
    return first, np.clip(np.floor(clip_frames + _SLACK).astype(np.int64), 0, n_frames - 1)


def split_frame(frame: float) -> tuple[int, float]:
    """A frame with fraction as Blender's ``frame_set`` takes it: whole frame and subframe in [0, 1)."""
    whole = math.floor(frame)
    fraction = frame - whole
    if fraction > 1.0 - 1e-6:
        return whole + 1, 0.0
    return whole, fraction
