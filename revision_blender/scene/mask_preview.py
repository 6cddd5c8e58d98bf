"""A small picture of a take's part masks, to look at in the image editor and in the sidebar."""

import bpy
import numpy as np
from numpy.typing import NDArray

_WIDTH = 320
_SHOWN = 4  # frames side by side, from the first to the last


def _hues(n_labels: int) -> NDArray[np.float32]:
    """``(n_labels, 4)`` colours, background black, neighbours in the table far apart (golden-ratio steps round the circle)."""
    angle = (np.arange(n_labels) * 0.618034) % 1.0 * 6.0
    red, green, blue = np.abs(angle - 3.0) - 1.0, 2.0 - np.abs(angle - 2.0), 2.0 - np.abs(angle - 4.0)
    colours = np.stack([red, green, blue, np.ones(n_labels)], axis=1).clip(0.0, 1.0).astype(np.float32)
    colours[:, :3] = 0.25 + 0.7 * colours[:, :3]
    colours[0] = (0.0, 0.0, 0.0, 1.0)
    return colours


def strip_of_frames(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``(F, H, W)`` labels, row 0 top, as one ``(h, w, 4)`` coloured picture of a few frames, row 0 top."""
    chosen = labels[np.unique(np.linspace(0, len(labels) - 1, _SHOWN).round().astype(int))]
    step = max(1, labels.shape[2] // _WIDTH)
    return _hues(256)[np.concatenate(list(chosen[:, ::step, ::step]), axis=1)]


def name_of(take_name: str) -> str:
    return f"ReVision Masks {take_name}"


def show(take_name: str, labels: NDArray[np.uint8]) -> bpy.types.Image:
    """Makes or renews the image ``ReVision Masks <take>``."""
    picture = strip_of_frames(labels)
    height, width = picture.shape[:2]
    image = bpy.data.images.get(name_of(take_name)) or bpy.data.images.new(name_of(take_name), width, height)
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    image.colorspace_settings.name = "Non-Color"
    image.pixels.foreach_set(picture[::-1].ravel())
    image.update()
    image.pack()
    return image
