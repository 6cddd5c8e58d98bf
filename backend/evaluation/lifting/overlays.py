"""Lifted tracks drawn over their video: projected meshes and things' outlines, to be looked at."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.evaluation.lifting.measures import outlines
from backend.raster.surfaces import N_CONTOUR
from revision_blender.motion.clip import Clip, ObjectTrack

Pictures = UInt8[NDArray[np.uint8], "F H W 3"]
_COLOURS = ((230, 75, 60), (60, 140, 230), (250, 190, 40), (70, 190, 110), (170, 90, 210), (40, 200, 200))


def overlaid(frames: Pictures, clip: Clip, wanted: tuple[int, ...]) -> Pictures:
    """The wanted frames with every track's outline filled half transparent in its own colour, nearer tracks last."""
    pictures = frames[list(wanted)].copy()
    order = sorted(range(len(clip.tracks)), key=lambda number: -_depth(clip, number))
    for number in order:
        colour, track = np.array(_COLOURS[number % len(_COLOURS)], float), clip.tracks[number]
        masks = outlines(track, clip.camera, np.array(wanted))
        for picture, mask, frame in zip(pictures, masks, wanted, strict=True):
            if _confidence(clip, number, frame) > 0.0:
                picture[mask] = np.round(0.45 * picture[mask] + 0.55 * colour)
                _edge(picture, mask, colour)
        if isinstance(track, ObjectTrack):
            _points(pictures, clip, track, wanted)
    return pictures


def strip(pictures: Pictures, height: int = 360) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """Pictures side by side, as high as told."""
    width = round(pictures.shape[2] * height / pictures.shape[1])
    return np.hstack([cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA) for picture in pictures])


def save_jpeg(path: Path, picture: UInt8[NDArray[np.uint8], "h w 3"], most_bytes: int = 150_000) -> None:
    """Writes a picture as finely as fits into ``most_bytes``."""
    for quality in (90, 84, 76, 68, 58, 46, 32):
        data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) <= most_bytes:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _depth(clip: Clip, number: int) -> float:
    track = clip.tracks[number]
    points = track.points[:, -1] if isinstance(track, ObjectTrack) else track.translation
    return float(clip.camera.to_camera(points[:, None])[..., 2].mean())


def _confidence(clip: Clip, number: int, frame: int) -> float:
    return float(np.max(clip.tracks[number].confidence[frame]))


def _edge(picture: NDArray[np.uint8], mask: NDArray[np.bool_], colour: NDArray[np.floating]) -> None:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, tuple(float(v) for v in colour), 2, cv2.LINE_AA)


def _points(pictures: Pictures, clip: Clip, track: ObjectTrack, wanted: tuple[int, ...]) -> None:
    pixels, _ = clip.camera.project(track.points)
    for picture, frame in zip(pictures, wanted, strict=True):
        if track.confidence[frame] > 0.0:
            for row, point in enumerate(pixels[frame]):
                cv2.circle(picture, (int(point[0]), int(point[1])), 3 if row < N_CONTOUR else 4, (255, 255, 255), -1, cv2.LINE_AA)
