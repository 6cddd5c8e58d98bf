"""A small picture of a take's part masks, to look at in the image editor and in the sidebar."""

import bpy
import numpy as np
from numpy.typing import NDArray

_SIDE = 160  # pixels of one frame in the picture
_SHOWN = 4  # frames in two rows, from the first to the last


def _hues(n_labels: int) -> NDArray[np.float32]:
    """``(n_labels, 4)`` colours, background black, neighbours in the table far apart (golden-ratio steps round the circle)."""
    angle = (np.arange(n_labels) * 0.618034) % 1.0 * 6.0
    red, green, blue = np.abs(angle - 3.0) - 1.0, 2.0 - np.abs(angle - 2.0), 2.0 - np.abs(angle - 4.0)
    colours = np.stack([red, green, blue, np.ones(n_labels)], axis=1).clip(0.0, 1.0).astype(np.float32)
    colours[:, :3] = 0.25 + 0.7 * colours[:, :3]
    colours[0] = (0.0, 0.0, 0.0, 1.0)
    return colours


def _square(labels: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns of a square around all that is labelled in ``(F, H, W)``, as far as the picture reaches."""
    rows, columns = (np.flatnonzero(labels.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    if len(rows) == 0:
        return slice(None), slice(None)
    half = max(rows[-1] - rows[0], columns[-1] - columns[0]) // 2 + 4
    middle = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    return slice(max(0, middle[0] - half), middle[0] + half), slice(max(0, middle[1] - half), middle[1] + half)


def mosaic(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``(F, H, W)`` labels, row 0 top, as one ``(2 S, 2 S, 4)`` coloured picture of four frames, row 0 top."""
    chosen = labels[np.linspace(0, len(labels) - 1, _SHOWN).round().astype(int)]
    cut = chosen[(slice(None), *_square(chosen))]
    side = max(cut.shape[1:])
    # nearest pixels: labels have no values between
    index = (np.arange(_SIDE) + 0.5) * side / _SIDE
    padded = np.zeros((_SHOWN, side, side), np.uint8)
    padded[:, : cut.shape[1], : cut.shape[2]] = cut
    small = padded[:, index.astype(int)][:, :, index.astype(int)]
    return _hues(256)[small.reshape(2, 2, _SIDE, _SIDE).transpose(0, 2, 1, 3).reshape(2 * _SIDE, 2 * _SIDE)]


def name_of(take_name: str) -> str:
    return f"ReVision Masks {take_name}"


def show(take_name: str, labels: NDArray[np.uint8]) -> bpy.types.Image:
    """Makes or renews the image ``ReVision Masks <take>``."""
    picture = mosaic(labels)
    height, width = picture.shape[:2]
    image = bpy.data.images.get(name_of(take_name)) or bpy.data.images.new(name_of(take_name), width, height)
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    image.colorspace_settings.name = "Non-Color"
    image.pixels.foreach_set(picture[::-1].ravel())
    image.update()
    image.pack()
    return image
