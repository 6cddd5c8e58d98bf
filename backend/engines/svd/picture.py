"""The picture on the model's canvas: scaled down to what the model was made for, edges repeated up to whole cells, never stretched."""

import cv2
import numpy as np
from numpy.typing import NDArray

from revision_blender.video_model.canvas import Canvas

Picture = NDArray[np.uint8]  # (H, W, 3)
Video = NDArray[np.uint8]  # (F, H, W, 3)
Maps = NDArray[np.uint8]  # (F, H, W)


def on_canvas(picture: Picture, canvas: Canvas) -> Picture:
    """``(height, width, 3)`` of the canvas; what lies beside the picture repeats its edge."""
    left, top, width, height = canvas.content
    if picture.shape[:2] != (height, width):
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    right, below = canvas.width - left - width, canvas.height - top - height
    return np.pad(picture, ((top, below), (left, right), (0, 0)), mode="edge")


def video_on_canvas(video: Video, canvas: Canvas) -> Video:
    """Every frame as ``on_canvas``."""
    return np.stack([on_canvas(frame, canvas) for frame in video])


def maps_on_canvas(maps: Maps, canvas: Canvas, detail: int) -> Maps:
    """Label or confidence images, nearest pixel, 0 beside the picture. Returns ``(F, height * detail, width * detail)``.

    detail: more than 1 where the maps are finer than the canvas, so that small parts are still there when cells are counted.
    """
    left, top, width, height = (detail * length for length in canvas.content)
    rows = (2 * np.arange(height) + 1) * maps.shape[1] // (2 * height)
    columns = (2 * np.arange(width) + 1) * maps.shape[2] // (2 * width)
    placed = np.zeros((len(maps), canvas.height * detail, canvas.width * detail), np.uint8)
    placed[:, top : top + height, left : left + width] = maps[:, rows[:, None], columns[None, :]]
    return placed


def detail_for(maps: Maps, canvas: Canvas) -> int:
    """How many times finer the maps are than the canvas; at most 8."""
    return int(np.clip(round(maps.shape[1] / canvas.content[3]), 1, 8))


def off_canvas(video: Video, canvas: Canvas) -> Video:
    """The model's frames without the padding, at the picture's own size."""
    left, top, width, height = canvas.content
    inner = video[:, top : top + height, left : left + width]
    if canvas.picture == (width, height):
        return np.ascontiguousarray(inner)
    return np.stack([cv2.resize(frame, canvas.picture, interpolation=cv2.INTER_CUBIC) for frame in inner]).astype(np.uint8, copy=False)


def cells_off_canvas(cells: Video, canvas: Canvas, factor: int) -> Video:
    """A preview of one pixel a cell, without the cells that are padding alone."""
    left, top, width, height = canvas.content
    rows = slice(top // factor, -(-(top + height) // factor))
    return cells[:, rows, left // factor : -(-(left + width) // factor)]
